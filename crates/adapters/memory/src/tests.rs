//! What can only be seen from within: damage, and what is left in the log.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use footfall_domain::answers::{Metric, SeriesFilter};
use footfall_domain::event::{EventBatch, EventId, EventParts, Subject};
use footfall_domain::time::{HOUR_US, TimeRange, Timestamp};
use footfall_domain::types::PAGE_VIEW;
use footfall_ports::{Analytics, Clock, EventLog, Outcome, StoreError};
use footfall_read_models::{Fact, Location};

use crate::log::records_of;
use crate::store::SHARDS;
use crate::{MemoryOptions, MemoryStore};

struct Stopped(Timestamp);

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        self.0
    }
}

fn start() -> Timestamp {
    Timestamp::from_micros_clamped(1_748_268_000_000_000)
}

/// A store at an instant after the start, that keeps events for so many hours.
fn store(hours: i64, retention_hours: Option<u64>) -> MemoryStore {
    let clock = Arc::new(Stopped(start().plus_micros(hours * HOUR_US)));
    let retention = retention_hours.map(Duration::from_hours);
    MemoryStore::start(MemoryOptions { max_bytes: 1 << 28, retention, clock }).expect("a thread")
}

fn batch(numbers: std::ops::Range<u64>) -> Arc<EventBatch> {
    let mut batch = EventBatch::default();
    for number in numbers {
        let (user, page) = (format!("secret-user-{}", number % 5), format!("/secret-page-{}", number % 3));
        let properties = format!(r#"{{"page":"{page}","secret-property":"of {user}"}}"#);
        batch.push(&EventParts {
            id: EventId::from_bytes((u128::from(number) << 64 | u128::from(number)).to_be_bytes()),
            at: start().plus_micros(number as i64 * 60_000_000),
            event_type: PAGE_VIEW,
            user: Some(&user),
            subject: Subject::Page(&page),
            properties: &properties,
        });
    }
    Arc::new(batch)
}

async fn figures(store: &MemoryStore) -> [u64; 2] {
    let mut figures = [0; 2];
    for (figure, metric) in figures.iter_mut().zip([Metric::Events, Metric::Visitors]) {
        let answer = store.series(metric, SeriesFilter::default(), vec![TimeRange::ALL]).await;
        *figure = answer.expect("an answer")[0];
    }
    figures
}

/// Leaves the models damaged and poisoned, as a panic half-way through folding would.
fn break_models(store: &MemoryStore) {
    let inner = Arc::clone(&store.inner);
    let broken = std::thread::spawn(move || {
        let mut models = inner.models.write().expect("not poisoned yet");
        let odd = batch(7..8);
        models.add([Fact::of(odd.get(0), Location::new(0))].into_iter());
        models.forget_user("secret-user-4");
        panic!("half-way");
    });
    assert!(broken.join().is_err());
}

#[tokio::test]
async fn after_a_panic_in_folding_the_models_are_built_again() {
    let store = store(0, None);
    store.append(batch(0..500)).await.expect("there is room");
    assert_eq!(store.erase_user("secret-user-1".into()).await.expect("an answer"), 100);
    assert_eq!(figures(&store).await, [400, 4]);
    // Some of what was appended is not folded when it happens.
    store.append(batch(500..600)).await.expect("there is room");
    for _ in 0..3 {
        break_models(&store);
        assert_eq!(figures(&store).await, [500, 5]);
        assert_eq!(store.verify().await.expect("an answer"), [""; 0]);
    }
    assert_eq!(store.append(batch(0..600)).await.expect("there is room"), vec![Outcome::Duplicate; 600]);
    break_models(&store);
    assert_eq!(store.erase_user("secret-user-1".into()).await.expect("an answer"), 20);
    break_models(&store);
    assert_eq!(store.verify().await.expect("an answer"), [""; 0]);
    assert_eq!(figures(&store).await, [480, 4]);
    let models = store.inner.models.read().expect("whole").heap_bytes();
    assert_eq!(store.inner.models_bytes.load(Ordering::Acquire), models);
    assert_eq!(store.inner.open_events.load(Ordering::Acquire), 0);
}

#[tokio::test]
async fn after_a_panic_what_is_too_old_is_forgotten_once_all_the_same() {
    let store = store(1_000, Some(996));
    let empty = store.used_bytes();
    store.append(batch(0..600)).await.expect("there is room");
    assert_eq!(store.erase_user("secret-user-2".into()).await.expect("an answer"), 120);
    break_models(&store);
    store.forget_expired();
    // The first four hours are gone.
    assert_eq!(figures(&store).await, [(600 - 240) / 5 * 4, 4]);
    break_models(&store);
    store.forget_expired();
    assert_eq!(figures(&store).await, [(600 - 240) / 5 * 4, 4]);
    assert_eq!(store.verify().await.expect("an answer"), [""; 0]);
    let told = store.append(batch(0..600)).await.expect("there is room");
    assert_eq!(told.iter().filter(|told| **told == Outcome::Duplicate).count(), 360);
    assert!(store.used_bytes() > empty);
}

#[tokio::test]
async fn figures_that_are_not_what_the_log_says_are_told() {
    let store = store(0, None);
    store.append(batch(0..900)).await.expect("there is room");
    store.settle();
    let odd = batch(900..901);
    store.inner.models.write().expect("whole").add([Fact::of(odd.get(0), Location::new(5))].into_iter());
    let told = store.verify().await.expect("an answer");
    assert_eq!(
        told[0], "events in the hour from 2025-05-27T05:00:00.000000Z: 1 counted, 0 in the log",
        "{told:#?}"
    );
    assert!(!told.iter().any(|sentence| sentence.contains("secret-user")), "{told:#?}");
    // The log has what the figures lack: more than are told.
    for user in 0..5 {
        store.inner.models.write().expect("whole").forget_user(&format!("secret-user-{user}"));
    }
    assert_eq!(store.verify().await.expect("an answer").len(), footfall_ports::DIFFERENCES_MAX);
}

/// What all logs hold, as text.
fn logs(store: &MemoryStore) -> String {
    let mut all = Vec::new();
    for shard in 0..SHARDS {
        let shard = store.inner.shard_whatever(shard);
        for (chunk, end) in shard.log.ends().into_iter().enumerate() {
            all.extend_from_slice(shard.log.written(chunk, 0, end));
        }
    }
    String::from_utf8_lossy(&all).into_owned()
}

#[tokio::test]
async fn nothing_of_an_erased_user_is_left_in_the_log() {
    let store = store(0, None);
    store.append(batch(0..100)).await.expect("there is room");
    assert_eq!(logs(&store).matches("of secret-user-3").count(), 20);
    store.erase_user("secret-user-3".into()).await.expect("an answer");
    assert!(!logs(&store).contains("secret-user-3"));
    assert_eq!(logs(&store).matches("secret-property").count(), 80);
    for user in [0, 1, 2, 4] {
        store.erase_user(format!("secret-user-{user}")).await.expect("an answer");
    }
    assert!(!logs(&store).contains("secret"));
}

#[tokio::test]
async fn nothing_of_a_forgotten_event_is_left_in_the_log() {
    let store = store(1_000, Some(999));
    store.append(batch(0..600)).await.expect("there is room");
    store.forget_expired();
    // Chunks are shared with events that stay.
    assert_eq!(logs(&store).matches("secret-property").count(), 540);
}

#[tokio::test]
async fn the_list_of_the_erased_is_counted_and_goes_with_them() {
    let store = store(0, Some(1));
    store.append(batch(0..100)).await.expect("there is room");
    let listed = || store.inner.removing().heap_bytes();
    assert_eq!(listed(), 0);
    store.erase_user("secret-user-0".into()).await.expect("an answer");
    assert!((20 * size_of::<Location>()..4_096).contains(&listed()), "{}", listed());
    let of_none = self::store(0, None);
    of_none.append(batch(0..100)).await.expect("there is room");
    of_none.erase_user("secret-user-0".into()).await.expect("an answer");
    assert_eq!(of_none.inner.removing().heap_bytes(), 0, "nobody would ever ask for it");
}

#[tokio::test]
async fn verifying_is_refused_while_another_runs_and_where_there_is_no_room() {
    let store = store(0, None);
    store.append(batch(0..2_000)).await.expect("there is room");
    store.settle();
    let verifying = store.inner.verifying.lock().expect("not poisoned");
    let told = store.inner.verify();
    assert!(
        matches!(told, Err(StoreError::Unavailable { retry_after, .. }) if retry_after == Duration::from_secs(1))
    );
    drop(verifying);
    let used = store.used_bytes();
    let taken = (1 << 28) - used - store.inner.models_bytes.load(Ordering::Acquire);
    assert!(store.inner.budget.reserve(taken));
    assert!(matches!(store.verify().await, Err(StoreError::Unavailable { .. })));
    store.inner.budget.release(taken);
    assert_eq!(store.verify().await.expect("an answer"), [""; 0]);
    assert_eq!(store.used_bytes(), used);
}

/// Where a record is doesn't depend on which part of its chunk is read.
#[tokio::test]
async fn records_are_found_from_any_end_on() {
    let store = store(0, None);
    let mut ends: Vec<Vec<usize>> = vec![Vec::new(); SHARDS];
    let mut seen = 0;
    for round in 0..40 {
        store.append(batch(round * 50..round * 50 + 50)).await.expect("there is room");
        for (shard, ends) in ends.iter_mut().enumerate() {
            let log = &store.inner.shard_whatever(shard).log;
            for (chunk, end) in log.ends().into_iter().enumerate() {
                let from = ends.get(chunk).copied().unwrap_or_default();
                for (position, event) in records_of(chunk, from, log.written(chunk, from, end)) {
                    assert_eq!(log.get(position).id(), event.id());
                    seen += 1;
                }
            }
            *ends = log.ends();
        }
    }
    assert_eq!(seen, 2_000);
}
