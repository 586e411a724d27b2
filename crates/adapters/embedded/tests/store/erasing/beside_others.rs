//! Erasing beside whoever appends, reads and verifies.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use footfall_conformance::{Draft, Reference, batch_of};
use footfall_domain::answers::{EventFilter, Order, Slice};
use footfall_embedded::EmbeddedStore;
use footfall_ports::{Analytics, EventLog, Outcome, StoreError};

use crate::support::events::{after, event, spread};
use crate::support::expected::Expected;
use crate::support::{append, chain, open_for_ever};

/// Events of a person who comes in every part, among those of others.
fn part_of(task: u128, part: u128, size: u128) -> Vec<Draft> {
    let numbers = (0..size).map(move |place| (task << 32) + part * size + place);
    let draft = |number: u128| match number % 9 {
        4 => Draft::view(spread(number), after(number as i64 % 999_983), "ann", "/0"),
        _ => event(number, after(number as i64 % 999_983)),
    };
    numbers.map(draft).collect()
}

/// What is erased was acknowledged before; what comes meanwhile may stay. Nothing else goes, and once nobody appends
/// any more the last of it goes too.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn while_others_append() {
    const PARTS: u128 = 160;
    let folder = tempfile::tempdir().unwrap();
    let mut store = open_for_ever(folder.path()).unwrap();
    let mut reference = Reference::default();
    for round in 0..3_u128 {
        let mut writers = Vec::new();
        for task in 0..4_u128 {
            let store = store.clone();
            writers.push(tokio::spawn(async move {
                let mut sent = Vec::new();
                for part in 0..PARTS {
                    let drafts = part_of(round * 4 + task, part, [1, 30, 90, 500][(task % 4) as usize]);
                    let outcomes = append(&store, &drafts).await;
                    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Stored));
                    sent.extend(drafts);
                }
                sent
            }));
        }
        let writing = Arc::new(AtomicBool::new(true));
        let (eraser, flag) = (store.clone(), Arc::clone(&writing));
        let erasing = tokio::spawn(async move {
            let mut count = 0;
            while flag.load(Ordering::Relaxed) {
                count +=
                    eraser.erase_user("ann".into()).await.unwrap_or_else(|error| panic!("{}", chain(&error)));
                is_consistent(&eraser).await;
            }
            count
        });
        let mut sent = Vec::new();
        for writer in writers {
            sent.extend(writer.await.unwrap());
        }
        writing.store(false, Ordering::Relaxed);
        let mut gone = erasing.await.unwrap();
        gone += store.erase_user("ann".into()).await.unwrap();
        let anns = sent.iter().filter(|draft| draft.user.as_deref() == Some("ann")).count();
        assert_eq!(gone as usize, anns, "each event was erased once");
        assert_eq!(store.erase_user("ann".into()).await.unwrap(), 0);
        reference.append(&sent);
        reference.erase("ann");
        Expected::of_reference(&reference).holds_for(&store).await;
        drop(store);
        store = open_for_ever(folder.path()).unwrap();
        Expected::of_reference(&reference).holds_for(&store).await;
        assert!(append(&store, &sent).await.iter().all(|outcome| *outcome == Outcome::Duplicate));
    }
}

async fn is_consistent(store: &EmbeddedStore) {
    match store.verify().await {
        Ok(differences) => assert!(differences.is_empty(), "{differences:?}"),
        Err(StoreError::Unavailable { .. }) => {}
        Err(other) => panic!("{}", chain(&other)),
    }
}

/// Erasing someone takes a while where the events are many. Lists are answered meanwhile, with some of the events or
/// without.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn while_others_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_for_ever(folder.path()).unwrap();
    let drafts: Vec<Draft> = (0..24).flat_map(|part| part_of(0, part, 3_000)).collect();
    for (place, part) in drafts.chunks(3_000).enumerate() {
        append(&store, part).await;
        if place % 2 == 1 {
            store.compact().unwrap();
        }
    }
    let erasing = Arc::new(AtomicBool::new(true));
    let readers: Vec<_> =
        (0..3).map(|reader| tokio::spawn(read_while(store.clone(), Arc::clone(&erasing), reader))).collect();
    let erased = store.erase_user("ann".into()).await;
    erasing.store(false, Ordering::Relaxed);
    assert_eq!(erased.unwrap(), 8_000);
    let mut read = 0;
    for reader in readers {
        read += reader.await.unwrap_or_else(|error| panic!("{error}"));
    }
    println!("{read} answers meanwhile");
    assert!(read > 3);
}

async fn read_while(store: EmbeddedStore, erasing: Arc<AtomicBool>, reader: usize) -> usize {
    let mut answers = 0;
    while erasing.load(Ordering::Relaxed) {
        let user = [None, Some("ann"), Some("user-7")][reader].map(Into::into);
        let filter = EventFilter { user: user.clone(), ..EventFilter::default() };
        let slice = Slice { order: Order::Ascending, after: None, limit: 300 };
        let events = store.events(filter, slice).await.unwrap_or_else(|error| panic!("{}", chain(&error)));
        let events: Vec<Draft> = events.iter().map(|event| Draft::of(event.get())).collect();
        assert!(user.is_none() || events.iter().all(|event| event.user == user));
        assert!(events.is_sorted_by(|left, right| (left.at, left.id) < (right.at, right.id)));
        for event in events.iter().take(3) {
            let found = store.event(event.id).await.unwrap_or_else(|error| panic!("{}", chain(&error)));
            assert!(found.is_none_or(|found| Draft::of(found.get()) == *event));
        }
        answers += 1;
    }
    answers
}

/// Several persons at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_for_ever(folder.path()).unwrap();
    let drafts: Vec<Draft> = (0..8_300).map(|number| event(number, after(number as i64))).collect();
    for part in drafts.chunks(900) {
        append(&store, part).await;
    }
    let mut erasing = Vec::new();
    for person in 0..40 {
        let store = store.clone();
        erasing.push(tokio::spawn(async move { store.erase_user(format!("user-{person}")).await.unwrap() }));
    }
    let mut reference = Reference::default();
    reference.append(&drafts);
    for (person, erased) in erasing.into_iter().enumerate() {
        assert_eq!(erased.await.unwrap(), reference.erase(&format!("user-{person}")), "user-{person}");
    }
    Expected::of_reference(&reference).holds_for(&store).await;
    drop(store);
    let store = open_for_ever(folder.path()).unwrap();
    Expected::of_reference(&reference).holds_for(&store).await;
    let again = store.append(batch_of(&drafts)).await.unwrap();
    assert!(again.iter().all(|outcome| *outcome == Outcome::Duplicate));
}
