//! Events between instances.

use std::sync::Arc;
use std::time::{Duration, Instant};

use footfall_conformance::{Draft, batch_of, instant};
use footfall_domain::event::{EventId, EventRef};
use footfall_ports::{Accepted, Carried, LiveFeed};
use footfall_redis::{RedisFeed, RedisOptions, RedisStore};
use footfall_test_services::Redis;

use crate::support::until;

/// An instance: its store, without which nothing is published, and its feed.
struct Instance {
    store: RedisStore,
    feed: RedisFeed,
}

impl Instance {
    fn open(redis: &Redis, prefix: &str) -> Self {
        let options = RedisOptions { url: redis.url(), prefix: prefix.to_owned(), random: rand::random };
        let store = RedisStore::new(options.clone()).unwrap();
        let feed = RedisFeed::new(&store, &options).unwrap();
        Self { store, feed }
    }

    async fn listening(redis: &Redis, prefix: &str) -> Self {
        let instance = Self::open(redis, prefix);
        instance.feed.listen(true).await;
        instance
    }

    fn publish(&self, numbers: std::ops::Range<u128>) {
        let at = instant("2025-05-26T12:00");
        let drafts: Vec<_> = numbers.map(|number| Draft::view(number, at, "ann", "/home")).collect();
        self.feed.publish(&Accepted::all(batch_of(&drafts)).unwrap());
    }

    /// Takes what comes until that event does: the events, and how many were missed.
    async fn hear_until(&self, last: EventId) -> (Vec<EventId>, u64) {
        let (mut heard, mut missed) = (Vec::new(), 0);
        while heard.last() != Some(&last) {
            match tokio::time::timeout(Duration::from_secs(30), self.feed.next()).await.expect("it comes") {
                Carried::Events(accepted) => heard.extend(accepted.iter().map(EventRef::id)),
                Carried::Missed(events) => missed += events,
            }
        }
        (heard, missed)
    }

    async fn hears_nothing(&self) {
        let next = tokio::time::timeout(Duration::from_millis(300), self.feed.next()).await;
        assert!(next.is_err(), "{next:?}");
    }
}

fn ids(numbers: std::ops::Range<u128>) -> Vec<EventId> {
    numbers.map(footfall_conformance::id).collect()
}

#[tokio::test]
async fn each_hears_all_others_in_order_and_not_itself() {
    let redis = Redis::shared();
    let one = Instance::listening(redis, "order").await;
    let two = Instance::listening(redis, "order").await;
    for start in 0..50 {
        one.publish(start * 10..start * 10 + 10);
        two.publish(10_000 + start..10_001 + start);
    }
    one.publish(500..3_000);
    assert_eq!(two.hear_until(footfall_conformance::id(2_999)).await, (ids(0..3_000), 0));
    assert_eq!(one.hear_until(footfall_conformance::id(10_049)).await, (ids(10_000..10_050), 0));
    one.hears_nothing().await;
    two.hears_nothing().await;
}

#[tokio::test]
async fn nothing_is_sent_while_nobody_listens_and_everything_from_then_on() {
    let redis = Redis::start();
    let one = Instance::open(&redis, "quiet");
    one.publish(0..1_000);
    let published = || redis.command(&["INFO", "commandstats"]).contains("cmdstat_publish:");
    until("it has looked", || async { one.store.stats().commands > 0 }).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!published());
    let two = Instance::open(&redis, "quiet");
    for round in 0..20 {
        // Whatever is published once listening has begun is heard.
        two.feed.listen(true).await;
        let number = 1_000 + round;
        one.publish(number..number + 1);
        assert_eq!(two.hear_until(footfall_conformance::id(number)).await, (ids(number..number + 1), 0));
        two.feed.listen(false).await;
        until("nobody is subscribed", || async {
            redis.command(&["PUBSUB", "NUMSUB", "quiet:live"]).ends_with('0')
        })
        .await;
        one.publish(5_000..5_010);
    }
}

