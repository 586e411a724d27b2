//! A Redis that answers, but not what it was asked for.

use footfall_ports::{Cache, SnapshotStore, StoreError};
use footfall_test_services::Redis;

use crate::support::{HOUR, ailment, chain, get, open, put, snapshot, stands, until, until_back};

fn is_unavailable_because(error: &StoreError, why: &str) {
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    assert!(chain(error).contains(why), "{}", chain(error));
}

#[tokio::test]
async fn a_full_memory_is_said_so_and_what_is_there_is_still_given() {
    let redis = Redis::start_with(&[("maxmemory-policy", "noeviction")]);
    let store = open(&redis.url());
    put(&store, "key", b"value").await;
    store.put_snapshot("name", snapshot(1, b"one")).await.unwrap();
    redis.command(&["CONFIG", "SET", "maxmemory", "100kb"]);
    let error = store.put("key", b"other"[..].into(), HOUR).await.unwrap_err();
    is_unavailable_because(&error, "memory is full");
    // In a script.
    let error = store.put_snapshot("name", snapshot(2, b"two")).await.unwrap_err();
    is_unavailable_because(&error, "memory is full");
    assert_eq!(get(&store, "key").await.as_deref(), Some(&b"value"[..]));
    assert!(stands(&store, &snapshot(1, b"one")).await);
    let stats = store.stats();
    assert_eq!((stats.opens, stats.error_replies, stats.is_open), (0, 2, false));
    redis.command(&["CONFIG", "SET", "maxmemory", "0"]);
    store.put_snapshot("name", snapshot(2, b"two")).await.unwrap();
    assert!(stands(&store, &snapshot(2, b"two")).await);
}

#[tokio::test]
async fn scripts_that_were_forgotten_are_sent_again() {
    let redis = Redis::start();
    let store = open(&redis.url());
    for round in 1..=3 {
        let latest = snapshot(round, round.to_string().as_bytes());
        store.put_snapshot("name", latest.clone()).await.unwrap();
        redis.command(&["SCRIPT", "FLUSH"]);
        assert!(stands(&store, &latest).await);
        redis.command(&["SCRIPT", "FLUSH"]);
        store.put_snapshot("name", snapshot(round, b"of the same time")).await.unwrap();
        assert!(stands(&store, &latest).await);
    }
    assert_eq!(store.stats().error_replies, 0);
}

#[tokio::test]
async fn what_was_flushed_is_absent_and_can_be_put_again() {
    let redis = Redis::start();
    let store = open(&redis.url());
    put(&store, "key", b"value").await;
    store.put_snapshot("name", snapshot(5, b"five")).await.unwrap();
    redis.flush();
    assert_eq!(get(&store, "key").await, None);
    assert!(!stands(&store, &snapshot(5, b"five")).await);
    // Also an earlier one: there is none that it could be earlier than.
    store.put_snapshot("name", snapshot(4, b"four")).await.unwrap();
    assert!(stands(&store, &snapshot(4, b"four")).await);
    assert_eq!(store.stats().opens, 0);
}

#[tokio::test]
async fn values_of_somebody_else_are_a_failure() {
    let redis = Redis::start();
    let store = open(&redis.url());
    redis.command(&["LPUSH", "footfall:cache:key", "1"]);
    redis.command(&["SET", "footfall:snapshot:name", "1"]);
    redis.command(&["HSET", "footfall:snapshot:other", "taken_at", "yesterday"]);
    assert!(matches!(store.get("key").await, Err(StoreError::Failed(_))));
    for name in ["name", "other"] {
        assert!(matches!(store.snapshot(name, None).await, Err(StoreError::Failed(_))), "{name}");
    }
    let refused = store.put_snapshot("name", snapshot(1, b"")).await;
    assert!(matches!(refused, Err(StoreError::Failed(_))), "{refused:?}");
    // Put over them, a value is there.
    put(&store, "key", b"value").await;
    assert_eq!(get(&store, "key").await.as_deref(), Some(&b"value"[..]));
    assert_eq!(store.stats().opens, 0, "it is there, and answers");
}

#[tokio::test]
async fn a_replica_takes_no_writes_until_it_is_promoted() {
    let (primary, replica) = (Redis::start(), Redis::start());
    let store = open(&replica.url());
    put(&store, "key", b"value").await;
    replica.command(&["REPLICAOF", "127.0.0.1", &primary.port().to_string()]);
    let error = store.put("key", b"other"[..].into(), HOUR).await.unwrap_err();
    is_unavailable_because(&error, "replica that takes no writes");
    let error = store.put_snapshot("name", snapshot(1, b"")).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    replica.command(&["REPLICAOF", "NO", "ONE"]);
    until("it takes writes", || async { store.put_snapshot("name", snapshot(1, b"")).await.is_ok() }).await;
}

/// What it keeps takes it a while to read; until then it is away, and then what it kept is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_slow_start() {
    let slow = [("key-load-delay", "2000"), ("loading-process-events-interval-bytes", "1024")];
    let redis = Redis::start_with(&slow);
    let store = open(&redis.url());
    for number in 0..1_000 {
        put(&store, &format!("key-{number}"), b"value").await;
    }
    redis.command(&["SAVE"]);
    let returned = store.on_return();
    redis.kill();
    let redis = std::sync::Arc::new(redis);
    let starting = std::sync::Arc::clone(&redis);
    let started = tokio::task::spawn_blocking(move || starting.start_again());
    until("it says that it is loading", || async {
        ailment(&store).await.is_some_and(|words| words == "Redis is still loading its data")
    })
    .await;
    assert!(!started.is_finished());
    let error = store.get("key-0").await.unwrap_err();
    is_unavailable_because(&error, "still loading");
    started.await.unwrap();
    until_back(&store).await;
    assert_eq!(get(&store, "key-999").await.as_deref(), Some(&b"value"[..]));
    assert_eq!(*returned.borrow(), 1);
}
