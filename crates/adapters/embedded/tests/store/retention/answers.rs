//! What expired is in no answer and no longer known by its identity, now and after any restart.

use std::time::Duration;

use footfall_conformance::Draft;
use footfall_domain::time::{DAY_US, HOUR_US, SECOND_US};
use footfall_embedded::EmbeddedStore;
use footfall_ports::Outcome::{Duplicate, Stored};

use super::{HOUR, agrees, floor};
use crate::support::events::{START, after};
use crate::support::{TestClock, append, backend, forget_expired, open};

const FIRST_LOOK: Duration = Duration::from_millis(600);

/// Events of all kinds, a few in each of so many hours until the start.
fn history(hours: i64) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for hour in 0..hours {
        for step in 0..6_i64 {
            let number = (hour * 10 + step) as u128;
            let at = after(-hour * HOUR_US - step * 600 * SECOND_US - i64::from(step == 5));
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

async fn is_right(store: &EmbeddedStore, drafts: &[Draft], hours_on: i64) {
    let floor = floor(after(hours_on * HOUR_US), 10);
    let until = after(DAY_US).max(floor.plus_micros(4 * HOUR_US));
    agrees(&backend(store), drafts, floor, until).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_events_are_in_no_answer_and_come_back_by_no_restart() {
    let folder = tempfile::tempdir().unwrap();
    // Set back, so that nothing has expired yet whenever the keeper looks.
    let clock = TestClock::at("2025-05-20T00:00");
    let mut store = open(folder.path(), Some(10 * HOUR), &clock).unwrap();
    let drafts = history(40);
    for part in drafts.chunks(30) {
        append(&store, part).await;
    }
    for (round, hours_on) in [0, 1, 5, 9, 10, 11, 200].into_iter().enumerate() {
        clock.set(after(hours_on * HOUR_US));
        match round % 3 {
            // As the keeper does it by itself, as a start does it, and once it is all in runs.
            0 => forget_expired(&store).await,
            1 => {
                drop(store);
                store = open(folder.path(), Some(10 * HOUR), &clock).unwrap();
            }
            _ => {
                store.compact().unwrap();
                forget_expired(&store).await;
            }
        }
        is_right(&store, &drafts, hours_on).await;
        drop(store);
        store = open(folder.path(), Some(10 * HOUR), &clock).unwrap();
        is_right(&store, &drafts, hours_on).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_expires_before_its_hour_does() {
    let folder = tempfile::tempdir().unwrap();
    let clock = TestClock::at(START);
    let mut store = open(folder.path(), Some(HOUR), &clock).unwrap();
    let drafts = [
        Draft::view(1, after(-HOUR_US), "ann", "/0"),
        Draft::view(2, after(-1), "bob", "/0"),
        Draft::view(3, after(0), "cid", "/0"),
    ];
    append(&store, &drafts).await;
    for (now, kept) in [(after(30 * 60 * SECOND_US), 3), (after(HOUR_US - 1), 3), (after(HOUR_US), 1)] {
        clock.set(now);
        forget_expired(&store).await;
        for _ in 0..2 {
            agrees(&backend(&store), &drafts, floor(now, 1), after(DAY_US)).await;
            let views =
                footfall_ports::Analytics::page(&store, "/0".into(), footfall_domain::time::TimeRange::ALL);
            assert_eq!(views.await.unwrap().page_views, kept, "at {now}");
            drop(store);
            store = open(folder.path(), Some(HOUR), &clock).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_is_free_again_once_its_event_is_dropped() {
    for restart in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let clock = TestClock::at(START);
        let mut store = open(folder.path(), Some(2 * HOUR), &clock).unwrap();
        let old: Vec<Draft> =
            (0..500).map(|number| Draft::view(number, after(-HOUR_US), "ann", "/0")).collect();
        append(&store, &old).await;
        let later = after(5 * HOUR_US);
        let new: Vec<Draft> = (0..500).map(|number| Draft::view(number, later, "bob", "/1")).collect();
        assert!(append(&store, &new).await.iter().all(|outcome| *outcome == Duplicate));
        clock.set(later);
        forget_expired(&store).await;
        let start_again = |store: EmbeddedStore| {
            if !restart {
                return store;
            }
            drop(store);
            open(folder.path(), Some(2 * HOUR), &clock).unwrap()
        };
        store = start_again(store);
        assert!(append(&store, &new).await.iter().all(|outcome| *outcome == Stored));
        store = start_again(store);
        assert!(append(&store, &old).await.iter().all(|outcome| *outcome == Duplicate));
        agrees(&backend(&store), &new, floor(later, 2), later.plus_micros(HOUR_US)).await;
    }
}

/// An event that is too old when it arrives is taken, and goes with the next sweep.
#[tokio::test(flavor = "multi_thread")]
async fn late_events_go_too() {
    let folder = tempfile::tempdir().unwrap();
    let clock = TestClock::at(START);
    let store = open(folder.path(), Some(10 * HOUR), &clock).unwrap();
    let drafts = history(30);
    append(&store, &drafts[..120]).await;
    forget_expired(&store).await;
    for round in 0..3 {
        let late: Vec<Draft> = drafts[120..].iter().skip(round).step_by(3).cloned().collect();
        assert!(append(&store, &late).await.iter().all(|outcome| *outcome == Stored));
        forget_expired(&store).await;
        is_right(&store, &drafts, 0).await;
    }
    store.compact().unwrap();
    is_right(&store, &drafts, 0).await;
    drop(store);
    is_right(&open(folder.path(), Some(10 * HOUR), &clock).unwrap(), &drafts, 0).await;
}

/// Until then it is counted nowhere, and that is no difference between the figures and the log.
#[tokio::test(flavor = "multi_thread")]
async fn late_events_are_no_difference() {
    let folder = tempfile::tempdir().unwrap();
    let clock = TestClock::at(START);
    let store = open(folder.path(), Some(10 * HOUR), &clock).unwrap();
    // The store looks around by itself once at first, and then not for a while.
    tokio::time::sleep(FIRST_LOOK).await;
    let drafts = history(30);
    append(&store, &drafts[..120]).await;
    forget_expired(&store).await;
    append(&store, &drafts[120..]).await;
    for _ in 0..2 {
        let differences = footfall_ports::Analytics::verify(&store).await.unwrap();
        assert!(differences.is_empty(), "{differences:?}");
        store.compact().unwrap();
    }
}

/// Nor does an erased user leave those behind that came late.
#[tokio::test(flavor = "multi_thread")]
async fn late_events_can_be_erased() {
    let folder = tempfile::tempdir().unwrap();
    let clock = TestClock::at(START);
    let store = open(folder.path(), Some(10 * HOUR), &clock).unwrap();
    // The store looks around by itself once at first, and then not for a while.
    tokio::time::sleep(FIRST_LOOK).await;
    let drafts = history(30);
    append(&store, &drafts[..120]).await;
    forget_expired(&store).await;
    append(&store, &drafts[120..]).await;
    footfall_ports::EventLog::erase_user(&store, "old-25".into()).await.unwrap();
    for draft in drafts.iter().filter(|draft| draft.user.as_deref() == Some("old-25")) {
        let found = footfall_ports::EventLog::event(&store, draft.id).await.unwrap();
        assert!(found.is_none(), "{draft:?} is there after its user was erased");
    }
    forget_expired(&store).await;
    is_right(&store, &drafts, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_forgets_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let clock = TestClock::at(START);
    let store = open(folder.path(), Some(HOUR), &clock).unwrap();
    let draft = Draft::view(1, after(0), "ann", "/0");
    append(&store, std::slice::from_ref(&draft)).await;
    clock.set(after(DAY_US));
    for _ in 0..300 {
        if footfall_ports::EventLog::event(&store, draft.id).await.unwrap().is_none() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("after 30 s the event is still there");
}

/// Who was erased has left identities behind; they expire as the events would have.
#[tokio::test(flavor = "multi_thread")]
async fn the_erased_expire_too() {
    let folder = tempfile::tempdir().unwrap();
    let clock = TestClock::at(START);
    let mut store = open(folder.path(), Some(2 * HOUR), &clock).unwrap();
    let drafts: Vec<Draft> = (0..300)
        .map(|number| {
            Draft::view(number, after(number as i64 % 2 * HOUR_US), &format!("u{}", number % 3), "/0")
        })
        .collect();
    append(&store, &drafts).await;
    let erased = footfall_ports::EventLog::erase_user(&store, "u1".into()).await.unwrap();
    assert_eq!(erased, 100);
    assert!(append(&store, &drafts).await.iter().all(|outcome| *outcome == Duplicate));
    for hours_on in [2, 3, 4] {
        clock.set(after(hours_on * HOUR_US));
        forget_expired(&store).await;
        for _ in 0..2 {
            let floor = floor(after(hours_on * HOUR_US), 2);
            let left: Vec<Draft> =
                drafts.iter().filter(|draft| draft.user.as_deref() != Some("u1")).cloned().collect();
            agrees(&backend(&store), &left, floor, after(DAY_US)).await;
            drop(store);
            store = open(folder.path(), Some(2 * HOUR), &clock).unwrap();
        }
    }
    assert!(append(&store, &drafts).await.iter().all(|outcome| *outcome == Stored));
}
