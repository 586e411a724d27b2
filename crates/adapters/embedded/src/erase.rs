//! Erasing a person: from the figures, from the log, and from the disk.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use footfall_domain::event::{Event, EventRef};

use crate::database::DiskError;
use crate::disk::{Change, Disk};
use crate::keep::{Run, unpacked};
use crate::store::Inner;
use footfall_event_blocks::block::{Block, Packing, pack_all, place};
use footfall_event_blocks::checkpoint::checkpoint;

impl Inner {
    /// Erases the user's events: from the figures at once, then from the disk; and what else is kept of the user. If that
    /// fails half-way, the events are in no answer all the same, and doing it again goes on; a start before that brings back
    /// those that weren't done.
    pub(crate) fn erase_user(&self, user: &str) -> Result<u64, DiskError> {
        let history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        let forgotten = {
            let mut models = self.models_mut_settled();
            let forgotten = models.forget_user(user);
            self.removals.fetch_add(1, Ordering::AcqRel);
            // Before the models are given back: who asks for one of them next must not find it.
            let mut unerased = self.unerased.lock().unwrap_or_else(PoisonError::into_inner);
            unerased.extend(forgotten.iter().map(|(_, location)| location.bits()));
            forgotten
        };
        {
            let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
            keeper.erased.extend(forgotten.iter().map(|(at, location)| (*at, location.bits())));
        }
        // The log that commits go to holds them too, until it is emptied. Also when there was nothing: they may have been
        // erased before, and this have failed.
        let erased = self.erase_on_disk().and_then(|()| self.disk.empty_log());
        drop(history);
        // Now that no calculation can find them any more; and whatever became of their events.
        self.people.forget_user(user)?;
        erased?;
        if !forgotten.is_empty() {
            tracing::info!(events = forgotten.len(), "erased a user");
        }
        Ok(forgotten.len() as u64)
    }

    /// Takes off the disk what is still to be erased there.
    fn erase_on_disk(&self) -> Result<(), DiskError> {
        let unerased = || self.unerased.lock().unwrap_or_else(PoisonError::into_inner);
        let mut ordinals = unerased().clone();
        if ordinals.is_empty() {
            return Ok(());
        }
        // All that follows takes room, and there may be little.
        self.disk.empty_log()?;
        // All of them in runs: what is pending would be written again as it was.
        self.keep_all()?;
        while let Some(ordinal) = ordinals.first() {
            // Anew for each: runs are made meanwhile.
            let keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
            let run = keeper.runs.range(..=ordinal).next_back().filter(|(_, run)| *ordinal < run.past);
            let Some((&first, &Run { past, .. })) = run else {
                // Retention has dropped its whole run meanwhile.
                unerased().remove(&ordinals.pop_first().expect("there is one"));
                continue;
            };
            let rest = ordinals.split_off(&past);
            rewrite_run(&self.disk, first, past, |ordinal, event| {
                let erased = || Event::erased(event.id(), event.at()).get().record().to_vec();
                ordinals.contains(&ordinal).then(erased)
            })?;
            self.cache.clear();
            unerased().retain(|ordinal| !ordinals.contains(ordinal));
            ordinals = rest;
            drop(keeper);
            self.disk.bound_log()?;
        }
        Ok(())
    }
}

/// Writes a run again, with other records in place of those of events for which `instead` gives one.
pub(crate) fn rewrite_run(
    disk: &Disk,
    first: u64,
    past: u64,
    mut instead: impl FnMut(u64, EventRef<'_>) -> Option<Vec<u8>>,
) -> Result<(), DiskError> {
    let mut records: Vec<Vec<u8>> = Vec::with_capacity((past - first) as usize);
    let mut damage = None;
    disk.each_block(first, |at, value| {
        if at >= past || at < first {
            return at < first;
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
        checkpoint: Some(checkpoint(first, all()).map_err(unpacked)?),
        ..Change::default()
    };
    change.remove.push(first..past);
    disk.make(change)
}
