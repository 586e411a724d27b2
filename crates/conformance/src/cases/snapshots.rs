//! Snapshots: the latest of each name, handed on as it was.

use std::sync::Arc;

use footfall_domain::time::Timestamp;
use footfall_ports::{Found, Snapshot, SnapshotStore};
use tokio::task::JoinSet;

use crate::instant;

const NAME: &str = "segments";

fn at(micros: i64) -> Timestamp {
    instant("2025-05-26T12:00").plus_micros(micros)
}

fn taken(taken_at: Timestamp, bytes: &[u8]) -> Snapshot {
    Snapshot { taken_at, bytes: bytes.into() }
}

async fn put(store: &dyn SnapshotStore, snapshot: &Snapshot) {
    store.put_snapshot(NAME, snapshot.clone()).await.expect("it takes it");
}

async fn find(store: &dyn SnapshotStore, known: Option<Timestamp>) -> Found {
    store.snapshot(NAME, known).await.expect("an answer")
}

async fn assert_stands(store: &dyn SnapshotStore, snapshot: &Snapshot) {
    match find(store, None).await {
        Found::Snapshot(found) if found == *snapshot => {}
        Found::Snapshot(other) => {
            panic!("{} of {} bytes instead of {}", other.taken_at, other.bytes.len(), snapshot.taken_at)
        }
        other => panic!("{other:?}"),
    }
}

/// Also to someone who has one already, from a store that has lost it.
pub async fn nothing_is_there_at_first(store: Arc<dyn SnapshotStore>) {
    assert_eq!(find(&*store, None).await, Found::Nothing);
    assert_eq!(find(&*store, Some(at(0))).await, Found::Nothing);
}

/// As often as it is asked for.
pub async fn what_was_put_is_found(store: Arc<dyn SnapshotStore>) {
    let snapshot = taken(at(0), b"one");
    put(&*store, &snapshot).await;
    for _ in 0..2 {
        assert_stands(&*store, &snapshot).await;
    }
}

/// But another one is, whether earlier or later than the known one.
pub async fn what_is_known_is_not_sent_again(store: Arc<dyn SnapshotStore>) {
    let snapshot = taken(at(0), b"one");
    put(&*store, &snapshot).await;
    assert_eq!(find(&*store, Some(at(0))).await, Found::Unchanged);
    for known in [at(-1), at(1)] {
        assert_eq!(find(&*store, Some(known)).await, Found::Snapshot(snapshot.clone()));
    }
    let later = taken(at(5), b"two");
    put(&*store, &later).await;
    assert_eq!(find(&*store, Some(at(0))).await, Found::Snapshot(later));
    assert_eq!(find(&*store, Some(at(5))).await, Found::Unchanged);
}

/// Whether larger or smaller.
pub async fn the_later_one_wins(store: Arc<dyn SnapshotStore>) {
    for (step, bytes) in [&b"a longer one"[..], b"short", b"", b"the last one"].into_iter().enumerate() {
        let snapshot = taken(at(step as i64), bytes);
        put(&*store, &snapshot).await;
        assert_stands(&*store, &snapshot).await;
    }
}

/// And are no error.
pub async fn an_earlier_one_and_one_of_the_same_time_change_nothing(store: Arc<dyn SnapshotStore>) {
    let snapshot = taken(at(0), b"it stands");
    put(&*store, &snapshot).await;
    for other in [at(0), at(-1), Timestamp::MIN] {
        put(&*store, &taken(other, b"it doesn't")).await;
        assert_stands(&*store, &snapshot).await;
    }
    put(&*store, &snapshot).await;
    assert_stands(&*store, &snapshot).await;
}

/// Also those that differ little.
pub async fn names_are_apart(store: Arc<dyn SnapshotStore>) {
    let longest = "n".repeat(64);
    let names = ["a", "A", "a:b", "a b", "ä", "%", "*", "'", &longest];
    for (place, name) in names.iter().enumerate() {
        let found = store.snapshot(name, None).await.expect("an answer");
        assert_eq!(found, Found::Nothing, "{name}");
        let snapshot = taken(at(-(place as i64)), name.as_bytes());
        store.put_snapshot(name, snapshot).await.expect("it takes it");
    }
    for (place, name) in names.iter().enumerate() {
        let found = store.snapshot(name, None).await.expect("an answer");
        assert_eq!(found, Found::Snapshot(taken(at(-(place as i64)), name.as_bytes())), "{name}");
    }
}

