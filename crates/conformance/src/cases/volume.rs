//! Many events, users and pages: where stores change over to other structures.

use footfall_domain::answers::{EventFilter, Metric, Order, PageOrder, SeriesFilter, Slice};
use footfall_domain::time::{DAY_US, HOUR_US, MINUTE_US, TimeRange, Timestamp};
use footfall_ports::Outcome::{Duplicate, Stored};

use crate::{Draft, Trial, id, instant, range, user_names};

fn noon() -> Timestamp {
    instant("2025-05-26T12:00")
}

fn after(micros: i64) -> Timestamp {
    noon().plus_micros(micros)
}

/// The largest batch that the API takes, some of it duplicates.
pub async fn ten_thousand_events_in_a_batch(mut trial: Trial) {
    let users = user_names(700);
    let drafts: Vec<Draft> = (0..10_000_u128)
        .map(|number| {
            let at = after((number as i64 * 7_919 % 10_000) * 30 * MINUTE_US / 60);
            let user = &users[number as usize % 700];
            match number % 3 {
                0 => Draft::plain(number / 2 * 2, at, user, "click"),
                _ => Draft::view(number / 2 * 2, at, user, &format!("/{}", number % 50)),
            }
        })
        .collect();
    let outcomes = trial.append(&drafts).await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Stored).count(), 5_000);
    assert_eq!(trial.append(&drafts).await, vec![Duplicate; 10_000]);
    let all = range(noon(), after(5 * DAY_US));
    assert_eq!(trial.summary(all).await.total_events, 5_000);
    trial.top_pages(all, PageOrder::Visitors, 100).await;
    trial.top_pages(range(after(7), after(3 * HOUR_US + 7)), PageOrder::Views, 7).await;
    trial.series(Metric::Visitors, SeriesFilter::default(), vec![all]).await;
    let slice = Slice { order: Order::Descending, after: Some((after(DAY_US), id(500))), limit: 1_000 };
    trial.events(EventFilter::default(), slice).await;
}

/// The visitors of one page, one more at a time where a store may change how it keeps them, and then by the hundred.
pub async fn visitors_of_a_page_grow_by_the_thousand(mut trial: Trial) {
    let users = user_names(3_000);
    let day = range(noon().floor_to(DAY_US), noon().floor_to(DAY_US).plus_micros(DAY_US));
    let mut number = 0;
    let mut seen = 0;
    let steps = [1, 1, 1, 250, 2, 254, 1, 1, 1, 1, 1, 1, 509, 1, 1, 1, 973];
    for step in steps {
        let mut drafts = Vec::new();
        for user in &users[seen..seen + step] {
            number += 1;
            drafts.push(Draft::view(number, after(number as i64 * 3), user, "/busy"));
        }
        seen += step;
        // Some who were there before, in the same batch: they are not new.
        for user in users[..seen].iter().step_by(7) {
            number += 1;
            drafts.push(Draft::view(number, after(number as i64 * 3), user, "/busy"));
        }
        trial.append(&drafts).await;
        let (visitors, views) = trial.page("/busy", day).await;
        assert_eq!((visitors, u128::from(views)), (seen as u64, number));
        let cut = range(after(100), after(30_000_000));
        trial.page("/busy", cut).await;
        assert_eq!(trial.series(Metric::Visitors, SeriesFilter::default(), vec![day]).await, [seen as u64]);
    }
    assert_eq!(seen, 2_000);
}

/// Distinct visitors over many hours: the same few thousand come again and again.
pub async fn visitors_who_come_again_count_once(mut trial: Trial) {
    let users = user_names(2_500);
    let mut number = 0;
    for hour in 0..12_i64 {
        let drafts: Vec<Draft> = (0..600_usize)
            .map(|step| {
                number += 1;
                let user = &users[(hour as usize * 400 + step * 3) % 2_500];
                Draft::view(
                    number,
                    after(hour * 5 * HOUR_US + step as i64 * 5_000_000),
                    user,
                    ["/a", "/b"][step % 2],
                )
            })
            .collect();
        trial.append(&drafts).await;
    }
    for (from, to) in [(0, 1), (0, 12), (3, 9), (11, 12)] {
        let whole = range(after(from * 5 * HOUR_US), after(to * 5 * HOUR_US));
        let cut =
            range(after(from * 5 * HOUR_US + 17), after(to * 5 * HOUR_US - 4 * HOUR_US - 17 * MINUTE_US));
        for range in [whole, cut] {
            trial.page("/a", range).await;
            trial.summary(range).await;
            trial.top_pages(range, PageOrder::Visitors, 2).await;
        }
    }
    let ranges = (0..60).map(|hour| range(after(hour * HOUR_US), after((hour + 1) * HOUR_US))).collect();
    trial.series(Metric::Visitors, SeriesFilter { event_type: None, page: Some("/b".into()) }, ranges).await;
}

/// Thousands of pages, some with one visitor and some with many.
pub async fn thousands_of_pages(mut trial: Trial) {
    let users = user_names(1_200);
    let pages: Vec<String> = (0..3_000).map(|number| format!("https://example.com/{number}")).collect();
    let drafts: Vec<Draft> = (0..9_000_usize)
        .map(|number| {
            let page = &pages[if number % 3 == 0 { number / 3 } else { number % 13 }];
            let at = after((number as i64 * 31 % 9_000) * 40_000_000);
            Draft::view(number as u128, at, &users[number * 17 % 1_200], page)
        })
        .collect();
    for part in drafts.chunks(1_500) {
        trial.append(part).await;
    }
    let ranges =
        [range(noon(), after(30 * DAY_US)), range(after(HOUR_US + 1), after(2 * DAY_US - 1)), TimeRange::ALL];
    for range in ranges {
        for limit in [1, 13, 20, 1_000] {
            trial.top_pages(range, PageOrder::Visitors, limit).await;
            trial.top_pages(range, PageOrder::Views, limit).await;
        }
        trial.page(&pages[3], range).await;
        trial.page(&pages[2_999], range).await;
    }
}

/// Thousands of events that come newest first, one batch after another.
pub async fn events_in_reverse(mut trial: Trial) {
    let users = user_names(90);
    let mut drafts: Vec<Draft> = (0..4_000_usize)
        .map(|number| {
            Draft::view(number as u128, after(number as i64 * 4_000_000), &users[number % 90], "/back")
        })
        .collect();
    drafts.reverse();
    for part in drafts.chunks(61) {
        trial.append(part).await;
    }
    assert_eq!(trial.page("/back", TimeRange::ALL).await, (90, 4_000));
    for (from, to) in
        [(0, HOUR_US), (1, 2 * HOUR_US + 1), (HOUR_US - 1, HOUR_US + 1), (17 * MINUTE_US, 4 * HOUR_US)]
    {
        trial.page("/back", range(after(from), after(to))).await;
        trial.summary(range(after(from), after(to))).await;
    }
    assert_eq!(trial.walk(&EventFilter::default(), Order::Ascending, 1_000).await.len(), 4_000);
}
