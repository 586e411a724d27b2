//! Listing events: order, cursors, filters and bounds.

use footfall_domain::answers::{EventFilter, Order, Slice};
use footfall_domain::event::EventId;
use footfall_domain::time::{DAY_US, HOUR_US, MINUTE_US, TimeRange, Timestamp};

use crate::trial::position_of;
use crate::{Draft, Trial, id, instant, range};

const BOTH: [Order; 2] = [Order::Ascending, Order::Descending];

fn noon() -> Timestamp {
    instant("2025-05-26T12:00")
}

fn ids(events: &[Draft]) -> Vec<EventId> {
    events.iter().map(|event| event.id).collect()
}

/// Forty events over some days, of all kinds, several at one instant, and not in order.
fn mixed() -> Vec<Draft> {
    let mut drafts = Vec::new();
    for number in 0..40_u128 {
        let step = (number * 17 % 40) as i64;
        let at = noon().plus_micros(step / 4 * 7 * HOUR_US);
        let user = ["ann", "bob", "ann b", ""][number as usize % 3];
        drafts.push(match number % 5 {
            0 | 1 => Draft::view(1_000 - number, at, user, ["/a", "/b", "example.com"][number as usize % 3]),
            2 => Draft::plain(1_000 - number, at, user, "click"),
            3 => Draft::mail(1_000 - number, at, "delivered", ["example.com", "/a"][number as usize % 2]),
            _ => Draft::mail(1_000 - number, at, "bounced", "example.com"),
        });
    }
    drafts
}

/// By time and then by identity, either way.
pub async fn order_is_time_and_then_identity(mut trial: Trial) {
    let at = |micros: i64| noon().plus_micros(micros);
    let numbers = [(5, 0), (1, 2), (9, 0), (2, 1), (7, 0), (3, -HOUR_US), (4, 2), (u128::MAX, 1), (0, 1)];
    for (number, micros) in numbers {
        trial.append(&[Draft::view(number, at(micros), "ann", "/")]).await;
    }
    let slice = Slice { order: Order::Ascending, after: None, limit: 100 };
    let expected = [3, 5, 7, 9, 0, 2, u128::MAX, 1, 4].map(id);
    assert_eq!(ids(&trial.events(EventFilter::default(), slice).await), expected);
    let slice = Slice { order: Order::Descending, ..slice };
    let mut reversed = expected;
    reversed.reverse();
    assert_eq!(ids(&trial.events(EventFilter::default(), slice).await), reversed);
}

/// Slices of any size make up the list, nothing left out or twice.
pub async fn cursors_walk_with_any_limit(mut trial: Trial) {
    let drafts = mixed();
    for part in drafts.chunks(7) {
        trial.append(part).await;
    }
    for order in BOTH {
        for limit in [1, 2, 3, 4, 5, 7, 39, 40, 41, 1_000] {
            let walked = trial.walk(&EventFilter::default(), order, limit).await;
            assert_eq!(walked.len(), drafts.len(), "{order:?}, {limit} at a time");
        }
    }
}

/// A thousand events of one microsecond, walked in small slices.
pub async fn cursors_walk_through_one_instant(mut trial: Trial) {
    let drafts: Vec<Draft> =
        (0..1_000_u128).map(|number| Draft::view(number * 7_919 % 1_000, noon(), "ann", "/")).collect();
    for part in drafts.chunks(97) {
        trial.append(part).await;
    }
    for order in BOTH {
        let walked = trial.walk(&EventFilter::default(), order, 37).await;
        assert_eq!(walked.len(), 1_000);
    }
}

/// Events that arrive between slices, before, at and after the cursor, disturb nothing that was there.
pub async fn cursors_hold_while_events_arrive(mut trial: Trial) {
    let drafts = mixed();
    trial.append(&drafts).await;
    let mut number = 10_000_u128;
    for order in BOTH {
        let there = trial.walk(&EventFilter::default(), order, 1_000).await;
        let mut seen: Vec<Draft> = Vec::new();
        loop {
            let after = seen.last().map(position_of);
            let slice = trial.events(EventFilter::default(), Slice { order, after, limit: 3 }).await;
            let Some(last) = slice.last().cloned() else { break };
            seen.extend(slice);
            // Only behind the cursor or at its instant, or the walk would never end.
            let back = if order == Order::Ascending { -1 } else { 1 };
            let arriving = [0, 1, MINUTE_US, 3 * HOUR_US, 30 * DAY_US].map(|distance| {
                number += 1;
                let number = if back < 0 { number.wrapping_neg() } else { number };
                Draft::view(
                    number ^ u128::from(distance == 0),
                    last.at.plus_micros(back * distance),
                    "new",
                    "/new",
                )
            });
            trial.append(&arriving).await;
        }
        let mut positions: Vec<_> = seen.iter().map(position_of).collect();
        let ascending = order == Order::Ascending;
        assert!(positions.is_sorted_by(|left, right| (left < right) == ascending && left != right));
        positions.sort_unstable();
        for event in &there {
            assert!(positions.binary_search(&position_of(event)).is_ok(), "{event:?} was left out");
        }
    }
}

