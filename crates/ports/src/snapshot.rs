use std::sync::Arc;

use async_trait::async_trait;
use footfall_domain::time::Timestamp;

use crate::StoreError;

/// Something that was worked out at a time, and is handed on as it was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snapshot {
    /// When it was worked out. Of two of one name the later one counts.
    pub taken_at: Timestamp,
    /// What it holds: bytes that mean something to whoever put them.
    pub bytes: Arc<[u8]>,
}

/// What stands under a name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Found {
    /// Nothing was put yet.
    Nothing,
    /// The one that the caller has already.
    Unchanged,
    /// Another one.
    Snapshot(Snapshot),
}

/// Keeps the latest snapshot of each name, shared by all instances that share the store.
#[async_trait]
pub trait SnapshotStore: Send + Sync {
    /// The snapshot of that name, less its bytes when it is the one taken at `known`. What was put before this was asked,
    /// by whichever instance, is seen.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't tell.
    async fn snapshot(&self, name: &str, known: Option<Timestamp>) -> Result<Found, StoreError>;

    /// Keeps the snapshot, unless the one that stands was taken later or at the same time. Putting it again is safe.
    ///
    /// A name has at most 64 bytes, a snapshot at most [`SNAPSHOT_BYTES_MAX`].
    ///
    /// # Errors
    /// [`StoreError`]; it may have been kept or not.
    async fn put_snapshot(&self, name: &str, snapshot: Snapshot) -> Result<(), StoreError>;
}

/// Most bytes of a snapshot.
pub const SNAPSHOT_BYTES_MAX: usize = 64 << 20;
