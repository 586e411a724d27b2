//! A database that fails for a while: what was answered stays true, what wasn't is asked again, and the store comes back
//! by itself.

use std::time::Duration;

use footfall_conformance::{Draft, batch_of};
use footfall_domain::time::{DAY_US, HOUR_US};
use footfall_embedded::EmbeddedStore;
use footfall_ports::Outcome::{Duplicate, Stored};
use footfall_ports::{EventLog, Health, StoreError};

use crate::support::database::{let_through, make_fail, values};
use crate::support::events::{START, after, event, mixed};
use crate::support::expected::Expected;
use crate::support::{TestClock, append, forget_expired, open, open_for_ever};

async fn is_healthy(store: &EmbeddedStore) -> bool {
    store.check().await.iter().all(|dependency| dependency.state.is_ok())
}

async fn becomes_healthy(store: &EmbeddedStore) {
    for _ in 0..300 {
        if is_healthy(store).await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("after 15 s it is not healthy: {:?}", store.check().await);
}

async fn is_refused(store: &EmbeddedStore, drafts: &[Draft]) {
    match store.append(batch_of(drafts)).await {
        Err(StoreError::Unavailable { retry_after, .. }) => assert!(!retry_after.is_zero()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_events_are_not_stored_and_their_retries_are_new() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_for_ever(folder.path()).unwrap();
    let drafts = mixed(0..9_000);
    let mut stored = 0;
    // Around the bounds of what the index keeps together, 4096.
    for (taken, refused) in [(10, 1), (4_080, 300), (6, 5_000), (4_096, 400), (0, 90)] {
        append(&store, &drafts[stored..stored + taken]).await;
        stored += taken;
        let (before, next) = (&drafts[..stored], &drafts[stored..(stored + refused).min(drafts.len())]);
        make_fail(folder.path(), "BEFORE INSERT ON blocks");
        is_refused(&store, next).await;
        is_refused(&store, &next[..1]).await;
        assert!(!is_healthy(&store).await);
        // What is stored needs no disk to be known, and what isn't must not be mistaken for it.
        assert!(append(&store, before).await.iter().all(|outcome| *outcome == Duplicate));
        is_refused(&store, &drafts[stored - 1..=stored]).await;
        assert!(store.event(next[0].id).await.unwrap().is_none());
        Expected::of(before).holds_for(&store).await;
        let_through(folder.path());
        becomes_healthy(&store).await;
    }
    assert!(append(&store, &drafts[stored..]).await.iter().all(|outcome| *outcome == Stored));
    Expected::of(&drafts).holds_for(&store).await;
    drop(store);
    Expected::of(&drafts).holds_for(&open_for_ever(folder.path()).unwrap()).await;
}

/// The same events from several at once, while commits fail now and then: each is stored once, whatever was answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn retries_until_it_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_for_ever(folder.path()).unwrap();
    let drafts = mixed(0..1_500);
    let mut writers = Vec::new();
    for task in 0..4 {
        let (store, drafts) = (store.clone(), drafts.clone());
        writers.push(tokio::spawn(async move {
            let mut stored = 0;
            for part in drafts.chunks(3 + task * 2) {
                loop {
                    match store.append(batch_of(part)).await {
                        Ok(outcomes) => {
                            stored += outcomes.iter().filter(|outcome| **outcome == Stored).count();
                            break;
                        }
                        Err(StoreError::Unavailable { .. }) => {
                            tokio::time::sleep(Duration::from_millis(2)).await;
                        }
                        Err(other) => panic!("{other}"),
                    }
                }
            }
            stored
        }));
    }
    while !writers.iter().all(tokio::task::JoinHandle::is_finished) {
        make_fail(folder.path(), "BEFORE INSERT ON blocks");
        tokio::time::sleep(Duration::from_millis(15)).await;
        let_through(folder.path());
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    let mut stored = 0;
    for writer in writers {
        stored += writer.await.unwrap();
    }
    assert_eq!(stored, drafts.len());
    Expected::of(&drafts).holds_for(&store).await;
    drop(store);
    Expected::of(&drafts).holds_for(&open_for_ever(folder.path()).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_that_could_not_be_made_are_made_later() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_for_ever(folder.path()).unwrap();
    let drafts = mixed(0..1_000);
    append(&store, &drafts[..600]).await;
    make_fail(folder.path(), "BEFORE INSERT ON checkpoints");
    for _ in 0..3 {
        store.compact().expect_err("it was made to fail");
    }
    append(&store, &drafts[600..]).await;
    Expected::of(&drafts).holds_for(&store).await;
    let_through(folder.path());
    store.compact().unwrap();
    assert_eq!(values(folder.path(), "checkpoints").len(), 1);
    Expected::of(&drafts).holds_for(&store).await;
    drop(store);
    Expected::of(&drafts).holds_for(&open_for_ever(folder.path()).unwrap()).await;
}

/// Ended while it fails, with everything still to be put in order.
#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_fails_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_for_ever(folder.path()).unwrap();
    let drafts = mixed(0..1_000);
    append(&store, &drafts).await;
    make_fail(folder.path(), "BEFORE INSERT ON checkpoints");
    drop(store);
    for _ in 0..2 {
        Expected::of(&drafts).holds_for(&open_for_ever(folder.path()).unwrap()).await;
    }
    let_through(folder.path());
    Expected::of(&drafts).holds_for(&open_for_ever(folder.path()).unwrap()).await;
    assert_eq!(values(folder.path(), "checkpoints").len(), 1);
}

/// Dropping that fails at any of its steps is made up for by the next round: what expired is in no answer.
#[tokio::test(flavor = "multi_thread")]
async fn retention_that_fails_goes_on_later() {
    let steps = [
        "BEFORE INSERT ON facts",
        "BEFORE INSERT ON checkpoints",
        "BEFORE INSERT ON dropped",
        "BEFORE DELETE ON blocks",
    ];
    for step in steps {
        let folder = tempfile::tempdir().unwrap();
        let clock = TestClock::at(START);
        let retention = Some(Duration::from_hours(10));
        let store = open(folder.path(), retention, &clock).unwrap();
        let old: Vec<Draft> = (0..900).map(|number| event(number, after(0))).collect();
        let new: Vec<Draft> = (900..1_000).map(|number| event(number, after(9 * HOUR_US))).collect();
        append(&store, &old[..500]).await;
        store.compact().unwrap();
        append(&store, &old[500..]).await;
        append(&store, &new).await;
        clock.set(after(12 * HOUR_US));
        make_fail(folder.path(), step);
        forget_expired(&store).await;
        let_through(folder.path());
        forget_expired(&store).await;
        for draft in &old {
            assert!(store.event(draft.id).await.unwrap().is_none(), "{step}: {draft:?} is still there");
        }
        Expected::of(&new).holds_for(&store).await;
        let again: Vec<Draft> =
            old.iter().map(|draft| Draft { at: after(DAY_US / 2), ..draft.clone() }).collect();
        assert!(
            append(&store, &again).await.iter().all(|outcome| *outcome == Stored),
            "{step}: identities are free"
        );
        drop(store);
        let store = open(folder.path(), retention, &clock).unwrap();
        Expected::of(&[&new[..], &again[..]].concat()).holds_for(&store).await;
    }
}
