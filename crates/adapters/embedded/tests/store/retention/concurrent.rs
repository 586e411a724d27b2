//! Dropping beside everything else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use footfall_conformance::{Backend, Draft, range};
use footfall_domain::answers::{EventFilter, Order, PageOrder, Slice};
use footfall_domain::time::{DAY_US, HOUR_US, SECOND_US};
use footfall_ports::StoreError;

use super::{HOUR, agrees, floor};
use crate::support::events::{START, after};
use crate::support::{TestClock, append, backend, forget_expired, open};

const USERS: u128 = 41;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_writers_and_retention_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let clock = TestClock::at(START);
    let mut store = open(folder.path(), Some(3 * HOUR), &clock).unwrap();
    let (mut stored, mut start_hours) = (Vec::new(), 0);
    for round in 0..3_u128 {
        let hours = Arc::new(AtomicI64::new(start_hours));
        let writing = Arc::new(AtomicBool::new(true));
        let readers: Vec<_> =
            (0..2).map(|_| tokio::spawn(read_while(backend(&store), Arc::clone(&writing)))).collect();
        let (forgetter, time, flag, passed) =
            (store.clone(), clock.clone(), Arc::clone(&writing), Arc::clone(&hours));
        let forgetting = tokio::spawn(async move {
            while flag.load(Ordering::Relaxed) {
                time.set(after((passed.fetch_add(1, Ordering::Relaxed) + 1) * HOUR_US));
                let forgetter = forgetter.clone();
                tokio::task::spawn_blocking(move || forgetter.forget_expired()).await.unwrap();
                tokio::time::sleep(Duration::from_millis(40)).await;
            }
        });
        let mut writers = Vec::new();
        for task in 0..4_u128 {
            let (store, clock) = (store.clone(), clock.clone());
            writers.push(tokio::spawn(async move { write(&store, &clock, round << 68 | task << 64).await }));
        }
        for writer in writers {
            stored.extend(writer.await.expect("the task did not panic"));
        }
        writing.store(false, Ordering::Relaxed);
        forgetting.await.expect("the task did not panic");
        for reader in readers {
            reader.await.expect("the task did not panic");
        }
        start_hours = hours.load(Ordering::Relaxed);
        let end = after(start_hours * HOUR_US);
        forget_expired(&store).await;
        agrees(&backend(&store), &stored, floor(end, 3), end.plus_micros(HOUR_US)).await;
        drop(store);
        store = open(folder.path(), Some(3 * HOUR), &clock).unwrap();
        agrees(&backend(&store), &stored, floor(end, 3), end.plus_micros(HOUR_US)).await;
    }
}

/// Appends events of the last hours of the clock, in batches of all sizes.
async fn write(store: &footfall_embedded::EmbeddedStore, clock: &TestClock, first: u128) -> Vec<Draft> {
    let mut stored = Vec::new();
    for step in 0..150_u128 {
        let now = footfall_ports::Clock::now(clock);
        let count = [1, 3, 40, 200][(step % 4) as usize];
        let drafts: Vec<Draft> = (0..count)
            .map(|place| {
                let number = first | step << 16 | place;
                let at = now.plus_micros(-((number as i64).rotate_left(7) % 37) * 300 * SECOND_US);
                Draft::view(number, at, &format!("user-{}", number % USERS), &format!("/{}", number % 5))
            })
            .collect();
        append(store, &drafts).await;
        stored.extend(drafts);
        tokio::task::yield_now().await;
    }
    stored
}

/// Reads until the writing ends; answers must make sense in themselves.
async fn read_while(backend: Backend, writing: Arc<AtomicBool>) {
    let all = range(after(-10 * DAY_US), after(100 * DAY_US));
    while writing.load(Ordering::Relaxed) {
        let summary = backend.analytics.summary(all).await.expect("an answer");
        assert_eq!(summary.events_per_hour.iter().sum::<u64>(), summary.total_events);
        assert_eq!(summary.events_by_type.values().sum::<u64>(), summary.total_events);
        assert!(u128::from(summary.unique_users) <= USERS);
        let filter = EventFilter { user: Some("user-7".into()), ..EventFilter::default() };
        let slice = Slice { order: Order::Descending, after: None, limit: 200 };
        let events = backend.log.events(filter, slice).await.expect("an answer");
        let drafts: Vec<Draft> = events.iter().map(|event| Draft::of(event.get())).collect();
        assert!(drafts.iter().all(|draft| draft.user.as_deref() == Some("user-7")));
        assert!(drafts.is_sorted_by(|left, right| (left.at, left.id) > (right.at, right.id)));
        let pages = backend.analytics.top_pages(all, PageOrder::Visitors, 10).await.expect("an answer");
        assert!(pages.len() <= 5);
        match backend.analytics.verify().await {
            Ok(differences) => assert!(differences.is_empty(), "{differences:?}"),
            Err(StoreError::Unavailable { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
}
