//! A log that keeps what it is given for the length of one input, so that what would be stored can be looked at. It is a
//! log and no store: every input begins with an empty one, and none of them is worth a store's threads.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use footfall_domain::answers::{EventFilter, Slice};
use footfall_domain::event::{Event, EventBatch, EventId};
use footfall_domain::time::Timestamp;
use footfall_ports::{Clock, EventIds, EventLog, Outcome, StoreError};

use crate::event::{FRESH, NOW};

/// The log, the clock, and the source of identities.
#[derive(Default)]
pub(crate) struct Recorder(Mutex<Vec<Event>>);

impl Recorder {
    /// What was appended, in that order.
    pub(crate) fn events(&self) -> Vec<Event> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl EventLog for Recorder {
    async fn append(&self, batch: Arc<EventBatch>) -> Result<Vec<Outcome>, StoreError> {
        let mut events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        events.extend(batch.iter().map(Event::copy_of));
        Ok(vec![Outcome::Stored; batch.len()])
    }

    async fn event(&self, id: EventId) -> Result<Option<Event>, StoreError> {
        Ok(self.events().into_iter().find(|event| event.get().id() == id))
    }

    /// All of them at once: an input makes fewer than an export reads at a time.
    async fn events(&self, _: EventFilter, _: Slice) -> Result<Vec<Event>, StoreError> {
        Ok(self.events())
    }

    async fn erase_user(&self, _: String) -> Result<u64, StoreError> {
        Ok(0)
    }
}

impl Clock for Recorder {
    fn now(&self) -> Timestamp {
        NOW
    }
}

impl EventIds for Recorder {
    fn next(&self, _: Timestamp) -> EventId {
        FRESH
    }
}
