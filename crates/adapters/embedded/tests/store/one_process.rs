//! A folder belongs to one store at a time.

use footfall_ports::Outcome;

use crate::support::events::mixed;
use crate::support::expected::Expected;
use crate::support::{append, open_for_ever};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_store_is_refused_and_the_first_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let first = open_for_ever(folder.path()).unwrap();
    let events = mixed(0..300);
    append(&first, &events[..100]).await;
    for _ in 0..3 {
        let error = open_for_ever(folder.path()).map(drop).unwrap_err().to_string();
        for part in [&*folder.path().to_string_lossy(), "in use", &std::process::id().to_string(), "stop"] {
            assert!(error.contains(part), "`{part}` is not in: {error}");
        }
        append(&first, &events[..200]).await;
    }
    Expected::of(&events[..200]).holds_for(&first).await;
    drop(first);
    let second = open_for_ever(folder.path()).unwrap();
    assert!(append(&second, &events[..200]).await.iter().all(|outcome| *outcome == Outcome::Duplicate));
    append(&second, &events).await;
    Expected::of(&events).holds_for(&second).await;
}

/// The last clone counts, wherever it is.
#[tokio::test(flavor = "multi_thread")]
async fn the_folder_is_free_when_the_last_clone_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_for_ever(folder.path()).unwrap();
    let clone = store.clone();
    let elsewhere = tokio::task::spawn_blocking(move || clone.disk_bytes());
    drop(store);
    elsewhere.await.unwrap();
    for _ in 0..10 {
        drop(open_for_ever(folder.path()).unwrap());
    }
}

/// A link to the folder is the folder.
#[tokio::test(flavor = "multi_thread")]
async fn another_name_for_the_folder_makes_no_difference() {
    let parent = tempfile::tempdir().unwrap();
    let (folder, link) = (parent.path().join("store"), parent.path().join("link"));
    let _first = open_for_ever(&folder).unwrap();
    std::os::unix::fs::symlink(&folder, &link).unwrap();
    let error = open_for_ever(&link).map(drop).unwrap_err().to_string();
    assert!(error.contains("in use"), "{error}");
}
