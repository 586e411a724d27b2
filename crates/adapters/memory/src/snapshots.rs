//! Snapshots in process.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use footfall_domain::time::Timestamp;
use footfall_ports::{Found, Snapshot, SnapshotStore, StoreError};

/// The latest snapshot of each name, gone with the process.
#[derive(Debug, Default)]
pub struct InProcessSnapshots(Mutex<HashMap<String, Snapshot>>);

#[async_trait]
impl SnapshotStore for InProcessSnapshots {
    async fn snapshot(&self, name: &str, known: Option<Timestamp>) -> Result<Found, StoreError> {
        let snapshots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(match snapshots.get(name) {
            None => Found::Nothing,
            Some(snapshot) if Some(snapshot.taken_at) == known => Found::Unchanged,
            Some(snapshot) => Found::Snapshot(snapshot.clone()),
        })
    }

    async fn put_snapshot(&self, name: &str, snapshot: Snapshot) -> Result<(), StoreError> {
        let mut snapshots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_later = snapshots.get(name).is_none_or(|standing| standing.taken_at < snapshot.taken_at);
        if is_later {
            snapshots.insert(name.to_owned(), snapshot);
        }
        Ok(())
    }
}
