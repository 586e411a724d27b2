//! Retention: dropping events that are too old, what was counted from them, and in time the room they take.

use std::sync::PoisonError;

use footfall_domain::time::{HOUR_US, Timestamp};
use footfall_read_models::{HourRows, Location};

use crate::disk::{Change, DiskError};
use crate::keep::{Keeper, Run};
use crate::store::Inner;

/// The name under which the database keeps the instant before which nothing is kept.
pub(crate) const FLOOR: &str = "floor";

impl Inner {
    /// Drops events past their retention, whole hours at a time. Ingestion goes on meanwhile.
    pub(crate) fn forget_expired(&self) {
        let Some(retention) = self.retention else { return };
        let micros = retention.as_micros().min(i64::MAX as u128) as i64;
        let floor = self.clock.now().plus_micros(-micros).floor_to(HOUR_US);
        if let Err(error) = self.forget_before(floor) {
            self.say_trouble(&error);
        }
    }

    fn forget_before(&self, floor: Timestamp) -> Result<(), DiskError> {
        // Who holds it looks at the log as a whole; the next round comes soon.
        let Ok(_history) = self.history.try_lock() else { return Ok(()) };
        self.settle();
        if !self.has_before(floor) {
            return Ok(());
        }
        // Noted first: a start after this leaves out what is dropped now, whether it is gone from the disk or not.
        self.disk.set_fact(FLOOR, floor.micros())?;
        let dropped = self.models_mut().forget_before(floor);
        let mut ordinals: Vec<u64> =
            dropped.iter().flat_map(HourRows::locations).map(Location::bits).collect();
        // All of it in runs, so that each event is in one.
        self.keep_all()?;
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        let erased_kept = keeper.erased.split_off(&(floor, 0));
        let erased = std::mem::replace(&mut keeper.erased, erased_kept);
        ordinals.extend(erased.into_iter().map(|(_, ordinal)| ordinal));
        ordinals.sort_unstable();
        {
            let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
            for ordinal in &ordinals {
                index.remove(*ordinal);
            }
        }
        count_down(&mut keeper, &ordinals);
        self.cache.clear();
        let smaller = keeper.runs.iter().filter(|(_, run)| run.live < run.held / 2 || run.live == 0);
        let smaller: Vec<(u64, Run)> = smaller.map(|(first, run)| (*first, *run)).collect();
        for (first, run) in smaller {
            self.shrink(&mut keeper, first, run, floor)?;
        }
        self.cache.clear();
        tracing::info!(events = ordinals.len(), before = %floor, "dropped events past their retention");
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
            self.disk.change(&change)?;
            keeper.runs.remove(&first);
        } else {
            self.rewrite_run(first, run.past, |_, event| (event.at() < floor).then(Vec::new))?;
            keeper.runs.insert(first, Run { held: run.live, ..run });
        }
        Ok(())
    }
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
