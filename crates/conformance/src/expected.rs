//! What a store must answer, counted beforehand, to be held against many stores.

use std::sync::Arc;

use footfall_domain::answers::{EventFilter, Metric, Order, PageOrder, SeriesFilter, Slice};
use footfall_domain::time::{DAY_US, HOUR_US, TimeRange};
use footfall_ports::Store;

use crate::events::after;
use crate::{Answer, Backend, Draft, Query, Reference, range};

/// Questions and their answers.
#[derive(Debug)]
pub struct Expected {
    events: Vec<Draft>,
    answers: Vec<(Query, Answer)>,
}

impl Expected {
    /// What a store with these events answers.
    pub fn of(events: &[Draft]) -> Self {
        let mut reference = Reference::default();
        reference.append(events);
        Self::of_reference(&reference)
    }

    /// What a store answers that went through what the reference did.
    pub fn of_reference(reference: &Reference) -> Self {
        let answer = |query: Query| {
            let answer = reference.answer(&query);
            (query, answer)
        };
        let mut answers: Vec<_> = questions().into_iter().map(answer).collect();
        let mut after = None;
        loop {
            let slice = Slice { order: Order::Ascending, after, limit: 1_000 };
            let (query, events) = answer(Query::Events(EventFilter::default(), slice));
            let Answer::Events(slice) = &events else { unreachable!() };
            let Some(last) = slice.last() else { break };
            after = Some((last.at, last.id));
            answers.push((query, events));
        }
        Self { events: reference.all().to_vec(), answers }
    }

    /// What is wrong with a store: nothing, when every event is there as it was, once, every figure is right, and the
    /// store finds so itself.
    pub async fn flaw_of<S>(&self, store: &S) -> Option<String>
    where
        S: Store + Clone + 'static,
    {
        let backend = Backend::of(Arc::new(store.clone()));
        match backend.analytics.verify().await {
            Ok(differences) if differences.is_empty() => {}
            other => return Some(format!("verify says {other:?}")),
        }
        for (query, expected) in &self.answers {
            match query.ask(&backend).await {
                Ok(answer) if answer == *expected => {}
                other => return Some(format!("asked {query:?}\nexpected {expected:?}\nanswered {other:?}")),
            }
        }
        self.missing_from(&backend).await
    }

    /// The same, as a test's end.
    ///
    /// # Panics
    /// With what is wrong.
    pub async fn holds_for<S>(&self, store: &S)
    where
        S: Store + Clone + 'static,
    {
        if let Some(flaw) = self.flaw_of(store).await {
            panic!("{flaw}");
        }
    }

    async fn missing_from(&self, backend: &Backend) -> Option<String> {
        for event in &self.events {
            match backend.log.event(event.id).await {
                Ok(Some(found)) if Draft::of(found.get()) == *event => {}
                other => return Some(format!("event {:?} is {other:?}", event.id)),
            }
        }
        None
    }
}

fn questions() -> Vec<Query> {
    let days = range(after(-30 * DAY_US), after(30 * DAY_US));
    let some = range(after(-HOUR_US - 1), after(3 * DAY_US + 17));
    let mut questions = vec![
        Query::Summary(days),
        Query::Summary(some),
        Query::TopPages(TimeRange::ALL, PageOrder::Visitors, 1_000),
        Query::TopPages(some, PageOrder::Views, 10),
    ];
    for page in ["/0", "/7", "/28", "/never"] {
        questions.extend([TimeRange::ALL, some].map(|range| Query::Page(page.into(), range)));
    }
    for metric in [Metric::Events, Metric::Visitors, Metric::PageViews] {
        for event_type in [None, Some("click"), Some("bounced")] {
            let filter = SeriesFilter { event_type: event_type.map(Into::into), page: None };
            questions.push(Query::Series(metric, filter, vec![some, range(some.to(), days.to())]));
        }
    }
    let filter = EventFilter { user: Some("user-7".into()), ..EventFilter::default() };
    questions.push(Query::Events(filter, Slice { order: Order::Descending, after: None, limit: 1_000 }));
    questions
}
