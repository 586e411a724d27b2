//! From the log into the read models: what was committed is folded in, before anyone's question is answered.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{PoisonError, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use footfall_event_blocks::group::Group;
use footfall_read_models::ReadModels;

use crate::keep::RUN_EVENTS;
use crate::store::{FOLD, Inner, KEEP};

/// Above so many events not folded yet the keeper is woken early.
const FRESH_EVENTS_WAKE: usize = 16_384;
/// Above so many, whoever appends waits: ingestion must not outrun folding for ever.
const FRESH_EVENTS_MAX: usize = 65_536;
/// Above so many that are folded and in no run yet, too: the keeper holds them in memory.
const PENDING_EVENTS_MAX: usize = 8 * RUN_EVENTS;
/// How long events may stay unfolded when nobody asks.
const INTERVAL: Duration = Duration::from_millis(200);
/// Events folded at a time. More would share more work between neighbours, fewer keep the models locked more briefly.
const FOLD_EVENTS: usize = 16_384;

/// Why there are no answers any more: what a panic left behind is not what the log says. The next start draws it again.
pub(crate) const HALF_CHANGED: &str = "a failure left the figures half changed: restart the service";

/// What was committed and is not folded yet, in order.
pub(crate) type Fresh = VecDeque<Group>;

impl Inner {
    /// Hands on what was committed. Whoever is told of it after this finds it counted.
    pub(crate) fn add_fresh(&self, group: Group) {
        let events = group.len();
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        fresh.push_back(group);
        // With the lock in hand: who asks next must find a count that isn't zero.
        self.fresh_events.fetch_add(events, Ordering::AcqRel);
    }

    /// Whether so much is not folded yet, or in no run, that appending should wait. Wakes whoever folds.
    pub(crate) fn is_behind(&self) -> bool {
        let fresh = self.fresh_events.load(Ordering::Acquire);
        if fresh > FRESH_EVENTS_WAKE && !self.woken.swap(true, Ordering::AcqRel) {
            self.threads.wake(FOLD);
        }
        fresh > FRESH_EVENTS_MAX || self.pending_events.load(Ordering::Acquire) > PENDING_EVENTS_MAX
    }

    /// Folds all that was committed before.
    pub(crate) fn settle(&self) {
        while self.fresh_events.load(Ordering::Acquire) > 0 {
            // Locked anew for each part, so that questions and appends come in between.
            self.fold(&mut self.models_mut());
        }
    }

    /// The read models with all in them that was committed before.
    pub(crate) fn settled(&self) -> RwLockReadGuard<'_, ReadModels> {
        self.settle();
        self.models.read().expect(HALF_CHANGED)
    }

    /// Locks the read models for change.
    pub(crate) fn models_mut(&self) -> RwLockWriteGuard<'_, ReadModels> {
        self.models.write().expect(HALF_CHANGED)
    }

    /// The same, with all in them that was committed before.
    pub(crate) fn models_mut_settled(&self) -> RwLockWriteGuard<'_, ReadModels> {
        let mut models = self.models_mut();
        while self.fresh_events.load(Ordering::Acquire) > 0 {
            self.fold(&mut models);
        }
        models
    }

    /// Folds a part of what is fresh, which the models' lock keeps in order, and hands it to the keeper.
    pub(crate) fn fold(&self, models: &mut ReadModels) {
        let mut groups = Vec::new();
        let mut events = 0;
        {
            let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
            while events < FOLD_EVENTS
                && let Some(group) = fresh.pop_front()
            {
                events += group.len();
                groups.push(group);
            }
        }
        if let Some(last) = groups.last() {
            let past = last.past();
            models.add(groups.iter().flat_map(Group::facts));
            self.counted.store(past, Ordering::Release);
            self.folded.lock().unwrap_or_else(PoisonError::into_inner).extend(groups);
            self.fresh_events.fetch_sub(events, Ordering::AcqRel);
            let pending = self.pending_events.fetch_add(events, Ordering::AcqRel) + events;
            if pending >= RUN_EVENTS {
                self.threads.wake(KEEP);
            }
        }
    }

    /// What the folding thread does.
    pub(crate) fn fold_until_ended(&self) {
        while !self.ending.load(Ordering::Acquire) {
            std::thread::park_timeout(INTERVAL);
            self.woken.store(false, Ordering::Release);
            self.settle();
        }
    }
}
