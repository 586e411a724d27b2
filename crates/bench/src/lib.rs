//! Benchmarks: micro, load over loopback, and queries over ten million events.

pub mod history;
pub mod load;
pub mod stores;
