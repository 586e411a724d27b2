//! Erasing a person: noted first, so that every instance forgets them; then taken out of the blocks.

use std::sync::Arc;

use footfall_event_blocks::block::{Block, Packing, pack_all};
use footfall_ports::StoreError;

use crate::bring_up::{Erasure, blocks_from};
use crate::connect::Connection;
use crate::error::DatabaseError;
use crate::lane::{lane_of, positions_of};
use crate::read::erased;
use crate::statements::{
    ADD_ERASURE, BLOCKS_OF, FINISH_ERASURE, HOLD_LANES, LOCK_HISTORY, OPEN_ERASURES, REMOVE_CHECKPOINTS,
    REPLACE_BLOCKS,
};
use crate::store::Inner;

/// Events taken out in one transaction.
const AT_A_TIME: usize = 1_024;

impl Inner {
    /// Erases the user's events. Noted, it is done: whatever happens to this instance, another one finishes it.
    pub(crate) async fn erase_user(self: &Arc<Self>, user: String) -> Result<u64, StoreError> {
        let mut taken = None;
        let number = {
            // Held from before it is noted, so that nobody else here carries it out.
            let mut progress = self.progress.lock().await;
            let number = self.note_erasure(&user).await?;
            let keep = |erasure: &Erasure, positions| {
                if erasure.number == number {
                    taken = Some(positions);
                }
            };
            self.bring_up_with(&mut progress, keep).await?;
            number
        };
        if let Some(taken) = &mut taken {
            taken.sort_unstable();
            self.erase_at(taken).await?;
            self.erase_rows(&user).await?;
            self.connections.query(&FINISH_ERASURE, &[&number]).await?;
        }
        // One that failed half-way is in no figure, and still in the log; so is this one, where all was taken in anew meanwhile.
        // They are looked for.
        self.finish_erasures(Some(&user)).await?;
        let taken = taken.unwrap_or_default();
        if !taken.is_empty() {
            tracing::info!(events = taken.len(), "erased a user");
        }
        Ok(taken.len() as u64)
    }

    /// While it is noted no lane moves: what was acknowledged before is before, and what comes after is after, for everyone.
    async fn note_erasure(&self, user: &str) -> Result<i64, DatabaseError> {
        let mut connection = self.connections.primary().await?;
        connection.begin().await?;
        let rows = connection.query(&HOLD_LANES, &[]).await?;
        let lanes: Vec<i32> = rows.iter().map(|row| row.get(0)).collect();
        let nexts: Vec<i64> = rows.iter().map(|row| row.get(1)).collect();
        let number = connection.query(&ADD_ERASURE, &[&user, &lanes, &nexts]).await?[0].get(0);
        connection.commit().await?;
        Ok(number)
    }

    /// Takes events out of their blocks, but for their identities and times.
    async fn erase_at(&self, positions: &[u64]) -> Result<(), DatabaseError> {
        for of_lane in positions.chunk_by(|left, right| lane_of(*left) == lane_of(*right)) {
            for some in of_lane.chunks(AT_A_TIME) {
                self.rewrite_at(some, |position| some.binary_search(&position).is_ok(), erased).await?;
            }
        }
        Ok(())
    }

