//! A database of people that fails for a while: nothing is half-done, events go on, and it comes back by itself.

use std::path::Path;
use std::time::Duration;

use footfall_domain::membership::Joined;
use footfall_domain::windows::Due;
use footfall_embedded::EmbeddedStore;
use footfall_ports::{EventLog, Found, Health, Segments, Snapshot, SnapshotStore, StoreError, UserMetrics};

use super::{calculate, counts, database, in_window, membership, over, rows};
use crate::support::events::{after, mixed};
use crate::support::{append, open_for_ever};

fn make_fail(folder: &Path, when: &str) {
    let trigger = format!("CREATE TRIGGER fails {when} BEGIN SELECT RAISE(ABORT, 'made to fail'); END");
    database(folder).execute_batch(&trigger).unwrap();
}

fn let_through(folder: &Path) {
    database(folder).execute_batch("DROP TRIGGER fails").unwrap();
}

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

fn is_unavailable<T: std::fmt::Debug>(result: &Result<T, StoreError>) {
    assert!(matches!(result, Err(StoreError::Unavailable { .. })), "{result:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_join_that_fails_is_not_half_done() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_for_ever(folder.path()).unwrap();
    store.join(vec![membership("ann", "s", 10)]).await.unwrap();
    for when in [
        "BEFORE INSERT ON memberships WHEN new.user >= 3",
        "BEFORE UPDATE ON segments",
        "BEFORE INSERT ON users WHEN new.name = 'cid'",
    ] {
        make_fail(folder.path(), when);
        let batch = ["ann", "bob", "cid"].map(|user| membership(user, "t", 10)).to_vec();
        is_unavailable(&store.join(batch).await);
        // Events have nothing to do with it, nor with its health getting better.
        append(&store, &mixed(0..10)).await;
        assert!(!is_healthy(&store).await, "{when}");
        assert_eq!(store.segment_count("s".into(), after(0)).await.unwrap(), 1);
        let_through(folder.path());
        becomes_healthy(&store).await;
        assert_eq!(counts(&store).await, [("s".to_owned(), 1)], "{when}");
    }
    let batch = ["ann", "bob", "cid"].map(|user| membership(user, "t", 10)).to_vec();
    assert_eq!(store.join(batch).await.unwrap(), [Joined::Created; 3]);
    drop(store);
    assert_eq!(counts(&open_for_ever(folder.path()).unwrap()).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_are_computed_as_a_whole_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_for_ever(folder.path()).unwrap();
    let events: Vec<_> = (0..60)
        .map(|number| in_window(number, &format!("user-{}", number % 10), number as i64 / 20))
        .collect();
    append(&store, &events).await;
    let second = over(1).micros() / (4 * 3_600_000_000);
    make_fail(
        folder.path(),
        &format!("BEFORE INSERT ON user_metrics WHEN new.number = {second} AND new.user = 'user-5'"),
    );
    is_unavailable(&store.calculate_metrics(Due::Latest, over(3)).await);
    assert_eq!(rows(&store).await.len(), 10, "the first one, and nothing of the second");
    assert!(!is_healthy(&store).await);
    let_through(folder.path());
    assert_eq!(calculate(&store, 3).await, 2);
    assert_eq!(rows(&store).await.len(), 30);
    becomes_healthy(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_was_not_kept_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_for_ever(folder.path()).unwrap();
    make_fail(folder.path(), "BEFORE INSERT ON snapshots");
    let snapshot = Snapshot { taken_at: after(1), bytes: (*b"x").into() };
    is_unavailable(&store.put_snapshot("a", snapshot.clone()).await);
    assert_eq!(store.snapshot("a", None).await.unwrap(), Found::Nothing);
    let_through(folder.path());
    store.put_snapshot("a", snapshot).await.unwrap();
    assert_eq!(store.snapshot("a", Some(after(1))).await.unwrap(), Found::Unchanged);
}

/// The events go, and asking again takes the rest out.
#[tokio::test(flavor = "multi_thread")]
async fn erasing_goes_on_where_it_failed() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_for_ever(folder.path()).unwrap();
    append(&store, &[in_window(1, "ann", 0), in_window(2, "bob", 0)]).await;
    calculate(&store, 1).await;
    store.join(vec![membership("ann", "s", 10), membership("bob", "s", 10)]).await.unwrap();
    make_fail(folder.path(), "BEFORE DELETE ON user_metrics");
    is_unavailable(&store.erase_user("ann".into()).await);
    assert_eq!(rows(&store).await.len(), 2);
    assert_eq!(counts(&store).await, [("s".to_owned(), 2)], "both or none");
    let_through(folder.path());
    assert_eq!(store.erase_user("ann".into()).await.unwrap(), 0);
    assert_eq!(rows(&store).await.len(), 1);
    assert_eq!(counts(&store).await, [("s".to_owned(), 1)]);
}