/// It is not nothing.
pub async fn an_empty_one_is_one(store: Arc<dyn SnapshotStore>) {
    let snapshot = taken(at(0), b"");
    put(&*store, &snapshot).await;
    assert_stands(&*store, &snapshot).await;
    assert_eq!(find(&*store, Some(at(0))).await, Found::Unchanged);
}

/// Of eight megabytes that no compression makes small.
pub async fn a_large_one_is_kept_whole(store: Arc<dyn SnapshotStore>) {
    let mut state = 1_u64;
    let bytes: Vec<u8> = (0..1 << 20)
        .flat_map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state.to_be_bytes()
        })
        .collect();
    let snapshot = taken(at(0), &bytes);
    put(&*store, &snapshot).await;
    assert_stands(&*store, &snapshot).await;
    assert_eq!(find(&*store, Some(at(0))).await, Found::Unchanged);
    let small = taken(at(1), b"small");
    put(&*store, &small).await;
    assert_stands(&*store, &small).await;
}

/// Zeros, line ends and what is no text.
pub async fn any_bytes_are_kept(store: Arc<dyn SnapshotStore>) {
    let all: Vec<u8> = (0..=255).rev().collect();
    for (step, bytes) in [&all[..], b"\r\n$-1\r\n", b"\0", b"\xff\xfe"].into_iter().enumerate() {
        let snapshot = taken(at(step as i64), bytes);
        put(&*store, &snapshot).await;
        assert_stands(&*store, &snapshot).await;
    }
}

/// Times that a double can't tell apart, and such before 1970.
pub async fn times_are_compared_to_the_microsecond_and_to_the_ends_of_time(store: Arc<dyn SnapshotStore>) {
    let nearly_last = Timestamp::MAX.plus_micros(-1);
    let times = [Timestamp::MIN, instant("1969-12-31T23:59"), at(0), at(1), nearly_last, Timestamp::MAX];
    for time in times {
        let snapshot = taken(time, time.to_string().as_bytes());
        put(&*store, &snapshot).await;
        put(&*store, &taken(time.plus_micros(-1), b"earlier")).await;
        assert_stands(&*store, &snapshot).await;
        assert_eq!(find(&*store, Some(time)).await, Found::Unchanged);
    }
}

/// In whatever order they come.
pub async fn of_many_at_once_the_latest_stands(store: Arc<dyn SnapshotStore>) {
    for round in 0..10_i64 {
        let mut tasks = JoinSet::new();
        for task in 0..32_i64 {
            let store = Arc::clone(&store);
            tasks.spawn(async move {
                // Each time once, in an order that is neither theirs nor random.
                let time = at(round * 100 + task * 7 % 32);
                put(&*store, &taken(time, time.to_string().as_bytes())).await;
                let Found::Snapshot(found) = find(&*store, None).await else { panic!("it was put") };
                assert!(found.taken_at >= time);
                assert_eq!(
                    *found.bytes,
                    *found.taken_at.to_string().as_bytes(),
                    "time and bytes go together"
                );
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.expect("the task did not panic");
        }
        let last = at(round * 100 + 31);
        assert_stands(&*store, &taken(last, last.to_string().as_bytes())).await;
    }
}

/// Whoever looks again and again sees what it knows, or a later one.
pub async fn it_never_goes_back(store: Arc<dyn SnapshotStore>) {
    put(&*store, &taken(at(0), b"0")).await;
    let mut writers = JoinSet::new();
    for writer in 0..4_i64 {
        let store = Arc::clone(&store);
        writers.spawn(async move {
            for step in 1..=50_i64 {
                let micros = step * 4 - writer;
                put(&*store, &taken(at(micros), micros.to_string().as_bytes())).await;
            }
        });
    }
    let mut known = at(0);
    loop {
        let is_last = writers.is_empty();
        match find(&*store, Some(known)).await {
            Found::Unchanged => {}
            Found::Snapshot(found) => {
                assert!(found.taken_at > known, "{} after {known}", found.taken_at);
                known = found.taken_at;
            }
            Found::Nothing => panic!("it was there"),
        }
        if is_last {
            break;
        }
        while let Some(done) = writers.try_join_next() {
            done.expect("the task did not panic");
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(known, at(200));
}
