//! The snapshot of the segments' counts: taken on a schedule, shared by all instances, served as it was taken.

use std::sync::{Arc, Mutex, PoisonError};

use footfall_domain::time::Timestamp;
use footfall_ports::{Clock, Found, SEGMENTS_TOLD_MAX, Segments, Snapshot, SnapshotStore, StoreError};
use serde::Serialize;

use crate::turns::Turns;

/// Most bytes of the snapshot: what clients still take in one piece.
const BYTES_MAX: usize = 16 << 20;
/// The name under which the snapshot is kept.
const NAME: &str = "segments";

/// Serves the snapshot, and takes it.
pub struct SegmentSnapshots {
    inner: Arc<Inner>,
    /// Each question looks whether the latest snapshot still stands; many look at once.
    looking: Turns<Result<(), Arc<StoreError>>>,
}

struct Inner {
    segments: Arc<dyn Segments>,
    shared: Arc<dyn SnapshotStore>,
    clock: Arc<dyn Clock>,
    /// The latest that was seen here.
    latest: Mutex<Option<Snapshot>>,
}

#[derive(Serialize)]
struct Count<'a> {
    title: &'a str,
    #[serde(rename = "usersCount")]
    users: u64,
}

impl SegmentSnapshots {
    /// Wires the service.
    pub fn new(segments: Arc<dyn Segments>, shared: Arc<dyn SnapshotStore>, clock: Arc<dyn Clock>) -> Self {
        let inner = Arc::new(Inner { segments, shared, clock, latest: Mutex::default() });
        Self { inner, looking: Turns::default() }
    }

    /// The snapshot that stands, as the JSON of the API. Where there is none yet, it is taken.
    ///
    /// # Errors
    /// [`StoreError`] when there is none to be had.
    pub async fn current(&self) -> Result<Snapshot, StoreError> {
        let inner = Arc::clone(&self.inner);
        let looked = self.looking.take(move || async move { inner.look().await.map_err(Arc::new) }).await;
        match (looked, self.inner.latest()) {
            (Err(error), _) => Err(for_one(&error)),
            (Ok(()), Some(snapshot)) => Ok(snapshot),
            (Ok(()), None) => self.refresh().await,
        }
    }

    /// Takes the snapshot now, and hands back the one that stands then.
    ///
    /// # Errors
    /// [`StoreError`] when the users can't be counted, or the snapshot can't be kept.
    pub async fn refresh(&self) -> Result<Snapshot, StoreError> {
        self.inner.refresh().await
    }

    /// Brings the latest snapshot to where they are shared, should it have been lost there.
    ///
    /// # Errors
    /// [`StoreError`] when it can't be kept there.
    pub async fn share_again(&self) -> Result<(), StoreError> {
        match self.inner.latest() {
            Some(latest) => self.inner.shared.put_snapshot(NAME, latest).await,
            None => Ok(()),
        }
    }

    /// When the latest snapshot that was seen here was taken.
    pub fn taken_at(&self) -> Option<Timestamp> {
        self.inner.latest().map(|latest| latest.taken_at)
    }
}

impl Inner {
    async fn refresh(&self) -> Result<Snapshot, StoreError> {
        let counts = self.segments.segment_counts(self.clock.now()).await?;
        debug_assert!(counts.counts.len() <= SEGMENTS_TOLD_MAX);
        let bytes = written(&counts.counts).map_err(|error| StoreError::Failed(error.into()))?;
        let snapshot = Snapshot { taken_at: counts.taken_at, bytes: bytes.into() };
        self.shared.put_snapshot(NAME, snapshot.clone()).await?;
        self.note(snapshot.clone());
        // Another one may have counted later.
        Ok(self.latest().unwrap_or(snapshot))
    }

    async fn look(&self) -> Result<(), StoreError> {
        let latest = self.latest();
        let found = self.shared.snapshot(NAME, latest.as_ref().map(|latest| latest.taken_at)).await?;
        match (found, latest) {
            (Found::Unchanged, _) => Ok(()),
            // Lost, or something has brought an older one back.
            (Found::Nothing, Some(latest)) => self.shared.put_snapshot(NAME, latest).await,
            (Found::Snapshot(found), Some(latest)) if found.taken_at < latest.taken_at => {
                self.shared.put_snapshot(NAME, latest).await
            }
            (Found::Snapshot(found), _) => {
                self.note(found);
                Ok(())
            }
            (Found::Nothing, None) => self.refresh().await.map(drop),
        }
    }

    fn latest(&self) -> Option<Snapshot> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, snapshot: Snapshot) {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if latest.as_ref().is_none_or(|latest| latest.taken_at < snapshot.taken_at) {
            *latest = Some(snapshot);
        }
    }
}

/// The counts as JSON, the largest first, as many as a snapshot has room for.
fn written(counts: &[(String, u64)]) -> serde_json::Result<Vec<u8>> {
    let mut json = vec![b'['];
    for (title, users) in counts {
        let count = serde_json::to_vec(&Count { title, users: *users })?;
        if json.len() + count.len() + 2 > BYTES_MAX {
            tracing::warn!(segments = counts.len(), "there is not room for all segments in the snapshot");
            break;
        }
        if json.len() > 1 {
            json.push(b',');
        }
        json.extend_from_slice(&count);
    }
    json.push(b']');
    Ok(json)
}

/// The error that all who waited get, for one of them.
fn for_one(error: &Arc<StoreError>) -> StoreError {
    match &**error {
        StoreError::Unavailable { retry_after, .. } => {
            StoreError::Unavailable { retry_after: *retry_after, source: Some(Box::new(Arc::clone(error))) }
        }
        StoreError::Full { retry_after } => StoreError::Full { retry_after: *retry_after },
        StoreError::Failed(_) => StoreError::Failed(Box::new(Arc::clone(error))),
    }
}
