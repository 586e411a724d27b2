//! Erasing that fails when a part of it is done: what was promised of everything else still holds, and doing it again
//! goes on.

use std::path::Path;
use std::time::Duration;

use footfall_conformance::{Draft, Reference};
use footfall_domain::answers::{EventFilter, Order, Slice};
use footfall_domain::time::{DAY_US, HOUR_US};
use footfall_embedded::EmbeddedStore;
use footfall_ports::EventLog;
use footfall_ports::Outcome::Duplicate;
use footfall_ports::StoreError;

use crate::support::database::{let_through, make_fail};
use crate::support::events::{START, after, event};
use crate::support::expected::Expected;
use crate::support::{TestClock, append, forget_expired, open, open_for_ever};

/// Three runs of five hundred events each.
async fn with_three_runs(
    folder: &Path,
    retention: Option<Duration>,
    clock: &TestClock,
) -> (EmbeddedStore, Vec<Draft>) {
    let store = open(folder, retention, clock).unwrap();
    let drafts: Vec<Draft> =
        (0..1_500).map(|number| event(number, after(number as i64 % 3 * HOUR_US))).collect();
    for part in drafts.chunks(500) {
        append(&store, part).await;
        store.compact().unwrap();
    }
    (store, drafts)
}

/// Erases a user of whom every run has events, and fails at the last run.
async fn fail_to_erase(folder: &Path, store: &EmbeddedStore, user: &str) {
    make_fail(folder, "BEFORE DELETE ON blocks WHEN old.first >= 1000");
    store.erase_user(user.into()).await.expect_err("it was made to fail");
    let_through(folder);
}

#[tokio::test(flavor = "multi_thread")]
async fn doing_it_again_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (store, drafts) = with_three_runs(folder.path(), None, &TestClock::at(START)).await;
    fail_to_erase(folder.path(), &store, "user-7").await;
    store.erase_user("user-7".into()).await.unwrap();
    let mut reference = Reference::default();
    reference.append(&drafts);
    reference.erase("user-7");
    Expected::of_reference(&reference).holds_for(&store).await;
    drop(store);
    let store = open_for_ever(folder.path()).unwrap();
    Expected::of_reference(&reference).holds_for(&store).await;
    assert!(append(&store, &drafts).await.iter().all(|outcome| *outcome == Duplicate));
}

/// Nobody else is to suffer from it meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn lists_are_answered_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let (store, drafts) = with_three_runs(folder.path(), None, &TestClock::at(START)).await;
    fail_to_erase(folder.path(), &store, "user-7").await;
    let others: Vec<&Draft> = drafts.iter().filter(|draft| draft.user.as_deref() != Some("user-7")).collect();
    let slice = Slice { order: Order::Ascending, after: None, limit: 10_000 };
    let listed = store.events(EventFilter::default(), slice).await.expect("an answer");
    let listed: Vec<Draft> = listed.iter().map(|event| Draft::of(event.get())).collect();
    assert!(others.iter().all(|other| listed.contains(other)));
    for _ in 0..100 {
        match footfall_ports::Analytics::verify(&store).await {
            Ok(differences) => return assert_eq!(differences, Vec::<String>::new()),
            // It may be about to go on by itself.
            Err(StoreError::Unavailable { .. }) => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(other) => panic!("{other}"),
        }
    }
    panic!("it is never verified");
}

/// The store is ended instead, and goes on with what was done of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_makes_it_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (store, drafts) = with_three_runs(folder.path(), None, &TestClock::at(START)).await;
    fail_to_erase(folder.path(), &store, "user-7").await;
    drop(store);
    let store = open_for_ever(folder.path()).unwrap();
    let left = drafts.iter().enumerate();
    let left: Vec<Draft> = left
        .filter(|(place, draft)| *place >= 1_000 || draft.user.as_deref() != Some("user-7"))
        .map(|(_, draft)| draft.clone())
        .collect();
    Expected::of(&left).holds_for(&store).await;
    store.erase_user("user-7".into()).await.unwrap();
    let left: Vec<Draft> = left.into_iter().filter(|draft| draft.user.as_deref() != Some("user-7")).collect();
    Expected::of(&left).holds_for(&store).await;
}

/// Retention comes before it is done again: what is half erased expires with the rest, once.
#[tokio::test(flavor = "multi_thread")]
async fn retention_comes_between() {
    let folder = tempfile::tempdir().unwrap();
    let clock = TestClock::at(START);
    let retention = Some(Duration::from_hours(10));
    let (store, drafts) = with_three_runs(folder.path(), retention, &clock).await;
    fail_to_erase(folder.path(), &store, "user-7").await;
    for hours_on in [11, 12, 13] {
        clock.set(after(hours_on * HOUR_US));
        forget_expired(&store).await;
    }
    store.erase_user("user-7".into()).await.unwrap();
    for draft in &drafts {
        assert!(store.event(draft.id).await.unwrap().is_none(), "{draft:?}");
    }
    let late: Vec<Draft> = (5_000..5_200).map(|number| event(number, after(DAY_US / 2))).collect();
    append(&store, &late).await;
    Expected::of(&late).holds_for(&store).await;
    drop(store);
    Expected::of(&late).holds_for(&open(folder.path(), retention, &clock).unwrap()).await;
}
