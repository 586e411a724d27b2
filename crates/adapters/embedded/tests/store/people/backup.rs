//! A backup holds what is kept of people too.

use footfall_embedded::back_up;
use footfall_ports::Segments;

use super::{FILE, calculate, counts, in_window, membership, rows};
use crate::support::events::mixed;
use crate::support::{append, open_for_ever};

#[tokio::test(flavor = "multi_thread")]
async fn memberships_and_metrics_are_in_the_copy() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_for_ever(folder.path()).unwrap();
    append(&store, &[in_window(1, "ann", 0), in_window(2, "bob", 1)]).await;
    calculate(&store, 2).await;
    store.join(vec![membership("ann", "s", 10), membership("bob", "s", 10)]).await.unwrap();
    let to = folder.path().join("copy");
    back_up(folder.path(), &to).unwrap();
    store.join(vec![membership("cid", "s", 10)]).await.unwrap();
    let copy = open_for_ever(&to).unwrap();
    assert_eq!(counts(&copy).await, [("s".to_owned(), 2)]);
    assert_eq!(rows(&copy).await, rows(&store).await);
    assert_eq!(rows(&copy).await.len(), 2);
    // It is a store like any other.
    append(&copy, &[in_window(3, "ann", 0)]).await;
    assert_eq!(calculate(&copy, 2).await, 2);
    copy.join(vec![membership("dan", "t", 10)]).await.unwrap();
    drop(copy);
    assert_eq!(counts(&open_for_ever(&to).unwrap()).await.len(), 2);
}

/// A store of the version before has no such file.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_without_the_file_is_copied() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_for_ever(folder.path()).unwrap();
    append(&store, &mixed(0..50)).await;
    drop(store);
    std::fs::remove_file(folder.path().join(FILE)).unwrap();
    let to = folder.path().join("copy");
    back_up(folder.path(), &to).unwrap();
    assert!(!to.join(FILE).exists());
    assert!(counts(&open_for_ever(&to).unwrap()).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    drop(open_for_ever(folder.path()).unwrap());
    std::fs::write(folder.path().join(FILE), b"not a database".repeat(1_000)).unwrap();
    let to = folder.path().join("copy");
    back_up(folder.path(), &to).unwrap_err();
    assert_eq!(std::fs::read_dir(&to).unwrap().count(), 0);
}
