//! A database that is killed, cut off, frozen, full of connections, locked or replaced: what was acknowledged is there once,
//! what wasn't is told so in time, and the store comes back by itself.

use std::time::{Duration, Instant};

use footfall_conformance::batch_of;
use footfall_conformance::events::mixed;
use footfall_conformance::expected::Expected;
use footfall_ports::Outcome::Stored;
use footfall_ports::{EventLog, Health, StoreError};
use footfall_postgres::PostgresStore;
use footfall_test_services::{Forwarder, Postgres};
use tokio_postgres::NoTls;

use crate::support::{append, append_stubbornly, chain, open, opened, options, until};

/// Longer than any answer may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

async fn is_healthy(store: &PostgresStore) -> bool {
    store.check().await.iter().all(|dependency| dependency.state.is_ok())
}

async fn is_refused(store: &PostgresStore, numbers: std::ops::Range<u128>) {
    let since = Instant::now();
    match store.append(batch_of(&mixed(numbers))).await {
        Err(StoreError::Unavailable { retry_after, .. }) => assert!(!retry_after.is_zero()),
        Ok(outcomes) => panic!("{outcomes:?}"),
        Err(other) => panic!("{}", chain(&other)),
    }
    assert!(since.elapsed() < REQUEST_TIMEOUT, "{:?}", since.elapsed());
}

/// Writers that send again what was refused, while something is done to the database; then everything is there once.
async fn survives(url: &str, disturb: impl FnMut() + Send + 'static, rounds: usize) {
    let store = open(url).await;
    let events = mixed(0..8_000);
    let mut writers = Vec::new();
    for task in 0..4_usize {
        let store = store.clone();
        let own: Vec<_> = events.iter().skip(task).step_by(4).cloned().collect();
        writers.push(tokio::spawn(async move {
            for part in own.chunks(5 + task * 3) {
                append_stubbornly(&store, part).await;
                tokio::time::sleep(Duration::from_millis(3)).await;
            }
        }));
    }
    let disturbing = tokio::task::spawn_blocking(move || {
        let mut disturb = disturb;
        for _ in 0..rounds {
            std::thread::sleep(Duration::from_millis(250));
            disturb();
        }
    });
    disturbing.await.unwrap();
    for writer in writers {
        writer.await.unwrap();
    }
    until("it is healthy", || is_healthy(&store)).await;
    Expected::of(&events).holds_for(&store).await;
    drop(store);
    Expected::of(&events).holds_for(&open(url).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn killed_under_load() {
    let server = std::sync::Arc::new(Postgres::start());
    let killed = std::sync::Arc::clone(&server);
    let kill = move || {
        killed.kill();
        std::thread::sleep(Duration::from_millis(100));
        killed.start_again();
    };
    survives(&server.database(), kill, 5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn connections_are_cut() {
    let server = Postgres::shared();
    let url = server.database();
    let forwarder = std::sync::Arc::new(Forwarder::to(server.port()));
    let through = url.replace(&format!(":{}/", server.port()), &format!(":{}/", forwarder.port()));
    assert_ne!(through, url);
    let cut = std::sync::Arc::clone(&forwarder);
    survives(&through, move || cut.cut(), 12).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn frozen_and_let_go() {
    let server = Postgres::start();
    let store = open(&server.database()).await;
    append(&store, &mixed(0..100)).await;
    server.pause();
    let since = Instant::now();
    assert!(!is_healthy(&store).await);
    assert!(since.elapsed() < Duration::from_secs(2), "health answers soon: {:?}", since.elapsed());
    is_refused(&store, 100..200).await;
    server.resume();
    until("it is healthy", || is_healthy(&store)).await;
    // Some of what was refused may be there: sent again it counts once.
    append_stubbornly(&store, &mixed(0..300)).await;
    Expected::of(&mixed(0..300)).holds_for(&store).await;
}

/// What waits for a database that doesn't answer is bounded; more is refused at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_queue_is_bounded() {
    let server = Postgres::start();
    let store = open(&server.database()).await;
    append(&store, &mixed(0..10)).await;
    server.pause();
    let batch = batch_of(&mixed(1_000..3_000));
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let (store, batch) = (store.clone(), batch.clone());
        waiting.spawn(async move { store.append(batch).await });
    }
    let refused = tokio::time::timeout(Duration::from_secs(5), waiting.join_next()).await;
    let refused = refused.expect("at once").unwrap().unwrap();
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
    server.resume();
    while let Some(answer) = waiting.join_next().await {
        match answer.unwrap() {
            Ok(_) | Err(StoreError::Unavailable { .. }) => {}
            Err(other) => panic!("{}", chain(&other)),
        }
    }
    append_stubbornly(&store, &mixed(1_000..3_000)).await;
    let events: Vec<_> = mixed(0..10).into_iter().chain(mixed(1_000..3_000)).collect();
    Expected::of(&events).holds_for(&store).await;
}

/// Others have all the connections that the server gives.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn out_of_connections() {
    let server = Postgres::start_with(&[("max_connections", "12"), ("max_wal_senders", "2")], None);
    let url = server.database();
    let store = open(&url).await;
    append(&store, &mixed(0..100)).await;
    let mut others = Vec::new();
    while let Ok((client, connection)) = tokio_postgres::connect(&url, NoTls).await {
        others.push((client, tokio::spawn(connection)));
    }
    // The store's own are gone: it can't get others now.
    for (client, _) in &others[..1] {
        let end =
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'footfall'";
        client.query(end, &[]).await.unwrap();
    }
    while let Ok((client, connection)) = tokio_postgres::connect(&url, NoTls).await {
        others.push((client, tokio::spawn(connection)));
    }
    is_refused(&store, 100..200).await;
    drop(others);
    until("it is healthy", || is_healthy(&store)).await;
    append_stubbornly(&store, &mixed(0..200)).await;
    Expected::of(&mixed(0..200)).holds_for(&store).await;
}

/// Someone holds a lock that everything needs.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn locked_by_others() {
    let server = Postgres::shared();
    let url = server.database();
    let store = open(&url).await;
    append(&store, &mixed(0..100)).await;
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    client.batch_execute("BEGIN; LOCK TABLE event_ids").await.unwrap();
    is_refused(&store, 100..200).await;
    client.batch_execute("ROLLBACK").await.unwrap();
    append_stubbornly(&store, &mixed(0..200)).await;
    Expected::of(&mixed(0..200)).holds_for(&store).await;
    drop(client);
    connection.await.unwrap().unwrap();
}

/// The primary is gone for good and its replica takes its place, at another address that the URL names too.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn another_address_takes_over() {
    let primary = Postgres::start();
    let url = primary.database();
    let name = url.rsplit('/').next().unwrap().to_owned();
    let replica = primary.replica();
    // An acknowledgement waits for the replica: what one of them has acknowledged the other one has.
    let maintenance = primary.url("postgres");
    primary.sql(&maintenance, "ALTER SYSTEM SET synchronous_standby_names = '*'");
    primary.sql(&maintenance, "SELECT pg_reload_conf()");
    let hosts = format!("127.0.0.1:{},127.0.0.1:{}/{name}", primary.port(), replica.port());
    let both = url.replace(&format!("127.0.0.1:{}/{name}", primary.port()), &hosts);
    let store = open(&both).await;
    for part in mixed(0..500).chunks(7) {
        append(&store, part).await;
    }
    primary.kill();
    is_refused(&store, 500..510).await;
    replica.sql(&replica.url("postgres"), "SELECT pg_promote()");
    // The setting came with the data, and nobody follows any more.
    replica.sql(&replica.url("postgres"), "ALTER SYSTEM SET synchronous_standby_names = ''");
    replica.sql(&replica.url("postgres"), "SELECT pg_reload_conf()");
    until("it is healthy", || is_healthy(&store)).await;
    append_stubbornly(&store, &mixed(400..700)).await;
    Expected::of(&mixed(0..700)).holds_for(&store).await;
}

