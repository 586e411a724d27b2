//! Many at once, over restarts: each event is stored once, and whoever asked was told the truth.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use footfall_conformance::{Draft, Reference, batch_of};
use footfall_domain::event::EventId;
use footfall_embedded::EmbeddedStore;
use footfall_ports::{Analytics, EventLog, Outcome, StoreError};

use crate::support::events::mixed;
use crate::support::expected::Expected;
use crate::support::random::Random;
use crate::support::{append, open_for_ever};

const IDS: u64 = 9_000;
const TASKS: u64 = 6;

/// Appends events of a common stock, in no order, in batches and one by one; says what it was told of each.
async fn append_some(
    store: EmbeddedStore,
    stock: std::sync::Arc<Vec<Draft>>,
    seed: u64,
) -> Vec<(EventId, Outcome)> {
    let mut random = Random(seed);
    let mut told = Vec::new();
    for _ in 0..60 {
        let size = [1, 1, 1, 2, 9, 40, 200, 600][random.below(8) as usize];
        let start = random.below(IDS) as usize;
        let drafts: Vec<Draft> =
            (0..size).map(|place| stock[(start + place * 7) % stock.len()].clone()).collect();
        let outcomes = append(&store, &drafts).await;
        told.extend(drafts.iter().map(|draft| draft.id).zip(outcomes));
        if random.below(20) == 0 {
            tokio::task::yield_now().await;
        }
    }
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_event_is_stored_once_over_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let stock = std::sync::Arc::new(mixed(0..u128::from(IDS)));
    let mut stored: HashMap<EventId, usize> = HashMap::new();
    for round in 0..5 {
        let store = open_for_ever(folder.path()).unwrap();
        let before: HashSet<EventId> = stored.keys().copied().collect();
        let tasks: Vec<_> = (0..TASKS)
            .map(|task| tokio::spawn(append_some(store.clone(), stock.clone(), round * 100 + task)))
            .collect();
        let verifying = tokio::spawn(verify_for_a_while(store.clone()));
        let compacting = store.clone();
        tokio::task::spawn_blocking(move || compacting.compact().unwrap()).await.unwrap();
        let mut known = before.clone();
        for task in tasks {
            for (id, outcome) in task.await.unwrap() {
                known.insert(id);
                if outcome == Outcome::Stored {
                    assert!(!before.contains(&id), "{id} was stored in an earlier round");
                    *stored.entry(id).or_default() += 1;
                }
            }
        }
        verifying.await.unwrap();
        assert!(stored.values().all(|times| *times == 1), "round {round}");
        assert_eq!(stored.len(), known.len(), "whatever was told of is stored, in round {round}");
        let mut reference = Reference::default();
        reference.append(
            &stock.iter().filter(|draft| stored.contains_key(&draft.id)).cloned().collect::<Vec<_>>(),
        );
        Expected::of_reference(&reference).holds_for(&store).await;
    }
    println!("{} of {IDS} events", stored.len());
}

async fn verify_for_a_while(store: EmbeddedStore) {
    for _ in 0..5 {
        match store.verify().await {
            Ok(differences) => assert!(differences.is_empty(), "{differences:?}"),
            Err(StoreError::Unavailable { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
}

/// Who stops waiting doesn't stop the commit: afterwards the event is there or it isn't, and never there twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_hangs_up_breaks_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let stock = mixed(0..2_000);
    for round in 0..3_usize {
        let store = open_for_ever(folder.path()).unwrap();
        let mut tasks = Vec::new();
        for (place, part) in stock.chunks(5).enumerate() {
            let (store, batch) = (store.clone(), batch_of(part));
            tasks.push(tokio::spawn(async move {
                let patience = Duration::from_micros((place * 37 % 900) as u64);
                tokio::time::timeout(patience, store.append(batch)).await.is_ok()
            }));
        }
        let mut waited = 0;
        for task in tasks {
            waited += usize::from(task.await.unwrap());
        }
        println!("round {round}: {waited} of 400 waited for their answers");
        let again = append(&store, &stock).await;
        assert_eq!(again.len(), stock.len());
        Expected::of(&stock).holds_for(&store).await;
    }
}
