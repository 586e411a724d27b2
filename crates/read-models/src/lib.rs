//! The read models held in process: what every event adds to them, and the answers drawn from them.
//!
//! ```text
//! Fact ──intern──▶ Row ──▶ HourRows          every event, 20 bytes, ordered by time: listings and the edges of ranges
//!                   └────▶ Series ▶ Cell     count and set of visitors per hour, day, 8 days and 64 days,
//!                                            for everyone, for each event type and for each page
//! ```
//!
//! A range is answered from as few cells as cover its whole hours, and from the rows of the hours that it cuts. So an
//! answer is exact for any bounds, and its cost doesn't grow with the number of events.
//!
//! Nothing here locks, waits or reads a clock: [`ReadModels`] is a value that a store changes and asks. What it holds
//! is a function of the log alone, so it can be thrown away and built again.

mod bulk;
mod coded;
mod compare;
mod domains;
mod erase;
mod growth;
mod identities;
mod interner;
mod list;
mod models;
mod queries;
mod rows;
mod series;
mod visitors;
mod windows;

pub use bulk::BulkLoader;
pub use coded::{Coded, CodedRow};
pub use identities::{BYTES_PER_IDENTITY, Identities};
pub use interner::Interner;
pub use models::{Fact, ReadModels};
pub use rows::{HourRows, Location};
