//! Snapshots in a place that is near, such as Redis, with one behind it that is always there.

use std::sync::Arc;

use async_trait::async_trait;
use footfall_domain::time::Timestamp;
use footfall_ports::{Found, Snapshot, SnapshotStore, StoreError};

/// Keeps snapshots in both, and reads them from the near one where it can be asked.
pub struct TieredSnapshots {
    near: Arc<dyn SnapshotStore>,
    behind: Arc<dyn SnapshotStore>,
}

impl TieredSnapshots {
    /// Wires the two.
    pub fn new(near: Arc<dyn SnapshotStore>, behind: Arc<dyn SnapshotStore>) -> Self {
        Self { near, behind }
    }
}

#[async_trait]
impl SnapshotStore for TieredSnapshots {
    async fn snapshot(&self, name: &str, known: Option<Timestamp>) -> Result<Found, StoreError> {
        match self.near.snapshot(name, known).await {
            Ok(Found::Nothing) => {}
            Ok(found) => return Ok(found),
            Err(_) => return self.behind.snapshot(name, known).await,
        }
        // Emptied, or new.
        let found = self.behind.snapshot(name, None).await?;
        if let Found::Snapshot(snapshot) = &found {
            // Where that fails, the next one finds it missing again.
            let _ = self.near.put_snapshot(name, snapshot.clone()).await;
        }
        Ok(found)
    }

    /// What is kept behind is kept. That the near one can't be told now is no failure: it is brought up when it is back.
    async fn put_snapshot(&self, name: &str, snapshot: Snapshot) -> Result<(), StoreError> {
        self.behind.put_snapshot(name, snapshot.clone()).await?;
        if let Err(error) = self.near.put_snapshot(name, snapshot).await {
            tracing::debug!(%error, "a snapshot was kept in the store only");
        }
        Ok(())
    }
}
