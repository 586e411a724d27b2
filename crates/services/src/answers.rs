//! Answers that were worked out before, used again as far as that is allowed.
//!
//! Where answers may not be stale, one is used again only when nothing in its range has changed since; where they may be, also
//! for so long. Of many who ask the same at once, one works it out.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use footfall_domain::time::{TimeRange, Timestamp};
use footfall_ports::{Analytics, CACHE_KEY_BYTES_MAX, CACHED_BYTES_MAX, Cache, Clock, StoreError, Version};
use futures_util::lock::Mutex as AsyncMutex;

/// How long an answer is remembered at most.
const KEEP: Duration = Duration::from_mins(10);
/// What an entry has before the answer: version, and when it was worked out.
const HEAD_BYTES: usize = 32;

/// Works answers out, or remembers them.
pub struct Answers {
    analytics: Arc<dyn Analytics>,
    cache: Arc<dyn Cache>,
    clock: Arc<dyn Clock>,
    max_stale: Duration,
    flights: Mutex<HashMap<String, Arc<Flight>>>,
    remembered: AtomicU64,
    worked_out: AtomicU64,
    shared: AtomicU64,
}

/// How often answers were had in which way, since the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AnswerStats {
    /// From the cache.
    pub remembered: u64,
    /// By working them out.
    pub worked_out: u64,
    /// By waiting for another one who was working the same out.
    pub shared: u64,
}

/// One working out of an answer, and all who wait for it.
type Flight = AsyncMutex<Option<Landed>>;

/// What a flight gave.
#[derive(Clone)]
struct Landed {
    bytes: Arc<[u8]>,
    began: Timestamp,
}

/// A question that may be asked again.
#[derive(Clone, Debug)]
pub struct Question {
    /// What tells it from all other questions, but for its range.
    pub what: String,
    /// The range, as the client named it, where that is more than its bounds: `24h`.
    pub window: Option<&'static str>,
    /// The range.
    pub range: TimeRange,
}

/// An answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// As whoever worked it out put it.
    pub bytes: Arc<[u8]>,
    /// How old it may be, in time that has passed since; `None` where it is as if worked out now.
    pub age: Option<Duration>,
}

impl Answers {
    /// Wires the service. Answers may be `max_stale` old.
    pub fn new(
        analytics: Arc<dyn Analytics>,
        cache: Arc<dyn Cache>,
        clock: Arc<dyn Clock>,
        max_stale: Duration,
    ) -> Self {
        Self {
            analytics,
            cache,
            clock,
            max_stale,
            flights: Mutex::default(),
            remembered: AtomicU64::new(0),
            worked_out: AtomicU64::new(0),
            shared: AtomicU64::new(0),
        }
    }

    /// How answers were had so far.
    pub fn stats(&self) -> AnswerStats {
        let [remembered, worked_out, shared] =
            [&self.remembered, &self.worked_out, &self.shared].map(|count| count.load(Ordering::Relaxed));
        AnswerStats { remembered, worked_out, shared }
    }

    /// The answer to a question: one that is remembered, or what `work` gives.
    ///
    /// # Errors
    /// What `work` says. A cache that fails is done without.
    pub async fn answer<E: From<StoreError>>(
        &self,
        question: &Question,
        work: impl Future<Output = Result<Vec<u8>, E>>,
    ) -> Result<Answer, E> {
        let version =
            if self.max_stale.is_zero() { Some(self.analytics.version(question.range).await?) } else { None };
        let key = key_of(question, version);
        if key.len() > CACHE_KEY_BYTES_MAX {
            return Ok(Answer { bytes: work.await?.into(), age: self.age(self.clock.now()) });
        }
        if let Some(answer) = self.remembered(&key).await {
            self.remembered.fetch_add(1, Ordering::Relaxed);
            return Ok(answer);
        }
        let asked = self.clock.now();
        let flight = self.flight(&key);
        let mut landed = flight.lock().await;
        // One that began long before this was asked is too old by now, where age is what counts.
        let is_young = |landed: &&Landed| version.is_some() || self.is_young(landed.began, asked);
        if let Some(Landed { bytes, began }) = landed.as_ref().filter(is_young) {
            self.shared.fetch_add(1, Ordering::Relaxed);
            return Ok(Answer { bytes: Arc::clone(bytes), age: self.age(*began) });
        }
        // Whoever comes once this is over, however it ends, finds it remembered, or works it out again.
        let _over = Over { answers: self, key: &key, flight: &flight };
        self.worked_out.fetch_add(1, Ordering::Relaxed);
        let began = self.clock.now();
        let bytes: Arc<[u8]> = work.await?.into();
        self.remember(&key, began, &bytes).await;
        *landed = Some(Landed { bytes: Arc::clone(&bytes), began });
        Ok(Answer { bytes, age: self.age(began) })
    }

