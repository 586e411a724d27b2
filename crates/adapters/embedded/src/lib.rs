//! The embedded backend: one folder, nothing to install, and nothing lost.
//!
//! ```text
//! append ─▶ Queue ─▶ commit thread: deduplicate, block, sync ─▶ answer
//!                          │ fresh
//!                          ▼
//!                    ReadModels  ◀── fold: by the keeper, or by whoever asks first
//!                          │ folded
//!                          ▼
//!                    keeper thread: runs of blocks, compressed, each with a checkpoint; retention; erasing
//! ```
//!
//! Events are numbered in the order of their arrival. The database keeps them in blocks by that number, and of every run
//! of some ten thousands a checkpoint: what the read models and the deduplication index need of them. A start takes the
//! checkpoints in and replays only what came after the last one. Blocks are the truth: a checkpoint that isn't sound is
//! drawn again from them.

mod backup;
mod cache;
mod commit;
mod database;
mod disk;
mod erase;
mod fold;
mod folder;
mod index;
mod keep;
mod load;
mod people;
mod ports;
mod read;
mod retain;
mod segments;
mod store;
mod trouble;
mod verify;

pub use backup::{BackupError, back_up};
pub use store::{EmbeddedOptions, EmbeddedStore, OpenError, Sync};
