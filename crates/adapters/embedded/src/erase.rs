//! Erasing a person: from the figures, from the log, and from the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use footfall_domain::answers::{EventFilter, Order, Slice};
use footfall_domain::event::{Event, EventId, EventRef};
use footfall_read_models::{Location, ReadModels};

use crate::block::{Block, Packing, pack_all, place};
use crate::disk::{Change, DiskError};
use crate::keep::checkpoint;
use crate::store::Inner;

/// After so many rounds of finding new events of the user, the last is done while no more can come.
const ROUNDS: usize = 3;

impl Inner {
    /// Erases the user's events. First on the disk, then in the figures: if it fails half-way, the figures still say what
    /// is to be erased, and doing it again goes on.
    pub(crate) fn erase_user(&self, user: &str) -> Result<u64, DiskError> {
        let _history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        let mut done = BTreeSet::new();
        for _ in 0..ROUNDS {
            let found = events_of(&self.settled(), user);
            self.erase(&found.difference(&done).copied().collect())?;
            done.extend(found);
        }
        // Events that came meanwhile: few, if any. With the models locked none are counted that aren't seen here.
        let mut models = self.models_mut_settled();
        let found = events_of(&models, user);
        self.erase(&found.difference(&done).copied().collect())?;
        done.extend(found);
        models.forget_user(user);
        drop(models);
        self.cache.clear();
        // The log that commits go to holds them too, until it is emptied. Also when there was nothing: they may have been
        // erased before, and this have failed.
        self.disk.empty_log()?;
        if !done.is_empty() {
            tracing::info!(events = done.len(), "erased a user");
        }
        Ok(done.len() as u64)
    }

    /// Erases events on the disk.
    fn erase(&self, ordinals: &BTreeSet<u64>) -> Result<(), DiskError> {
        if ordinals.is_empty() {
            return Ok(());
        }
        // All of them in runs: what is pending would be written again as it was.
        self.keep_all()?;
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        let mut by_run: BTreeMap<(u64, u64), BTreeSet<u64>> = BTreeMap::new();
        for ordinal in ordinals {
            if let Some((first, run)) = keeper.runs.range(..=ordinal).next_back() {
                by_run.entry((*first, run.past)).or_default().insert(*ordinal);
            }
        }
        for ((first, past), ordinals) in by_run {
            let mut erased = Vec::new();
            self.rewrite_run(first, past, |ordinal, event| {
                ordinals.contains(&ordinal).then(|| {
                    erased.push((event.at(), ordinal));
                    Event::erased(event.id(), event.at()).get().record().to_vec()
                })
            })?;
            keeper.erased.extend(erased);
        }
        Ok(())
    }

    /// Writes a run again, with other records in place of those of events for which `instead` gives one.
    pub(crate) fn rewrite_run(
        &self,
        first: u64,
        past: u64,
        mut instead: impl FnMut(u64, EventRef<'_>) -> Option<Vec<u8>>,
    ) -> Result<(), DiskError> {
        let mut records: Vec<Vec<u8>> = Vec::with_capacity((past - first) as usize);
        let mut damage = None;
        self.disk.each_block(first, |at, value| {
            if at >= past {
                return false;
            }
            match Block::read(at, value) {
                Ok(block) => records.extend(block.records().map(|(_, record)| record.to_vec())),
                Err(error) => damage = Some(error),
            }
            damage.is_none()
        })?;
        if let Some(damage) = damage {
            return Err(DiskError::Damaged(damage.to_string()));
        }
        for (ordinal, record) in (first..).zip(&mut records) {
            if !record.is_empty()
                && let Some(other) = instead(ordinal, EventRef::new(record))
            {
                *record = other;
            }
        }
        let all = || records.iter().map(|record| &record[..]);
        let mut next = first;
        let mut change = Change {
            blocks: place(pack_all(all(), Packing::Small), &mut next).collect(),
            checkpoint: Some((first, checkpoint(first, all())?)),
            ..Change::default()
        };
        change.remove.push(first..past);
        self.disk.change(&change)
    }
}

/// The ordinals of a user's events.
fn events_of(models: &ReadModels, user: &str) -> BTreeSet<u64> {
    let filter = EventFilter { user: Some(user.to_owned()), ..EventFilter::default() };
    let all = Slice { order: Order::Ascending, after: None, limit: usize::MAX };
    // Their order doesn't matter, so neither do the identities of those that happened at once.
    let anything = |_| EventId::from_bytes([0; 16]);
    models.list(&filter, all, anything).into_iter().map(Location::bits).collect()
}
