//! Snapshots for one process.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use footfall_domain::time::Timestamp;
use footfall_ports::{Found, SNAPSHOT_BYTES_MAX, Snapshot, SnapshotStore, StoreError};

const NAME_BYTES_MAX: usize = 64;

/// Keeps the latest snapshot of each name for as long as the process lives. Names come from the service's own code, so there
/// are few.
#[derive(Default)]
pub struct InProcessSnapshots {
    latest: Mutex<HashMap<String, Snapshot>>,
}

impl fmt::Debug for InProcessSnapshots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcessSnapshots").finish_non_exhaustive()
    }
}

fn check_name(name: &str) -> Result<(), StoreError> {
    if name.len() > NAME_BYTES_MAX {
        return Err(StoreError::Failed("the snapshot's name is longer than 64 bytes".into()));
    }
    Ok(())
}

#[async_trait]
impl SnapshotStore for InProcessSnapshots {
    async fn snapshot(&self, name: &str, known: Option<Timestamp>) -> Result<Found, StoreError> {
        check_name(name)?;
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(match latest.get(name) {
            None => Found::Nothing,
            Some(snapshot) if Some(snapshot.taken_at) == known => Found::Unchanged,
            Some(snapshot) => Found::Snapshot(snapshot.clone()),
        })
    }

    async fn put_snapshot(&self, name: &str, snapshot: Snapshot) -> Result<(), StoreError> {
        check_name(name)?;
        if snapshot.bytes.len() > SNAPSHOT_BYTES_MAX {
            return Err(StoreError::Failed("the snapshot is larger than 64 MiB".into()));
        }
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if latest.get(name).is_none_or(|stands| stands.taken_at < snapshot.taken_at) {
            latest.insert(name.to_owned(), snapshot);
        }
        Ok(())
    }
}
