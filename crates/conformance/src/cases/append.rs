//! Storing events, once each, and finding them again by their identities.

use footfall_domain::answers::{EventFilter, Metric, Order, PageOrder, SeriesFilter, Slice};
use footfall_domain::time::{HOUR_US, TimeRange, Timestamp};
use footfall_ports::Outcome::{Duplicate, Stored};

use crate::{Draft, Topic, Trial, batch_of, id, instant, range};

fn noon() -> Timestamp {
    instant("2025-05-26T12:00")
}

fn hour() -> TimeRange {
    range(noon(), noon().plus_micros(HOUR_US))
}

/// Outcomes stand in the order of the batch; an empty batch has none.
pub async fn outcomes_follow_the_batch(mut trial: Trial) {
    assert!(trial.append(&[]).await.is_empty());
    let events = [1, 2, 3].map(|number| Draft::view(number, noon(), "ann", "/"));
    assert_eq!(trial.append(&events).await, [Stored; 3]);
    let mixed = [4, 2, 5, 1, 6].map(|number| Draft::view(number, noon(), "ann", "/"));
    assert_eq!(trial.append(&mixed).await, [Stored, Duplicate, Stored, Duplicate, Stored]);
    assert_eq!(trial.page("/", hour()).await, (1, 6));
}

/// Of several events with one identity in a batch the first is stored.
pub async fn duplicates_within_a_batch_count_once(mut trial: Trial) {
    let events = [
        Draft::view(1, noon(), "ann", "/a"),
        Draft::view(2, noon(), "bob", "/a"),
        Draft::view(1, noon().plus_micros(1), "cid", "/b"),
        Draft::plain(1, noon(), "dan", "click"),
        Draft::view(2, noon(), "bob", "/a"),
        Draft::view(3, noon(), "ann", "/a"),
    ];
    assert_eq!(trial.append(&events).await, [Stored, Stored, Duplicate, Duplicate, Duplicate, Stored]);
    assert_eq!(trial.event(id(1)).await.as_ref(), Some(&events[0]));
    assert_eq!((trial.page("/a", hour()).await, trial.page("/b", hour()).await), ((2, 3), (0, 0)));
    assert_eq!(trial.summary(hour()).await.unique_users, 2);
}

/// A batch that was stored may be sent again, whole or in part, any number of times.
pub async fn duplicates_across_batches_change_no_figure(mut trial: Trial) {
    let events: Vec<Draft> = (0..50).map(|number| Draft::view(number, noon(), "ann", "/a")).collect();
    trial.append(&events).await;
    let before = trial.summary(hour()).await;
    for size in [50, 1, 7, 49] {
        assert_eq!(trial.append(&events[..size]).await, vec![Duplicate; size]);
        assert_eq!(trial.summary(hour()).await, before);
    }
    assert_eq!(trial.walk(&EventFilter::default(), Order::Ascending, 100).await.len(), 50);
}

