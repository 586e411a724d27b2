//! A site's events over thirty days, for benchmarks that ask a store in this process: the same for every backend.

use std::sync::Arc;
use std::time::{Duration, Instant};

use footfall_domain::event::{EventBatch, EventId, EventParts, Subject};
use footfall_domain::time::{DAY_US, Timestamp};
use footfall_domain::windows::Window;
use footfall_ports::{EventLog, StoreError};

use crate::load::events::{PAGES, VISITORS};
use crate::load::histogram::Histogram;
use crate::load::random::{Random, Zipf, scale};

/// Events in a batch.
pub const BATCH: usize = 1_000;
/// How far back the events go.
pub const DAYS: i64 = 30;

/// Where the events come from: thirty days that end at an instant, in random order over all of it.
#[derive(Debug)]
pub struct History {
    now: Timestamp,
    random: Random,
    pages: Zipf,
}

impl History {
    /// The events of the thirty days before `now`.
    pub fn new(now: Timestamp) -> Self {
        Self { now, random: Random::new(1, 1), pages: Zipf::new(PAGES) }
    }

    /// Other events of the same days.
    pub fn late(now: Timestamp) -> Self {
        Self { random: Random::new(1, 2), ..Self::new(now) }
    }

    /// The next event, somewhere in the thirty days. Says when it was.
    pub fn push(&mut self, batch: &mut EventBatch) -> Timestamp {
        let id = random_id(&mut self.random);
        let at = self.now.plus_micros(-((self.random.next_u64() % (DAYS * DAY_US) as u64) as i64));
        self.push_event(id, at, batch);
        at
    }

    /// An event that happened somewhere in a window.
    pub fn push_in(&mut self, window: Window, batch: &mut EventBatch) {
        let id = random_id(&mut self.random);
        let length_us = window.end().micros() - window.start().micros();
        let at = window.start().plus_micros((self.random.next_u64() % length_us as u64) as i64);
        self.push_event(id, at, batch);
    }

    fn push_event(&mut self, id: EventId, at: Timestamp, batch: &mut EventBatch) {
        let random = &mut self.random;
        // A uniform number squared, as in the load benchmark: a tenth of the visitors makes a third of the visits.
        let uniform = random.next_u64() >> 32;
        let user = format!("user-{:07}", scale(((uniform * uniform) >> 32) as u32, VISITORS));
        let page = self.pages.draw(random);
        let event_type = match random.below(100) {
            0..70 => "page_view",
            70..90 => "click",
            90..97 => "purchase",
            _ => "signup",
        };
        let page = format!("https://shop.example.com/products/{page:04}");
        let properties = format!(
            r#"{{"page":"{page}","referrer":"https://www.example.org/search","title":"Espresso machines","screen":"1920x1080"}}"#
        );
        let subject = if event_type == "page_view" {
            Subject::Page(&properties[9..9 + page.len()])
        } else {
            Subject::None
        };
        batch.push(&EventParts { id, at, event_type, user: Some(&user), subject, properties: &properties });
    }
}

/// An identity that no other event has.
pub fn random_id(random: &mut Random) -> EventId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&random.next_u64().to_le_bytes());
    id[8..].copy_from_slice(&random.next_u64().to_le_bytes());
    EventId::from_bytes(id)
}

/// What filling a store has shown.
#[derive(Clone, Debug, Default)]
pub struct Filled {
    /// Events that were appended.
    pub events: usize,
    /// Their bytes as records.
    pub raw_bytes: usize,
    /// Those that happened before the window that was under way in the end.
    pub in_completed_windows: u64,
    /// How long each batch took.
    pub batches: Histogram,
    /// How long all took together, less making the events.
    pub in_append: Duration,
}

/// Appends so many events, rounded up to whole batches, one batch after the other; fewer where the time is up before.
///
/// # Errors
/// The store's, at the first one.
pub async fn fill(
    log: &dyn EventLog,
    mut history: History,
    events: usize,
    until: Option<Instant>,
) -> Result<Filled, StoreError> {
    let mut filled = Filled::default();
    let under_way = Window::of(history.now).start();
    for _ in 0..events.div_ceil(BATCH) {
        if until.is_some_and(|until| Instant::now() >= until) {
            break;
        }
        let mut batch = EventBatch::with_capacity(BATCH, BATCH * 300);
        for _ in 0..BATCH {
            filled.in_completed_windows += u64::from(history.push(&mut batch) < under_way);
        }
        filled.raw_bytes += batch.bytes();
        let began = Instant::now();
        log.append(Arc::new(batch)).await?;
        filled.batches.record(began.elapsed());
        filled.in_append += began.elapsed();
        filled.events += BATCH;
    }
    Ok(filled)
}
