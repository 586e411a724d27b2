//! All that is stored, in order, in the form in which a start takes it in.

use std::ops::Range;

use footfall_domain::event::{EventId, EventRef};
use footfall_domain::time::Timestamp;

use crate::database::DiskError;
use crate::disk::Disk;
use crate::keep::{RUN_BYTES, RUN_EVENTS};
use footfall_event_blocks::Damage;
use footfall_event_blocks::block::{self, Block};
use footfall_event_blocks::checkpoint::{Checkpoint, State};

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

/// What ordinals there are.
pub(crate) struct Extent {
    /// The runs that retention dropped as a whole, in order.
    pub(crate) dropped: Vec<Range<u64>>,
    /// The ordinal past the last one.
    pub(crate) end: u64,
    /// Each block's first ordinal and [`block::head_sum`].
    sums: Vec<(u64, u32)>,
}

impl Extent {
    /// What the disk holds; nothing may be missing in between.
    pub(crate) fn of(disk: &Disk) -> Result<Self, Failure> {
        let dropped = disk.dropped()?;
        let mut sums = Vec::new();
        let end = check_cover(disk, &dropped, &mut sums)?;
        Ok(Self { dropped, end, sums })
    }

    /// The fingerprint of the blocks that begin within the range.
    fn fingerprint(&self, range: Range<u64>) -> u32 {
        let place = |ordinal| self.sums.partition_point(|(first, _)| *first < ordinal);
        block::fingerprint(self.sums[place(range.start)..place(range.end)].iter().map(|(_, sum)| *sum))
    }
}

/// Holds every ordinal to be in one block or in one run that was dropped. Returns the ordinal past the last one,
/// and notes what the blocks' heads say.
fn check_cover(disk: &Disk, dropped: &[Range<u64>], sums: &mut Vec<(u64, u32)>) -> Result<u64, Failure> {
    let mut dropped = dropped.iter().peekable();
    let mut next = 0;
    let mut damage = None;
    disk.each_block_head(block::HEADER, |first, head| {
        while let Some(range) = dropped.next_if(|range| range.start == next) {
            next = range.end;
        }
        sums.push((first, block::head_sum(head)));
        match block::count_of(first, head) {
            Ok(count) if first == next => next += count,
            Ok(_) => {
                damage = Some(Damage::other(format!(
                    "after event number {next} the next one is number {first}: what is between them is missing"
                )));
            }
            Err(error) => damage = Some(error),
        }
        damage.is_none()
    })?;
    for range in dropped {
        if range.start != next {
            damage =
                damage.or_else(|| Some(Damage::other(format!("events from number {next} on are missing"))));
        }
        next = next.max(range.end);
    }
    damage.map_or(Ok(next), |damage| Err(damage.into()))
}

/// Hands on the whole log in order, for as long as `send` says true. Whatever has no sound checkpoint comes
/// as blocks.
///
/// # Errors
/// [`Failure`] when blocks can't be read.
pub(crate) fn each_segment(
    disk: &Disk,
    extent: &Extent,
    mut send: impl FnMut(Segment) -> bool,
) -> Result<(), Failure> {
    let (mut gaps, end) = (Gaps { disk, dropped: &extent.dropped, next: 0 }, extent.end);
    let mut result = Ok(true);
    disk.each_checkpoint(|first, value| match Checkpoint::read(first, value) {
        Ok(checkpoint)
            if first >= gaps.next
                && checkpoint.past() <= end
                && checkpoint.blocks() == extent.fingerprint(first..checkpoint.past()) =>
        {
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
            let ordinals = segment.ordinals();
            if ordinals.start != self.next || ordinals.is_empty() {
                let what = format!("no block begins with event number {}", self.next);
                return Err(Damage::other(what).into());
            }
            self.next = ordinals.end;
            if !send(segment) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The blocks that hold events from one ordinal on and begin before another, until they hold so many events, or as many bytes as a run. The first
/// may
/// begin earlier: neighbours are merged.
///
/// # Errors
/// [`Failure`] when a block can't be read.
pub(crate) fn blocks_between(
    disk: &Disk,
    from: u64,
    until: u64,
    events: usize,
) -> Result<Vec<Block>, Failure> {
    let (mut blocks, mut bytes, mut damage) = (Vec::new(), 0, None);
    disk.each_block(from, |first, value| {
        if first >= until {
            return false;
        }
        match Block::read(first, value) {
            Ok(block) if block.past() <= from => true,
            Ok(block) => {
                bytes += block.bytes();
                let more = block.past() - from < events as u64 && bytes < RUN_BYTES;
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
