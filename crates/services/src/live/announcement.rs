//! What stands between storing events and telling of them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use footfall_domain::event::EventBatch;
use footfall_ports::{Accepted, Outcome, StoreError};

use super::Live;

/// A batch on its way into the store. Dropped without an outcome, it may have been stored or not: who asked for it has gone, but
/// not the store. A retry would find it to be a duplicate, which nobody is told of; so listeners are told that they may have
/// missed it.
pub(crate) struct Announcement<'a> {
    live: &'a Live,
    batch: Option<Arc<EventBatch>>,
}

impl<'a> Announcement<'a> {
    pub(super) const fn new(live: &'a Live, batch: Arc<EventBatch>) -> Self {
        Self { live, batch: Some(batch) }
    }

    /// Tells of what was stored.
    pub(crate) fn conclude(mut self, outcome: &Result<Vec<Outcome>, StoreError>) {
        match outcome {
            Ok(outcomes) => {
                let Some(batch) = self.batch.take() else { return };
                let is_wanted = self.live.is_wanted.load(Ordering::Acquire);
                if !is_wanted && self.live.feed.is_none() {
                    return;
                }
                let Some(accepted) = Accepted::of(batch, outcomes) else { return };
                if let Some(feed) = &self.live.feed {
                    feed.publish(&accepted);
                }
                if is_wanted {
                    self.live.accept(accepted, true);
                }
            }
            // Nothing was stored.
            Err(StoreError::Full { .. }) => self.batch = None,
            // Some may have been: as if nobody had waited.
            Err(StoreError::Unavailable { .. } | StoreError::Failed(_)) => {}
        }
    }
}

impl Drop for Announcement<'_> {
    fn drop(&mut self) {
        let Some(batch) = self.batch.take() else { return };
        if let Some(feed) = &self.live.feed {
            feed.miss(batch.len() as u64);
        }
        if self.live.is_wanted.load(Ordering::Acquire)
            && let Some(accepted) = Accepted::all(batch)
        {
            self.live.accept(accepted, false);
        }
    }
}
