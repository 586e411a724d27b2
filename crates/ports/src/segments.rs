use async_trait::async_trait;
use footfall_domain::membership::{Joined, Membership};
use footfall_domain::time::Timestamp;

use crate::StoreError;

/// Most segments that [`Segments::segment_counts`] tells of: the largest.
pub const SEGMENTS_TOLD_MAX: usize = 100_000;

/// How long a membership that has ended is known at least, in seconds: until then adding it again renews it. (One that was
/// added when it had ended already may be forgotten sooner.)
pub const ENDED_KNOWN_S: i64 = 24 * 3_600;

/// How many users are in each segment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SegmentCounts {
    /// When they were counted. Of two counts of one store, on whichever instances, the later one has the later time.
    pub taken_at: Timestamp,
    /// Each segment that has users, with how many: the largest first, ties by the bytes of the title.
    pub counts: Vec<(String, u64)>,
}

/// Which users are in which segments, and until when.
///
/// A membership is in force at `now` while its expiry is a later second than the one that `now` falls into.
#[async_trait]
pub trait Segments: Send + Sync {
    /// Puts users in segments, or changes until when they are there, and says of each, in order, what it was. All of it is
    /// stored, as durably as the backend promises, or none. Of several for one user and segment the last one counts, and
    /// all but the first are renewals. Sending it again is safe.
    ///
    /// # Errors
    /// [`StoreError`]; after [`StoreError::Full`] nothing was stored, after others it may have been.
    async fn join(&self, memberships: Vec<Membership>) -> Result<Vec<Joined>, StoreError>;

    /// Counts the users of all segments. It costs by segments, and by what expired since it was done last, not by users.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't tell.
    async fn segment_counts(&self, now: Timestamp) -> Result<SegmentCounts, StoreError>;

    /// Counts the users of one segment; 0 of one never seen. Every membership acknowledged before this was asked counts.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't tell.
    async fn segment_count(&self, title: String, now: Timestamp) -> Result<u64, StoreError>;

    /// Forgets memberships that ended more than [`ENDED_KNOWN_S`] ago, some at a time. Says how many.
    ///
    /// # Errors
    /// [`StoreError`]; some may be forgotten then.
    async fn forget_ended(&self, now: Timestamp) -> Result<u64, StoreError>;
}
