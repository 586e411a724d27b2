//! Runs: what was appended in small commits is put together, and every answer stays as it was.

use footfall_conformance::events::mixed;
use footfall_conformance::expected::Expected;
use footfall_test_services::Postgres;

use crate::support::{append, open, open_many};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_small_commits_become_a_few_blocks() {
    let server = Postgres::shared();
    let url = server.database();
    let store = open(&url).await;
    let events = mixed(0..4_000);
    for part in events.chunks(4) {
        append(&store, part).await;
    }
    let count = |table: &str| -> usize {
        server.sql(&url, &format!("SELECT count(*) FROM {table}")).parse().unwrap()
    };
    let before = count("blocks");
    assert!(before >= 500, "{before}");
    let expected = Expected::of(&events);
    expected.holds_for(&store).await;
    store.maintain().await.unwrap();
    let (blocks, checkpoints) = (count("blocks"), count("checkpoints"));
    assert!(blocks <= 20 && checkpoints >= 1, "{blocks} blocks, {checkpoints} checkpoints");
    expected.holds_for(&store).await;
    expected.holds_for(&open(&url).await).await;
    // A checkpoint is never trusted over the log.
    server.sql(&url, "UPDATE checkpoints SET value = overlay(value placing '\\x00'::bytea from 40)");
    expected.holds_for(&open(&url).await).await;
    server.sql(&url, "DELETE FROM checkpoints");
    expected.holds_for(&open(&url).await).await;
}

/// Runs that were made of little grow with what comes later: there are no more of them than are needed.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn short_runs_grow() {
    let server = Postgres::shared();
    let url = server.database();
    let store = open(&url).await;
    let events = mixed(0..3_000);
    for part in events.chunks(150) {
        append(&store, part).await;
        store.maintain().await.unwrap();
    }
    let checkpoints: usize = server.sql(&url, "SELECT count(*) FROM checkpoints").parse().unwrap();
    let lanes: usize =
        server.sql(&url, "SELECT count(*) FROM lanes WHERE next <> lane::bigint << 32").parse().unwrap();
    assert!(checkpoints <= lanes, "{checkpoints} checkpoints in {lanes} lanes");
    Expected::of(&events).holds_for(&store).await;
    Expected::of(&events).holds_for(&open(&url).await).await;
}

/// While all append, all merge; and one that is behind reads blocks that have been put together meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn beside_appends_of_others() {
    let url = Postgres::shared().database();
    let stores = open_many(&url, 3).await;
    let events = mixed(0..6_000);
    let mut appending = Vec::new();
    for (place, store) in stores.iter().cloned().enumerate() {
        let part = events[place * 2_000..(place + 1) * 2_000].to_vec();
        appending.push(tokio::spawn(async move {
            for (round, some) in part.chunks(9).enumerate() {
                append(&store, some).await;
                if round % 40 == 13 {
                    store.maintain().await.unwrap();
                }
            }
        }));
    }
    for task in appending {
        task.await.unwrap();
    }
    for store in &stores {
        Expected::of(&events).holds_for(store).await;
    }
    Expected::of(&events).holds_for(&open(&url).await).await;
}
