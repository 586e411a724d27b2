//! The file is made where there is none, and what can't be trusted is refused by name and left as it is.

use std::path::Path;

use footfall_domain::membership::Joined;
use footfall_ports::{Found, Segments, Snapshot, SnapshotStore};
use tempfile::TempDir;

use super::{FILE, calculate, counts, database, in_window, membership, rows};
use crate::support::events::{after, mixed};
use crate::support::expected::Expected;
use crate::support::{append, open_for_ever};

/// A folder with something of everything, closed.
async fn filled() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = open_for_ever(folder.path()).unwrap();
    append(&store, &mixed(0..300)).await;
    append(&store, &[in_window(9_000, "ann", 0)]).await;
    let many: Vec<_> = (0..3_000).map(|user| membership(&format!("user-{user}"), "s", 10)).collect();
    store.join(many).await.unwrap();
    assert!(calculate(&store, 3).await > 0);
    let snapshot = Snapshot { taken_at: after(5), bytes: (*b"some bytes").into() };
    store.put_snapshot("counts", snapshot).await.unwrap();
    folder
}

fn refusal(folder: &Path) -> String {
    let error = open_for_ever(folder).map(drop).expect_err("it was opened").to_string();
    assert!(error.contains(&*folder.join(FILE).to_string_lossy()), "{error}");
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_there_again() {
    let folder = filled().await;
    let store = open_for_ever(folder.path()).unwrap();
    assert_eq!(counts(&store).await, [("s".to_owned(), 3_000)]);
    assert!(rows(&store).await.iter().any(|row| row.user == "ann"));
    let Found::Snapshot(snapshot) = store.snapshot("counts", None).await.unwrap() else { panic!() };
    assert_eq!((snapshot.taken_at, &*snapshot.bytes), (after(5), &b"some bytes"[..]));
    assert_eq!(store.snapshot("counts", Some(after(5))).await.unwrap(), Found::Unchanged);
    assert_eq!(store.snapshot("other", None).await.unwrap(), Found::Nothing);
    let older = Snapshot { taken_at: after(4), bytes: (*b"older").into() };
    store.put_snapshot("counts", older).await.unwrap();
    drop(store);
    let store = open_for_ever(folder.path()).unwrap();
    assert_eq!(store.snapshot("counts", Some(after(5))).await.unwrap(), Found::Unchanged);
}

/// As the version before left it, and as it is when someone took the file away, with or without what belongs to it.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_file_it_starts_empty() {
    for also in [&["people.db-wal", "people.db-shm"][..], &[]] {
        let folder = filled().await;
        let image = |name: &str| std::fs::read(folder.path().join(name)).unwrap_or_default();
        {
            // So that there is a log with something in it.
            let store = open_for_ever(folder.path()).unwrap();
            store.join(vec![membership("late", "s", 10)]).await.unwrap();
            let log = image("people.db-wal");
            drop(store);
            std::fs::write(folder.path().join("people.db-wal"), log).unwrap();
        }
        std::fs::remove_file(folder.path().join(FILE)).unwrap();
        for name in also {
            let _ = std::fs::remove_file(folder.path().join(name));
        }
        let store = open_for_ever(folder.path()).unwrap();
        assert!(counts(&store).await.is_empty());
        assert!(rows(&store).await.is_empty());
        assert_eq!(store.join(vec![membership("user-1", "s", 10)]).await.unwrap(), [Joined::Created]);
        // The events are there, and metrics are drawn from them.
        assert!(calculate(&store, 3).await > 0);
        let mut events = mixed(0..300);
        events.push(in_window(9_000, "ann", 0));
        Expected::of(&events).holds_for(&store).await;
        drop(store);
        assert_eq!(counts(&open_for_ever(folder.path()).unwrap()).await, [("s".to_owned(), 1)]);
    }
}

/// What a crash leaves that comes just as the file is made.
#[tokio::test(flavor = "multi_thread")]
async fn an_empty_file_is_a_new_one() {
    let folder = filled().await;
    std::fs::write(folder.path().join(FILE), b"").unwrap();
    let store = open_for_ever(folder.path()).unwrap();
    assert!(counts(&store).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_is_refused_and_changes_nothing() {
    let folder = filled().await;
    let path = folder.path().join(FILE);
    let whole = std::fs::read(&path).unwrap();
    let events = std::fs::read(folder.path().join("events.db")).unwrap();
    let pages = whole.len() / 1_024;
    let zeroed = |page: usize| {
        let mut damaged = whole.clone();
        damaged[page * 1_024..(page + 1) * 1_024].fill(0);
        damaged
    };
    let mut harms = vec![whole[..whole.len() / 2].to_vec(), b"not a database".repeat(9_000), vec![0; 65_536]];
    harms.extend([0, 1, 2, pages / 3, pages / 2].map(zeroed));
    for damaged in harms {
        std::fs::write(&path, &damaged).unwrap();
        let error = refusal(folder.path());
        assert!(error.contains("Nothing was changed") && error.contains("Restore the folder"), "{error}");
        assert!(std::fs::read(&path).unwrap() == damaged, "{error}");
        assert!(std::fs::read(folder.path().join("events.db")).unwrap() == events, "{error}");
    }
    std::fs::write(&path, &whole).unwrap();
    assert_eq!(counts(&open_for_ever(folder.path()).unwrap()).await, [("s".to_owned(), 3_000)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_layout_is_told_of() {
    let folder = filled().await;
    let sum = |value: i64| crc32fast::hash(&[&value.to_le_bytes()[..], b"layout"].concat());
    let set = |value: i64, sum: u32| {
        let update = "UPDATE facts SET value = ?1, checksum = ?2 WHERE name = 'layout'";
        database(folder.path()).execute(update, (value, sum)).unwrap();
    };
    set(2, sum(2));
    let error = refusal(folder.path());
    assert!(error.contains("layout 2") && error.contains("layout 1"), "{error}");
    set(2, sum(1));
    assert!(refusal(folder.path()).contains("checksum"));
    set(1, sum(1));
    drop(open_for_ever(folder.path()).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_table_or_index_is_refused() {
    for change in ["ALTER TABLE memberships RENAME TO m", "DROP INDEX by_expiry", "DROP TABLE snapshots"] {
        let folder = filled().await;
        database(folder.path()).execute_batch(change).unwrap();
        assert!(refusal(folder.path()).contains("tables"), "{change}");
    }
}