/// A standby that hadn't got the last commits took over, or an older backup was restored beneath running instances: they
/// answer what the database holds now, and go on from there.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_the_database_lost_is_in_no_answer() {
    let server = Postgres::shared();
    let url = server.database();
    let store = open(&url).await;
    append(&store, &mixed(0..400)).await;
    server.sql(&url, "CREATE TABLE kept AS SELECT lane, next FROM lanes");
    append(&store, &mixed(400..600)).await;
    Expected::of(&mixed(0..600)).holds_for(&store).await;
    server.sql(
        &url,
        "BEGIN;
         DELETE FROM event_ids USING kept WHERE lane = position >> 32 AND position >= kept.next;
         DELETE FROM event_ids WHERE position >> 32 NOT IN (SELECT lane FROM kept);
         DELETE FROM blocks USING kept WHERE blocks.lane = kept.lane AND first >= kept.next;
         DELETE FROM blocks WHERE lane NOT IN (SELECT lane FROM kept);
         DELETE FROM lanes WHERE lane NOT IN (SELECT lane FROM kept);
         UPDATE lanes SET next = kept.next FROM kept WHERE lanes.lane = kept.lane;
         COMMIT",
    );
    for _ in 0..2 {
        Expected::of(&mixed(0..400)).holds_for(&store).await;
    }
    assert!(append(&store, &mixed(400..700)).await.iter().all(|outcome| *outcome == Stored));
    Expected::of(&mixed(0..700)).holds_for(&store).await;
    Expected::of(&mixed(0..700)).holds_for(&open(&url).await).await;
}

/// Nothing that is logged or told holds the password.
#[tokio::test(flavor = "multi_thread")]
async fn the_password_is_never_told() {
    let server = Postgres::shared();
    for url in [
        "postgres://footfall:secret-of-tests@127.0.0.1:1/nowhere".to_owned(),
        server.url("no_such_database"),
        server.database().replace("secret-of-tests", "not-the-secret-of-tests"),
        "postgres://footfall:secret-of-tests@127.0.0.1/x?sslmode=nonsense".to_owned(),
    ] {
        let options = options(&url);
        assert!(!format!("{:?}", options.connect).contains("secret"));
        let error = opened(options).await.err().expect("it can't be opened");
        let told = format!("{} {error:?}", chain(&error));
        assert!(!told.contains("secret-of-tests"), "{told}");
    }
    let stored = append(&open(&server.database()).await, &mixed(0..1)).await;
    assert_eq!(stored, [Stored]);
}