/// Every combination of filters, of names that are stored and names that aren't, and of ranges.
pub async fn every_filter_and_combination(mut trial: Trial) {
    trial.append(&mixed()).await;
    let some = |name: &str| Some(name.to_owned());
    let users = [None, some("ann"), some("ann b"), some("an"), some("")];
    let types = [None, some("page_view"), some("click"), some("bounced"), some("signup")];
    let pages = [None, some("/a"), some("example.com"), some("/never")];
    let domains = [None, some("example.com"), some("/a"), some("never.example")];
    let ranges = [
        TimeRange::ALL,
        range(noon(), noon().plus_micros(1)),
        range(noon().plus_micros(1), noon().plus_micros(DAY_US)),
    ];
    for user in &users {
        for event_type in &types {
            for page in &pages {
                for domain in &domains {
                    for range in ranges {
                        let [user, event_type, page, domain] =
                            [user, event_type, page, domain].map(Clone::clone);
                        let filter = EventFilter { user, event_type, page, domain, range };
                        trial
                            .events(
                                filter.clone(),
                                Slice { order: Order::Ascending, after: None, limit: 100 },
                            )
                            .await;
                        trial.events(filter, Slice { order: Order::Descending, after: None, limit: 2 }).await;
                    }
                }
            }
        }
    }
}

/// A page and a domain may be written alike, and are not the same thing.
pub async fn a_page_is_no_domain(mut trial: Trial) {
    trial.append(&[Draft::view(1, noon(), "ann", "same"), Draft::mail(2, noon(), "delivered", "same")]).await;
    let slice = Slice { order: Order::Ascending, after: None, limit: 10 };
    let of_page = EventFilter { page: Some("same".into()), ..EventFilter::default() };
    let of_domain = EventFilter { domain: Some("same".into()), ..EventFilter::default() };
    let of_both = EventFilter { domain: Some("same".into()), ..of_page.clone() };
    assert_eq!(ids(&trial.events(of_page, slice).await), [id(1)]);
    assert_eq!(ids(&trial.events(of_domain, slice).await), [id(2)]);
    assert!(trial.events(of_both, slice).await.is_empty());
}

/// Filters walk with cursors like the whole list does.
pub async fn filtered_lists_walk(mut trial: Trial) {
    trial.append(&mixed()).await;
    let filters = [
        EventFilter { user: Some("ann".into()), ..EventFilter::default() },
        EventFilter { event_type: Some("bounced".into()), ..EventFilter::default() },
        EventFilter { page: Some("/a".into()), ..EventFilter::default() },
        EventFilter { domain: Some("example.com".into()), ..EventFilter::default() },
        EventFilter { range: range(noon(), noon().plus_micros(DAY_US)), ..EventFilter::default() },
    ];
    for filter in filters {
        for order in BOTH {
            for limit in [1, 2, 5] {
                assert!(!trial.walk(&filter, order, limit).await.is_empty());
            }
        }
    }
}

/// `from` is in, `to` is out, to the microsecond.
pub async fn bounds_are_half_open_to_the_microsecond(mut trial: Trial) {
    let hour = noon().plus_micros(HOUR_US);
    let instants: Vec<Timestamp> =
        [noon(), hour].into_iter().flat_map(|at| [-1, 0, 1].map(|micros| at.plus_micros(micros))).collect();
    let drafts: Vec<Draft> = instants
        .iter()
        .enumerate()
        .map(|(number, at)| Draft::view(number as u128, *at, "ann", "/"))
        .collect();
    trial.append(&drafts).await;
    for order in BOTH {
        let slice = Slice { order, after: None, limit: 100 };
        for (first, from) in instants.iter().enumerate() {
            for (end, to) in instants.iter().enumerate().skip(first + 1) {
                let filter = EventFilter { range: range(*from, *to), ..EventFilter::default() };
                assert_eq!(trial.events(filter, slice).await.len(), end - first);
            }
        }
    }
}

/// A cursor may name any place: one where no event is (any more), before the range, or after it.
pub async fn a_cursor_may_be_any_place(mut trial: Trial) {
    trial.append(&mixed()).await;
    let ranges = [TimeRange::ALL, range(noon().plus_micros(7 * HOUR_US), noon().plus_micros(42 * HOUR_US))];
    let instants =
        [0, 1, -1, 7 * HOUR_US, 7 * HOUR_US - 1, 42 * HOUR_US, 42 * HOUR_US - 1, 300 * DAY_US, -300 * DAY_US];
    let mut places: Vec<Timestamp> = instants.iter().map(|micros| noon().plus_micros(*micros)).collect();
    places.extend([Timestamp::MIN, Timestamp::MAX]);
    for range in ranges {
        for at in &places {
            for number in [0, 960, 985, u128::MAX] {
                for order in BOTH {
                    let slice = Slice { order, after: Some((*at, id(number))), limit: 6 };
                    trial.events(EventFilter { range, ..EventFilter::default() }, slice).await;
                }
            }
        }
    }
}
