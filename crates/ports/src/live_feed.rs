use std::sync::Arc;

use async_trait::async_trait;
use footfall_domain::event::{EventBatch, EventRef};

use crate::Outcome;

/// Events that were stored just now, in the order in which they came.
#[derive(Clone, Debug)]
pub struct Accepted {
    batch: Arc<EventBatch>,
    which: Which,
    bytes: usize,
}

#[derive(Clone, Debug)]
enum Which {
    All,
    /// Those at these places.
    Some(Arc<[u32]>),
}

impl Accepted {
    /// Those of the batch that were stored now. `None` when none was.
    pub fn of(batch: Arc<EventBatch>, outcomes: &[Outcome]) -> Option<Self> {
        if outcomes.len() == batch.len() && outcomes.iter().all(|outcome| *outcome == Outcome::Stored) {
            return Self::all(batch);
        }
        let stored = |(place, outcome): (usize, &Outcome)| (*outcome == Outcome::Stored).then_some(place);
        let places = outcomes.iter().enumerate().take(batch.len()).filter_map(stored);
        let places: Arc<[u32]> = places.map(|place| place as u32).collect();
        if places.is_empty() {
            return None;
        }
        let bytes = places.iter().map(|place| batch.get(*place as usize).record().len()).sum();
        Some(Self { batch, which: Which::Some(places), bytes })
    }

    /// All events of the batch; `None` when it has none.
    pub fn all(batch: Arc<EventBatch>) -> Option<Self> {
        let bytes = batch.bytes();
        (!batch.is_empty()).then_some(Self { batch, which: Which::All, bytes })
    }

    /// How many they are; never 0.
    #[expect(clippy::len_without_is_empty, reason = "there is none without events")]
    pub fn len(&self) -> usize {
        match &self.which {
            Which::All => self.batch.len(),
            Which::Some(places) => places.len(),
        }
    }

    /// The bytes of their records.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The one at that place among them.
    ///
    /// # Panics
    /// Where there is none.
    pub fn get(&self, place: usize) -> EventRef<'_> {
        match &self.which {
            Which::All => self.batch.get(place),
            Which::Some(places) => self.batch.get(places[place] as usize),
        }
    }

    /// They, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = EventRef<'_>> {
        (0..self.len()).map(|place| self.get(place))
    }
}

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

    /// Says whether other instances' events are wanted here. When this returns, everything is that they publish from now on;
    /// or the feed can't be used now, and it will be as soon as it can. Saying it again costs nothing.
    async fn listen(&self, is_wanted: bool);

    /// What comes next from other instances; waits for it. One asks at a time.
    async fn next(&self) -> Carried;
}
