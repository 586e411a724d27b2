//! Benchmarks: micro, load over loopback, queries over ten million events, and mails, segments and users' activity at size.

pub mod history;
pub mod load;
pub mod people;
pub mod soak;
pub mod stores;
