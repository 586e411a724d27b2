//! Retention that is changed between starts: what was dropped stays so, and what is sent afterwards is kept.

use footfall_conformance::Draft;
use footfall_domain::time::{DAY_US, HOUR_US, Timestamp};
use footfall_ports::Outcome::Stored;

use super::{HOUR, agrees};
use crate::support::events::{START, after, event, spread};
use crate::support::{TestClock, append, backend, forget_expired, open};

/// Some events in each of so many hours up to the start.
fn hourly(numbers: std::ops::Range<u128>, hours: i64) -> Vec<Draft> {
    numbers.map(|number| event(number, after(-(number as i64 % hours) * HOUR_US))).collect()
}

/// Few enough are dropped that no run is written again for it: they are still on the disk.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_dropped_stays_so_without_retention() {
    let folder = tempfile::tempdir().unwrap();
    let clock = TestClock::at(START);
    let store = open(folder.path(), Some(20 * HOUR), &clock).unwrap();
    let drafts = hourly(0..2_000, 20);
    append(&store, &drafts).await;
    store.compact().unwrap();
    clock.set(after(5 * HOUR_US));
    forget_expired(&store).await;
    let floor = after(-15 * HOUR_US);
    agrees(&backend(&store), &drafts, floor, after(DAY_US)).await;
    drop(store);
    for retention in [None, Some(1_000 * HOUR), None] {
        let store = open(folder.path(), retention, &clock).unwrap();
        agrees(&backend(&store), &drafts, floor, after(DAY_US)).await;
        store.compact().unwrap();
        forget_expired(&store).await;
    }
}

/// Whoever turns retention off, or lengthens it, may go on to import what is older than it was.
#[tokio::test(flavor = "multi_thread")]
async fn older_events_are_kept_once_retention_is_longer() {
    for retention in [None, Some(200 * HOUR)] {
        let folder = tempfile::tempdir().unwrap();
        let clock = TestClock::at(START);
        let store = open(folder.path(), Some(20 * HOUR), &clock).unwrap();
        let drafts = hourly(0..600, 30);
        append(&store, &drafts).await;
        forget_expired(&store).await;
        let kept: Vec<Draft> = drafts.into_iter().filter(|draft| draft.at >= after(-20 * HOUR_US)).collect();
        drop(store);

        let store = open(folder.path(), retention, &clock).unwrap();
        let older: Vec<Draft> = (1_000..1_400).map(|number| event(number, after(-50 * HOUR_US))).collect();
        assert!(append(&store, &older).await.iter().all(|outcome| *outcome == Stored));
        let all: Vec<Draft> = kept.into_iter().chain(older).collect();
        let long_ago = after(-190 * HOUR_US);
        agrees(&backend(&store), &all, long_ago, after(DAY_US)).await;
        store.compact().unwrap();
        drop(store);
        let store = open(folder.path(), retention, &clock).unwrap();
        agrees(&backend(&store), &all, long_ago, after(DAY_US)).await;
    }
}

/// A clock that was wrong for a while, as one without a battery is after a start.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_set_back_drops_nothing_and_takes_everything() {
    let folder = tempfile::tempdir().unwrap();
    let clock = TestClock::at(START);
    let store = open(folder.path(), Some(20 * HOUR), &clock).unwrap();
    let drafts = hourly(0..600, 10);
    append(&store, &drafts).await;
    drop(store);
    clock.set(Timestamp::MIN);
    let store = open(folder.path(), Some(20 * HOUR), &clock).unwrap();
    forget_expired(&store).await;
    let more = Draft::view(spread(5_000), after(-5 * HOUR_US), "ann", "/0");
    append(&store, std::slice::from_ref(&more)).await;
    drop(store);
    clock.set(after(0));
    let store = open(folder.path(), Some(20 * HOUR), &clock).unwrap();
    let all: Vec<Draft> = drafts.into_iter().chain([more]).collect();
    agrees(&backend(&store), &all, after(-20 * HOUR_US), after(DAY_US)).await;
}
