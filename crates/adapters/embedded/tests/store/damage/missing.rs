//! The end of the log, a whole file, the note of what was acknowledged: what is gone is told of, and a refusal leaves
//! everything as it is, so that it can be mended.

use std::path::Path;

use super::fixture::{Found, Start};
use crate::support::image::{DATABASE, Image, LOG, NOTE};
use crate::support::open_for_ever;

/// The note that all events below the ordinal were acknowledged.
fn note(ordinal: u64) -> Vec<u8> {
    let bytes = ordinal.to_le_bytes();
    [&bytes[..], &crc32fast::hash(&bytes).to_le_bytes()].concat()
}

fn refusal(folder: &Path) -> String {
    open_for_ever(folder).map(drop).expect_err("it was opened").to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_ahead_of_the_log_is_refused() {
    let found = Found::after_an_end().await;
    let count = found.events.len() as u64;
    assert_eq!(found.image.file(NOTE), note(count), "the note is exact");
    for acknowledged in [count + 1, count + 1_000, u64::MAX] {
        let mut image = found.image.clone();
        *image.file_mut(NOTE) = note(acknowledged);
        let folder = image.folder();
        let error = refusal(folder.path());
        let path = folder.path().join(NOTE).to_string_lossy().into_owned();
        for part in ["events.db", &path, "remove the file", &count.to_string(), &acknowledged.to_string()] {
            assert!(error.contains(part), "`{part}` is not in: {error}");
        }
        // What it says to do helps.
        std::fs::remove_file(folder.path().join(NOTE)).unwrap();
        assert_eq!(found.start_in(folder.path()).await, Ok(Start::Unharmed));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_note_or_none_is_fine() {
    let found = Found::after_a_crash().await;
    let whole = found.image.file(NOTE).to_vec();
    let mut notes: Vec<Vec<u8>> = (0..whole.len()).map(|length| whole[..length].to_vec()).collect();
    notes.extend([note(0), note(found.events.len() as u64 - 1), vec![0; 12], vec![255; 12], vec![7; 5_000]]);
    for note in notes {
        let mut image = found.image.clone();
        *image.file_mut(NOTE) = note.clone();
        assert_eq!(found.start_on(&image).await, Ok(Start::Unharmed), "{note:?}");
    }
    let mut image = found.image.clone();
    image.0.remove(NOTE);
    assert_eq!(found.start_on(&image).await, Ok(Start::Unharmed));
}

/// Does the harm, expects a refusal that changes nothing, undoes the harm, and expects everything to be there.
async fn is_refused_and_can_be_mended(found: &Found, harm: impl FnOnce(&mut Image)) {
    let mut damaged = found.image.clone();
    harm(&mut damaged);
    let folder = damaged.folder();
    let error = refusal(folder.path());
    assert!(error.contains("Nothing was changed") && error.contains("events.db"), "{error}");
    let changed = Image::of(folder.path()).differs_from(&damaged);
    assert!(changed.is_empty(), "the refusal changed {changed:?}: {error}");
    assert_eq!(found.start_on(&found.image).await, Ok(Start::Unharmed));
    for (name, bytes) in &found.image.0 {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let start = found.start_in(folder.path()).await;
    assert_eq!(start, Ok(Start::Unharmed), "after the harm was undone");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_log() {
    let found = Found::after_a_crash().await;
    is_refused_and_can_be_mended(&found, |image| drop(image.0.remove(LOG))).await;
    is_refused_and_can_be_mended(&found, |image| image.file_mut(LOG).clear()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_part_of_the_log() {
    let found = Found::after_a_crash().await;
    let bytes = found.image.file(LOG).len();
    for length in [10, 32, bytes / 3, bytes - 1] {
        is_refused_and_can_be_mended(&found, |image| image.file_mut(LOG).truncate(length)).await;
    }
    for byte in [0, 18, 24, 40, bytes / 2] {
        is_refused_and_can_be_mended(&found, |image| image.file_mut(LOG)[byte] ^= 1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_database() {
    let found = Found::after_a_crash().await;
    is_refused_and_can_be_mended(&found, |image| drop(image.0.remove(DATABASE))).await;
    is_refused_and_can_be_mended(&found, |image| image.file_mut(DATABASE).clear()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_part_of_the_database() {
    let found = Found::after_an_end().await;
    let bytes = found.image.file(DATABASE).len();
    for length in [50, 4_096, 16_384, 3 * 16_384, bytes / 2] {
        is_refused_and_can_be_mended(&found, |image| image.file_mut(DATABASE).truncate(length)).await;
    }
}

/// Here not even the tables are anywhere but in the log.
#[tokio::test(flavor = "multi_thread")]
async fn an_early_log_damaged_at_its_start() {
    let found = Found::after_an_early_crash().await;
    for byte in [0, 24, 40, 200, 20_000, 40_000] {
        is_refused_and_can_be_mended(&found, |image| image.file_mut(LOG)[byte] ^= 1).await;
    }
}

/// Something else that stands where the database should.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_another_kind() {
    let found = Found::after_an_end().await;
    is_refused_and_can_be_mended(&found, |image| *image.file_mut(DATABASE) = b"not a database".repeat(9_000))
        .await;
    is_refused_and_can_be_mended(&found, |image| *image.file_mut(DATABASE) = vec![0; 65_536]).await;
}
