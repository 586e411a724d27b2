//! Retention: dropping events that are too old, their identities, and in time the room they take.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use footfall_domain::time::{HOUR_US, Timestamp};
use footfall_event_blocks::block::Block;
use footfall_ports::{Clock, StoreError};

use crate::bring_up::Heads;
use crate::error::DatabaseError;
use crate::merge::MERGE_LEASE;
use crate::statements::{
    BLOCKS_OF, CLEAR_CHECKPOINTS, DROP_BLOCKS, DROP_CHECKPOINTS, DROP_IDS, HOLD_LEASE, MIXED_BLOCKS,
    RAISE_FLOOR, SET_FLOOR,
};
use crate::store::Inner;

/// Rows removed in one transaction.
const BLOCKS_AT_A_TIME: i64 = 500;
const IDS_AT_A_TIME: i64 = 10_000;

/// The hour before which nothing is kept.
pub(crate) fn oldest_kept(retention: Duration, clock: &dyn Clock) -> Timestamp {
    let micros = retention.as_micros().min(i64::MAX as u128) as i64;
    clock.now().plus_micros(-micros).floor_to(HOUR_US)
}

impl Inner {
    /// Drops events past their retention, whole hours at a time. Every instance leaves them out from its next answer on.
    pub(crate) async fn drop_expired(&self) -> Result<(), DatabaseError> {
        let Some(retention) = self.retention else { return Ok(()) };
        let floor = oldest_kept(retention, &*self.clock).micros();
        if self.dropped_before.load(Ordering::Acquire) >= floor {
            return Ok(());
        }
        self.connections.query(&RAISE_FLOOR, &[&floor]).await?;
        self.drop_before(floor).await?;
        self.drop_metrics_before(Timestamp::from_micros_clamped(floor)).await?;
        self.dropped_before.store(floor, Ordering::Release);
        Ok(())
    }

    async fn drop_before(&self, floor: i64) -> Result<(), DatabaseError> {
        self.connections.query(&DROP_CHECKPOINTS, &[&floor]).await?;
        while self.connections.query(&DROP_BLOCKS, &[&floor, &BLOCKS_AT_A_TIME]).await?.len() as i64
            == BLOCKS_AT_A_TIME
        {}
        while self.connections.query(&DROP_IDS, &[&floor, &IDS_AT_A_TIME]).await?.len() as i64
            == IDS_AT_A_TIME
        {}
        Ok(())
    }

    /// Lowers the floor where events are kept for longer than they were. What was dropped and is still in blocks with
    /// others is taken out of them first, or it would be back. `None`: nothing is dropped any more.
    pub(crate) async fn lower_floor(self: &Arc<Self>, to: Option<Timestamp>) -> Result<(), StoreError> {
        let mut connection = self.connections.primary().await?;
        let floor = Heads::read(&mut connection, i64::MAX).await?.floor;
        connection.keep();
        let to = to.unwrap_or(Timestamp::MIN);
        if floor <= to {
            return Ok(());
        }
        tracing::info!(%floor, %to, "events are kept for longer now");
        // Nobody makes runs meanwhile, or what is taken out could come back with one.
        let mut lease = self.connections.primary().await?;
        lease.begin().await?;
        lease.run("SET LOCAL idle_in_transaction_session_timeout = 0").await?;
        lease.query(&HOLD_LEASE, &[&MERGE_LEASE]).await?;
        self.drop_before(floor.micros()).await?;
        loop {
            let mixed = self.connections.query(&MIXED_BLOCKS, &[&floor.micros()]).await?;
            if mixed.is_empty() {
                break;
            }
            for row in mixed {
                let (lane, first): (i32, i64) = (row.get("lane"), row.get("first"));
                self.drop_from_block(lane, first, floor).await?;
            }
        }
        // Checkpoints hold what was dropped; they are made anew.
        lease.query(&CLEAR_CHECKPOINTS, &[]).await?;
        lease.query(&SET_FLOOR, &[&to.micros()]).await?;
        Ok(lease.commit().await?)
    }

    async fn drop_from_block(&self, lane: i32, first: i64, floor: Timestamp) -> Result<(), StoreError> {
        let rows = self.connections.query(&BLOCKS_OF, &[&vec![lane], &vec![first]]).await?;
        let Some(row) = rows.first() else { return Ok(()) };
        let block = Block::read(row.get::<_, i64>("first") as u64, row.get("value"));
        let block = block.map_err(DatabaseError::Damaged)?;
        let is_old = |(at, record): (u64, &[u8])| {
            let is_old = !record.is_empty() && footfall_domain::event::EventRef::new(record).at() < floor;
            is_old.then_some(at)
        };
        let old: Vec<u64> = block.records().filter_map(is_old).collect();
        if !old.is_empty() {
            self.rewrite_at(&old, |position| old.binary_search(&position).is_ok(), |_| Vec::new()).await?;
        }
        Ok(())
    }
}
