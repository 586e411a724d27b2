//! All that is stored, in order, in the form in which a start takes it in.

use std::ops::Range;

use footfall_domain::event::{EventId, EventRef};
use footfall_domain::time::Timestamp;

use crate::block::Block;
use crate::checkpoint::{Checkpoint, State};
use crate::damage::Damage;
use crate::disk::{Disk, DiskError};
use crate::keep::RUN_EVENTS;

/// Some events that follow each other.
#[derive(Debug)]
pub(crate) enum Segment {
    /// They were dropped.
    Dropped(Range<u64>),
    /// They are in a run that has a checkpoint.
    Run(Box<Checkpoint>),
    /// They are in blocks that have none.
    Replay(Vec<Block>),
}

/// Why the log couldn't be read: because of the disk, or of what it holds.
#[derive(Debug)]
pub(crate) enum Failure {
    Disk(DiskError),
    Damage(Damage),
}

impl From<DiskError> for Failure {
    fn from(error: DiskError) -> Self {
        Self::Disk(error)
    }
}

impl From<Damage> for Failure {
    fn from(damage: Damage) -> Self {
        Self::Damage(damage)
    }
}

impl Segment {
    /// The ordinals of the segment.
    pub(crate) fn ordinals(&self) -> Range<u64> {
        match self {
            Self::Dropped(range) => range.clone(),
            Self::Run(checkpoint) => checkpoint.first()..checkpoint.past(),
            Self::Replay(blocks) => {
                blocks.first().map_or(0, Block::first)..blocks.last().map_or(0, Block::past)
            }
        }
    }

    /// Hands on each event with its ordinal, also those that were dropped one by one.
    pub(crate) fn each(&self, mut each: impl FnMut(u64, State, EventId, Timestamp)) {
        match self {
            Self::Dropped(_) => {}
            Self::Run(checkpoint) => {
                for (ordinal, (state, id, at)) in (checkpoint.first()..).zip(checkpoint.events()) {
                    each(ordinal, state, id, at);
                }
            }
            Self::Replay(blocks) => {
                for (ordinal, record) in blocks.iter().flat_map(Block::records) {
                    if record.is_empty() {
                        each(ordinal, State::Dropped, EventId::from_bytes([0; 16]), Timestamp::MIN);
                        continue;
                    }
                    let event = EventRef::new(record);
                    let state =
                        if event.is_erased() { State::Erased } else { State::Stored(event.subject_kind()) };
                    each(ordinal, state, event.id(), event.at());
                }
            }
        }
    }
}

/// Hands on the whole log below `end` in order, for as long as `send` says true. Whatever has no sound checkpoint comes
/// as blocks.
///
/// # Errors
/// [`Failure`] when blocks can't be read.
pub(crate) fn each_segment(
    disk: &Disk,
    dropped: &[Range<u64>],
    end: u64,
    mut send: impl FnMut(Segment) -> bool,
) -> Result<(), Failure> {
    let mut gaps = Gaps { disk, dropped, next: 0 };
    let mut result = Ok(true);
    disk.each_checkpoint(|first, value| match Checkpoint::read(first, value) {
        Ok(checkpoint) if first >= gaps.next && checkpoint.past() <= end => {
            result = gaps.fill(first, &mut send);
            gaps.next = checkpoint.past();
            matches!(result, Ok(true)) && send(Segment::Run(Box::new(checkpoint)))
        }
        Ok(_) => {
            tracing::warn!(first, "a checkpoint doesn't fit the log; drawing it again");
            true
        }
        Err(damage) => {
            tracing::warn!(%damage, "drawing a checkpoint again from the log");
            true
        }
    })?;
    if result? {
        gaps.fill(end, &mut send)?;
    }
    Ok(())
}

/// Where there is no checkpoint.
struct Gaps<'a> {
    disk: &'a Disk,
    dropped: &'a [Range<u64>],
    /// What comes before was handed on.
    next: u64,
}

impl Gaps<'_> {
    /// Hands on all up to that ordinal. Whether it should go on.
    fn fill(&mut self, until: u64, send: &mut impl FnMut(Segment) -> bool) -> Result<bool, Failure> {
        while self.next < until {
            self.dropped = &self.dropped[self.dropped.partition_point(|range| range.end <= self.next)..];
            let segment = match self.dropped.first() {
                Some(range) if range.start <= self.next => Segment::Dropped(self.next..range.end),
                dropped => {
                    let until = dropped.map_or(until, |range| until.min(range.start));
                    Segment::Replay(blocks_between(self.disk, self.next, until, RUN_EVENTS)?)
                }
            };
            let past = segment.ordinals().end;
            if past <= self.next {
                let what = format!("the block of event number {} is gone", self.next);
                return Err(Damage::other(what).into());
            }
            self.next = past;
            if !send(segment) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The blocks that begin from one ordinal on and before another, until they hold so many events.
///
/// # Errors
/// [`Failure`] when a block can't be read.
pub(crate) fn blocks_between(
    disk: &Disk,
    from: u64,
    until: u64,
    events: usize,
) -> Result<Vec<Block>, Failure> {
    let (mut blocks, mut damage) = (Vec::new(), None);
    disk.each_block(from, |first, value| {
        if first >= until {
            return false;
        }
        match Block::read(first, value) {
            Ok(block) => {
                let more = block.past() - from < events as u64;
                blocks.push(block);
                more
            }
            Err(error) => {
                damage = Some(error);
                false
            }
        }
    })?;
    damage.map_or(Ok(blocks), |damage| Err(damage.into()))
}
