//! What Footfall needs from the outside, as traits: a log that keeps events, analytics that answer from it, a clock and
//! a source of identities. Adapters implement them; nothing here names a driver, a runtime or a protocol.

mod analytics;
mod cache;
mod domains;
mod error;
mod event_log;
mod health;
mod histogram;
mod live_feed;
mod measured;
mod segments;
mod snapshot;
mod spans;
mod store;
mod time;
mod user_metrics;

pub use analytics::{Analytics, DIFFERENCES_MAX, Version};
pub use cache::{CACHE_KEY_BYTES_MAX, CACHED_BYTES_MAX, Cache};
pub use domains::Domains;
pub use error::StoreError;
pub use event_log::{EventLog, Outcome};
pub use health::{DependencyState, Health};
pub use histogram::{Distribution, Histogram, TIME_BOUNDS_US};
pub use live_feed::{Accepted, Carried, LiveFeed};
pub use measured::{Measured, PoolStats, StoreCounters, StoreStats, Waiting};
pub use segments::{ENDED_KNOWN_S, SEGMENTS_TOLD_MAX, SegmentCounts, Segments};
pub use snapshot::{Found, SNAPSHOT_BYTES_MAX, Snapshot, SnapshotStore};
pub use spans::{FLUSH_SPAN, SPANS};
pub use store::Store;
pub use time::{Clock, EventIds};
pub use user_metrics::{MetricPosition, UserMetrics};