#[tokio::test]
async fn what_finds_no_room_is_told_as_missed() {
    let redis = Redis::start();
    let one = Instance::open(&redis, "full");
    let two = Instance::listening(&redis, "full").await;
    one.publish(0..1);
    assert_eq!(two.hear_until(footfall_conformance::id(0)).await.0, ids(0..1));
    redis.pause();
    // More than the queue holds, whichever of it waits where.
    let mut published = 1;
    let large: Vec<_> = (1..101)
        .map(|number| {
            Draft::view(number, instant("2025-05-26T12:00"), "ann", &format!("/{}", "x".repeat(2_000)))
        })
        .collect();
    let large = batch_of(&large);
    for _ in 0..200 {
        one.feed.publish(&Accepted::all(Arc::clone(&large)).unwrap());
        published += 100;
    }
    let since = Instant::now();
    one.publish(7_000..7_001);
    assert!(since.elapsed() < Duration::from_millis(100), "nobody waits");
    redis.resume();
    // Until Redis is used again, and then to the end of it.
    let (mut number, mut heard, mut missed) = (8_000, 1, 0);
    let mut last = footfall_conformance::id(u128::MAX);
    published += 1;
    while last < footfall_conformance::id(8_000) || last == footfall_conformance::id(u128::MAX) {
        one.publish(number..number + 1);
        (number, published) = (number + 1, published + 1);
        while let Ok(next) = tokio::time::timeout(Duration::from_millis(200), two.feed.next()).await {
            match next {
                Carried::Events(accepted) => {
                    heard += accepted.len();
                    last = accepted.iter().last().unwrap().id();
                }
                Carried::Missed(events) => missed += events as usize,
            }
        }
        assert!(number < 8_100, "it never comes back");
    }
    assert!(missed > 0);
    assert_eq!(heard + missed, published, "each is heard or counted");
}

#[tokio::test]
async fn a_broken_subscription_comes_back_and_the_gap_is_counted() {
    let redis = Redis::start();
    let one = Instance::open(&redis, "broken");
    let two = Instance::listening(&redis, "broken").await;
    one.publish(0..10);
    assert_eq!(two.hear_until(footfall_conformance::id(9)).await, (ids(0..10), 0));
    redis.kill();
    one.publish(10..15);
    // Who begins to listen now isn't kept waiting.
    let since = Instant::now();
    two.feed.listen(true).await;
    assert!(since.elapsed() < Duration::from_secs(3), "{:?}", since.elapsed());
    tokio::time::sleep(Duration::from_millis(500)).await;
    redis.start_again();
    until("it is subscribed again", || async {
        redis.command(&["PUBSUB", "NUMSUB", "broken:live"]).ends_with('1')
    })
    .await;
    until("it is asked again", || async { !one.store.stats().is_open }).await;
    let mut number = 15;
    loop {
        one.publish(number..number + 1);
        number += 1;
        let Ok(next) = tokio::time::timeout(Duration::from_millis(300), two.feed.next()).await else {
            assert!(number < 200, "it never comes back");
            continue;
        };
        // All that was published before the first one that arrives is missing.
        let Carried::Missed(missed) = next else { panic!("{next:?}") };
        let Carried::Events(accepted) = two.feed.next().await else { panic!("events follow a gap") };
        assert_eq!(accepted.get(0).id(), footfall_conformance::id(10 + u128::from(missed)));
        break;
    }
}

#[tokio::test]
async fn what_is_no_message_is_passed_over() {
    let redis = Redis::start();
    let one = Instance::open(&redis, "noise");
    let two = Instance::listening(&redis, "noise").await;
    for noise in ["", "hello", "\u{1}aaaaaaaabbbbbbbbcccc"] {
        redis.command(&["PUBLISH", "noise:live", noise]);
    }
    one.publish(0..3);
    assert_eq!(two.hear_until(footfall_conformance::id(2)).await, (ids(0..3), 0));
}
