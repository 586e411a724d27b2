//! Erasing on one instance while others know the user too.

use footfall_conformance::events::{after, mixed, spread};
use footfall_conformance::expected::Expected;
use footfall_conformance::{Draft, Reference};
use footfall_ports::EventLog;
use footfall_ports::Outcome::{Duplicate, Stored};
use footfall_test_services::Postgres;

use crate::support::{append, open, open_many};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_instance_forgets() {
    let url = Postgres::shared().database();
    let stores = open_many(&url, 3).await;
    let events = mixed(0..3_000);
    for (place, part) in events.chunks(100).enumerate() {
        append(&stores[place % 3], part).await;
    }
    let mut reference = Reference::default();
    reference.append(&events);
    for (store, user) in stores.iter().zip(["user-7", "user-8", "user-9"]) {
        assert_eq!(store.erase_user(user.into()).await.unwrap(), reference.erase(user), "{user}");
        assert_eq!(store.erase_user(user.into()).await.unwrap(), 0, "{user}");
    }
    for store in &stores {
        Expected::of_reference(&reference).holds_for(store).await;
        assert!(append(store, &events).await.iter().all(|outcome| *outcome == Duplicate));
    }
    stores[0].maintain().await.unwrap();
    let again = Draft::view(9_999, after(0), "user-7", "/0");
    assert_eq!(append(&stores[1], std::slice::from_ref(&again)).await, [Stored]);
    reference.append(&[again]);
    for store in &stores {
        Expected::of_reference(&reference).holds_for(store).await;
    }
    Expected::of_reference(&reference).holds_for(&open(&url).await).await;
}

/// More events than are looked up at a time, in blocks that hold both what goes and what stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_who_comes_again_in_great_number() {
    let url = Postgres::shared().database();
    let stores = open_many(&url, 2).await;
    let views = |numbers: std::ops::Range<u128>| -> Vec<Draft> {
        numbers.map(|number| Draft::view(spread(number), after(number as i64), "ann", "/0")).collect()
    };
    let mut reference = Reference::default();
    append(&stores[0], &views(0..1_000)).await;
    reference.append(&views(0..1_000));
    assert_eq!(stores[1].erase_user("ann".into()).await.unwrap(), reference.erase("ann"));
    for part in views(1_000..8_000).chunks(700) {
        append(&stores[0], part).await;
        reference.append(part);
    }
    for store in [&stores[0], &stores[1], &open(&url).await] {
        Expected::of_reference(&reference).holds_for(store).await;
    }
}

/// The one that erases finds that it has to take everything in anew, and so can't tell where the events are.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_that_was_away_erases() {
    let server = Postgres::shared();
    let url = server.database();
    let stores = open_many(&url, 2).await;
    let events = mixed(0..1_000);
    append(&stores[0], &events).await;
    let mut reference = Reference::default();
    reference.append(&events);
    stores[0].erase_user("user-1".into()).await.unwrap();
    reference.erase("user-1");
    server.sql(&url, "DELETE FROM erasures");
    stores[1].erase_user("user-2".into()).await.unwrap();
    reference.erase("user-2");
    server.sql(&url, "DELETE FROM erasures");
    for store in [&stores[0], &stores[1], &open(&url).await] {
        Expected::of_reference(&reference).holds_for(store).await;
    }
}

/// Nothing of the person is left in the tables.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_in_the_tables() {
    let server = Postgres::shared();
    let url = server.database();
    let store = open(&url).await;
    let mut events = mixed(0..500);
    events.push(Draft::view(7_777, after(5), "somebody-very-special", "/0"));
    append(&store, &events).await;
    store.maintain().await.unwrap();
    store.erase_user("somebody-very-special".into()).await.unwrap();
    server.sql(&url, "UPDATE erasures SET done_at = done_at - interval '1 hour'");
    store.maintain().await.unwrap();
    assert_eq!(server.sql(&url, "SELECT count(*) FROM erasures"), "0");
    events.pop();
    let mut known = Expected::of(&events);
    known.holds_for(&store).await;
    drop(store);
    let store = open(&url).await;
    known = Expected::of(&events);
    known.holds_for(&store).await;
    let dump = server.sql(&url, "SELECT count(*) FROM blocks WHERE position('somebody'::bytea IN value) > 0");
    assert_eq!(dump, "0");
}

/// An instance notes that it erases, and is gone: another one finishes it, and everyone has forgotten at once.
#[tokio::test(flavor = "multi_thread")]
async fn what_one_leaves_unfinished_another_finishes() {
    let server = Postgres::shared();
    let url = server.database();
    let store = open(&url).await;
    let events = mixed(0..1_000);
    append(&store, &events).await;
    server.sql(
        &url,
        "BEGIN; UPDATE facts SET value = value + 1 WHERE name = 'erasures';
         INSERT INTO erasures (number, user_id, lanes, nexts)
         SELECT (SELECT value FROM facts WHERE name = 'erasures'), 'user-7', array_agg(lane), array_agg(next) FROM lanes; COMMIT;",
    );
    let mut reference = Reference::default();
    reference.append(&events);
    reference.erase("user-7");
    let left = || server.sql(&url, "SELECT count(*) FROM erasures WHERE done_at IS NULL");
    assert_eq!(left(), "1");
    store.maintain().await.unwrap();
    assert_eq!(left(), "0");
    Expected::of_reference(&reference).holds_for(&store).await;
    drop(store);
    Expected::of_reference(&reference).holds_for(&open(&url).await).await;
}

/// One that hasn't heard of an erasure for so long that the note of it is gone takes everything in anew.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_was_away_for_long() {
    let server = Postgres::shared();
    let url = server.database();
    let stores = open_many(&url, 2).await;
    let events = mixed(0..1_000);
    append(&stores[0], &events).await;
    Expected::of(&events).holds_for(&stores[1]).await;
    let mut reference = Reference::default();
    reference.append(&events);
    for user in ["user-1", "user-2"] {
        stores[0].erase_user(user.into()).await.unwrap();
        reference.erase(user);
    }
    server.sql(&url, "DELETE FROM erasures");
    Expected::of_reference(&reference).holds_for(&stores[1]).await;
}
