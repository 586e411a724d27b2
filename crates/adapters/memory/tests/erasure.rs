//! Erasing users beside retention, beside a bound in bytes, and beside everything else at once.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use footfall_conformance::{Draft, batch_of, id, instant, range};
use footfall_domain::time::{DAY_US, HOUR_US, MINUTE_US, TimeRange, Timestamp};
use footfall_memory::MemoryStore;
use footfall_ports::{Analytics, EventLog, Outcome, StoreError};

use support::{TestClock, store};

const HOUR: Duration = Duration::from_hours(1);
const NOW: &str = "2025-05-26T14:30";

fn now() -> Timestamp {
    instant(NOW)
}

fn set(clock: &TestClock, now: Timestamp) {
    clock.0.store(now.micros(), Ordering::Release);
}

async fn append(store: &MemoryStore, drafts: &[Draft]) -> Vec<Outcome> {
    store.append(batch_of(drafts)).await.expect("there is room")
}

async fn erase(store: &MemoryStore, user: &str) -> u64 {
    store.erase_user(user.into()).await.expect("an answer")
}

async fn is_consistent(store: &MemoryStore) {
    assert_eq!(store.verify().await.expect("an answer"), [""; 0]);
}

/// Erased events have no rows, and go with retention all the same: until then their identities are known, then free.
#[tokio::test(flavor = "multi_thread")]
async fn the_erased_expire_as_others_do() {
    let clock = TestClock::at(NOW);
    let store = store(1 << 26, Some(10 * HOUR), &clock);
    let drafts: Vec<Draft> = (0..400)
        .map(|number| {
            let at = now().plus_micros(-(number as i64 % 20) * 30 * MINUTE_US);
            Draft::view(number, at, ["ann", "bob"][number as usize / 20 % 2], "/")
        })
        .collect();
    append(&store, &drafts).await;
    assert_eq!(erase(&store, "ann").await, 200);
    for hours_on in 0..12 {
        let later = now().plus_micros(hours_on * HOUR_US);
        set(&clock, later);
        store.forget_expired();
        store.forget_expired();
        is_consistent(&store).await;
        let floor = later.plus_micros(-10 * HOUR_US).floor_to(HOUR_US);
        for draft in drafts.iter().step_by(3) {
            let event = store.event(draft.id).await.expect("an answer");
            let there = draft.at >= floor && draft.user.as_deref() == Some("bob");
            assert_eq!(event.is_some(), there, "{draft:?} {hours_on} h on");
        }
        let kept = drafts.iter().filter(|draft| draft.at >= floor).count();
        let all = range(now().plus_micros(-DAY_US), now().plus_micros(DAY_US));
        let summary = store.summary(all).await.expect("an answer");
        let of_bob = drafts.iter().filter(|draft| draft.at >= floor && draft.user.as_deref() == Some("bob"));
        assert_eq!(summary.total_events, of_bob.count() as u64);
        if hours_on == 5 {
            let told = append(&store, &drafts).await;
            assert_eq!(told.iter().filter(|told| **told == Outcome::Duplicate).count(), kept);
            // Those came late, below the floor: they go at the next look, and the erased with them.
            assert_eq!(erase(&store, "ann").await as usize, (400 - kept) / 2);
        }
    }
    assert_eq!(append(&store, &drafts).await, vec![Outcome::Stored; 400]);
}

/// Fills a store, erases all, lets it expire, and again: nothing may pile up.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_erased_took_comes_back() {
    let clock = TestClock::at(NOW);
    let store = store(4 << 20, Some(HOUR), &clock);
    let (mut took, mut left) = (Vec::new(), Vec::new());
    for round in 0..8_i64 {
        let at = now().plus_micros(round * DAY_US);
        set(&clock, at);
        let mut number = (round as u128) << 64;
        let before = number;
        loop {
            let user = format!("user-{}", number % 10);
            match store.append(batch_of(&[Draft::view(number, at, &user, &format!("/{number}"))])).await {
                Ok(_) => number += 1,
                Err(StoreError::Full { .. }) => break,
                Err(other) => panic!("{other}"),
            }
        }
        took.push(number - before);
        let full = store.used_bytes();
        let mut erased = 0;
        for user in 0..10 {
            erased += erase(&store, &format!("user-{user}")).await;
        }
        assert_eq!(u128::from(erased), took[round as usize]);
        assert!(store.used_bytes() < full, "erasing gives back what was counted");
        is_consistent(&store).await;
        set(&clock, at.plus_micros(DAY_US));
        store.forget_expired();
        left.push(store.used_bytes());
    }
    println!("took {took:?}, left {left:?}");
    assert!(took.iter().all(|events| events * 10 >= took[0] * 8), "took {took:?}");
    assert!(left[7] <= left[3] + (4 << 20) / 50, "left {left:?}");
}

