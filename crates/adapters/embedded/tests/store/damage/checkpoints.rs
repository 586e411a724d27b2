//! A checkpoint that isn't sound is drawn again from the blocks, and nobody notices.

use std::path::Path;

use footfall_conformance::Reference;
use rusqlite::params;

use super::fixture::Found;
use crate::support::database::{database, values};
use crate::support::expected::Expected;
use crate::support::open_for_ever;

type Values = Vec<(i64, Vec<u8>)>;

/// The same with a checksum that is right, as it stands over the first ordinal and the rest.
fn resealed(first: i64, mut value: Vec<u8>) -> Vec<u8> {
    let length = value.len() - 4;
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&first.to_le_bytes());
    hasher.update(&value[..length]);
    value[length..].copy_from_slice(&hasher.finalize().to_le_bytes());
    value
}

/// Starts a store whose checkpoints were changed: every answer must be right, and after that the checkpoints be sound.
async fn is_mended(found: &Found, change: impl FnOnce(&Path, &Values)) {
    let folder = found.image.folder();
    let before = values(folder.path(), "checkpoints");
    assert!(before.len() >= 3);
    change(folder.path(), &before);
    let store = open_for_ever(folder.path()).unwrap();
    found.expected.holds_for(&store).await;
    drop(store);
    let mended = values(folder.path(), "checkpoints");
    let events = |values: &Values| -> u32 {
        values.iter().map(|(_, value)| u32::from_le_bytes(*value[1..].first_chunk().unwrap())).sum()
    };
    assert_eq!(events(&mended), events(&before), "each event is in one checkpoint");
    let store = open_for_ever(folder.path()).unwrap();
    found.expected.holds_for(&store).await;
    drop(store);
    assert!(values(folder.path(), "checkpoints") == mended, "there was nothing to mend any more");
    assert_eq!(found.start_in(folder.path()).await, Ok(super::fixture::Start::Unharmed));
}

fn replace(folder: &Path, first: i64, value: &[u8]) {
    let update = "UPDATE checkpoints SET value = ?2 WHERE first = ?1";
    assert_eq!(database(folder).execute(update, params![first, value]).unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_anywhere() {
    let found = Found::after_an_end().await;
    for part in 0..12 {
        is_mended(&found, |folder, checkpoints| {
            let (first, value) = &checkpoints[part % checkpoints.len()];
            let mut value = value.clone();
            let byte = part * (value.len() - 1) / 11;
            value[byte] ^= 1 << (part % 8);
            replace(folder, *first, &value);
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_short() {
    let found = Found::after_an_end().await;
    for length in [0, 1, 4, 8, 9, 13, 200] {
        is_mended(&found, |folder, checkpoints| {
            let (first, value) = &checkpoints[0];
            replace(folder, *first, &value[..length]);
        })
        .await;
    }
}

/// As after a change of their form, in either direction.
#[tokio::test(flavor = "multi_thread")]
async fn all_of_another_version() {
    let found = Found::after_an_end().await;
    for version in [0, 2, 255] {
        is_mended(&found, |folder, checkpoints| {
            for (first, value) in checkpoints {
                let mut value = value.clone();
                value[0] = version;
                replace(folder, *first, &resealed(*first, value));
            }
        })
        .await;
    }
}

/// With a checksum that is right, so that only what it holds can tell.
#[tokio::test(flavor = "multi_thread")]
async fn sealed_and_wrong() {
    const EVENTS: usize = 1;
    const PLAIN_BYTES: usize = 5;
    const BODY: usize = 9;
    let found = Found::after_an_end().await;
    for (at, with) in [(EVENTS, 0), (EVENTS, u32::MAX), (PLAIN_BYTES, 3), (PLAIN_BYTES, u32::MAX), (BODY, 7)]
    {
        is_mended(&found, |folder, checkpoints| {
            let (first, value) = &checkpoints[1];
            let mut value = value.clone();
            value[at..at + 4].copy_from_slice(&with.to_le_bytes());
            replace(folder, *first, &resealed(*first, value));
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn missing() {
    let found = Found::after_an_end().await;
    let count = values(found.image.folder().path(), "checkpoints").len();
    for gone in 0..count {
        is_mended(&found, |folder, checkpoints| {
            database(folder)
                .execute("DELETE FROM checkpoints WHERE first = ?1", [checkpoints[gone].0])
                .unwrap();
        })
        .await;
    }
    is_mended(&found, |folder, _| database(folder).execute_batch("DELETE FROM checkpoints").unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_each_others_place_or_where_none_belongs() {
    let found = Found::after_an_end().await;
    is_mended(&found, |folder, checkpoints| {
        replace(folder, checkpoints[0].0, &checkpoints[1].1);
        replace(folder, checkpoints[1].0, &checkpoints[0].1);
    })
    .await;
    // Sealed for where they stand: one within the run of another, one that reaches past the end.
    for shift in [100, 1_000_000] {
        let folder = found.image.folder();
        let (first, value) = values(folder.path(), "checkpoints").swap_remove(0);
        let insert = "INSERT INTO checkpoints (first, value) VALUES (?1, ?2)";
        let sealed = resealed(first + shift, value);
        database(folder.path()).execute(insert, params![first + shift, sealed]).unwrap();
        let store = open_for_ever(folder.path()).unwrap();
        found.expected.holds_for(&store).await;
    }
}

/// What a run was before its user was erased: sound, of as many events, and not true any more. A crash leaves such a
/// one where a part of the log that had been moved to its place already is lost.
#[tokio::test(flavor = "multi_thread")]
async fn older_than_the_blocks() {
    let found = Found::after_an_end().await;
    let (folder, store) = found.open();
    let before = values(folder.path(), "checkpoints");
    footfall_ports::EventLog::erase_user(&store, "user-7".into()).await.unwrap();
    drop(store);
    let mut reference = Reference::default();
    reference.append(&found.events);
    reference.erase("user-7");
    for (first, value) in before {
        replace(folder.path(), first, &value);
    }
    if let Ok(store) = open_for_ever(folder.path()) {
        Expected::of_reference(&reference).holds_for(&store).await;
    }
}