    /// Puts other records in the place of some, in one transaction. All positions are in one lane.
    pub(crate) async fn rewrite_at(
        &self,
        positions: &[u64],
        is_meant: impl Fn(u64) -> bool + Send,
        instead: impl Fn(footfall_domain::event::EventRef<'_>) -> Vec<u8> + Send,
    ) -> Result<(), DatabaseError> {
        let lane = lane_of(positions[0]);
        let places: Vec<i64> = positions.iter().map(|position| *position as i64).collect();
        let mut connection = self.connections.primary().await?;
        connection.begin().await?;
        connection.query(&LOCK_HISTORY, &[&lane]).await?;
        let rows = connection.query(&BLOCKS_OF, &[&vec![lane; places.len()], &places]).await?;
        let mut blocks = Vec::with_capacity(rows.len());
        for row in rows {
            let first: i64 = row.get("first");
            blocks.push(Block::read(first as u64, row.get("value"))?);
        }
        replace(&mut connection, lane, &blocks, is_meant, instead).await?;
        connection.query(&REMOVE_CHECKPOINTS, &[&lane, &places]).await?;
        connection.commit().await
    }

    /// Finishes what others have begun and not finished, of a user or of anyone. Reads the whole log.
    pub(crate) async fn finish_erasures(&self, user: Option<&str>) -> Result<(), DatabaseError> {
        for row in self.connections.query(&OPEN_ERASURES, &[&user]).await? {
            let erasure = Erasure::of(&row);
            for (lane, next) in &erasure.heads {
                let mut at = positions_of(*lane).start;
                while at < *next {
                    let mut connection = self.connections.primary().await?;
                    let blocks = blocks_from(&mut connection, *lane, at, *next).await?;
                    connection.keep();
                    let Some(past) = blocks.last().map(Block::past) else { break };
                    let is_theirs = |event: &footfall_domain::event::EventRef<'_>| {
                        event.user() == Some(&erasure.user[..])
                    };
                    let places = blocks
                        .iter()
                        .flat_map(|block| (block.first()..block.past()).map(move |at| (block, at)));
                    let theirs: Vec<u64> = places
                        .filter(|(block, at)| block.event(*at).is_some_and(|event| is_theirs(&event)))
                        .map(|(_, at)| at)
                        .filter(|position| erasure.takes(*position))
                        .collect();
                    self.erase_at(&theirs).await?;
                    at = past;
                }
            }
            self.erase_rows(&erasure.user).await?;
            self.connections.query(&FINISH_ERASURE, &[&erasure.number]).await?;
        }
        Ok(())
    }

    /// Takes a user out of what isn't drawn from the log at every start.
    async fn erase_rows(&self, user: &str) -> Result<(), DatabaseError> {
        self.forget_metrics(user).await?;
        self.forget_memberships(user).await
    }
}

async fn replace(
    connection: &mut Connection,
    lane: i32,
    blocks: &[Block],
    is_meant: impl Fn(u64) -> bool,
    instead: impl Fn(footfall_domain::event::EventRef<'_>) -> Vec<u8>,
) -> Result<(), DatabaseError> {
    let (mut firsts, mut oldest, mut newest, mut values) = (vec![], vec![], vec![], vec![]);
    for block in blocks {
        let records: Vec<Vec<u8>> = block
            .records()
            .map(|(position, record)| {
                if record.is_empty() || !is_meant(position) {
                    return record.to_vec();
                }
                instead(footfall_domain::event::EventRef::new(record))
            })
            .collect();
        let (from, to) = span_of(records.iter().map(|record| &record[..]));
        // As many records as before, in one block as before: its place is what it is found by.
        let packed = pack_all(records.iter().map(|record| &record[..]), Packing::Small);
        let mut at = block.first();
        for (index, packed) in packed.into_iter().enumerate() {
            debug_assert_eq!(index, 0, "a block that loses content stays one");
            let events = packed.events();
            firsts.push(at as i64);
            values.push(packed.at(at));
            at += events;
        }
        oldest.push(from);
        newest.push(to);
    }
    connection.query(&REPLACE_BLOCKS, &[&lane, &firsts, &oldest, &newest, &values]).await.map(drop)
}

/// When the oldest and the newest event of some records happened; nothing is older than nothing.
pub(crate) fn span_of<'a>(records: impl Iterator<Item = &'a [u8]>) -> (i64, i64) {
    let times = records
        .filter(|record| !record.is_empty())
        .map(|record| footfall_domain::event::EventRef::new(record).at().micros());
    times.fold((i64::MAX, i64::MIN), |(from, to), at| (from.min(at), to.max(at)))
}
