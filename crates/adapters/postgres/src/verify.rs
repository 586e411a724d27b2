//! Holding the figures to the log.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use footfall_domain::event::EventRef;
use footfall_domain::time::Timestamp;
use footfall_event_blocks::block::Block;
use footfall_event_blocks::group::facts;
use footfall_ports::{DIFFERENCES_MAX, StoreError};
use footfall_read_models::{BulkLoader, ReadModels};
use tokio::sync::mpsc::channel;
use uuid::Uuid;

use crate::bring_up::blocks_from;
use crate::commit::uuid_of;
use crate::connect::Connection;
use crate::error::DatabaseError;
use crate::lane::positions_of;
use crate::load::side_by_side;
use crate::statements::{COUNT_IDS, OPEN_ERASURES};
use crate::store::Inner;

const RETRY_AFTER: Duration = Duration::from_secs(1);
/// How often what came meanwhile is read, before nothing more is folded until all is compared.
const ROUNDS: usize = 3;
/// Parts that wait to be counted.
const WAITING_PARTS: usize = 4;

/// Blocks, of which the events from a position on and before another count.
type Part = (Vec<Block>, u64, u64);

impl Inner {
    /// Builds the read models again from the log, and compares. It takes as much memory again as they do.
    pub(crate) async fn verify(self: &Arc<Self>) -> Result<Vec<String>, StoreError> {
        let busy = || StoreError::Unavailable { retry_after: RETRY_AFTER, source: None };
        let _verifying = self.verifying.try_lock().map_err(|_| busy())?;
        let (heads, empty) = {
            let mut progress = self.progress.lock().await;
            self.bring_up(&mut progress).await?;
            // What is noted to be erased is in no figure, and may still be in the log.
            if !self.connections.query(&OPEN_ERASURES, &[&None::<&str>]).await?.is_empty() {
                return Err(busy());
            }
            let empty = self.ask(ReadModels::emptied).await?;
            ((progress.known.clone(), progress.erasures, progress.floor), empty)
        };
        let (known, erasures, floor) = heads;
        let (parts, mut to_count) = channel::<Part>(WAITING_PARTS);
        let counting = tokio::task::spawn_blocking(move || {
            let mut log = BulkLoader::new(empty);
            while let Some(part) = to_count.blocking_recv() {
                log.add(counted(&part, floor));
            }
            log.finish(side_by_side)
        });
        let mut differences = Vec::new();
        let mut connection = self.connections.primary().await?;
        for (lane, past) in &known {
            let mut at = positions_of(*lane).start;
            while let Some(part) = part_from(&mut connection, *lane, at, *past).await? {
                at = part.0.last().map_or(*past, Block::past);
                self.check_ids(&mut connection, &part, floor, &mut differences).await?;
                if parts.send(part).await.is_err() {
                    break;
                }
            }
        }
        drop(parts);
        let mut log = counting.await.map_err(|error| StoreError::Failed(error.into()))?;
        let mut known = known;
        for _ in 0..ROUNDS {
            let now = {
                let mut progress = self.progress.lock().await;
                self.bring_up(&mut progress).await?;
                progress.known.clone()
            };
            let later = later_parts(&mut connection, &known, &now).await?;
            log = self.ask(move |_| add_parts(log, &later, floor)).await?;
            known = now;
        }
        // What came meanwhile, while nothing more is folded.
        let mut progress = self.progress.lock().await;
        self.bring_up(&mut progress).await?;
        if progress.erasures != erasures || progress.floor != floor {
            return Err(busy());
        }
        let later = later_parts(&mut connection, &known, &progress.known).await?;
        connection.keep();
        let found = self
            .ask(move |models| {
                let log = add_parts(log, &later, floor);
                models.differences(&log, DIFFERENCES_MAX)
            })
            .await?;
        drop(progress);
        differences.extend(found);
        differences.extend(self.segment_differences(DIFFERENCES_MAX).await?);
        differences.truncate(DIFFERENCES_MAX);
        Ok(differences)
    }

    /// Every event that is stored must be known by its identity, at its place.
    async fn check_ids(
        &self,
        connection: &mut Connection,
        (blocks, from, until): &Part,
        floor: Timestamp,
        differences: &mut Vec<String>,
    ) -> Result<(), StoreError> {
        let records = blocks.iter().flat_map(Block::records);
        let stored =
            records.filter(|(position, record)| (from..until).contains(&position) && !record.is_empty());
        let stored = stored.map(|(position, record)| (position, EventRef::new(record)));
        let stored = stored.filter(|(_, event)| event.at() >= floor);
        let (ids, positions): (Vec<Uuid>, Vec<i64>) =
            stored.map(|(position, event)| (uuid_of(event.id()), position as i64)).unzip();
        let known: i64 = connection.query(&COUNT_IDS, &[&ids, &positions]).await?[0].get(0);
        if known != ids.len() as i64 {
            let missing = ids.len() as i64 - known;
            differences
                .push(format!("{missing} events from position {from} on are in the log and not known"));
        }
        Ok(())
    }
}

fn counted(
    (blocks, from, until): &Part,
    floor: Timestamp,
) -> impl Iterator<Item = footfall_read_models::Fact<'_>> {
    facts(blocks, move |position, at| (from..until).contains(&&position) && at >= floor)
}

fn add_parts(mut log: ReadModels, parts: &[Part], floor: Timestamp) -> ReadModels {
    for part in parts {
        log.add(counted(part, floor));
    }
    log
}

async fn part_from(
    connection: &mut Connection,
    lane: i32,
    from: u64,
    until: u64,
) -> Result<Option<Part>, DatabaseError> {
    if from >= until {
        return Ok(None);
    }
    let blocks = blocks_from(connection, lane, from, until).await?;
    Ok((!blocks.is_empty()).then_some((blocks, from, until)))
}

async fn later_parts(
    connection: &mut Connection,
    before: &BTreeMap<i32, u64>,
    now: &BTreeMap<i32, u64>,
) -> Result<Vec<Part>, DatabaseError> {
    let mut parts = Vec::new();
    for (lane, until) in now {
        let mut at = before.get(lane).copied().unwrap_or(positions_of(*lane).start);
        while let Some(part) = part_from(connection, *lane, at, *until).await? {
            at = part.0.last().map_or(*until, Block::past);
            parts.push(part);
        }
    }
    Ok(parts)
}
