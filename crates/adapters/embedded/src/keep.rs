//! The keeper: it makes runs with their checkpoints, and sees to whatever is due now and then.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use footfall_domain::event::EventRef;
use footfall_domain::time::Timestamp;

use crate::database::DiskError;
use crate::disk::Change;
use crate::store::{Inner, Sync};
use footfall_event_blocks::block::{Packing, pack_all, place};
use footfall_event_blocks::checkpoint::checkpoint;
use footfall_event_blocks::group::{Group, Stored};

/// Events in a run, about: what a start replays at most, and what one checkpoint holds.
pub(crate) const RUN_EVENTS: usize = 32_768;
/// Bytes of records in a run, about, where its events are large. While it is made it needs as much room again on the disk, and
/// what isn't in one yet is in memory.
pub(crate) const RUN_BYTES: usize = 8 * 1024 * 1024;
/// How often the keeper looks around.
const INTERVAL: Duration = Duration::from_millis(200);
/// How often, in rounds, it syncs where commits don't, and sees whether trouble is over.
const EVERY_SECOND: u32 = 5;
/// How often it looks for events past their retention.
const EVERY_TEN_SECONDS: u32 = 50;

/// A run of events whose blocks are merged and that has a checkpoint.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// The ordinal past its last event.
    pub(crate) past: u64,
    /// Events that are not dropped, erased ones among them.
    pub(crate) live: u32,
    /// Events whose records the disk still holds.
    pub(crate) held: u32,
}

/// What the keeper knows.
#[derive(Debug, Default)]
pub(crate) struct Keeper {
    /// Folded, and not in a run yet.
    pending: VecDeque<Group>,
    pending_events: usize,
    pending_bytes: usize,
    /// The runs by their first ordinals.
    pub(crate) runs: BTreeMap<u64, Run>,
    /// Erased events: when they happened, and their ordinals. They are in no read model, so their retention is seen to
    /// here.
    pub(crate) erased: BTreeSet<(Timestamp, u64)>,
    /// Events that were dropped and are not yet counted out of their runs, which may still have to be made.
    pub(crate) uncounted: Vec<u64>,
}

impl Keeper {
    fn add(&mut self, groups: Vec<Group>) {
        self.pending_events += groups.iter().map(Group::len).sum::<usize>();
        self.pending_bytes += groups.iter().map(Group::bytes).sum::<usize>();
        self.pending.extend(groups);
    }

    /// The groups of the next run, if they are enough for one.
    fn next_run(&mut self, enough: usize) -> Option<Vec<Group>> {
        if self.pending_events < enough.max(1) && self.pending_bytes < RUN_BYTES {
            return None;
        }
        let (mut groups, mut events, mut bytes) = (Vec::new(), 0, 0);
        while events < RUN_EVENTS
            && bytes < RUN_BYTES
            && let Some(group) = self.pending.pop_front()
        {
            events += group.len();
            bytes += group.bytes();
            groups.push(group);
        }
        self.pending_events -= events;
        self.pending_bytes -= bytes;
        Some(groups)
    }

    /// Takes a run back that couldn't be stored.
    fn put_back(&mut self, groups: Vec<Group>) {
        self.pending_events += groups.iter().map(Group::len).sum::<usize>();
        self.pending_bytes += groups.iter().map(Group::bytes).sum::<usize>();
        groups.into_iter().rev().for_each(|group| self.pending.push_front(group));
    }
}

impl Inner {
    /// What the keeper thread does.
    pub(crate) fn keep_until_ended(&self) {
        for round in 0_u32.. {
            std::thread::park_timeout(INTERVAL);
            let ending = self.ending.load(Ordering::Acquire);
            if ending {
                self.settle();
            }
            let mut result = if ending { self.keep_all() } else { self.keep(RUN_EVENTS) };
            result = result.and_then(|()| self.disk.move_log());
            if round.is_multiple_of(EVERY_SECOND) {
                result = result.and_then(|()| self.every_second());
            }
            if let Err(error) = result {
                self.say_trouble(&error);
            }
            self.people.keep_up();
            if round.is_multiple_of(EVERY_SECOND) {
                self.people.every_second(self.sync);
            }
            if ending {
                if let Err(error) = self.disk.empty_log() {
                    tracing::warn!(%error, "the next start has to take in the database's log");
                }
                self.people.end();
                break;
            }
            if round.is_multiple_of(EVERY_TEN_SECONDS) {
                self.forget_expired();
            }
        }
    }

    fn every_second(&self) -> Result<(), DiskError> {
        if self.sync == Sync::EverySecond {
            let past = self.committed.load(Ordering::Acquire);
            let sync = self.disk.sync().and_then(|()| self.folder.note_acknowledged(past));
            sync.map_err(|error| DiskError::Failed(error.to_string()))?;
        }
        if self.trouble.words().is_some() {
            // Something to write tells whether writing works again, also when nobody dares to send events any more.
            self.disk.probe()?;
            self.trouble.is_over();
            tracing::info!("the store keeps events again");
        }
        self.disk.give_back().map(drop)
    }

    /// Makes runs of all that was folded.
    pub(crate) fn keep_all(&self) -> Result<(), DiskError> {
        self.keep(1)
    }

    /// Makes runs of what was folded, as long as there is enough for one.
    fn keep(&self, enough: usize) -> Result<(), DiskError> {
        loop {
            let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
            let folded = std::mem::take(&mut *self.folded.lock().unwrap_or_else(PoisonError::into_inner));
            keeper.add(folded);
            let Some(groups) = keeper.next_run(enough) else { return Ok(()) };
            if let Err(error) = self.keep_run(&mut keeper, &groups) {
                keeper.put_back(groups);
                return Err(error);
            }
            self.pending_events.fetch_sub(groups.iter().map(Group::len).sum(), Ordering::AcqRel);
            drop(keeper);
            self.disk.bound_log()?;
        }
    }

    fn keep_run(&self, keeper: &mut Keeper, groups: &[Group]) -> Result<(), DiskError> {
        let (first, past) = (groups[0].first(), groups[groups.len() - 1].past());
        let mut change = Change::default();
        merge_blocks(groups, &mut change);
        let events = groups.iter().flat_map(Group::stored).flat_map(Stored::events);
        change.checkpoint = Some(checkpoint(first, events.map(EventRef::record)).map_err(unpacked)?);
        self.disk.make(change)?;
        let events = (past - first) as u32;
        keeper.runs.insert(first, Run { past, live: events, held: events });
        Ok(())
    }
}

/// Compressing fails where there is no memory for it.
#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
pub(crate) fn unpacked(error: std::io::Error) -> DiskError {
    DiskError::Failed(error.to_string())
}

/// Puts the small blocks of neighbouring events together, and leaves alone those that are large already.
fn merge_blocks(groups: &[Group], change: &mut Change) {
    let mut ordinal = groups[0].first();
    let stored = groups.iter().flat_map(Group::stored).map(|stored| {
        let range = ordinal..ordinal + stored.len() as u64;
        ordinal = range.end;
        (range, stored)
    });
    let stored: Vec<(Range<u64>, &Stored)> = stored.collect();
    for part in stored.chunk_by(|left, right| left.1.own_blocks() == right.1.own_blocks()) {
        if part[0].1.own_blocks() {
            continue;
        }
        let range = part[0].0.start..part[part.len() - 1].0.end;
        let records = part.iter().flat_map(|(_, stored)| stored.events()).map(EventRef::record);
        let mut first = range.start;
        change.blocks.extend(place(pack_all(records, Packing::Small), &mut first));
        change.remove.push(range);
    }
}
