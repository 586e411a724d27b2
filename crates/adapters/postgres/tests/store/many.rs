//! Many instances on one database: the same answers from each, at once.

use footfall_conformance::Draft;
use footfall_conformance::events::{after, event, mixed, spread};
use footfall_conformance::expected::Expected;
use footfall_domain::time::TimeRange;
use footfall_ports::Outcome::Stored;
use footfall_ports::{Analytics, EventLog};
use footfall_postgres::PostgresStore;
use footfall_test_services::Postgres;

use crate::support::{append, open, open_many, opened, options};

/// Each appends all the events, in an order and in parts of its own, at full speed. One stores each event, none waits for
/// ever, and afterwards all of them know all of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_events_from_four_at_once() {
    const INSTANCES: usize = 4;
    let server = Postgres::shared();
    let url = server.database();
    let stores = open_many(&url, INSTANCES).await;
    // Few pages and users: what is counted is the same few things again and again.
    let events = mixed(0..12_000);
    let mut appending = Vec::new();
    for (instance, store) in stores.iter().enumerate() {
        for task in 0..4 {
            let (store, mut events) = (store.clone(), events.clone());
            appending.push(tokio::spawn(async move {
                let turn = events.len() / (INSTANCES * 4) * (instance * 4 + task);
                events.rotate_left(turn);
                if task % 2 == 1 {
                    events.reverse();
                }
                let mut own = 0;
                for part in events.chunks([7, 100, 450, 1_000][task]) {
                    let outcomes = append(&store, part).await;
                    own += outcomes.into_iter().filter(|outcome| *outcome == Stored).count();
                }
                own
            }));
        }
    }
    let mut all = 0;
    for task in appending {
        all += task.await.unwrap();
    }
    assert_eq!(all, events.len(), "each event is stored by one of them");
    let expected = Expected::of(&events);
    for store in &stores {
        expected.holds_for(store).await;
    }
    let deadlocks =
        server.sql(&url, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()");
    assert_eq!(deadlocks, "0");
    expected.holds_for(&open(&url).await).await;
}

/// What one acknowledges, the next question to any other one counts.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_event_is_seen_everywhere_at_once() {
    let url = Postgres::shared().database();
    let stores = open_many(&url, 3).await;
    for round in 0..150_u128 {
        let (writer, reader) =
            (&stores[(round % 3) as usize], &stores[((round + 1 + round / 3 % 2) % 3) as usize]);
        let draft = Draft::view(spread(round), after(round as i64), &format!("u{}", round % 40), "/0");
        append(writer, std::slice::from_ref(&draft)).await;
        let figures = reader.page("/0".into(), TimeRange::ALL).await.unwrap();
        assert_eq!(
            (figures.page_views, figures.distinct_visitors),
            (round as u64 + 1, (round as u64 + 1).min(40))
        );
        let found = reader.event(draft.id).await.unwrap().expect("it is there");
        assert_eq!(Draft::of(found.get()), draft);
    }
}

/// Instances come and go; lanes are given back and taken again, and no more are made than are used at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn lanes_are_used_again() {
    let server = Postgres::shared();
    let url = server.database();
    let mut events = Vec::new();
    for round in 0..6_u128 {
        let stores = open_many(&url, 2).await;
        for (instance, store) in (0..).zip(&stores) {
            let first = (round * 2 + instance) * 300;
            let part: Vec<Draft> =
                (first..first + 300).map(|number| event(number, after(number as i64))).collect();
            append(store, &part).await;
            events.extend(part);
        }
    }
    let lanes: usize = server.sql(&url, "SELECT count(*) FROM lanes").parse().unwrap();
    assert!(lanes <= 6, "{lanes} lanes");
    Expected::of(&events).holds_for(&open(&url).await).await;
}

/// One whose lease is over while it still lives must not write into a lane that another one has.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lane_is_never_shared() {
    let server = Postgres::shared();
    let url = server.database();
    let (one, other) = (open(&url).await, open(&url).await);
    let events = mixed(0..3_000);
    for (place, part) in events.chunks(50).enumerate() {
        // All leases are over: whoever looks for a lane takes any.
        server.sql(&url, "UPDATE lanes SET leased_until = '-infinity'");
        append(if place % 2 == 0 { &one } else { &other }, part).await;
        if place % 7 == 0 {
            let third = open(&url).await;
            append(&third, part).await;
        }
    }
    for store in [&one, &other] {
        Expected::of(&events).holds_for(store).await;
    }
}

/// Where a start is not to change the schema it says what to do; once that is done it starts.
#[tokio::test(flavor = "multi_thread")]
async fn the_schema_can_be_brought_up_beforehand() {
    let url = Postgres::shared().database();
    let strict = || {
        let mut options = options(&url);
        options.migrate_on_start = false;
        options
    };
    let error = opened(strict()).await.err().expect("there is no schema").to_string();
    assert!(error.contains("footfall migrate"), "{error}");
    let mut migrating = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let connect = strict().connect;
        migrating.spawn(async move {
            PostgresStore::migrate(&connect).await.unwrap_or_else(|error| panic!("{error}"))
        });
    }
    let applied = migrating.join_all().await;
    let did_it = applied.iter().filter(|applied| **applied > 0).count();
    assert_eq!(did_it, 1, "one of them does it: {applied:?}");
    append(&opened(strict()).await.unwrap(), &mixed(0..10)).await;
}
