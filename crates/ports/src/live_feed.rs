use std::sync::Arc;

use async_trait::async_trait;
use footfall_domain::event::{EventBatch, EventRef};

use crate::Outcome;

/// Events that were stored just now, in the order in which they came.
#[derive(Clone, Debug)]
pub struct Accepted(Arc<EventBatch>);

impl Accepted {
    /// Those of the batch that were stored now. `None` when none was.
    pub fn of(batch: Arc<EventBatch>, outcomes: &[Outcome]) -> Option<Self> {
        let is_stored = |outcome: &Outcome| *outcome == Outcome::Stored;
        if outcomes.len() == batch.len() && outcomes.iter().all(is_stored) {
            return Self::all(batch);
        }
        let stored = batch.iter().zip(outcomes).filter(|(_, outcome)| is_stored(outcome));
        Self::copied(stored.map(|(event, _)| event))
    }

    /// All events of the batch; `None` when it has none.
    pub fn all(batch: Arc<EventBatch>) -> Option<Self> {
        // It may be kept for long, and its bytes are counted: room that it was made with and didn't need must not stay.
        if batch.bytes_held() > 2 * batch.bytes() + SPARE_BYTES {
            return Self::copied(batch.iter());
        }
        (!batch.is_empty()).then_some(Self(batch))
    }

    fn copied<'a>(events: impl Iterator<Item = EventRef<'a>> + Clone) -> Option<Self> {
        let (count, bytes) =
            events.clone().fold((0, 0), |(count, bytes), event| (count + 1, bytes + event.record().len()));
        let mut batch = EventBatch::with_capacity(count, bytes);
        events.for_each(|event| batch.push_record(event));
        (count > 0).then(|| Self(Arc::new(batch)))
    }

    /// How many they are; never 0.
    #[expect(clippy::len_without_is_empty, reason = "there is none without events")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The bytes that they hold of memory.
    pub fn bytes(&self) -> usize {
        self.0.bytes_held()
    }

    /// The one at that place among them.
    ///
    /// # Panics
    /// Where there is none.
    pub fn get(&self, place: usize) -> EventRef<'_> {
        self.0.get(place)
    }

    /// They, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = EventRef<'_>> {
        self.0.iter()
    }
}

/// Room in a batch that isn't worth a copy.
const SPARE_BYTES: usize = 1_024;

/// What comes from other instances.
#[derive(Debug)]
pub enum Carried {
    /// Events that another instance has accepted.
    Events(Accepted),
    /// So many events of others can't be had any more.
    Missed(u64),
}

/// Carries accepted events from each instance to all others, for their live listeners.
///
/// Nothing waits for it: events are stored before they are given to it, and one that it loses is missing from live streams
/// only. Of one instance's events, another one gets each at most once and in the order in which they were published.
#[async_trait]
pub trait LiveFeed: Send + Sync {
    /// Has the other instances told of events. Returns at once; what can't be carried now is missed there, and they are told
    /// how many events that were.
    fn publish(&self, accepted: &Accepted);

    /// Has the other instances told that they miss so many events of this one. Returns at once.
    fn miss(&self, events: u64);

    /// Says whether other instances' events are wanted here. When this returns, everything is that they publish from now on;
    /// or the feed can't be used now, and it will be as soon as it can. Saying it again costs nothing.
    async fn listen(&self, is_wanted: bool);

    /// What comes next from other instances; waits for it. One asks at a time.
    async fn next(&self) -> Carried;
}

#[cfg(test)]
mod tests {
    use footfall_domain::event::{EventId, EventParts, Subject};
    use footfall_domain::time::Timestamp;

    use super::*;

    fn batch(events: u8, room: usize) -> Arc<EventBatch> {
        let mut batch = EventBatch::with_capacity(events.into(), room);
        for number in 0..events {
            batch.push(&EventParts {
                id: EventId::from_bytes([number; 16]),
                at: Timestamp::MIN,
                event_type: "click",
                user: Some("ann"),
                subject: Subject::None,
                properties: "{}",
            });
        }
        Arc::new(batch)
    }

    #[test]
    fn what_was_not_stored_and_what_was_not_needed_is_not_held() {
        let mut outcomes = vec![Outcome::Duplicate; 100];
        outcomes[7] = Outcome::Stored;
        let accepted = Accepted::of(batch(100, 10_000), &outcomes).unwrap();
        assert_eq!((accepted.len(), accepted.get(0).id()), (1, EventId::from_bytes([7; 16])));
        assert!(accepted.bytes() < 200, "{}", accepted.bytes());
        let accepted = Accepted::of(batch(1, 1 << 20), &[Outcome::Stored]).unwrap();
        assert!(accepted.bytes() < 200, "{}", accepted.bytes());
        assert!(Accepted::of(batch(2, 0), &[Outcome::Duplicate; 2]).is_none());
        assert!(Accepted::all(batch(0, 0)).is_none());
    }
}
