//! Events past their retention are gone from everything, and what they took comes back.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use footfall_conformance::{Answer, Backend, Draft, Query, Reference, batch_of, id, instant, range};
use footfall_domain::answers::{EventFilter, Metric, Order, PageOrder, SeriesFilter, Slice};
use footfall_domain::time::{DAY_US, HOUR_US, SECOND_US, TimeRange, Timestamp};
use footfall_memory::MemoryStore;
use footfall_ports::{EventLog, Outcome, StoreError};

use support::{TestClock, store};

const HOUR: Duration = Duration::from_hours(1);
const NOW: &str = "2025-05-26T14:30";

fn now() -> Timestamp {
    instant(NOW)
}

/// The first instant that is kept, for a retention in hours: whole hours are dropped.
fn floor(now: Timestamp, retention_hours: i64) -> Timestamp {
    now.plus_micros(-retention_hours * HOUR_US).floor_to(HOUR_US)
}

fn set(clock: &TestClock, now: Timestamp) {
    clock.0.store(now.micros(), Ordering::Release);
}

async fn append(store: &MemoryStore, drafts: &[Draft]) -> Vec<Outcome> {
    store.append(batch_of(drafts)).await.expect("there is room")
}

/// Asks everything about ranges that lie in what is kept or reach before it, and expects what the events since the floor
/// alone give. Expired events are noted nowhere.
async fn agrees(backend: &Backend, stored: &[Draft], floor: Timestamp, until: Timestamp) {
    let mut reference = Reference::default();
    reference.append(&stored.iter().filter(|draft| draft.at >= floor).cloned().collect::<Vec<_>>());
    let starts = [-100 * HOUR_US, -1, 0, 1, HOUR_US, HOUR_US + 17].map(|micros| floor.plus_micros(micros));
    let ends =
        [floor, floor.plus_micros(1), floor.plus_micros(HOUR_US), floor.plus_micros(3 * HOUR_US + 5), until];
    for from in starts {
        for to in ends {
            let Some(range) = TimeRange::new(from, to) else { continue };
            let mut queries = vec![
                Query::Summary(range),
                Query::TopPages(range, PageOrder::Visitors, 10),
                Query::TopPages(range, PageOrder::Views, 1_000),
            ];
            for order in [Order::Ascending, Order::Descending] {
                let filter = EventFilter { range, ..EventFilter::default() };
                queries.push(Query::Events(filter.clone(), Slice { order, after: None, limit: 1_000 }));
                let filter = EventFilter { page: Some("/0".into()), ..filter };
                queries.push(Query::Events(filter, Slice { order, after: Some((floor, id(9))), limit: 10 }));
            }
            queries.extend(["/0", "/1", "/old"].map(|page| Query::Page(page.into(), range)));
            for metric in [Metric::Events, Metric::Visitors, Metric::PageViews] {
                let filters = [None, Some("click"), Some("delivered")];
                queries.extend(filters.map(|event_type| {
                    let filter = SeriesFilter { event_type: event_type.map(Into::into), page: None };
                    Query::Series(metric, filter, vec![range])
                }));
            }
            for query in queries {
                let answer = query.ask(backend).await.expect("an answer");
                assert_eq!(answer, reference.answer(&query), "{query:?}");
            }
        }
    }
}

