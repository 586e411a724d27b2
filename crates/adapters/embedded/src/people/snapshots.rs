//! Snapshots: the newest of each name, on disk and in memory.

use std::collections::HashMap;
use std::sync::{Arc, MutexGuard, PoisonError};

use footfall_domain::time::Timestamp;
use footfall_ports::{Found, Snapshot};
use rusqlite::OptionalExtension;

use super::People;
use crate::database::DiskError;

impl People {
    /// The snapshot of that name, less its bytes where they are known. It is in memory.
    pub(crate) fn snapshot(&self, name: &str, known: Option<Timestamp>) -> Found {
        match self.newest().get(name) {
            None => Found::Nothing,
            Some(snapshot) if Some(snapshot.taken_at) == known => Found::Unchanged,
            Some(snapshot) => Found::Snapshot(snapshot.clone()),
        }
    }

    /// Keeps a snapshot, unless a later one stands.
    pub(crate) fn put_snapshot(&self, name: &str, snapshot: Snapshot) -> Result<(), DiskError> {
        // One at a time: where a later one stands on disk, it stands in memory too when this returns.
        let _putting = self.putting.lock().unwrap_or_else(PoisonError::into_inner);
        let taken_at = snapshot.taken_at.micros();
        let is_kept = self.change(|transaction| {
            let standing: Option<i64> = transaction
                .prepare_cached("SELECT taken_at FROM snapshots WHERE name = ?1")?
                .query_row([name], |row| row.get(0))
                .optional()?;
            let statement = match standing {
                None => "INSERT INTO snapshots (name, taken_at, bytes) VALUES (?1, ?2, ?3)",
                Some(standing) if standing >= taken_at => return Ok(false),
                Some(_) => "UPDATE snapshots SET taken_at = ?2, bytes = ?3 WHERE name = ?1",
            };
            transaction.prepare_cached(statement)?.execute((name, taken_at, &*snapshot.bytes))?;
            Ok(true)
        })?;
        if is_kept {
            self.newest().insert(name.to_owned(), snapshot);
        }
        Ok(())
    }

    /// Takes in what the database holds.
    pub(super) fn load_snapshots(&self) -> Result<(), DiskError> {
        let snapshots = self.database.read(|connection| {
            let mut statement = connection.prepare("SELECT name, taken_at, bytes FROM snapshots")?;
            let rows = statement.query_map([], |row| {
                let taken_at = Timestamp::from_micros_clamped(row.get(1)?);
                let bytes = Arc::from(row.get_ref(2)?.as_blob()?);
                Ok((row.get(0)?, Snapshot { taken_at, bytes }))
            })?;
            rows.collect::<Result<HashMap<_, _>, _>>()
        })?;
        *self.newest() = snapshots;
        Ok(())
    }

    fn newest(&self) -> MutexGuard<'_, HashMap<String, Snapshot>> {
        self.snapshots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
