//! The naive reference: a list of events, and every answer counted from it one by one.
//!
//! It must stay too simple to be wrong, and must share no code with any store: not the read models, and of the domain
//! only the shapes of questions and answers.

use std::collections::{BTreeMap, HashMap, HashSet};

use footfall_domain::answers::{
    DomainCounts, EventFilter, Metric, Order, PageCounts, PageOrder, RankedPage, SeriesFilter, Slice, Summary,
};
use footfall_domain::event::EventId;
use footfall_domain::membership::{Joined, Membership};
use footfall_domain::time::{TimeRange, Timestamp};
use footfall_domain::windows::{Due, WindowTotals};
use footfall_ports::Outcome;

use crate::people::{Memberships, Metrics};
use crate::{Answer, Draft, Query, Topic};

const HOUR_MICROS: i64 = 3_600_000_000;

/// What a store must be indistinguishable from.
#[derive(Clone, Debug, Default)]
pub struct Reference {
    events: Vec<Draft>,
    ids: HashSet<EventId>,
    metrics: Metrics,
    memberships: Memberships,
}

impl Reference {
    /// Stores the events whose identities are not stored yet.
    pub fn append(&mut self, drafts: &[Draft]) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        for draft in drafts {
            if self.ids.insert(draft.id) {
                self.events.push(draft.clone());
                outcomes.push(Outcome::Stored);
            } else {
                outcomes.push(Outcome::Duplicate);
            }
        }
        outcomes
    }

    /// Takes away the user's events and says how many they were. Their identities stay known.
    pub fn erase(&mut self, user: &str) -> u64 {
        let before = self.events.len();
        self.events.retain(|event| event.user.as_deref() != Some(user));
        self.metrics.erase(user);
        self.memberships.erase(user);
        (before - self.events.len()) as u64
    }

    /// Computes the windows that are due, and tells of them.
    pub fn calculate(&mut self, due: Due, now: Timestamp) -> Vec<WindowTotals> {
        self.metrics.calculate(&self.events, due, now)
    }

    /// Puts users in segments.
    pub fn join(&mut self, memberships: &[Membership]) -> Vec<Joined> {
        memberships.iter().map(|membership| self.memberships.join(membership)).collect()
    }

    /// Forgets memberships that ended more than a day ago, and says how many.
    pub fn forget_ended(&mut self, now: Timestamp) -> u64 {
        self.memberships.forget_ended(now)
    }

    /// How many events were erased.
    pub fn erased(&self) -> u64 {
        (self.ids.len() - self.events.len()) as u64
    }

    /// The stored events, in the order in which they came.
    pub fn all(&self) -> &[Draft] {
        &self.events
    }

    /// The answer to any question.
    pub fn answer(&self, query: &Query) -> Answer {
        match query {
            Query::Event(id) => Answer::Event(self.events.iter().find(|event| event.id == *id).cloned()),
            Query::Events(filter, slice) => Answer::Events(self.list(filter, *slice)),
            Query::Page(page, range) => Answer::Page(self.page(page, *range)),
            Query::TopPages(range, order, limit) => Answer::TopPages(self.top_pages(*range, *order, *limit)),
            Query::Summary(range) => Answer::Summary(self.summary(*range)),
            Query::Series(metric, filter, ranges) => {
                Answer::Series(ranges.iter().map(|range| self.figure(*metric, filter, *range)).collect())
            }
            Query::Domain(domain) => Answer::Domain(self.domain(domain)),
            Query::UserMetrics(filter, after, limit) => {
                Answer::UserMetrics(self.metrics.list(filter, after.as_ref(), *limit))
            }
            Query::SegmentCounts(now) => Answer::SegmentCounts(self.memberships.counts(*now)),
            Query::SegmentCount(title, now) => Answer::SegmentCount(self.memberships.count(title, *now)),
        }
    }

    fn list(&self, filter: &EventFilter, slice: Slice) -> Vec<Draft> {
        let wanted = |event: &&Draft| {
            filter.user.as_ref().is_none_or(|user| event.user.as_ref() == Some(user))
                && filter.event_type.as_ref().is_none_or(|event_type| event.event_type == *event_type)
                && filter.page.as_ref().is_none_or(|page| page_of(event) == Some(page))
                && filter.domain.as_ref().is_none_or(|domain| event.topic == Topic::Domain(domain.clone()))
                && within(event, filter.range)
        };
        let mut events: Vec<&Draft> = self.events.iter().filter(wanted).collect();
        events.sort_by_key(|event| (event.at, event.id));
        if slice.order == Order::Descending {
            events.reverse();
        }
        let is_after = |event: &&Draft| match slice.after {
            None => true,
            Some(after) if slice.order == Order::Ascending => (event.at, event.id) > after,
            Some(after) => (event.at, event.id) < after,
        };
        events.into_iter().filter(is_after).take(slice.limit).cloned().collect()
    }

    fn domain(&self, domain: &str) -> DomainCounts {
        let mails = |event_type: &str| {
            let is_one = |event: &&Draft| {
                event.event_type == event_type && event.topic == Topic::Domain(domain.to_owned())
            };
            self.events.iter().filter(is_one).count() as u64
        };
        DomainCounts { delivered: mails("delivered"), bounced: mails("bounced") }
    }

    fn page(&self, page: &str, range: TimeRange) -> PageCounts {
        let views: Vec<&Draft> = self
            .events
            .iter()
            .filter(|event| within(event, range) && page_of(event).is_some_and(|other| other == page))
            .collect();
        PageCounts { distinct_visitors: users(views.iter().copied()), page_views: views.len() as u64 }
    }

    fn top_pages(&self, range: TimeRange, order: PageOrder, limit: usize) -> Vec<RankedPage> {
        let mut views: HashMap<&str, Vec<&Draft>> = HashMap::new();
        for event in self.events.iter().filter(|event| within(event, range)) {
            if let Some(page) = page_of(event) {
                views.entry(page).or_default().push(event);
            }
        }
        let mut pages: Vec<RankedPage> = views
            .into_iter()
            .map(|(page, views)| {
                let page_views = views.len() as u64;
                let counts = PageCounts { distinct_visitors: users(views.into_iter()), page_views };
                RankedPage { url: page.to_owned(), counts }
            })
            .collect();
        pages.sort_by(|left, right| left.url.as_bytes().cmp(right.url.as_bytes()));
        // Stable: what is equal stays in the order of names.
        pages.sort_by_key(|page| match order {
            PageOrder::Visitors => std::cmp::Reverse(page.counts.distinct_visitors),
            PageOrder::Views => std::cmp::Reverse(page.counts.page_views),
        });
        pages.truncate(limit);
        pages
    }

    fn summary(&self, range: TimeRange) -> Summary {
        let events: Vec<&Draft> = self.events.iter().filter(|event| within(event, range)).collect();
        let hour = |micros: i64| micros.div_euclid(HOUR_MICROS);
        let (first, last) = (hour(range.from().micros()), hour(range.to().micros() - 1));
        let mut events_per_hour = vec![0; (last - first + 1) as usize];
        let mut events_by_type = BTreeMap::new();
        for event in &events {
            events_per_hour[(hour(event.at.micros()) - first) as usize] += 1;
            *events_by_type.entry(event.event_type.clone()).or_insert(0) += 1;
        }
        let unique_users = users(events.iter().copied());
        Summary { total_events: events.len() as u64, events_by_type, unique_users, events_per_hour }
    }

    fn figure(&self, metric: Metric, filter: &SeriesFilter, range: TimeRange) -> u64 {
        let events = self.events.iter().filter(|event| {
            within(event, range)
                && filter.event_type.as_ref().is_none_or(|event_type| event.event_type == *event_type)
                && filter.page.as_ref().is_none_or(|page| page_of(event) == Some(page))
        });
        match metric {
            Metric::Events => events.count() as u64,
            Metric::Visitors => users(events),
            Metric::PageViews => events.filter(|event| event.event_type == "page_view").count() as u64,
        }
    }
}

fn within(event: &Draft, range: TimeRange) -> bool {
    range.from().micros() <= event.at.micros() && event.at.micros() < range.to().micros()
}

/// The page that the event is a view of.
fn page_of(event: &Draft) -> Option<&String> {
    match &event.topic {
        Topic::Page(page) if event.event_type == "page_view" => Some(page),
        _ => None,
    }
}

fn users<'a>(events: impl Iterator<Item = &'a Draft>) -> u64 {
    events.filter_map(|event| event.user.as_deref()).collect::<HashSet<_>>().len() as u64
}
