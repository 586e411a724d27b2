//! What expired is in no answer of any instance, and its room comes back.

use std::time::Duration;

use footfall_conformance::Draft;
use footfall_conformance::events::{after, event};
use footfall_conformance::expected::Expected;
use footfall_domain::time::{DAY_US, HOUR_US};
use footfall_ports::EventLog;
use footfall_ports::Outcome::Stored;
use footfall_test_services::Postgres;

use crate::support::{TestClock, append, opened, options};

const HOUR: Duration = Duration::from_hours(1);

/// Some events in each of so many hours up to the start.
fn hourly(numbers: std::ops::Range<u128>, hours: i64) -> Vec<Draft> {
    numbers.map(|number| event(number, after(-(number as i64 % hours) * HOUR_US))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_events_go_everywhere() {
    let server = Postgres::shared();
    let url = server.database();
    let clock = TestClock::at("2025-05-26T12:00");
    let keep = |hours: Option<u32>| {
        let mut options = options(&url);
        options.retention = hours.map(|hours| HOUR * hours);
        options.clock = std::sync::Arc::new(clock.clone());
        opened(options)
    };
    let (one, other) = (keep(Some(20)).await.unwrap(), keep(Some(20)).await.unwrap());
    let drafts = hourly(0..2_000, 20);
    for (place, part) in drafts.chunks(100).enumerate() {
        append(if place % 2 == 0 { &one } else { &other }, part).await;
    }
    one.maintain().await.unwrap();
    Expected::of(&drafts).holds_for(&other).await;
    for hours_on in [0, 1, 7, 19] {
        clock.set(after(hours_on * HOUR_US));
        other.maintain().await.unwrap();
        let floor = after(hours_on * HOUR_US - 20 * HOUR_US);
        let kept: Vec<Draft> = drafts.iter().filter(|draft| draft.at >= floor).cloned().collect();
        for store in [&one, &other] {
            Expected::of(&kept).holds_for(store).await;
            for draft in drafts.iter().filter(|draft| draft.at < floor) {
                assert!(store.event(draft.id).await.unwrap().is_none());
            }
        }
        Expected::of(&kept).holds_for(&keep(Some(20)).await.unwrap()).await;
        let known: usize = server.sql(&url, "SELECT count(*) FROM event_ids").parse().unwrap();
        assert_eq!(known, kept.len(), "identities go with their events");
    }
    clock.set(after(3 * DAY_US));
    one.maintain().await.unwrap();
    assert_eq!(server.sql(&url, "SELECT count(*) FROM blocks"), "0");
    assert_eq!(server.sql(&url, "SELECT count(*) FROM checkpoints"), "0");
    let again: Vec<Draft> =
        drafts.iter().map(|draft| Draft { at: after(3 * DAY_US), ..draft.clone() }).collect();
    assert!(append(&one, &again).await.iter().all(|outcome| *outcome == Stored), "identities are free again");
    Expected::of(&again).holds_for(&other).await;
    other.maintain().await.unwrap();
    Expected::of(&again).holds_for(&one).await;
}

/// Whoever lengthens retention may go on to import what is older than it was; what was dropped stays so.
#[tokio::test(flavor = "multi_thread")]
async fn older_events_are_kept_once_retention_is_longer() {
    for retention in [None, Some(HOUR * 200)] {
        let url = Postgres::shared().database();
        let clock = TestClock::at("2025-05-26T12:00");
        let keep = |retention| {
            let mut options = options(&url);
            options.retention = retention;
            options.clock = std::sync::Arc::new(clock.clone());
            opened(options)
        };
        let short = keep(Some(HOUR * 20)).await.unwrap();
        let drafts = hourly(0..600, 30);
        append(&short, &drafts).await;
        short.maintain().await.unwrap();
        let kept: Vec<Draft> = drafts.into_iter().filter(|draft| draft.at >= after(-20 * HOUR_US)).collect();
        Expected::of(&kept).holds_for(&short).await;
        let store = keep(retention).await.unwrap();
        let older: Vec<Draft> = (1_000..1_400).map(|number| event(number, after(-50 * HOUR_US))).collect();
        assert!(append(&store, &older).await.iter().all(|outcome| *outcome == Stored));
        let all: Vec<Draft> = kept.into_iter().chain(older).collect();
        Expected::of(&all).holds_for(&store).await;
        Expected::of(&all).holds_for(&keep(retention).await.unwrap()).await;
    }
}

/// A checkpoint may hold events whose blocks were dropped as a whole: they must not come back with it.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_comes_back_from_a_checkpoint() {
    let url = Postgres::shared().database();
    let clock = TestClock::at("2025-05-26T12:00");
    let keep = |hours: u32| {
        let mut options = options(&url);
        options.retention = Some(HOUR * hours);
        options.clock = std::sync::Arc::new(clock.clone());
        opened(options)
    };
    let short = keep(10).await.unwrap();
    let old: Vec<Draft> = (0..300).map(|number| event(number, after(-9 * HOUR_US))).collect();
    let new: Vec<Draft> = (300..600).map(|number| event(number, after(0))).collect();
    append(&short, &old).await;
    append(&short, &new).await;
    short.maintain().await.unwrap();
    clock.set(after(5 * HOUR_US));
    short.maintain().await.unwrap();
    Expected::of(&new).holds_for(&short).await;
    let long = keep(1_000).await.unwrap();
    Expected::of(&new).holds_for(&long).await;
    Expected::of(&new).holds_for(&short).await;
    long.maintain().await.unwrap();
    Expected::of(&new).holds_for(&keep(1_000).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_that_are_cut_stay() {
    let clock = TestClock::at("2025-05-26T02:00");
    let mut options = options(&Postgres::shared().database());
    options.retention = Some(HOUR * 3);
    options.clock = std::sync::Arc::new(clock.clone());
    let store = opened(options).await.unwrap();
    let backend = footfall_conformance::Backend::of(std::sync::Arc::new(store.clone()));
    footfall_conformance::windows_that_are_cut_stay(&backend, &clock, async || {
        store.maintain().await.unwrap();
    })
    .await;
}