/// Writers, erasing, retention, verifying and questions at once: who was erased is gone, and all agrees in the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everything_at_once() {
    let clock = TestClock::at(NOW);
    let store = Arc::new(store(1 << 30, Some(3 * HOUR), &clock));
    let writing = Arc::new(AtomicBool::new(true));
    let writers: Vec<_> =
        (0..3).map(|task| tokio::spawn(write_mixed(Arc::clone(&store), Arc::clone(&clock), task))).collect();
    let (forgetter, flag, time) = (Arc::clone(&store), Arc::clone(&writing), Arc::clone(&clock));
    let forgetting = tokio::task::spawn_blocking(move || {
        let mut hours = 0;
        while flag.load(Ordering::Relaxed) {
            hours += 1;
            set(&time, now().plus_micros(hours * HOUR_US));
            forgetter.forget_expired();
            std::thread::sleep(Duration::from_millis(15));
        }
    });
    let (verifier, flag) = (Arc::clone(&store), Arc::clone(&writing));
    let verifying = tokio::spawn(async move {
        let mut times = 0;
        while flag.load(Ordering::Relaxed) {
            is_consistent(&verifier).await;
            times += 1;
        }
        times
    });
    let erasing =
        tokio::spawn(erase_over_and_over(Arc::clone(&store), Arc::clone(&clock), Arc::clone(&writing)));
    for writer in writers {
        writer.await.expect("the task did not panic");
    }
    writing.store(false, Ordering::Relaxed);
    forgetting.await.expect("the task did not panic");
    let times = verifying.await.expect("the task did not panic");
    let events = erasing.await.expect("the task did not panic");
    println!("verified {times} times, erased {events} events");
    assert!(times > 0 && events > 0);
    for user in 0..17 {
        erase(&store, &format!("user-{user}")).await;
    }
    is_consistent(&store).await;
    let all = range(now().plus_micros(-DAY_US), now().plus_micros(400 * DAY_US));
    assert_eq!(store.summary(all).await.expect("an answer").total_events, 0);
    assert!(store.event(id(0)).await.expect("an answer").is_none());
}

async fn write_mixed(store: Arc<MemoryStore>, clock: Arc<TestClock>, task: u128) {
    for step in 0..1_000_u128 {
        let now = footfall_ports::Clock::now(&*clock);
        let drafts: Vec<Draft> = (0..20_u128)
            .map(|place| {
                let number = task << 64 | step << 16 | place;
                let at = now.plus_micros(-((number as i64).rotate_left(7) % 37) * 5 * MINUTE_US);
                let user = format!("user-{}", number % 17);
                Draft::view(number, at, &user, &format!("/{}", number % 5))
            })
            .collect();
        append(&store, &drafts).await;
        tokio::task::yield_now().await;
    }
}

/// Erases users of its own, of whom nothing may be left then, and others' who go on. Says how many events that were.
async fn erase_over_and_over(
    store: Arc<MemoryStore>,
    clock: Arc<TestClock>,
    writing: Arc<AtomicBool>,
) -> u64 {
    let mut events = 0;
    for round in 0_u128.. {
        if !writing.load(Ordering::Relaxed) {
            break;
        }
        let own = format!("own-{round}");
        let now = footfall_ports::Clock::now(&*clock);
        let drafts: Vec<Draft> = (0..50_u128)
            .map(|step| {
                let at = now.plus_micros(-(step as i64) * MINUTE_US);
                Draft::view(1 << 100 | round << 32 | step, at, &own, &format!("/{own}"))
            })
            .collect();
        append(&store, &drafts).await;
        events += erase(&store, &own).await;
        let page = store.page(format!("/{own}"), TimeRange::ALL).await.expect("an answer");
        assert_eq!(page.page_views, 0);
        for draft in &drafts {
            assert!(store.event(draft.id).await.expect("an answer").is_none());
        }
        events += erase(&store, &format!("user-{}", round % 17)).await;
        // So that the others get their turn at removing.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    events
}
