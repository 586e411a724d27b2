//! Filling empty read models: checkpoints are taken in, what has none is replayed.

use std::sync::Arc;

use footfall_domain::time::Timestamp;
use footfall_event_blocks::Damage;
use footfall_event_blocks::block::Block;
use footfall_event_blocks::checkpoint::Checkpoint;
use footfall_event_blocks::group::facts;
use footfall_ports::StoreError;
use footfall_read_models::{BulkLoader, ReadModels};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::bring_up::{Heads, Progress, blocks_from, forget_in, positions_of_user};
use crate::connect::Connection;
use crate::error::DatabaseError;
use crate::lane::positions_of;
use crate::statements::CHECKPOINTS_FROM;
use crate::store::Inner;

/// Parts that wait to be taken in.
const WAITING_PARTS: usize = 4;

/// A part of the log.
enum Part {
    Checkpoint(u64, Vec<u8>),
    /// The blocks, of which the events from a position on and before another count.
    Blocks(Vec<Block>, u64, u64),
}

impl Progress {
    /// Nothing is known yet.
    pub(crate) const fn none() -> Self {
        Self { known: std::collections::BTreeMap::new(), erasures: 0, floor: Timestamp::MIN }
    }
}

impl Inner {
    /// Read models of all that is stored, and how far that is.
    pub(crate) async fn load(self: &Arc<Self>) -> Result<(ReadModels, Progress), StoreError> {
        match self.load_with(true).await {
            Err(StoreError::Failed(error)) => {
                tracing::warn!(%error, "drawing the figures from the log alone");
                self.load_with(false).await
            }
            other => other,
        }
    }

    async fn load_with(self: &Arc<Self>, checkpoints: bool) -> Result<(ReadModels, Progress), StoreError> {
        let mut connection = self.connections.primary().await?;
        let heads = Heads::read(&mut connection, 0).await?;
        connection.keep();
        let mut source = self.source(&heads, &heads.lanes).await?;
        let (parts, to_take) = channel(WAITING_PARTS);
        let floor = heads.floor;
        let taking = tokio::task::spawn_blocking(move || take_in(to_take, floor));
        for (lane, next) in &heads.lanes {
            if !send_lane(&mut source, *lane, *next, checkpoints, &parts).await? {
                break;
            }
        }
        source.keep();
        drop(parts);
        let taken = taking.await.map_err(|error| StoreError::Failed(error.into()))?;
        let mut models = taken.map_err(DatabaseError::Damaged)?;
        for erasure in &heads.erasures {
            let mut later = positions_of_user(&models, &erasure.user);
            later.retain(|position| !erasure.takes(*position));
            let blocks = if later.is_empty() { Vec::new() } else { self.blocks_of(&later).await? };
            let erasure = erasure.clone();
            let forgetting = tokio::task::spawn_blocking(move || {
                forget_in(&mut models, &erasure, &later, &blocks);
                models
            });
            models = forgetting.await.map_err(|error| StoreError::Failed(error.into()))?;
        }
        Ok((models, Progress { known: heads.lanes, erasures: heads.erased, floor }))
    }
}

/// Sends all of a lane. Whether it should go on.
async fn send_lane(
    source: &mut Connection,
    lane: i32,
    next: u64,
    checkpoints: bool,
    parts: &Sender<Part>,
) -> Result<bool, DatabaseError> {
    let mut at = positions_of(lane).start;
    if checkpoints {
        loop {
            let rows = source.query(&CHECKPOINTS_FROM, &[&lane, &(at as i64), &(next as i64)]).await?;
            if rows.is_empty() {
                break;
            }
            for row in rows {
                let (first, past): (i64, i64) = (row.get("first"), row.get("past"));
                if (first as u64) < at {
                    continue;
                }
                let checkpoint = Part::Checkpoint(first as u64, row.get("value"));
                let goes_on = send_blocks(source, lane, at, first as u64, parts).await?;
                if !goes_on || parts.send(checkpoint).await.is_err() {
                    return Ok(false);
                }
                at = past as u64;
            }
        }
    }
    send_blocks(source, lane, at, next, parts).await
}

async fn send_blocks(
    source: &mut Connection,
    lane: i32,
    mut at: u64,
    until: u64,
    parts: &Sender<Part>,
) -> Result<bool, DatabaseError> {
    while at < until {
        let blocks = blocks_from(source, lane, at, until).await?;
        let Some(past) = blocks.last().map(Block::past) else { break };
        if parts.send(Part::Blocks(blocks, at, until)).await.is_err() {
            return Ok(false);
        }
        at = past;
    }
    Ok(true)
}

fn take_in(mut parts: Receiver<Part>, floor: Timestamp) -> Result<ReadModels, Damage> {
    let mut empty = ReadModels::default();
    if floor > Timestamp::MIN {
        empty.forget_before(floor);
    }
    let mut models = BulkLoader::new(empty);
    while let Some(part) = parts.blocking_recv() {
        match part {
            Part::Checkpoint(first, value) => {
                let checkpoint = Checkpoint::read(first, &value)?;
                let unnamed = || Damage::checkpoint(first, "names what it doesn't hold");
                models.add_coded(&checkpoint.coded(floor).ok_or_else(unnamed)?);
            }
            Part::Blocks(blocks, from, until) => {
                models.add(facts(&blocks, |position, at| (from..until).contains(&position) && at >= floor));
            }
        }
    }
    Ok(models.finish(side_by_side))
}

/// Runs two things on two threads.
pub(crate) fn side_by_side(one: &mut (dyn FnMut() + Send), other: &mut (dyn FnMut() + Send)) {
    std::thread::scope(|scope| {
        scope.spawn(one);
        other();
    });
}