    async fn remembered(&self, key: &str) -> Option<Answer> {
        // One that can't be asked is done without.
        let entry = self.cache.get(key).await.ok()??;
        let (head, bytes) = entry.split_at_checked(HEAD_BYTES)?;
        let began = Timestamp::from_micros(i64::from_le_bytes(head.first_chunk().copied()?))?;
        if bytes.len() as u64 != u64::from_le_bytes(head.get(8..16)?.try_into().ok()?) {
            return None;
        }
        let answer = Answer { bytes: bytes.into(), age: self.age(began) };
        answer.age.is_none_or(|age| age <= self.max_stale).then_some(answer)
    }

    async fn remember(&self, key: &str, began: Timestamp, bytes: &[u8]) {
        if bytes.len() + HEAD_BYTES > CACHED_BYTES_MAX {
            return;
        }
        let mut entry = vec![0; HEAD_BYTES];
        entry[..8].copy_from_slice(&began.micros().to_le_bytes());
        entry[8..16].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
        entry.extend_from_slice(bytes);
        let keep = if self.max_stale.is_zero() { KEEP } else { KEEP.min(self.max_stale) };
        if let Err(error) = self.cache.put(key, entry.into(), keep).await {
            tracing::debug!(%error, "an answer is not remembered");
        }
    }

    /// Whether what began then may be shown to whoever asked at that time.
    fn is_young(&self, began: Timestamp, asked: Timestamp) -> bool {
        u128::from(asked.micros().saturating_sub(began.micros()).max(0).unsigned_abs())
            <= self.max_stale.as_micros()
    }

    /// How old what began then is, where it may be stale at all.
    fn age(&self, began: Timestamp) -> Option<Duration> {
        let micros = self.clock.now().micros().saturating_sub(began.micros()).max(0);
        (!self.max_stale.is_zero()).then(|| Duration::from_micros(micros.unsigned_abs()))
    }

    fn flight(&self, key: &str) -> Arc<Flight> {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(flights.entry(key.to_owned()).or_default())
    }
}

/// Takes a flight off the list when it is over; also when whoever flew it has gone.
struct Over<'a> {
    answers: &'a Answers,
    key: &'a str,
    flight: &'a Arc<Flight>,
}

impl Drop for Over<'_> {
    fn drop(&mut self) {
        let mut flights = self.answers.flights.lock().unwrap_or_else(PoisonError::into_inner);
        if flights.get(self.key).is_some_and(|current| Arc::ptr_eq(current, self.flight)) {
            flights.remove(self.key);
        }
    }
}

/// Where answers may not be stale, the version is a part of the key: an answer to another state of the range is never found.
fn key_of(question: &Question, version: Option<Version>) -> String {
    let Question { what, window, range } = question;
    let bounds = format!("{}/{}", range.from(), range.to());
    match version {
        Some(Version { store, removals, events }) => {
            // The window too: answers show it.
            let window = window.unwrap_or_default();
            format!("{what}|{window}|{bounds}|{store:x}.{removals:x}.{events:x}")
        }
        None => format!("{what}|{}", window.map_or(bounds, str::to_owned)),
    }
}