/// What comes later under an identity that is stored leaves no trace: not its user, page, type, domain or time.
pub async fn the_first_one_stored_wins(mut trial: Trial) {
    let first = Draft::view(1, noon(), "ann", "/a").with_properties(r#"{ "page":"/a", "n" : 1 }"#);
    trial.append(std::slice::from_ref(&first)).await;
    let late = noon().plus_micros(-90 * HOUR_US);
    let others = [
        Draft::view(1, noon(), "bob", "/b"),
        Draft::plain(1, late, "cid", "click"),
        Draft::mail(1, late, "bounced", "example.com"),
    ];
    for other in others {
        assert_eq!(trial.append(&[other]).await, [Duplicate]);
    }
    assert_eq!(trial.event(id(1)).await, Some(first));
    let all = range(late, noon().plus_micros(1));
    let summary = trial.summary(all).await;
    assert_eq!((summary.total_events, summary.unique_users), (1, 1));
    assert_eq!(summary.events_by_type.into_iter().collect::<Vec<_>>(), [("page_view".to_owned(), 1)]);
    assert_eq!(trial.page("/b", TimeRange::ALL).await, (0, 0));
    let slice = Slice { order: Order::Ascending, after: None, limit: 10 };
    let of_bob = EventFilter { user: Some("bob".into()), ..EventFilter::default() };
    let of_domain = EventFilter { domain: Some("example.com".into()), ..EventFilter::default() };
    assert!(trial.events(of_bob, slice).await.is_empty() && trial.events(of_domain, slice).await.is_empty());
    trial.agrees_between(&[late, noon(), noon().plus_micros(1)]).await;
}

/// Whatever is asked after an append sees it, without waiting.
pub async fn an_event_is_visible_to_the_next_read(mut trial: Trial) {
    for number in 0..60_u128 {
        let at = noon().plus_micros(number as i64);
        let (user, page) = (format!("user-{number}"), format!("/{number}"));
        trial.append(&[Draft::view(number, at, &user, &page)]).await;
        match number % 6 {
            0 => assert!(trial.event(id(number)).await.is_some()),
            1 => assert_eq!(trial.page(&page, hour()).await, (1, 1)),
            2 => assert_eq!(u128::from(trial.summary(hour()).await.total_events), number + 1),
            3 => assert_eq!(
                trial.series(Metric::Visitors, SeriesFilter::default(), vec![hour()]).await,
                [number as u64 + 1]
            ),
            4 => assert_eq!(trial.top_pages(hour(), PageOrder::Views, 1_000).await.len() as u128, number + 1),
            _ => {
                let slice = Slice { order: Order::Descending, after: None, limit: 1 };
                assert_eq!(trial.events(EventFilter::default(), slice).await[0].id, id(number));
            }
        }
    }
}

/// An identity is all of its 128 bits.
pub async fn events_are_found_by_identity_or_are_absent(mut trial: Trial) {
    let number = 0x0190_A5DA_C967_74BB_CCEB_3020_99A8_057F_u128;
    assert_eq!(trial.event(id(number)).await, None);
    let stored: Vec<Draft> =
        [number, 0, u128::MAX].iter().map(|number| Draft::view(*number, noon(), "ann", "/")).collect();
    trial.append(&stored).await;
    for draft in &stored {
        assert_eq!(trial.event(draft.id).await.as_ref(), Some(draft));
    }
    for bit in 0..128 {
        assert_eq!(trial.event(id(number ^ 1 << bit)).await, None, "bit {bit}");
    }
    let near: Vec<Draft> = (0..128).map(|bit| Draft::view(number ^ 1 << bit, noon(), "ann", "/")).collect();
    assert_eq!(trial.append(&near).await, vec![Stored; 128]);
    assert_eq!(trial.page("/", hour()).await, (1, 131));
}

/// Every part of an event comes back just as it was stored, at the limits too.
pub async fn contents_are_kept_as_sent(mut trial: Trial) {
    let long = "\u{1F600}".repeat(255);
    let large = format!(r#"{{"text":"{}"}}"#, "x".repeat(32 * 1024 - 11));
    assert_eq!(large.len(), 32 * 1024);
    let page = format!("/{}", "p".repeat(8_191));
    let mut drafts = vec![
        Draft::plain(1, noon(), "ann", "click")
            .with_properties("{ \"a\" :\t[1.0, 1e400, \"\\u00e9\"] , \"a\":null}"),
        Draft::plain(2, noon(), &long, &"t".repeat(64)),
        Draft::plain(3, noon(), "\"quoted\" \\ \u{7f}", "purchase").with_properties(large.clone()),
        Draft::view(4, Timestamp::MIN, &long, &page).with_properties(large),
        Draft::view(5, Timestamp::MAX.plus_micros(-1), "ann", "https://example.com/?q=%20"),
        Draft::view(6, instant("1969-12-31T23:59:59.999999Z"), "ann", "/other")
            .with_properties("{\"page\":\"/o%74her\"}"),
        Draft::mail(7, noon(), "delivered", "xn--bcher-kva.example"),
        Draft::mail(8, noon(), "bounced", "example.com").with_properties("{\"domain\":\"EXAMPLE.com\"}"),
    ];
    drafts.push(Draft { user: Some("0".into()), ..Draft::mail(9, noon(), "delivered", "a.example") });
    drafts.push(Draft { topic: Topic::None, ..Draft::plain(10, noon(), " ", "signup") });
    trial.append(&drafts).await;
    for draft in &drafts {
        assert_eq!(trial.event(draft.id).await.as_ref(), Some(draft));
    }
    assert_eq!(trial.walk(&EventFilter::default(), Order::Ascending, 3).await.len(), drafts.len());
    assert_eq!(trial.page(&page, TimeRange::ALL).await, (1, 1));
}

/// One identity with two contents, sent many times by turns: what came first stays.
pub async fn a_retry_with_other_content_never_wins(mut trial: Trial) {
    for number in 0..40 {
        let first = Draft::view(number, noon(), "first", "/first");
        let second = Draft::view(number, noon().plus_micros(HOUR_US), "second", "/second");
        let outcomes = trial.append(&[first.clone(), second.clone(), first.clone()]).await;
        assert_eq!(outcomes, [Stored, Duplicate, Duplicate]);
        assert_eq!(trial.log().append(batch_of(&[second])).await.expect("an answer"), [Duplicate]);
        assert_eq!(trial.event(id(number)).await, Some(first));
    }
    assert_eq!(trial.page("/second", TimeRange::ALL).await, (0, 0));
}

/// A store that works says so.
pub async fn a_working_store_is_healthy(trial: Trial) {
    let states = trial.backend().health.check().await;
    assert!(states.iter().any(|state| state.required), "{states:?}");
    assert!(states.iter().all(|state| state.state.is_ok()), "{states:?}");
}

/// Without events every figure is 0 and every list empty.
pub async fn an_empty_store_answers_everything(trial: Trial) {
    assert_eq!(trial.event(id(1)).await, None);
    assert_eq!(trial.page("/", TimeRange::ALL).await, (0, 0));
    let summary = trial.summary(hour()).await;
    assert_eq!(
        (summary.total_events, summary.events_by_type.len(), summary.events_per_hour.len()),
        (0, 0, 1)
    );
    trial
        .agrees_between(&[
            instant("1960-01-01T00:00"),
            noon(),
            noon().plus_micros(1),
            instant("2031-01-01T00:00"),
        ])
        .await;
}
