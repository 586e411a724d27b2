//! Blocks are the truth: one that is wrong, gone or in another's place is told of.

use std::path::Path;

use rusqlite::params;

use super::fixture::Found;
use crate::support::database::{database, values};
use crate::support::open_for_ever;

/// The message of a refusal, which must name the database's file and hold that text.
fn refusal(folder: &Path, text: &str) -> String {
    let error = open_for_ever(folder).map(drop).expect_err("it was opened").to_string();
    for part in [&*folder.join("events.db").to_string_lossy(), "Restore the folder", text] {
        assert!(error.contains(part), "`{part}` is not in: {error}");
    }
    error
}

/// The places of the first, the last and some between.
fn some(length: usize) -> Vec<usize> {
    let mut places = vec![0, 1, length / 2, length - 2, length - 1];
    places.dedup();
    places
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_block_is_refused() {
    let found = Found::after_an_end().await;
    let blocks = values(found.image.folder().path(), "blocks");
    for place in some(blocks.len()) {
        let (first, value) = &blocks[place];
        for byte in [0, 1, 2, 6, 10, 14, 18, value.len() - 1] {
            let folder = found.image.folder();
            let mut value = value.clone();
            value[byte] ^= 4;
            let update = "UPDATE blocks SET value = ?2 WHERE first = ?1";
            database(folder.path()).execute(update, params![first, value]).unwrap();
            refusal(folder.path(), "is damaged");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_cut_short_or_grown_is_refused() {
    let found = Found::after_an_end().await;
    let (first, value) = values(found.image.folder().path(), "blocks").swap_remove(2);
    let others = [Vec::new(), value[..17].to_vec(), value[..18].to_vec(), [&value[..], &[0]].concat()];
    for other in others {
        let folder = found.image.folder();
        let update = "UPDATE blocks SET value = ?2 WHERE first = ?1";
        database(folder.path()).execute(update, params![first, other]).unwrap();
        refusal(folder.path(), "is damaged");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_block_is_refused() {
    let found = Found::after_an_end().await;
    let blocks = values(found.image.folder().path(), "blocks");
    for place in some(blocks.len()) {
        let folder = found.image.folder();
        database(folder.path()).execute("DELETE FROM blocks WHERE first = ?1", [blocks[place].0]).unwrap();
        refusal(folder.path(), "missing");
        // Also without the note, unless it is the last one, which nothing else tells of.
        if place + 1 < blocks.len() {
            std::fs::remove_file(folder.path().join("acknowledged")).unwrap();
            refusal(folder.path(), "missing");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_blocks_missing_is_refused() {
    let found = Found::after_an_end().await;
    for statement in ["DELETE FROM blocks", "DELETE FROM blocks; DELETE FROM checkpoints"] {
        let folder = found.image.folder();
        database(folder.path()).execute_batch(statement).unwrap();
        refusal(folder.path(), "missing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_under_another_key_is_refused() {
    let found = Found::after_an_end().await;
    let blocks = values(found.image.folder().path(), "blocks");
    let past = blocks[blocks.len() - 1].0 + 1_000_000;
    for (from, to) in
        [(1, blocks[1].0 + 1), (1, blocks[1].0 - 1), (0, -1), (0, past), (blocks.len() - 1, past)]
    {
        let folder = found.image.folder();
        let update = "UPDATE blocks SET first = ?2 WHERE first = ?1";
        database(folder.path()).execute(update, [blocks[from].0, to]).unwrap();
        refusal(folder.path(), "is damaged");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_in_each_others_place_are_refused() {
    let found = Found::after_an_end().await;
    let blocks = values(found.image.folder().path(), "blocks");
    let ([one, other], folder) = ([&blocks[0], &blocks[1]], found.image.folder());
    let connection = database(folder.path());
    for (first, value) in [(one.0, &other.1), (other.0, &one.1)] {
        connection.execute("UPDATE blocks SET value = ?2 WHERE first = ?1", params![first, value]).unwrap();
    }
    refusal(folder.path(), "is damaged");
}

/// What is stored twice would be counted twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_block_too_many_is_refused() {
    let found = Found::after_an_end().await;
    let blocks = values(found.image.folder().path(), "blocks");
    let folder = found.image.folder();
    let insert = "INSERT INTO blocks (first, value) VALUES (?1, ?2)";
    database(folder.path()).execute(insert, params![blocks[0].0 + 1, blocks[0].1]).unwrap();
    refusal(folder.path(), "is damaged");
}
