//! Windows that were over by the floor of retention are forgotten, and stay so.

use std::time::Duration;

use footfall_domain::time::HOUR_US;
use footfall_ports::Segments;

use super::{WINDOW_US, calculate, counts, database, in_window, membership, over, rows};
use crate::support::{TestClock, append, forget_expired, open};

#[tokio::test(flavor = "multi_thread")]
async fn old_windows_go_and_others_stay() {
    let folder = tempfile::tempdir().unwrap();
    let clock = TestClock::at("2025-05-01T00:00");
    clock.set(over(0));
    let retention = Some(Duration::from_hours(12));
    let store = open(folder.path(), retention, &clock).unwrap();
    let events: Vec<_> = (0..40)
        .map(|number| in_window(number, &format!("user-{}", number % 4), number as i64 / 10))
        .collect();
    append(&store, &events).await;
    store.join(vec![membership("user-1", "s", 86_400)]).await.unwrap();
    assert_eq!(calculate(&store, 4).await, 4);
    let all = rows(&store).await;
    assert_eq!(all.len(), 16);
    // A window goes when all of it is too old, and no sooner.
    for (hours, windows) in [(0, 0), (15, 0), (16, 1), (19, 1), (20, 2)] {
        clock.set(over(0).plus_micros(hours * HOUR_US));
        forget_expired(&store).await;
        assert_eq!(rows(&store).await, all[windows * 4..], "after {hours} hours");
    }
    // What is left of a window that is being dropped is less than what was computed of it, which stays.
    clock.set(over(0).plus_micros(22 * HOUR_US));
    forget_expired(&store).await;
    assert_eq!(calculate(&store, 4).await, 1);
    assert_eq!(rows(&store).await, all[8..]);
    // Also by a start, and from the file.
    drop(store);
    clock.set(over(0).plus_micros(6 * WINDOW_US));
    let store = open(folder.path(), retention, &clock).unwrap();
    assert_eq!(rows(&store).await, all[12..]);
    assert_eq!(counts(&store).await, [("s".to_owned(), 1)], "memberships have an end of their own");
    clock.set(over(0).plus_micros(20 * WINDOW_US));
    forget_expired(&store).await;
    let left = |table: &str| -> i64 {
        let query = format!("SELECT count(*) FROM {table}");
        database(folder.path()).query_row(&query, [], |row| row.get(0)).unwrap()
    };
    assert_eq!((left("user_metrics"), left("windows")), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_that_are_cut_stay() {
    let folder = tempfile::tempdir().unwrap();
    let clock = TestClock::at("2025-05-26T02:00");
    let store = open(folder.path(), Some(Duration::from_hours(3)), &clock).unwrap();
    let backend = footfall_conformance::Backend::of(std::sync::Arc::new(store.clone()));
    footfall_conformance::windows_that_are_cut_stay(&backend, &clock, async || forget_expired(&store).await)
        .await;
}

mod snapshots {
    use std::sync::Arc;

    use footfall_ports::SnapshotStore;

    use crate::support::{TestClock, open};

    async fn fresh() -> (Arc<dyn SnapshotStore>, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path(), None, &TestClock::at("2025-05-26T02:00")).unwrap();
        (Arc::new(store), folder)
    }

    footfall_conformance::snapshot_suite!(fresh);
}
