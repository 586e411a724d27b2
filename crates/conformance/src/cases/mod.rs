//! The cases. Each is given a store without events, snapshots or values, and fails by panicking.

#![expect(clippy::missing_panics_doc, reason = "panicking is how a case tells that a store failed it")]

pub mod append;
pub mod cache;
pub mod concurrency;
pub mod domains;
pub mod erase;
pub mod figures;
pub mod listing;
pub mod metrics;
pub mod restart;
pub mod segments;
pub mod snapshots;
pub mod spans;
pub mod verify;
pub mod volume;
