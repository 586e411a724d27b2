//! Holding the figures to the log.

use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use footfall_domain::event::EventRef;
use footfall_domain::time::Timestamp;
use footfall_ports::{DIFFERENCES_MAX, StoreError};
use footfall_read_models::{BulkLoader, Fact};

use crate::load::side_by_side;
use crate::segments::{Failure, blocks_between};
use crate::store::{Inner, damaged};
use footfall_event_blocks::block::Block;
use footfall_event_blocks::group::facts;

/// Events read from the log at a time.
const STEP_EVENTS: usize = 16_384;
/// How often what came meanwhile is read, before the read models are locked for the rest and the comparison.
const ROUNDS: usize = 3;
const RETRY_AFTER: Duration = Duration::from_secs(1);

impl Inner {
    /// Builds the read models again from the log, and compares. Ingestion goes on meanwhile, but for the comparison
    /// itself. It takes as much memory again as the read models do.
    pub(crate) fn verify(&self) -> Result<Vec<String>, StoreError> {
        // Whoever erases or drops events, or verifies, has it: what was stored stays as it is while this runs.
        let Ok(_history) = self.history.try_lock() else {
            return Err(StoreError::Unavailable { retry_after: RETRY_AFTER, source: None });
        };
        let empty = self.settled().emptied();
        let unerased = self.unerased.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (mut recount, mut log) = (Recount::new(empty.oldest(), unerased), BulkLoader::new(empty));
        recount.read(self, &self.committed, |facts| log.add(facts))?;
        let mut log = log.finish(side_by_side);
        for _ in 0..ROUNDS {
            recount.read(self, &self.committed, |facts| log.add(facts))?;
        }
        let mut models = self.models_mut_settled();
        // Events that came too late count nowhere, and would go with the next sweep.
        self.forget_rows(&models.forget_before(recount.floor), recount.floor);
        // What was committed just now is not counted yet.
        recount.read(self, &self.counted, |facts| log.add(facts))?;
        recount.differences.extend(models.differences(&log, DIFFERENCES_MAX));
        drop(models);
        recount.differences.extend(self.people.segment_differences(DIFFERENCES_MAX)?);
        recount.differences.truncate(DIFFERENCES_MAX);
        Ok(recount.differences)
    }
}

/// What the log says.
struct Recount {
    floor: Timestamp,
    /// What is still in the log and counts no more.
    unerased: BTreeSet<u64>,
    next: u64,
    differences: Vec<String>,
}

impl Recount {
    const fn new(floor: Timestamp, unerased: BTreeSet<u64>) -> Self {
        Self { floor, unerased, next: 0, differences: Vec::new() }
    }

    /// Reads on to what is there now.
    fn read(
        &mut self,
        store: &Inner,
        until: &AtomicU64,
        mut add: impl FnMut(&mut dyn Iterator<Item = Fact<'_>>),
    ) -> Result<(), StoreError> {
        let until = until.load(Ordering::Acquire);
        while self.next < until {
            let blocks = match blocks_between(&store.disk, self.next, until, STEP_EVENTS) {
                Ok(blocks) => blocks,
                Err(Failure::Disk(error)) => return Err(error.into()),
                Err(Failure::Damage(damage)) => return Err(damaged(damage)),
            };
            let Some(past) = blocks.last().map(Block::past) else {
                // The rest was dropped as a whole.
                self.next = until;
                return Ok(());
            };
            self.check_index(store, &blocks);
            let counts =
                |ordinal, at| ordinal >= self.next && at >= self.floor && !self.unerased.contains(&ordinal);
            add(&mut facts(&blocks, counts));
            self.next = past;
        }
        Ok(())
    }

    /// Every event that is stored must be known by its identity.
    fn check_index(&mut self, store: &Inner, blocks: &[Block]) {
        let index = store.index.lock().unwrap_or_else(PoisonError::into_inner);
        for (ordinal, record) in blocks.iter().flat_map(Block::records) {
            if record.is_empty() || ordinal < self.next || self.differences.len() >= DIFFERENCES_MAX {
                continue;
            }
            let event = EventRef::new(record);
            if event.at() >= self.floor && index.find(event.id()) != Some(ordinal) {
                self.differences.push(format!("event {} is in the log and not known", event.id()));
            }
        }
    }
}
