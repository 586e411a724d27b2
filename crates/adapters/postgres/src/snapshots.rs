//! Snapshots that instances share.

use std::sync::Arc;

use footfall_domain::time::Timestamp;
use footfall_ports::{Found, Snapshot};

use crate::error::DatabaseError;
use crate::statements::{PUT_SNAPSHOT, SNAPSHOT};
use crate::store::Inner;

impl Inner {
    pub(crate) async fn snapshot(
        &self,
        name: &str,
        known: Option<Timestamp>,
    ) -> Result<Found, DatabaseError> {
        let known = known.map(Timestamp::micros);
        let rows = self.connections.query(&SNAPSHOT, &[&name, &known]).await?;
        let Some(row) = rows.first() else { return Ok(Found::Nothing) };
        let taken_at = Timestamp::from_micros_clamped(row.get("taken_at"));
        Ok(match row.get::<_, Option<&[u8]>>("value") {
            None => Found::Unchanged,
            Some(bytes) => Found::Snapshot(Snapshot { taken_at, bytes: Arc::from(bytes) }),
        })
    }

    pub(crate) async fn put_snapshot(&self, name: &str, snapshot: &Snapshot) -> Result<(), DatabaseError> {
        let (taken_at, bytes) = (snapshot.taken_at.micros(), &snapshot.bytes[..]);
        self.connections.query(&PUT_SNAPSHOT, &[&name, &taken_at, &bytes]).await.map(drop)
    }
}
