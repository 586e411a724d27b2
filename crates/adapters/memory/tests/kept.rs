//! The cache and the snapshots of one process: the suites that all pass, and the cache's bound and time.

use std::sync::Arc;
use std::time::Duration;

use footfall_conformance::{CacheTrial, TestClock};
use footfall_memory::{CACHE_BYTES_DEFAULT, InProcessCache, InProcessSnapshots};
use footfall_ports::{Cache, Clock, SNAPSHOT_BYTES_MAX, Snapshot, SnapshotStore, StoreError};

const MINUTE: Duration = Duration::from_mins(1);

fn clock() -> TestClock {
    TestClock::at("2025-05-27T00:00")
}

fn cache(max_bytes: usize, clock: &TestClock) -> InProcessCache {
    InProcessCache::new(max_bytes, Arc::new(clock.clone()))
}

async fn fresh_snapshots() -> (Arc<dyn SnapshotStore>, ()) {
    (Arc::new(InProcessSnapshots::default()), ())
}

async fn fresh_cache() -> (CacheTrial, ()) {
    let clock = clock();
    (CacheTrial::new(Arc::new(cache(CACHE_BYTES_DEFAULT, &clock))).with_clock(clock), ())
}

footfall_conformance::snapshot_suite!(fresh_snapshots);
footfall_conformance::cache_suite!(fresh_cache);

#[tokio::test]
async fn a_value_is_kept_to_the_microsecond() {
    let clock = clock();
    let cache = cache(CACHE_BYTES_DEFAULT, &clock);
    let start = clock.now();
    cache.put("key", b"value"[..].into(), MINUTE).await.unwrap();
    clock.set(start.plus_micros(59_999_999));
    assert!(cache.get("key").await.unwrap().is_some());
    clock.set(start.plus_micros(60_000_000));
    assert!(cache.get("key").await.unwrap().is_none());
    assert_eq!(cache.bytes(), 0, "what has expired is not held once it was asked for");
}

#[tokio::test]
async fn it_stays_within_its_bound_and_keeps_what_is_used() {
    const MAX: usize = 20 << 20;
    let cache = cache(MAX, &clock());
    let value: Arc<[u8]> = vec![1; 64 << 10].into();
    for number in 0..2_000 {
        cache.put(&format!("key-{number}"), value.clone(), MINUTE).await.unwrap();
        assert!(cache.bytes() <= MAX as u64);
        assert!(cache.get("key-0").await.unwrap().is_some(), "what is used stays: {number}");
    }
    assert!(cache.bytes() > MAX as u64 / 2, "and the room is used: {}", cache.bytes());
}

#[tokio::test]
async fn keys_count_too() {
    const MAX: usize = 1 << 20;
    let cache = cache(MAX, &clock());
    for number in 0..20_000 {
        cache.put(&format!("{number:0>400}"), b""[..].into(), MINUTE).await.unwrap();
    }
    assert!(cache.bytes() <= MAX as u64);
}

#[tokio::test]
async fn keys_that_are_too_long_are_not_kept() {
    let cache = cache(CACHE_BYTES_DEFAULT, &clock());
    let key = "k".repeat(513);
    cache.put(&key, b"value"[..].into(), MINUTE).await.unwrap();
    assert!(cache.get(&key).await.unwrap().is_none());
}

#[tokio::test]
async fn snapshots_beyond_the_limits_are_refused() {
    let (store, ()) = fresh_snapshots().await;
    let taken_at = clock().now();
    let large = Snapshot { taken_at, bytes: vec![0; SNAPSHOT_BYTES_MAX + 1].into() };
    assert!(matches!(store.put_snapshot("name", large).await, Err(StoreError::Failed(_))));
    let small = Snapshot { taken_at, bytes: b""[..].into() };
    let name = "n".repeat(65);
    assert!(matches!(store.put_snapshot(&name, small).await, Err(StoreError::Failed(_))));
    assert!(matches!(store.snapshot(&name, None).await, Err(StoreError::Failed(_))));
}
