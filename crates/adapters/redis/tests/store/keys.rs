//! What is kept where, and by whom it is shared.

use std::time::{Duration, Instant};

use footfall_domain::time::Timestamp;
use footfall_ports::{Cache, Found, SNAPSHOT_BYTES_MAX, SnapshotStore, StoreError};
use footfall_redis::{COMMAND_LIMIT, RedisStore};
use footfall_test_services::Redis;

use crate::support::{HOUR, SLACK, chain, get, open, open_with, put, snapshot, stands, until};

#[tokio::test]
async fn keys_are_laid_out_as_documented() {
    let redis = Redis::start();
    let store = open_with(&redis.url(), "shop");
    put(&store, "a key", b"value").await;
    store.put_snapshot("segments", snapshot(1_748_268_000_123_456, b"[]")).await.unwrap();
    let keys = redis.command(&["KEYS", "*"]);
    let mut keys: Vec<_> = keys.lines().collect();
    keys.sort_unstable();
    assert_eq!(keys, ["shop:cache:a key", "shop:snapshot:segments"]);
    assert_eq!(redis.command(&["GET", "shop:cache:a key"]), "value");
    assert_eq!(redis.command(&["HGET", "shop:snapshot:segments", "taken_at"]), "2025-05-26T14:00:00.123456Z");
    assert_eq!(redis.command(&["HGET", "shop:snapshot:segments", "bytes"]), "[]");
    expires_in(&redis, "shop:cache:a key", HOUR);
    expires_in(&redis, "shop:snapshot:segments", 30 * 24 * HOUR);
}

fn expires_in(redis: &Redis, key: &str, expected: Duration) {
    let left: u64 = redis.command(&["PTTL", key]).parse().expect("the key has an expiry");
    let left = Duration::from_millis(left);
    assert!(left <= expected && left + Duration::from_mins(1) > expected, "{key}: {left:?}");
}

#[tokio::test]
async fn instances_with_one_prefix_share_and_others_do_not() {
    let url = Redis::shared().database();
    let (one, two, other) = (open(&url), open(&url), open_with(&url, "other"));
    put(&one, "key", b"value").await;
    one.put_snapshot("name", snapshot(1, b"one")).await.unwrap();
    assert_eq!(get(&two, "key").await.as_deref(), Some(&b"value"[..]));
    assert!(stands(&two, &snapshot(1, b"one")).await);
    assert_eq!(get(&other, "key").await, None);
    assert_eq!(other.snapshot("name", None).await.unwrap(), Found::Nothing);
}

#[tokio::test]
async fn what_is_beyond_the_limits_is_not_sent() {
    let redis = Redis::start();
    let store = open(&redis.url());
    let long = "k".repeat(513);
    store.put(&long, b"value"[..].into(), HOUR).await.unwrap();
    assert_eq!(store.get(&long).await.unwrap(), None);
    let name = "n".repeat(65);
    let refused = store.put_snapshot(&name, snapshot(1, b"")).await;
    assert!(matches!(refused, Err(StoreError::Failed(_))), "{refused:?}");
    assert!(matches!(store.snapshot(&name, None).await, Err(StoreError::Failed(_))));
    let large = snapshot(1, &vec![0; SNAPSHOT_BYTES_MAX + 1]);
    assert!(matches!(store.put_snapshot("name", large).await, Err(StoreError::Failed(_))));
    assert_eq!(store.stats().commands, 0);
    assert_eq!(redis.command(&["DBSIZE"]), "0");
}

/// Whoever waits behind it waits no longer than ever, and nobody takes Redis for dead.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_largest_snapshot_passes_and_others_beside_it() {
    let redis = Redis::start();
    let store = open(&redis.url());
    put(&store, "key", b"value").await;
    let largest = snapshot(1, &vec![7; SNAPSHOT_BYTES_MAX]);
    let (putting, largest_put) = (store.clone(), largest.clone());
    let put_it = tokio::spawn(async move { putting.put_snapshot("name", largest_put).await });
    until("it is put", || async {
        asks_in_time(&store).await;
        put_it.is_finished()
    })
    .await;
    put_it.await.unwrap().unwrap();
    let reading = store.clone();
    let read_it = tokio::spawn(async move { stands(&reading, &largest).await });
    until("it is read", || async {
        asks_in_time(&store).await;
        read_it.is_finished()
    })
    .await;
    assert!(read_it.await.unwrap());
    assert_eq!(store.stats().opens, 0);
    assert!(get(&store, "key").await.is_some());
    let known = Timestamp::from_micros(1);
    assert_eq!(store.snapshot("name", known).await.unwrap(), Found::Unchanged);
}

async fn asks_in_time(store: &RedisStore) {
    let since = Instant::now();
    match store.get("key").await {
        Ok(found) => assert!(found.is_some()),
        Err(error) => assert!(chain(&error).contains("did not answer in time"), "{}", chain(&error)),
    }
    // The threads are busy with copying, too.
    assert!(since.elapsed() < COMMAND_LIMIT + 5 * SLACK, "{:?}", since.elapsed());
}

#[tokio::test]
async fn a_store_that_is_dropped_leaves_no_connection() {
    let redis = Redis::start();
    let clients = || redis.command(&["CLIENT", "LIST", "TYPE", "normal"]).lines().count();
    let store = open(&redis.url());
    assert_eq!(clients(), 1, "nothing is connected before it is needed");
    put(&store, "key", b"value").await;
    let clone = store.clone();
    drop(store);
    put(&clone, "key", b"value").await;
    assert_eq!(clients(), 2, "one connection, however many clones and commands");
    drop(clone);
    until("it is closed", || async { clients() == 1 }).await;
}
