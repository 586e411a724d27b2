//! Reading events back from the disk.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use footfall_domain::answers::{EventFilter, Slice};
use footfall_domain::event::{Event, EventId};
use footfall_ports::StoreError;
use footfall_read_models::Location;

use crate::store::{Inner, damaged};
use footfall_event_blocks::Damage;
use footfall_event_blocks::block::Block;

/// How often a list is made again when events of it have gone before they were read.
const TRIES: usize = 5;

impl Inner {
    pub(crate) fn event(&self, id: EventId) -> Result<Option<Event>, StoreError> {
        let ordinal = self.index.lock().unwrap_or_else(PoisonError::into_inner).find(id);
        // One that is being committed is not there yet.
        let Some(ordinal) = ordinal.filter(|ordinal| *ordinal < self.committed.load(Ordering::Acquire))
        else {
            return Ok(None);
        };
        if self.unerased.lock().unwrap_or_else(PoisonError::into_inner).contains(&ordinal) {
            return Ok(None);
        }
        Ok(self.block_of(ordinal)?.and_then(|block| block.event(ordinal).map(Event::copy_of)))
    }

    pub(crate) fn events(&self, filter: &EventFilter, slice: Slice) -> Result<Vec<Event>, StoreError> {
        for tried in 1..=TRIES {
            // At last while nothing is erased or dropped.
            let _history =
                (tried == TRIES).then(|| self.history.lock().unwrap_or_else(PoisonError::into_inner));
            let locations: Vec<Location> = {
                let models = self.settled();
                // Taken for each identity anew: a long list must not keep commits waiting.
                models.list(filter, slice, |location| {
                    self.index.lock().unwrap_or_else(PoisonError::into_inner).id(location.bits())
                })
            };
            let mut events = Vec::with_capacity(locations.len());
            for location in &locations {
                let ordinal = location.bits();
                let block = self.block_of(ordinal)?;
                events.extend(block.and_then(|block| block.event(ordinal).map(Event::copy_of)));
            }
            // Fewer, when some were erased or dropped between the two: then the list is another one now.
            if events.len() == locations.len() {
                return Ok(events);
            }
        }
        Err(damaged(Damage::other("events that are counted are not in the log")))
    }

    /// The block that the ordinal is in.
    fn block_of(&self, ordinal: u64) -> Result<Option<Arc<Block>>, StoreError> {
        self.cache.get(ordinal, || -> Result<Option<Block>, StoreError> {
            let Some((first, value)) = self.disk.block_at(ordinal)? else { return Ok(None) };
            let block = Block::read(first, &value).map_err(damaged)?;
            Ok(block.holds(ordinal).then_some(block))
        })
    }
}
