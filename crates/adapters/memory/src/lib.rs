//! The memory backend: everything in process, nothing on disk, and so gone with the process.
//!
//! ```text
//! append ─▶ Shard 0..15 (a mutex each): identities + log + what is not folded yet
//!                 │ settle: by the maintenance thread, or by whoever asks first
//!                 ▼
//!           ReadModels (one reader-writer lock): answers
//! ```
//!
//! An append takes one shard's lock for each event's identity and nothing else, so ingestion never waits for a question
//! or for a structure of the read models to grow. A question first settles: it folds what was appended before it, so it
//! sees every acknowledged event. All memory is counted against one bound; at the bound appends are refused.
//!
//! Beside it, and apart from it: [`InProcessCache`] and [`InProcessSnapshots`], for whoever has no Redis.

mod budget;
mod cache;
mod erased;
mod log;
mod metrics;
mod ports;
mod removal;
mod segments;
mod shard;
mod snapshots;
mod store;
#[cfg(test)]
mod tests;
mod verify;

pub use cache::{CACHE_BYTES_DEFAULT, InProcessCache};
pub use snapshots::InProcessSnapshots;
pub use store::{MemoryOptions, MemoryStore};
