//! Retention: dropping events that are too old, what was counted from them, and in time the room they take.

use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use footfall_domain::time::{HOUR_US, Timestamp};
use footfall_ports::Clock;
use footfall_read_models::{HourRows, Location};

use crate::database::DiskError;
use crate::disk::{Change, Disk};
use crate::erase::rewrite_run;
use crate::keep::{Keeper, Run};
use crate::segments::{Extent, Failure, each_segment};
use crate::store::Inner;
use footfall_event_blocks::checkpoint::State;

/// The name under which the database keeps the instant before which nothing is kept.
pub(crate) const FLOOR: &str = "floor";
/// Identities forgotten at a time: commits wait for no more.
const FORGOTTEN_AT_A_TIME: usize = 4_096;

impl Inner {
    /// Drops events past their retention, whole hours at a time. Ingestion goes on meanwhile.
    pub(crate) fn forget_expired(&self) {
        // Who holds it looks at the log as a whole; the next round comes soon.
        if let Ok(history) = self.history.try_lock() {
            self.forget_expired_of(&history);
        }
    }

    /// The same, once nobody else is at it.
    pub(crate) fn forget_expired_now(&self) {
        self.forget_expired_of(&self.history.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn forget_expired_of(&self, _history: &MutexGuard<'_, ()>) {
        let Some(retention) = self.retention else { return };
        if let Err(error) = self.forget_before(oldest_kept(retention, &*self.clock)) {
            self.say_trouble(&error);
        }
    }

    fn forget_before(&self, floor: Timestamp) -> Result<(), DiskError> {
        // A clock that was set back brings nothing back.
        let floor = floor.max(self.settled().oldest());
        if self.has_before(floor) {
            // Noted first: a start after this leaves out what is dropped now, whether it is gone from the disk or not.
            self.disk.set_fact(FLOOR, floor.micros())?;
            let dropped = {
                let mut models = self.models_mut();
                self.removals.fetch_add(1, Ordering::AcqRel);
                models.forget_before(floor)
            };
            let events = self.forget_rows(&dropped, floor);
            tracing::info!(events, before = %floor, "dropped events past their retention");
        }
        if let Err(error) = self.forget_metrics_before(floor) {
            // The events' room is given back all the same.
            self.people.say_trouble(&error);
        }
        self.give_back_room(floor)
    }

    /// Forgets the identities of events whose rows were dropped, and of erased ones from before the floor. Says how many.
    pub(crate) fn forget_rows(&self, dropped: &[HourRows], floor: Timestamp) -> usize {
        let mut ordinals: Vec<u64> =
            dropped.iter().flat_map(HourRows::locations).map(Location::bits).collect();
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        let erased_kept = keeper.erased.split_off(&(floor, 0));
        let erased = std::mem::replace(&mut keeper.erased, erased_kept);
        ordinals.extend(erased.into_iter().map(|(_, ordinal)| ordinal));
        for some in ordinals.chunks(FORGOTTEN_AT_A_TIME) {
            let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
            for ordinal in some {
                index.remove(*ordinal);
            }
        }
        keeper.uncounted.extend_from_slice(&ordinals);
        ordinals.len()
    }

    /// Gives back the room of what was dropped. What fails is done the next time.
    fn give_back_room(&self, floor: Timestamp) -> Result<(), DiskError> {
        if !self.keeper.lock().unwrap_or_else(PoisonError::into_inner).uncounted.is_empty() {
            // All of it in runs, so that each event is in one.
            self.keep_all()?;
        }
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        let mut ordinals = std::mem::take(&mut keeper.uncounted);
        ordinals.sort_unstable();
        count_down(&mut keeper, &ordinals);
        let smaller = keeper.runs.iter().filter(|(_, run)| run.live < run.held / 2 || run.live == 0);
        let smaller: Vec<(u64, Run)> = smaller.map(|(first, run)| (*first, *run)).collect();
        for (first, run) in smaller {
            self.cache.clear();
            self.shrink(&mut keeper, first, run, floor)?;
            self.disk.bound_log()?;
        }
        if !ordinals.is_empty() {
            self.cache.clear();
        }
        Ok(())
    }

    fn has_before(&self, floor: Timestamp) -> bool {
        let first = |keeper: &Keeper| keeper.erased.first().map(|(at, _)| *at);
        let erased = first(&self.keeper.lock().unwrap_or_else(PoisonError::into_inner));
        erased.is_some_and(|at| at < floor) || self.settled().has_before(floor)
    }

    /// Gives back the room of a run that is dropped as a whole, or for the most part.
    fn shrink(&self, keeper: &mut Keeper, first: u64, run: Run, floor: Timestamp) -> Result<(), DiskError> {
        let range = first..run.past;
        if run.live == 0 {
            let mut change = Change { dropped: Some(range.clone()), ..Change::default() };
            change.remove.push(range);
            self.disk.make(change)?;
            keeper.runs.remove(&first);
        } else {
            rewrite_run(&self.disk, first, run.past, |_, event| (event.at() < floor).then(Vec::new))?;
            keeper.runs.insert(first, Run { held: run.live, ..run });
        }
        Ok(())
    }
}

/// The hour before which nothing is kept.
pub(crate) fn oldest_kept(retention: Duration, clock: &dyn Clock) -> Timestamp {
    let micros = retention.as_micros().min(i64::MAX as u128) as i64;
    clock.now().plus_micros(-micros).floor_to(HOUR_US)
}

/// The floor of the log, lowered where events are kept for longer than they were: what was dropped and is still on the
/// disk is taken off it first, or it would be back.
pub(crate) fn lower_floor(disk: &Disk, extent: &Extent, to: Timestamp) -> Result<Timestamp, Failure> {
    let Some(floor) = disk.fact(FLOOR)?.map(Timestamp::from_micros_clamped) else {
        return Ok(Timestamp::MIN);
    };
    if floor <= to {
        return Ok(floor);
    }
    let mut ranges = Vec::new();
    each_segment(disk, extent, |segment| {
        let mut is_held = false;
        segment.each(|_, state, _, at| is_held |= state != State::Dropped && at < floor);
        if is_held {
            ranges.push(segment.ordinals());
        }
        true
    })?;
    for range in ranges {
        rewrite_run(disk, range.start, range.end, |_, event| (event.at() < floor).then(Vec::new))?;
    }
    disk.set_fact(FLOOR, to.micros())?;
    Ok(to)
}

/// Counts events, in order of their ordinals, out of their runs.
fn count_down(keeper: &mut Keeper, ordinals: &[u64]) {
    let mut rest = ordinals;
    while let Some(ordinal) = rest.first() {
        let Some((_, run)) = keeper.runs.range_mut(..=ordinal).next_back() else { return };
        let (own, others) = rest.split_at(rest.partition_point(|ordinal| *ordinal < run.past));
        if own.is_empty() {
            return;
        }
        run.live -= own.len() as u32;
        rest = others;
    }
}
