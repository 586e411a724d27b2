//! A Redis that is killed, frozen, cut off or was never there: callers wait for no longer than they may, then not at all,
//! and it is used again once it is there.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use footfall_ports::{Cache, SnapshotStore, StoreError};
use footfall_redis::{COMMAND_LIMIT, IN_FLIGHT_MAX};
use footfall_test_services::{Forwarder, Redis};
use tokio::task::JoinSet;

use crate::support::{
    HOUR, SLACK, ailment, chain, get, is_refused_at_once, is_refused_within, open, put, snapshot, stands,
    until_back,
};

#[tokio::test]
async fn killed_and_started_again() {
    let redis = Redis::start();
    let store = open(&redis.url());
    let mut returned = store.on_return();
    put(&store, "key", b"value").await;
    assert_eq!(ailment(&store).await, None);
    for round in 1..=2 {
        redis.kill();
        is_refused_within(&store, COMMAND_LIMIT + SLACK).await;
        for _ in 0..10 {
            is_refused_at_once(&store).await;
        }
        assert_eq!(ailment(&store).await.as_deref(), Some("Redis can't be reached"));
        redis.start_again();
        returned.changed().await.unwrap();
        assert_eq!(*returned.borrow_and_update(), round);
        assert_eq!(get(&store, "key").await, None, "it has kept nothing");
        put(&store, "key", b"value").await;
        store.put_snapshot("name", snapshot(1, b"one")).await.unwrap();
        assert!(stands(&store, &snapshot(1, b"one")).await);
        let stats = store.stats();
        assert_eq!((stats.opens, stats.returns, stats.is_open), (round, round, false), "{stats:?}");
        assert_eq!(ailment(&store).await, None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn frozen_and_let_go() {
    let redis = Redis::start();
    let store = open(&redis.url());
    put(&store, "key", b"value").await;
    redis.pause();
    let since = Instant::now();
    let why = is_refused_within(&store, COMMAND_LIMIT + SLACK).await;
    assert!(since.elapsed() >= COMMAND_LIMIT, "it had its time: {:?}", since.elapsed());
    assert!(why.contains("did not answer in time"), "{why}");
    // Also while it is looked for again, which takes longer than a command.
    for _ in 0..100 {
        is_refused_at_once(&store).await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(ailment(&store).await.as_deref(), Some("Redis does not answer in time"));
    redis.resume();
    until_back(&store).await;
    assert_eq!(get(&store, "key").await.as_deref(), Some(&b"value"[..]), "what it had is there");
    let stats = store.stats();
    assert_eq!((stats.opens, stats.returns, stats.timeouts), (1, 1, 1), "{stats:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_calls_to_a_frozen_one_return_in_time() {
    let redis = Redis::start();
    let store = open(&redis.url());
    put(&store, "key", b"value").await;
    redis.pause();
    let since = Instant::now();
    let mut calls = JoinSet::new();
    for number in 0..1_000 {
        let store = store.clone();
        calls.spawn(async move {
            match number % 4 {
                0 => store.put("key", b"other"[..].into(), HOUR).await,
                1 => store.get("key").await.map(drop),
                2 => store.put_snapshot("name", snapshot(number, b"bytes")).await,
                _ => store.snapshot("name", None).await.map(drop),
            }
        });
    }
    while let Some(call) = calls.join_next().await {
        let error = call.unwrap().expect_err("nobody answers");
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    }
    assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
    assert_eq!(store.stats().opens, 1, "once for all of them");
    redis.resume();
    until_back(&store).await;
    put(&store, "key", b"value").await;
}

/// What is beyond it fails at once, also where those who asked have gone: what they asked is under way until it is over.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_waits_is_bounded() {
    let redis = Redis::start();
    let store = open(&redis.url());
    // On a busy machine the first ones may have run out of their time before the last are asked.
    for _ in 0..10 {
        put(&store, "key", b"value").await;
        redis.pause();
        let mut calls = JoinSet::new();
        for _ in 0..2 * IN_FLIGHT_MAX {
            let store = store.clone();
            calls.spawn(async move { store.get("key").await });
        }
        let first = calls.join_next().await.unwrap().unwrap().expect_err("nobody answers");
        calls.abort_all();
        let next = store.get("key").await.expect_err("nobody answers");
        let is_bounded = [first, next].iter().all(|error| chain(error).contains("too many commands"));
        redis.resume();
        tokio::time::sleep(2 * COMMAND_LIMIT).await;
        until_back(&store).await;
        if is_bounded {
            assert!(store.stats().overflows >= 2);
            assert_eq!(get(&store, "key").await.as_deref(), Some(&b"value"[..]), "there is room again");
            return;
        }
    }
    panic!("nothing was ever refused");
}

/// A slow caller that is waited for by nobody still opens the circuit.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callers_that_give_up_early_leave_the_verdict_to_the_limit() {
    let redis = Redis::start();
    let store = open(&redis.url());
    put(&store, "key", b"value").await;
    redis.pause();
    tokio::time::timeout(Duration::from_millis(5), store.get("key")).await.expect_err("no answer so soon");
    tokio::time::sleep(COMMAND_LIMIT + Duration::from_millis(50)).await;
    is_refused_at_once(&store).await;
}

#[tokio::test]
async fn connections_are_cut() {
    let redis = Redis::start();
    let forwarder = Forwarder::to(redis.port());
    let store = open(&format!("redis://127.0.0.1:{}", forwarder.port()));
    put(&store, "key", b"value").await;
    forwarder.cut();
    is_refused_within(&store, COMMAND_LIMIT + SLACK).await;
    until_back(&store).await;
    assert_eq!(get(&store, "key").await.as_deref(), Some(&b"value"[..]));
    assert_eq!(store.stats().returns, 1);
}

#[tokio::test]
async fn nobody_is_there() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let store = open(&format!("redis://:secret@127.0.0.1:{port}"));
    let why = is_refused_within(&store, COMMAND_LIMIT + SLACK).await;
    assert!(!why.contains("secret") && !why.contains(&port.to_string()), "{why}");
    is_refused_at_once(&store).await;
    assert_eq!(ailment(&store).await.as_deref(), Some("Redis can't be reached"));
    let stats = store.stats();
    assert_eq!(stats.opens, 1);
    assert!(stats.failed_connects >= 1);
    let store = open("redis://no-such-host.invalid");
    is_refused_within(&store, COMMAND_LIMIT + SLACK).await;
}

/// An address from which nothing ever comes back, not even a refusal.
#[tokio::test]
async fn nothing_answers_at_all() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let store = open(&format!("redis://{}", listener.local_addr().unwrap()));
    is_refused_within(&store, COMMAND_LIMIT + SLACK).await;
    // The attempt to connect may take longer than a command; nobody waits for longer than that.
    is_refused_within(&store, COMMAND_LIMIT + SLACK).await;
    tokio::time::sleep(footfall_redis::CONNECT_LIMIT).await;
    is_refused_at_once(&store).await;
    assert_eq!(ailment(&store).await.as_deref(), Some("Redis does not answer in time"));
}

#[tokio::test]
async fn it_may_come_later_than_the_service() {
    let redis = Redis::start();
    redis.kill();
    let store = open(&redis.url());
    let mut returned = store.on_return();
    is_refused_within(&store, COMMAND_LIMIT + SLACK).await;
    redis.start_again();
    returned.changed().await.unwrap();
    put(&store, "key", b"value").await;
}

#[tokio::test]
async fn a_wrong_password_is_said_so_without_it() {
    let redis = Redis::start_with(&[("requirepass", "right-one")]);
    put(&open(&redis.url()), "key", b"value").await;
    for url in [redis.url().replace("right-one", "wrong-one"), redis.url().replace(":right-one@", "")] {
        let store = open(&url);
        let why = is_refused_within(&store, COMMAND_LIMIT + SLACK).await;
        assert!(!why.contains("wrong-one"), "{why}");
        is_refused_at_once(&store).await;
        assert_eq!(ailment(&store).await.as_deref(), Some("Redis refuses the user or password"), "{url}");
    }
}

/// Under load, with everything that can be done to it: no call takes longer than it may, none finds anything but what was
/// put, and at the end it is used again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn under_load_through_it_all() {
    let redis = Arc::new(Redis::start());
    let store = open(&redis.url());
    let mut callers = JoinSet::new();
    let over = Arc::new(std::sync::atomic::AtomicBool::new(false));
    for caller in 0..16_u32 {
        let (store, over) = (store.clone(), Arc::clone(&over));
        callers.spawn(async move {
            let (key, mut step, mut done) = (format!("key-{caller}"), 0_u32, 0_u32);
            while !over.load(std::sync::atomic::Ordering::Relaxed) {
                step += 1;
                let since = Instant::now();
                let kept = store.put(&key, step.to_be_bytes()[..].into(), HOUR).await.is_ok();
                if let Ok(Some(found)) = store.get(&key).await
                    && kept
                {
                    assert_eq!(*found, step.to_be_bytes());
                    done += 1;
                }
                assert!(since.elapsed() < 2 * COMMAND_LIMIT + SLACK, "{:?}", since.elapsed());
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            done
        });
    }
    let disturbed = Arc::clone(&redis);
    let disturbing = tokio::task::spawn_blocking(move || {
        for round in 0..4 {
            std::thread::sleep(Duration::from_millis(500));
            if round % 2 == 0 {
                disturbed.kill();
                disturbed.start_again();
            } else {
                disturbed.pause();
                std::thread::sleep(Duration::from_millis(400));
                disturbed.resume();
            }
            disturbed.command(&["SCRIPT", "FLUSH"]);
            disturbed.flush();
        }
    });
    disturbing.await.unwrap();
    until_back(&store).await;
    over.store(true, std::sync::atomic::Ordering::Relaxed);
    while let Some(done) = callers.join_next().await {
        assert!(done.unwrap() > 0);
    }
    let stats = store.stats();
    assert!(stats.opens >= 1 && stats.opens == stats.returns, "{stats:?}");
}
