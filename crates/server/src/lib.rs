//! The footfall binary: configuration, commands and the composition root.
