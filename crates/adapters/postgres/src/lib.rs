//! The postgres backend: a log in a database that many instances share, and read models in each of them.
//!
//! ```text
//! append ─▶ Queue ─▶ a lane's task: one statement a commit (identities, blocks, the lane's end) ─▶ answer
//!                          │ own groups
//!                          ▼
//! question ─▶ catch up: how far are all lanes? ─▶ own groups, others' blocks ─▶ ReadModels ─▶ answer
//!                          ▲
//!                    maintenance, on one instance at a time: runs with checkpoints, retention, unfinished erasures
//! ```
//!
//! A *lane* is a stream that one task of one instance appends to at a time, so that its events have consecutive numbers and
//! nobody waits for anybody else's. A *position* is a lane and a number in it. What was committed is in every answer that is
//! asked for afterwards, on whichever instance, because an answer begins by asking the database how far the lanes are.

mod append;
mod bring_up;
mod commit;
mod connect;
mod erase;
mod error;
mod lane;
mod lease;
mod load;
mod maintain;
mod merge;
mod metrics;
mod migrate;
mod ports;
mod read;
mod retain;
mod segments;
mod snapshots;
mod statements;
mod store;
mod tail;
mod tls;
mod verify;

pub use connect::{ConnectOptions, UrlError};
pub use error::OpenError;
pub use store::{PostgresOptions, PostgresStore};
