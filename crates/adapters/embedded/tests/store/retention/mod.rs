//! Events past their retention are gone from everything, and what they took comes back.

mod answers;
mod concurrent;
mod disk;
mod off;
mod runs;

use std::time::Duration;

use footfall_conformance::{Answer, Backend, Draft, Query, Reference, id};
use footfall_domain::answers::{EventFilter, Metric, Order, PageOrder, SeriesFilter, Slice};
use footfall_domain::time::{HOUR_US, TimeRange, Timestamp};

const HOUR: Duration = Duration::from_hours(1);

/// The first instant that is kept, for a retention in hours: whole hours are dropped.
fn floor(now: Timestamp, retention_hours: i64) -> Timestamp {
    now.plus_micros(-retention_hours * HOUR_US).floor_to(HOUR_US)
}

/// Asks everything about ranges that lie in what is kept or reach before it, and for each event, and expects what the
/// events since the floor alone give.
async fn agrees(backend: &Backend, stored: &[Draft], floor: Timestamp, until: Timestamp) {
    let mut reference = Reference::default();
    reference.append(&stored.iter().filter(|draft| draft.at >= floor).cloned().collect::<Vec<_>>());
    let starts = [-100 * HOUR_US, -1, 0, 1, HOUR_US + 17].map(|micros| floor.plus_micros(micros));
    let ends = [floor, floor.plus_micros(1), floor.plus_micros(3 * HOUR_US + 5), until];
    for from in starts {
        for to in ends {
            let Some(range) = TimeRange::new(from, to) else { continue };
            for query in questions(range, floor) {
                let answer = query.ask(backend).await.expect("an answer");
                assert_eq!(answer, reference.answer(&query), "{query:?}");
            }
        }
    }
    for draft in stored {
        let event = Query::Event(draft.id).ask(backend).await.expect("an answer");
        assert_eq!(event, Answer::Event((draft.at >= floor).then(|| draft.clone())), "{draft:?}");
    }
    assert_eq!(backend.analytics.verify().await.expect("an answer"), Vec::<String>::new());
}

fn questions(range: TimeRange, floor: Timestamp) -> Vec<Query> {
    let mut queries = vec![
        Query::Summary(range),
        Query::TopPages(range, PageOrder::Visitors, 10),
        Query::TopPages(range, PageOrder::Views, 1_000),
    ];
    for order in [Order::Ascending, Order::Descending] {
        let filter = EventFilter { range, ..EventFilter::default() };
        queries.push(Query::Events(filter.clone(), Slice { order, after: None, limit: 1_000 }));
        let filter = EventFilter { page: Some("/0".into()), ..filter };
        queries.push(Query::Events(filter, Slice { order, after: Some((floor, id(9))), limit: 10 }));
    }
    queries.extend(["/0", "/1", "/old"].map(|page| Query::Page(page.into(), range)));
    for metric in [Metric::Events, Metric::Visitors, Metric::PageViews] {
        queries.extend([None, Some("click"), Some("delivered")].map(|event_type| {
            let filter = SeriesFilter { event_type: event_type.map(Into::into), page: None };
            Query::Series(metric, filter, vec![range])
        }));
    }
    queries
}
