//! Decisions above the ports: what becomes of a posted body, how events go out again, and event types that bring a JSON
//! Schema.

pub mod export;
mod ingest;
mod schema;

pub use ingest::{BatchReport, Ingest, IngestError, Item, Limits, Rejected, Verdict};
pub use schema::{TypesFileError, read_types};
