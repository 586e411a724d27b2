//! The commands of the binary, one module each, and what they share.

pub mod client;
pub mod import;
