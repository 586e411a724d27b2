//! Runs: small blocks are put together, and what read models need of some ten thousands of events is written beside them,
//! so that a start, and an instance that was away, needn't replay them one by one.

use std::collections::BTreeMap;

use footfall_event_blocks::block::{Block, Packing, pack_all, place};
use footfall_event_blocks::checkpoint::checkpoint;

use crate::bring_up::{Heads, blocks_from};
use crate::connect::Connection;
use crate::erase::span_of;
use crate::error::DatabaseError;
use crate::lane::positions_of;
use crate::statements::{
    ADD_BLOCKS, ADD_CHECKPOINT, CHECKPOINT_BOUNDS, LOCK_HISTORY, REMOVE_BLOCKS, TAKE_LEASE,
};
use crate::store::Inner;

/// Events in a run, about.
const RUN_EVENTS: u64 = 32_768;
/// Bytes of records in a run, about: all of it is in memory, and one transaction.
const RUN_BYTES: usize = 16 * 1024 * 1024;
/// Blocks of fewer events and bytes are put together.
const SMALL_BLOCK_EVENTS: u64 = 256;
const SMALL_BLOCK_BYTES: usize = 64 * 1024;
/// Who makes runs, on one instance at a time.
pub(crate) const MERGE_LEASE: i32 = 1;

/// Positions without a checkpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Gap {
    from: u64,
    until: u64,
    /// Whether more will come at its end.
    is_open: bool,
}

impl Inner {
    /// Makes the runs that are due. `all`: also of what is not enough for one. Another instance may be at it; then it is
    /// left to that one.
    pub(crate) async fn merge(&self, all: bool) -> Result<(), DatabaseError> {
        let mut connection = self.connections.primary().await?;
        let heads = Heads::read(&mut connection, i64::MAX).await?;
        connection.keep();
        for (lane, next) in heads.lanes {
            let mut done = BTreeMap::new();
            while let Some((from, past)) = self.make_run(lane, next, all, &done).await? {
                // Where nothing is any more there is nothing to be looked for again.
                done.insert(from, past);
            }
        }
        Ok(())
    }

    /// Makes the run of a lane that is due, if there is one. Returns the positions that are seen to then; `None` also when
    /// another instance makes runs.
    async fn make_run(
        &self,
        lane: i32,
        next: u64,
        all: bool,
        done: &BTreeMap<u64, u64>,
    ) -> Result<Option<(u64, u64)>, DatabaseError> {
        let mut connection = self.connections.primary().await?;
        connection.begin().await?;
        let is_ours = connection.query(&TAKE_LEASE, &[&MERGE_LEASE]).await?[0].get::<_, bool>(0);
        // With the lease in hand, so that nobody else makes one of the same.
        let rows = connection.query(&CHECKPOINT_BOUNDS, &[&lane]).await?;
        let bounds = rows.iter().map(|row| (row.get::<_, i64>(0) as u64, row.get::<_, i64>(1) as u64));
        let gap = next_gap((positions_of(lane).start, next), bounds.collect(), all, done).filter(|_| is_ours);
        let Some(gap) = gap else {
            connection.commit().await?;
            return Ok(None);
        };
        connection.query(&LOCK_HISTORY, &[&lane]).await?;
        let blocks = run_of(&mut connection, lane, gap).await?;
        let (Some(first), Some(past)) = (blocks.first().map(Block::first), blocks.last().map(Block::past))
        else {
            connection.commit().await?;
            return Ok(Some((gap.from, gap.until)));
        };
        merge_small(&mut connection, lane, &blocks).await?;
        let records = || blocks.iter().flat_map(Block::records).map(|(_, record)| record);
        let unsealed = checkpoint(first, records());
        let value =
            unsealed.map_err(|_| DatabaseError::Changed("there is no memory for a checkpoint"))?.sealed(0);
        let (_, newest) = span_of(records());
        connection.query(&ADD_CHECKPOINT, &[&lane, &(first as i64), &(past as i64), &newest, &value]).await?;
        connection.commit().await?;
        // What lies before it holds nothing any more.
        Ok(Some((gap.from, past.max(gap.from))))
    }
}

/// The blocks of a run: without anything missing between them, until they are enough.
async fn run_of(connection: &mut Connection, lane: i32, gap: Gap) -> Result<Vec<Block>, DatabaseError> {
    let (mut run, mut at, mut bytes): (Vec<Block>, u64, usize) = (Vec::new(), gap.from, 0);
    while at < gap.until {
        let blocks = blocks_from(connection, lane, at, gap.until).await?;
        if blocks.is_empty() {
            break;
        }
        for block in blocks {
            let follows = run.last().is_none_or(|last| last.past() == block.first());
            let first = run.first().map_or(block.first(), Block::first);
            if !follows || block.first() - first >= RUN_EVENTS || bytes >= RUN_BYTES {
                return Ok(run);
            }
            at = block.past();
            bytes += block.bytes();
            run.push(block);
        }
    }
    Ok(run)
}

