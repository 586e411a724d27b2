//! Snapshots and a cache in a Redis that instances share, and nothing that the service can't do without: everything here
//! may be lost at any time.
//!
//! ```text
//! SnapshotStore, Cache, Health ─▶ Link ─▶ a task for each command, within 200 ms ─▶ one connection
//!                                  │ circuit open: fails at once                         ▲
//!                                  └─ the keeper: the only one that connects ────────────┘
//! ```
//!
//! Redis being slow or away costs a caller the command's limit once; then the circuit is open, and nobody waits until the
//! keeper has had an answer again.

mod backoff;
mod bulk;
mod connect;
mod error;
mod feed;
mod link;
mod ports;
mod scripts;
mod stats;
mod store;

pub use connect::{CONNECT_LIMIT, UrlError};
pub use feed::RedisFeed;
pub use link::{COMMAND_LIMIT, IN_FLIGHT_MAX};
pub use stats::RedisStats;
pub use store::{RedisOptions, RedisStore};
