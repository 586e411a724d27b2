use std::sync::Arc;

use async_trait::async_trait;
use footfall_domain::answers::{EventFilter, Slice};
use footfall_domain::event::{Event, EventBatch, EventId};

use crate::StoreError;

/// What became of one event of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It is stored and counted now.
    Stored,
    /// An event of this identity is stored already, and it stays as it was.
    Duplicate,
}

/// The log of events: what is stored is kept, once, and counted.
#[async_trait]
pub trait EventLog: Send + Sync {
    /// Stores the events of the batch that are not stored yet and says of each, in order, what became of it.
    ///
    /// When this returns, every event it reports is stored as durably as the backend promises (also one reported as a
    /// duplicate) and is seen by whatever is asked next, through this port or [`Analytics`](crate::Analytics). Log,
    /// deduplication and read models change together. Of several events with one identity, in one batch or in batches
    /// at the same moment, one is stored and all others are duplicates. Order between batches is not defined.
    ///
    /// # Errors
    /// [`StoreError::Full`] when there is no room: nothing of the batch was stored. After any other error some of it
    /// may have been. Appending the same batch again is always safe.
    async fn append(&self, batch: Arc<EventBatch>) -> Result<Vec<Outcome>, StoreError>;

    /// The event of that identity, if one is stored.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't tell.
    async fn event(&self, id: EventId) -> Result<Option<Event>, StoreError>;

    /// The events that pass the filter, by time and then by identity, as many as the slice asks for and there are.
    ///
    /// Asked again with the last one's position, it goes on where it stopped: nothing that was there when the first
    /// slice was read is left out or comes twice, whatever is appended meanwhile.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't tell.
    async fn events(&self, filter: EventFilter, slice: Slice) -> Result<Vec<Event>, StoreError>;

    /// Erases a user: every event of theirs, what was counted from it, their rows of [`UserMetrics`](crate::UserMetrics)
    /// and their memberships of [`Segments`](crate::Segments). Says how many events that were.
    ///
    /// The identifiers of the erased events stay known, so that a late retry is a duplicate and doesn't bring them
    /// back. Events that arrive while this runs may be kept. Erasing again is safe.
    ///
    /// # Errors
    /// [`StoreError`]; some of the user's events may be erased then.
    async fn erase_user(&self, user: String) -> Result<u64, StoreError>;
}
