//! The forms in which durable stores keep events. Pure: bytes in, bytes out. Where the bytes are kept, and when, is for the
//! stores.
//!
//! Each event has a number, its *ordinal*, that never changes. A [block](block) holds the records of some events that follow
//! each other, and is the truth about them. A [checkpoint](checkpoint) holds what the read models need to know of a run of
//! events, in columns: it is drawn from blocks, and can be again.

pub mod block;
pub mod checkpoint;
mod columns;
mod damage;
pub mod group;
mod names;
mod packing;

pub use damage::Damage;