async fn merge_small(connection: &mut Connection, lane: i32, blocks: &[Block]) -> Result<(), DatabaseError> {
    let is_small = |block: &Block| {
        block.past() - block.first() < SMALL_BLOCK_EVENTS && block.bytes() < SMALL_BLOCK_BYTES
    };
    for part in blocks.chunk_by(|left, right| is_small(left) == is_small(right)) {
        if !is_small(&part[0]) || part.len() == 1 {
            continue;
        }
        let (first, past) = (part[0].first(), part[part.len() - 1].past());
        let records: Vec<&[u8]> = part.iter().flat_map(Block::records).map(|(_, record)| record).collect();
        let mut at = first;
        let placed: Vec<(u64, Vec<u8>)> =
            place(pack_all(records.iter().copied(), Packing::Small), &mut at).collect();
        let ends = placed.iter().skip(1).map(|(first, _)| *first).chain([past]);
        let spans: Vec<(i64, i64)> = placed
            .iter()
            .zip(ends)
            .map(|((from, _), to)| {
                span_of(records[(*from - first) as usize..(to - first) as usize].iter().copied())
            })
            .collect();
        let firsts: Vec<i64> = placed.iter().map(|(first, _)| *first as i64).collect();
        let (oldest, newest): (Vec<i64>, Vec<i64>) = spans.into_iter().unzip();
        let values: Vec<Vec<u8>> = placed.into_iter().map(|(_, value)| value).collect();
        connection.query(&REMOVE_BLOCKS, &[&lane, &(first as i64), &(past as i64)]).await?;
        connection.query(&ADD_BLOCKS, &[&lane, &firsts, &oldest, &newest, &values]).await?;
    }
    Ok(())
}

/// The first gap that is due. `done` is what was seen to already, by where it began.
fn next_gap(
    (start, end): (u64, u64),
    mut bounds: Vec<(u64, u64)>,
    all: bool,
    done: &BTreeMap<u64, u64>,
) -> Option<Gap> {
    bounds.extend(done.iter().map(|(first, past)| (*first, *past)));
    bounds.sort_unstable();
    let is_due = |gap: &Gap| !gap.is_open || all || gap.until - gap.from >= RUN_EVENTS;
    let joined = |mut gap: Gap| {
        // A short run at the end is made anew with what has come since, or there would be ever more of them.
        let short = |(first, past): &&(u64, u64)| *past == gap.from && past - first < RUN_EVENTS;
        if let Some((first, _)) = bounds.iter().filter(|_| gap.is_open).find(short)
            && !done.contains_key(first)
        {
            gap.from = *first;
        }
        gap
    };
    gaps(start, end, &bounds).into_iter().map(joined).find(is_due)
}

/// What lies between bounds that are in order.
fn gaps(start: u64, end: u64, bounds: &[(u64, u64)]) -> Vec<Gap> {
    let (mut gaps, mut at) = (Vec::new(), start);
    for (first, past) in bounds {
        if *first > at {
            gaps.push(Gap { from: at, until: *first, is_open: false });
        }
        at = at.max(*past);
    }
    if at < end {
        gaps.push(Gap { from: at, until: end, is_open: true });
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_lie_between_what_has_checkpoints() {
        let gap = |from, until, is_open| Gap { from, until, is_open };
        assert_eq!(gaps(0, 0, &[]), []);
        assert_eq!(gaps(0, 9, &[]), [gap(0, 9, true)]);
        assert_eq!(gaps(0, 9, &[(0, 4)]), [gap(4, 9, true)]);
        assert_eq!(gaps(0, 9, &[(0, 9)]), []);
        assert_eq!(gaps(5, 20, &[(7, 9), (12, 20)]), [gap(5, 7, false), gap(9, 12, false)]);
    }

    #[test]
    fn a_short_run_at_the_end_grows() {
        let gap = |from, until, is_open| Some(Gap { from, until, is_open });
        let (nothing, run) = (BTreeMap::new(), RUN_EVENTS);
        let next = |end, bounds: &[(u64, u64)], all| next_gap((0, end), bounds.to_vec(), all, &nothing);
        assert_eq!(next(100, &[(0, 50)], false), None);
        assert_eq!(next(100, &[(0, 50)], true), gap(0, 100, true));
        assert_eq!(next(100, &[(0, 100)], true), None, "nothing has come since");
        assert_eq!(next(run + 5, &[(0, 50)], false), gap(0, run + 5, true), "together they are enough");
        assert_eq!(next(run + 50, &[(0, run)], true), gap(run, run + 50, true));
        let done = BTreeMap::from([(0, 50)]);
        assert_eq!(next_gap((0, 100), vec![(0, 50)], true, &done), gap(50, 100, true), "a hole follows");
    }
}
