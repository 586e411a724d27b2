//! Activity and segments on several instances at once, and through a pooler.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use footfall_conformance::{Draft, instant};
use footfall_domain::membership::{Joined, Membership, second_of};
use footfall_domain::time::{HOUR_US, SECOND_US, TimeRange, Timestamp};
use footfall_domain::windows::{Due, MetricFilter};
use footfall_ports::{EventLog, Found, Segments, Snapshot, SnapshotStore, UserMetrics};
use footfall_postgres::PostgresStore;
use footfall_test_services::{PgBouncer, Postgres};

use crate::support::{append, open, open_many, opened, options};

fn start() -> Timestamp {
    instant("2025-05-26T00:00")
}

fn after(micros: i64) -> Timestamp {
    start().plus_micros(micros)
}

fn of(user: &str, segment: &str, seconds: i64) -> Membership {
    Membership { user: user.into(), segment: segment.into(), expires_at_s: second_of(start()) + seconds }
}

async fn rows(store: &PostgresStore) -> Vec<(String, i32, u64)> {
    let rows = store.user_metrics(MetricFilter::default(), None, 100_000).await.unwrap();
    rows.into_iter().map(|row| (row.user, row.window.number(), row.events)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_instance_did_every_other_knows() {
    let url = Postgres::shared().database();
    let stores = open_many(&url, 3).await;
    for (number, store) in stores.iter().enumerate() {
        let joined =
            store.join(vec![of(&format!("user-{number}"), "s", 10), of("all", "s", 20)]).await.unwrap();
        assert_eq!(joined[0], Joined::Created);
        assert_eq!(joined[1], if number == 0 { Joined::Created } else { Joined::Renewed });
        for other in &stores {
            assert_eq!(other.segment_count("s".into(), start()).await.unwrap(), 2 + number as u64);
        }
    }
    // The order of counts is the order of their times, though a clock is behind.
    let mut last = Timestamp::MIN;
    for (store, seconds) in [(&stores[0], 5), (&stores[1], 3), (&stores[2], 9), (&stores[0], 0)] {
        let counts = store.segment_counts(after(seconds * SECOND_US)).await.unwrap();
        assert!(counts.taken_at > last);
        assert_eq!(counts.counts, [("s".to_owned(), 4)]);
        last = counts.taken_at;
    }
    let snapshot = Snapshot { taken_at: last, bytes: Arc::from(&b"x"[..]) };
    stores[1].put_snapshot("segments", snapshot.clone()).await.unwrap();
    for store in &stores {
        assert_eq!(store.snapshot("segments", None).await.unwrap(), Found::Snapshot(snapshot.clone()));
        assert_eq!(store.snapshot("segments", Some(last)).await.unwrap(), Found::Unchanged);
    }
    append(&stores[0], &[Draft::plain(1, after(5), "ann", "click")]).await;
    let told = stores[1].calculate_metrics(Due::Latest, after(5 * HOUR_US)).await.unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(rows(&stores[2]).await.len(), 1);
    stores[2].erase_user("ann".into()).await.unwrap();
    assert_eq!(rows(&stores[0]).await.len(), 0);
    assert_eq!(stores[0].calculate_metrics(Due::Latest, after(5 * HOUR_US)).await.unwrap(), []);
}

/// Each instance computes while all append and erase: nobody who was erased is there in the end, and nothing is missing.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calculations_beside_appends_and_erasures_end_right() {
    const ROUNDS: u128 = 12;
    let url = Postgres::shared().database();
    let stores = open_many(&url, 3).await;
    let now = after(20 * HOUR_US);
    let is_over = Arc::new(AtomicBool::new(false));
    let calculating: Vec<_> = stores
        .iter()
        .map(|store| {
            let (store, is_over) = (store.clone(), Arc::clone(&is_over));
            tokio::spawn(async move {
                while !is_over.load(Ordering::Acquire) {
                    store.calculate_metrics(Due::Within(TimeRange::ALL), now).await.unwrap();
                }
            })
        })
        .collect();
    let appending: Vec<_> = stores
        .iter()
        .enumerate()
        .map(|(place, store)| {
            let store = store.clone();
            tokio::spawn(async move {
                for round in 0..ROUNDS {
                    let base = (place as u128 * ROUNDS + round) * 10;
                    let own = format!("gone-{place}-{round}");
                    let draft = |number: u128| {
                        let user = if number < 5 { own.clone() } else { format!("stays-{number}") };
                        Draft::plain(base + number, after(number as i64 * 2 * HOUR_US), &user, "click")
                    };
                    append(&store, &(0..10).map(draft).collect::<Vec<_>>()).await;
                    store
                        .join(vec![of(&own, "s", 1_000_000), of(&format!("stays-{round}"), "s", 1_000_000)])
                        .await
                        .unwrap();
                    store.erase_user(own).await.unwrap();
                }
            })
        })
        .collect();
    for task in appending {
        task.await.unwrap();
    }
    is_over.store(true, Ordering::Release);
    for task in calculating {
        task.await.unwrap();
    }
    stores[0].calculate_metrics(Due::Within(TimeRange::ALL), now).await.unwrap();
    let rows = rows(&stores[1]).await;
    assert!(rows.iter().all(|(user, ..)| user.starts_with("stays-")), "{rows:?}");
    assert_eq!(rows.iter().map(|(.., events)| events).sum::<u64>(), 3 * u64::try_from(ROUNDS).unwrap() * 5);
    assert_eq!(stores[2].segment_count("s".into(), start()).await.unwrap(), u64::try_from(ROUNDS).unwrap());
    let sums = Postgres::shared().sql(
        &url,
        "SELECT count(*) FROM metric_windows FULL JOIN (
             SELECT window_number, count(*) AS users, sum(events) AS events FROM user_metrics GROUP BY 1
         ) AS summed USING (window_number)
         WHERE coalesce(summed.users, 0) <> coalesce(metric_windows.users, 0)
             OR coalesce(summed.events, 0) <> coalesce(metric_windows.events, 0)",
    );
    assert_eq!(sums, "0", "windows whose sums are not those of their rows");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_it_works_through_a_pooler() {
    let server = Postgres::start();
    let url = server.database();
    let bouncer = PgBouncer::before(&server);
    let mut pooled = options(&bouncer.url(url.rsplit('/').next().unwrap()));
    pooled.connect.pgbouncer = true;
    let store = opened(pooled).await.unwrap_or_else(|error| panic!("{error}"));
    store.join(vec![of("a", "s", 10), of("b", "s", -90_000)]).await.unwrap();
    assert_eq!(store.segment_counts(start()).await.unwrap().counts, [("s".to_owned(), 1)]);
    assert_eq!(store.segment_count("s".into(), after(10 * SECOND_US)).await.unwrap(), 0);
    assert_eq!(store.forget_ended(start()).await.unwrap(), 1);
    append(&store, &[Draft::plain(1, after(5), "ann", "click"), Draft::plain(2, after(6), "bob", "click")])
        .await;
    assert_eq!(store.calculate_metrics(Due::Latest, after(5 * HOUR_US)).await.unwrap().len(), 1);
    append(&store, &[Draft::plain(3, after(7), "ann", "click")]).await;
    assert_eq!(store.calculate_metrics(Due::Latest, after(5 * HOUR_US)).await.unwrap()[0].events, 3);
    assert_eq!(rows(&store).await.len(), 2);
    let of_ann = MetricFilter { user: Some("ann".into()), ..MetricFilter::default() };
    assert_eq!(store.user_metrics(of_ann, None, 5).await.unwrap()[0].events, 2);
    store.erase_user("ann".into()).await.unwrap();
    assert_eq!(rows(&store).await.len(), 1);
    let snapshot = Snapshot { taken_at: start(), bytes: Arc::from(&b"x"[..]) };
    store.put_snapshot("segments", snapshot.clone()).await.unwrap();
    assert_eq!(store.snapshot("segments", None).await.unwrap(), Found::Snapshot(snapshot));
}

/// Another database on the same Redis must not be taken for this one.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_told_from_others() {
    use footfall_ports::Analytics;
    let server = Postgres::shared();
    let (one, other) = (server.database(), server.database());
    let version = async |url: &str| open(url).await.version(TimeRange::ALL).await.unwrap();
    let (first, second) = (version(&one).await, version(&other).await);
    assert_ne!(first.store, second.store);
    assert_eq!(version(&one).await, first);
}

mod snapshots {
    use std::sync::Arc;

    use footfall_ports::SnapshotStore;
    use footfall_test_services::Postgres;

    use crate::support::open;

    async fn fresh() -> (Arc<dyn SnapshotStore>, ()) {
        (Arc::new(open(&Postgres::shared().database()).await), ())
    }

    footfall_conformance::snapshot_suite!(fresh);
}
