//! Reading from a replica: what it hasn't got yet comes from the primary, and health tells.

use footfall_conformance::events::mixed;
use footfall_conformance::expected::Expected;
use footfall_ports::Health;
use footfall_postgres::PostgresStore;
use footfall_test_services::Postgres;

use crate::support::{append, open, opened, options, until};

async fn replica_is_fine(store: &PostgresStore) -> bool {
    let states = store.check().await;
    let replica = states.iter().find(|dependency| dependency.name == "replica").expect("it is told of");
    assert!(!replica.required, "the service does without");
    replica.state.is_ok()
}

/// How many of the store's own connections the server has.
fn connections(server: &Postgres) -> usize {
    let count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'footfall'";
    server.sql(&server.url("postgres"), count).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn read_where_it_has_all_and_else_from_the_primary() {
    let primary = Postgres::start();
    let url = primary.database();
    let name = url.rsplit('/').next().unwrap().to_owned();
    let replica = primary.replica();
    let writer = open(&url).await;
    let events = mixed(0..4_000);
    append(&writer, &events[..1_000]).await;

    let mut with_replica = options(&url);
    with_replica.connect.read_url = Some(replica.url(&name));
    let reader = opened(with_replica).await.unwrap_or_else(|error| panic!("{error}"));
    Expected::of(&events[..1_000]).holds_for(&reader).await;
    let asks = || async {
        append(&writer, &mixed(0..1)).await;
        Expected::of(&events[..1_000]).holds_for(&reader).await;
        replica_is_fine(&reader).await && connections(&replica) > 0
    };
    until("the replica is read from", asks).await;

    replica.sql(&replica.url("postgres"), "SELECT pg_wal_replay_pause()");
    append(&writer, &events[1_000..2_000]).await;
    Expected::of(&events[..2_000]).holds_for(&reader).await;
    assert!(!replica_is_fine(&reader).await, "it lags");

    replica.sql(&replica.url("postgres"), "SELECT pg_wal_replay_resume()");
    let mut at = 2_000;
    while !replica_is_fine(&reader).await {
        assert!(at < 2_900, "it has long caught up");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        append(&writer, &events[at..at + 20]).await;
        at += 20;
        Expected::of(&events[..at]).holds_for(&reader).await;
    }

    replica.kill();
    append(&writer, &events[at..3_000]).await;
    Expected::of(&events[..3_000]).holds_for(&reader).await;
    assert!(!replica_is_fine(&reader).await, "it is down");
    replica.start_again();
    let mut at = 3_000;
    while !replica_is_fine(&reader).await {
        assert!(at < 3_980, "it is up again");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        append(&writer, &events[at..at + 20]).await;
        at += 20;
        Expected::of(&events[..at]).holds_for(&reader).await;
    }
}