/// Events of all kinds, a few in each of so many hours until now.
fn history(hours: i64) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for hour in 0..hours {
        for step in 0..6_i64 {
            let number = (hour * 10 + step) as u128;
            let at = now().plus_micros(-hour * HOUR_US - step * 600 * SECOND_US - i64::from(step == 5));
            let user = format!("user-{}", (hour + step) % 7);
            drafts.push(match step {
                0 => Draft::plain(number, at, &user, "click"),
                1 => Draft::mail(number, at, "delivered", &format!("d{}.example", hour % 4)),
                _ if hour >= 20 => Draft::view(number, at, &format!("old-{hour}"), "/old"),
                _ => Draft::view(number, at, &user, &format!("/{}", (hour + step) % 3)),
            });
        }
    }
    drafts
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_events_are_in_no_answer() {
    let clock = TestClock::at(NOW);
    let store = Arc::new(store(1 << 26, Some(10 * HOUR), &clock));
    let backend = Backend::of(Arc::clone(&store));
    // Set back, so that nothing has expired yet whenever the maintenance thread looks.
    set(&clock, now().plus_micros(-100 * HOUR_US));
    let drafts = history(40);
    append(&store, &drafts).await;
    for hours_on in [0, 1, 5, 9, 10, 11, 200] {
        let later = now().plus_micros(hours_on * HOUR_US);
        set(&clock, later);
        store.forget_expired();
        let floor = floor(later, 10);
        agrees(&backend, &drafts, floor, now().plus_micros(DAY_US).max(floor.plus_micros(4 * HOUR_US))).await;
        for draft in &drafts {
            let event = Query::Event(draft.id).ask(&backend).await.expect("an answer");
            assert_eq!(event, Answer::Event((draft.at >= floor).then(|| draft.clone())), "{draft:?}");
        }
    }
    assert_eq!(
        Query::Summary(range(now().plus_micros(-DAY_US), now()))
            .ask(&backend)
            .await
            .map(|answer| {
                let Answer::Summary(summary) = answer else { unreachable!() };
                summary.total_events
            })
            .expect("an answer"),
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_expires_before_its_hour_does() {
    let clock = TestClock::at(NOW);
    let store = Arc::new(store(1 << 26, Some(HOUR), &clock));
    let backend = Backend::of(Arc::clone(&store));
    let start = now().floor_to(HOUR_US);
    let drafts = [
        Draft::view(1, start.plus_micros(-HOUR_US), "ann", "/0"),
        Draft::view(2, start.plus_micros(-1), "bob", "/0"),
        Draft::view(3, start, "cid", "/0"),
    ];
    append(&store, &drafts).await;
    let views = async || {
        let Answer::Page(counts) =
            Query::Page("/0".into(), TimeRange::ALL).ask(&backend).await.expect("an answer")
        else {
            unreachable!()
        };
        counts.page_views
    };
    for (at, kept) in [(now(), 3), (start.plus_micros(HOUR_US - 1), 3), (start.plus_micros(HOUR_US), 1)] {
        set(&clock, at);
        store.forget_expired();
        assert_eq!(views().await, kept, "at {at}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_is_free_again_once_its_event_is_dropped() {
    let clock = TestClock::at(NOW);
    let store = Arc::new(store(1 << 26, Some(2 * HOUR), &clock));
    let backend = Backend::of(Arc::clone(&store));
    let old: Vec<Draft> =
        (0..500).map(|number| Draft::view(number, now().plus_micros(-HOUR_US), "ann", "/0")).collect();
    append(&store, &old).await;
    let later = now().plus_micros(5 * HOUR_US);
    let new: Vec<Draft> = (0..500).map(|number| Draft::view(number, later, "bob", "/1")).collect();
    assert!(append(&store, &new).await.iter().all(|outcome| *outcome == Outcome::Duplicate));
    set(&clock, later);
    store.forget_expired();
    assert!(append(&store, &new).await.iter().all(|outcome| *outcome == Outcome::Stored));
    assert!(append(&store, &old).await.iter().all(|outcome| *outcome == Outcome::Duplicate));
    agrees(&backend, &new, floor(later, 2), later.plus_micros(HOUR_US)).await;
    let event = Query::Event(id(7)).ask(&backend).await.expect("an answer");
    assert_eq!(event, Answer::Event(Some(new[7].clone())));
}

/// Appends events of one moment until there is no room, and says how many there were.
async fn fill(store: &MemoryStore, first: u128, at: Timestamp, properties_bytes: usize) -> u128 {
    for number in first.. {
        let draft = Draft::view(
            number,
            at.plus_micros((number % 1_000) as i64),
            &format!("u{number}"),
            &format!("/{number}"),
        );
        let filler = "x".repeat(properties_bytes);
        let properties = format!(r#"{{"page":"/{number}","filler":"{filler}"}}"#);
        match store.append(batch_of(&[draft.with_properties(properties)])).await {
            Ok(outcomes) => assert_eq!(outcomes, [Outcome::Stored]),
            Err(StoreError::Full { .. }) => return number - first,
            Err(other) => panic!("{other}"),
        }
    }
    unreachable!("there are always more numbers")
}

/// Fills a store, lets all of it expire, and again: it must never take much less than at first. Names and identities are new
/// each time, so nothing may be left of the old ones.
async fn takes_as_much_each_time(max_bytes: usize, properties_bytes: usize, rounds: i64) {
    let clock = TestClock::at(NOW);
    let store = store(max_bytes, Some(HOUR), &clock);
    let (mut first, mut took, mut left) = (0, Vec::new(), Vec::new());
    for round in 0..rounds {
        let at = now().plus_micros(round * DAY_US);
        set(&clock, at);
        took.push(fill(&store, first, at, properties_bytes).await);
        first += took[round as usize];
        set(&clock, at.plus_micros(DAY_US));
        let full = store.used_bytes();
        let full_parts = store.bytes_by_part();
        store.forget_expired();
        if round < 2 {
            println!(
                "full: {full} of {full_parts:?}; then {} of {:?}",
                store.used_bytes(),
                store.bytes_by_part()
            );
        }
        left.push(store.used_bytes());
        assert!(store.used_bytes() < full, "nothing came back: {full} before, {} after", store.used_bytes());
    }
    println!(
        "bound {max_bytes}, properties of {properties_bytes}: took {took:?}, bytes left after each {left:?}"
    );
    assert!(took.iter().all(|events| events * 10 >= took[0] * 8), "took {took:?}");
    // Chunks that are still open, and tables' capacity for the next events, may stay; they may not pile up.
    let settled = left[left.len() / 2];
    assert!(left.last().is_some_and(|last| *last <= settled + max_bytes / 50), "left {left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn room_comes_back_time_and_again() {
    takes_as_much_each_time(4 << 20, 40, 8).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn room_comes_back_after_large_events() {
    takes_as_much_each_time(16 << 20, 30_000, 12).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn room_comes_back_after_events_of_odd_sizes() {
    takes_as_much_each_time(2 << 20, 700, 12).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_expired_events_are_released() {
    let clock = TestClock::at(NOW);
    let store = store(1 << 26, Some(HOUR), &clock);
    let names = || {
        let parts = store.bytes_by_part();
        parts
            .iter()
            .filter(|(part, _)| part.contains("user") || part.contains("pages"))
            .map(|(_, bytes)| *bytes)
            .sum::<usize>()
    };
    let long = "n".repeat(200);
    for round in 0..4_i64 {
        let at = now().plus_micros(round * DAY_US);
        set(&clock, at);
        let drafts: Vec<Draft> = (0..3_000_u128)
            .map(|step| {
                let name = format!("/{long}/{round}/{step}");
                Draft::view((round as u128) << 64 | step, at, &name, &name)
            })
            .collect();
        append(&store, &drafts).await;
        let held = names();
        set(&clock, at.plus_micros(DAY_US));
        store.forget_expired();
        let left = names();
        println!("names held {held}, left {left}");
        assert!(
            held > 2 * 3_000 * 200 && left < 3_000 * 200,
            "round {round}: {left} of {held} bytes are left"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_forgets_by_itself() {
    let clock = TestClock::at(NOW);
    let store = store(1 << 26, Some(HOUR), &clock);
    append(&store, &[Draft::view(1, now(), "ann", "/0")]).await;
    set(&clock, now().plus_micros(DAY_US));
    for _ in 0..300 {
        if store.event(id(1)).await.expect("an answer").is_none() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("after 30 s the event is still there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_writers_and_retention_at_once() {
    let clock = TestClock::at(NOW);
    let store = Arc::new(store(1 << 26, Some(3 * HOUR), &clock));
    let backend = Backend::of(Arc::clone(&store));
    let writing = Arc::new(AtomicBool::new(true));
    let mut writers = Vec::new();
    for task in 0..4_u128 {
        let (store, clock) = (Arc::clone(&store), Arc::clone(&clock));
        writers.push(tokio::spawn(async move {
            let mut stored = Vec::new();
            for step in 0..400_u128 {
                let now = footfall_ports::Clock::now(&*clock);
                let drafts: Vec<Draft> = (0..10_u128)
                    .map(|place| {
                        let number = task << 64 | step << 16 | place;
                        let at = now.plus_micros(-((number as i64).rotate_left(7) % 37) * 300 * SECOND_US);
                        Draft::view(number, at, &format!("user-{}", number % 41), &format!("/{}", number % 5))
                    })
                    .collect();
                append(&store, &drafts).await;
                stored.extend(drafts);
                tokio::task::yield_now().await;
            }
            stored
        }));
    }
    let readers: Vec<_> =
        (0..2).map(|_| tokio::spawn(read_while(backend.clone(), Arc::clone(&writing)))).collect();
    let (forgetter, time, flag) = (Arc::clone(&store), Arc::clone(&clock), Arc::clone(&writing));
    let forgetting = tokio::spawn(async move {
        let mut hours = 0;
        while flag.load(Ordering::Relaxed) {
            hours += 1;
            set(&time, now().plus_micros(hours * HOUR_US));
            forgetter.forget_expired();
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
        hours
    });
    let mut stored = Vec::new();
    for writer in writers {
        stored.extend(writer.await.expect("the task did not panic"));
    }
    writing.store(false, Ordering::Relaxed);
    let hours = forgetting.await.expect("the task did not panic");
    for reader in readers {
        reader.await.expect("the task did not panic");
    }
    store.forget_expired();
    let end = now().plus_micros(hours * HOUR_US);
    agrees(&backend, &stored, floor(end, 3), end.plus_micros(HOUR_US)).await;
    for draft in &stored {
        let event = store.event(draft.id).await.expect("an answer");
        assert_eq!(event.is_some(), draft.at >= floor(end, 3), "{draft:?}");
    }
}

/// Reads until the writing ends; answers must make sense in themselves.
async fn read_while(backend: Backend, writing: Arc<AtomicBool>) {
    let all = range(now().plus_micros(-10 * DAY_US), now().plus_micros(100 * DAY_US));
    while writing.load(Ordering::Relaxed) {
        let summary = backend.analytics.summary(all).await.expect("an answer");
        assert_eq!(summary.events_per_hour.iter().sum::<u64>(), summary.total_events);
        assert_eq!(summary.events_by_type.values().sum::<u64>(), summary.total_events);
        assert!(summary.unique_users <= 41);
        let filter = EventFilter { user: Some("user-7".into()), ..EventFilter::default() };
        let slice = Slice { order: Order::Descending, after: None, limit: 200 };
        let events = backend.log.events(filter, slice).await.expect("an answer");
        let drafts: Vec<Draft> = events.iter().map(|event| Draft::of(event.get())).collect();
        assert!(drafts.iter().all(|draft| draft.user.as_deref() == Some("user-7")));
        assert!(drafts.is_sorted_by(|left, right| (left.at, left.id) > (right.at, right.id)));
        let pages = backend.analytics.top_pages(all, PageOrder::Visitors, 10).await.expect("an answer");
        assert!(
            pages.len() <= 5
                && pages.iter().all(|page| page.counts.distinct_visitors <= page.counts.page_views)
        );
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_that_are_cut_stay() {
    let clock = footfall_conformance::TestClock::at("2025-05-26T02:00");
    let options = footfall_memory::MemoryOptions {
        max_bytes: 64 << 20,
        retention: Some(HOUR * 3),
        clock: Arc::new(clock.clone()),
    };
    let store = MemoryStore::start(options).expect("there are threads");
    let backend = Backend::of(Arc::new(store.clone()));
    footfall_conformance::windows_that_are_cut_stay(&backend, &clock, async || store.forget_expired()).await;
}
