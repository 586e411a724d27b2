//! Verifying while runs are made beneath it: what is told then is about the store, not about the moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use footfall_embedded::EmbeddedStore;
use footfall_ports::{Analytics, StoreError};

use crate::support::events::mixed;
use crate::support::expected::Expected;
use crate::support::{append, chain, open_for_ever};

async fn verify(store: &EmbeddedStore) {
    match store.verify().await {
        Ok(differences) => assert!(differences.is_empty(), "{differences:?}"),
        Err(StoreError::Unavailable { .. }) => {}
        Err(other) => panic!("{}", chain(&other)),
    }
}

/// More events than are in a run, in commits of a few: they are merged again and again while they are compared.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn beside_merging() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_for_ever(folder.path()).unwrap();
    let writing = Arc::new(AtomicBool::new(true));
    let (verifier, flag) = (store.clone(), Arc::clone(&writing));
    let verifying = tokio::spawn(async move {
        let mut times = 0;
        while flag.load(Ordering::Relaxed) {
            verify(&verifier).await;
            times += 1;
        }
        times
    });
    let drafts = mixed(0..60_000);
    for (place, part) in drafts.chunks(37).enumerate() {
        append(&store, part).await;
        if place % 40 == 39 {
            let store = store.clone();
            tokio::task::spawn_blocking(move || store.compact().unwrap()).await.unwrap();
        }
    }
    writing.store(false, Ordering::Relaxed);
    println!("verified {} times", verifying.await.unwrap());
    Expected::of(&drafts).holds_for(&store).await;
}

/// What isn't so is told: an event more in the figures than in the log, and one less.
#[tokio::test(flavor = "multi_thread")]
async fn differences_are_found() {
    use crate::support::database::{database, values};
    let folder = tempfile::tempdir().unwrap();
    let store = open_for_ever(folder.path()).unwrap();
    let drafts = mixed(0..2_000);
    append(&store, &drafts).await;
    store.compact().unwrap();
    verify(&store).await;
    let last = values(folder.path(), "blocks").pop().unwrap();
    database(folder.path()).execute("DELETE FROM blocks WHERE first = ?1", [last.0]).unwrap();
    let differences = store.verify().await.unwrap();
    assert!(!differences.is_empty());
    let insert = "INSERT INTO blocks (first, value) VALUES (?1, ?2)";
    database(folder.path()).execute(insert, rusqlite::params![last.0, last.1]).unwrap();
    verify(&store).await;
    let mut broken = last.1.clone();
    broken[30] ^= 1;
    let update = "UPDATE blocks SET value = ?2 WHERE first = ?1";
    database(folder.path()).execute(update, rusqlite::params![last.0, broken]).unwrap();
    store.verify().await.expect_err("a block that can't be read is an error");
}
