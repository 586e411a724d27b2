//! Syncing once a second: what is acknowledged survives the end of the process, and what was synced is guarded.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use footfall_embedded::{EmbeddedOptions, EmbeddedStore, OpenError, Sync};

use crate::support::database::database;
use crate::support::events::{START, mixed};
use crate::support::expected::Expected;
use crate::support::image::{Image, LOG};
use crate::support::{TestClock, append, append_singly};

fn open(folder: &Path) -> Result<EmbeddedStore, OpenError> {
    EmbeddedStore::open(EmbeddedOptions {
        folder: folder.to_owned(),
        sync: Sync::EverySecond,
        retention: None,
        clock: Arc::new(TestClock::at(START)),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_process_takes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let events = mixed(0..700);
    append(&store, &events[..400]).await;
    append_singly(&store, &events[400..]).await;
    // At once, before anything was synced: the system holds it.
    let image = Image::of(folder.path());
    let after_a_crash = image.folder();
    Expected::of(&events).holds_for(&open(after_a_crash.path()).unwrap()).await;
    drop(store);
    Expected::of(&events).holds_for(&open(folder.path()).unwrap()).await;
}

/// A loss of power takes the last second at most. Whatever takes more than that is told of.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_synced_does_not_go_in_silence() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let events = mixed(0..200);
    append_singly(&store, &events).await;
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let mut image = Image::of(folder.path());
    let bytes = image.file(LOG).len();
    image.file_mut(LOG)[bytes / 2] ^= 1;
    let damaged = image.folder();
    let error = open(damaged.path()).map(drop).expect_err("a part of what was synced is missing").to_string();
    assert!(error.contains("events.db") && error.contains("Restore the folder"), "{error}");
}

/// The name of a table is a few bytes as all others are: with one of them changed the table seems not to be there.
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_table_is_not_taken_for_a_new_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    append(&store, &mixed(0..500)).await;
    store.compact().unwrap();
    drop(store);
    database(folder.path()).execute_batch("ALTER TABLE blocks RENAME TO blockz").unwrap();
    open(folder.path()).map(drop).expect_err("the store would be empty");
}
