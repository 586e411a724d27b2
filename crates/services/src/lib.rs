//! Decisions above the ports: what becomes of a posted body, how events go out again, event types that bring a JSON Schema,
//! when jobs are due, and which answers may be used again.

mod answers;
pub mod export;
mod ingest;
mod ingest_stats;
pub mod live;
mod memberships;
mod schedule;
mod schema;
mod segment_counts;
mod tiered;
mod turns;

pub use answers::{Answer, AnswerStats, Answers, Question};
pub use ingest::{BatchReport, Ingest, IngestError, Item, Limits, Rejected, Verdict};
pub use ingest_stats::IngestStats;
pub use memberships::{JoinedItem, MembershipReport, Memberships, RejectedMembership};
pub use schedule::Schedule;
pub use schema::{TypesFileError, read_types};
pub use segment_counts::SegmentSnapshots;
pub use tiered::TieredSnapshots;
