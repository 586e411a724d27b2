//! Taking events away: a user's when asked to, and everyone's when they are too old.

use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError, TryLockError};

use footfall_domain::time::HOUR_US;
use footfall_read_models::{HourRows, Location};

use crate::erased::Erased;
use crate::store::{Inner, position_at, shard_at};

impl Inner {
    /// Waits until nobody removes events from the log, and keeps it so.
    pub(crate) fn removing(&self) -> MutexGuard<'_, Erased> {
        self.removing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Erases a user's events and says how many there were. Appending goes on meanwhile, and questions wait.
    pub(crate) fn erase_user(&self, user: &str) -> u64 {
        let mut erased = self.removing();
        let counted = erased.heap_bytes();
        let mut models = self.models_while_removing(&erased);
        self.fold_all(&mut models);
        let mut forgotten = models.forget_user(user);
        self.removals.fetch_add(1, Ordering::AcqRel);
        self.count_models(&models, 0);
        forgotten.sort_unstable_by_key(|(_, location)| *location);
        // Before the models are given back: who asks next must not find the record of an event that is in no answer.
        for of_shard in forgotten.chunk_by(|left, right| shard_at(left.1) == shard_at(right.1)) {
            let mut shard = self.shard_whatever(shard_at(of_shard[0].1));
            for (at, location) in of_shard {
                shard.log.erase(position_at(*location));
                // Without retention nobody will ever ask for the list.
                if self.retention.is_some() {
                    erased.add(*at, *location);
                }
            }
        }
        self.budget.replace(counted, erased.heap_bytes());
        drop((models, erased));
        self.forget_metrics_of(user);
        self.forget_memberships(user);
        if !forgotten.is_empty() {
            tracing::info!(events = forgotten.len(), "erased a user's events");
        }
        forgotten.len() as u64
    }

    /// Drops events past their retention, whole hours at a time. Ingestion goes on meanwhile.
    pub(crate) fn forget_expired(&self) {
        self.forget_expired_of(self.removing());
    }

    /// The same, but not now where it would have to wait: folding is more urgent to the maintenance thread.
    pub(crate) fn forget_expired_unless_busy(&self) {
        match self.removing.try_lock() {
            Ok(erased) => self.forget_expired_of(erased),
            Err(TryLockError::Poisoned(poisoned)) => self.forget_expired_of(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => {}
        }
    }

    fn forget_expired_of(&self, mut erased: MutexGuard<'_, Erased>) {
        let Some(retention) = self.retention else { return };
        let age_us = retention.as_micros().min(i64::MAX as u128) as i64;
        let oldest = self.clock.now().plus_micros(-age_us).floor_to(HOUR_US);
        let dropped = {
            let mut models = self.models_while_removing(&erased);
            self.fold_all(&mut models);
            let dropped = models.forget_before(oldest);
            if !dropped.is_empty() {
                self.removals.fetch_add(1, Ordering::AcqRel);
            }
            self.count_models(&models, 0);
            dropped
        };
        let counted = erased.heap_bytes();
        let expired = erased.take_before(oldest);
        self.budget.replace(counted, erased.heap_bytes());
        let mut events = 0_u64;
        for location in dropped.iter().flat_map(HourRows::locations).chain(expired) {
            self.forget(location);
            events += 1;
        }
        drop(erased);
        self.forget_metrics_before(oldest);
        if events > 0 {
            tracing::info!(events, before = %oldest, "dropped events past their retention");
        }
    }

    fn forget(&self, location: Location) {
        let mut shard = self.shard_whatever(shard_at(location));
        let position = position_at(location);
        let hash = self.hash(shard.log.get(position).id().as_bytes());
        self.budget.release(shard.forget(hash, position));
    }
}
