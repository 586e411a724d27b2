//! The suite on the naive reference: what the cases expect by hand, and what the reference computes, are the same.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use footfall_conformance::{Answer, Backend, Draft, Harness, Query, Reference, batch_of};
use footfall_domain::answers::{
    DomainCounts, EventFilter, Metric, PageCounts, PageOrder, RankedPage, SeriesFilter, Slice, Summary,
};
use footfall_domain::event::{Event, EventBatch, EventId};
use footfall_domain::membership::{Joined, Membership};
use footfall_domain::time::{TimeRange, Timestamp};
use footfall_domain::windows::{Due, MetricFilter, UserMetric, WindowTotals};
use footfall_ports::{
    Analytics, DependencyState, Domains, EventLog, Found, Health, MetricPosition, Outcome, SegmentCounts,
    Segments, Snapshot, SnapshotStore, StoreError, UserMetrics, Version,
};

/// The reference, and when segments were counted last.
#[derive(Default)]
struct Naive(Mutex<Reference>, Mutex<Timestamp>);

impl Naive {
    fn answer(&self, query: &Query) -> Answer {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).answer(query)
    }
}

fn event_of(draft: &Draft) -> Event {
    Event::copy_of(batch_of(std::slice::from_ref(draft)).get(0))
}

#[async_trait]
impl EventLog for Naive {
    async fn append(&self, batch: Arc<EventBatch>) -> Result<Vec<Outcome>, StoreError> {
        let drafts: Vec<Draft> = batch.iter().map(Draft::of).collect();
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).append(&drafts))
    }

    async fn event(&self, id: EventId) -> Result<Option<Event>, StoreError> {
        let Answer::Event(event) = self.answer(&Query::Event(id)) else { unreachable!() };
        Ok(event.as_ref().map(event_of))
    }

    async fn events(&self, filter: EventFilter, slice: Slice) -> Result<Vec<Event>, StoreError> {
        let Answer::Events(events) = self.answer(&Query::Events(filter, slice)) else { unreachable!() };
        Ok(events.iter().map(event_of).collect())
    }

    async fn erase_user(&self, user: String) -> Result<u64, StoreError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).erase(&user))
    }
}

#[async_trait]
impl Analytics for Naive {
    async fn page(&self, page: String, range: TimeRange) -> Result<PageCounts, StoreError> {
        let Answer::Page(counts) = self.answer(&Query::Page(page, range)) else { unreachable!() };
        Ok(counts)
    }

    async fn top_pages(
        &self,
        range: TimeRange,
        order: PageOrder,
        limit: usize,
    ) -> Result<Vec<RankedPage>, StoreError> {
        let Answer::TopPages(pages) = self.answer(&Query::TopPages(range, order, limit)) else {
            unreachable!()
        };
        Ok(pages)
    }

    async fn summary(&self, range: TimeRange) -> Result<Summary, StoreError> {
        let Answer::Summary(summary) = self.answer(&Query::Summary(range)) else { unreachable!() };
        Ok(summary)
    }

    async fn series(
        &self,
        metric: Metric,
        filter: SeriesFilter,
        ranges: Vec<TimeRange>,
    ) -> Result<Vec<u64>, StoreError> {
        let Answer::Series(values) = self.answer(&Query::Series(metric, filter, ranges)) else {
            unreachable!()
        };
        Ok(values)
    }

    async fn version(&self, range: TimeRange) -> Result<Version, StoreError> {
        let Answer::Summary(summary) = self.answer(&Query::Summary(range)) else { unreachable!() };
        let removals = self.0.lock().unwrap_or_else(PoisonError::into_inner).erased();
        Ok(Version { store: 0, removals, events: summary.total_events })
    }

    async fn verify(&self) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl Domains for Naive {
    async fn domain(&self, domain: String) -> Result<DomainCounts, StoreError> {
        let Answer::Domain(counts) = self.answer(&Query::Domain(domain)) else { unreachable!() };
        Ok(counts)
    }
}

#[async_trait]
impl UserMetrics for Naive {
    async fn calculate_metrics(&self, due: Due, now: Timestamp) -> Result<Vec<WindowTotals>, StoreError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).calculate(due, now))
    }

    async fn user_metrics(
        &self,
        filter: MetricFilter,
        after: Option<MetricPosition>,
        limit: usize,
    ) -> Result<Vec<UserMetric>, StoreError> {
        let query = Query::UserMetrics(filter, after, limit);
        let Answer::UserMetrics(rows) = self.answer(&query) else { unreachable!() };
        Ok(rows)
    }
}

#[async_trait]
impl Segments for Naive {
    async fn join(&self, memberships: Vec<Membership>) -> Result<Vec<Joined>, StoreError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).join(&memberships))
    }

    async fn segment_counts(&self, now: Timestamp) -> Result<SegmentCounts, StoreError> {
        let Answer::SegmentCounts(counts) = self.answer(&Query::SegmentCounts(now)) else { unreachable!() };
        let mut last = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        *last = now.max(last.plus_micros(1));
        Ok(SegmentCounts { taken_at: *last, counts })
    }

    async fn segment_count(&self, title: String, now: Timestamp) -> Result<u64, StoreError> {
        let Answer::SegmentCount(count) = self.answer(&Query::SegmentCount(title, now)) else {
            unreachable!()
        };
        Ok(count)
    }

    async fn forget_ended(&self, now: Timestamp) -> Result<u64, StoreError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).forget_ended(now))
    }
}

/// Snapshots have a suite of their own.
#[async_trait]
impl SnapshotStore for Naive {
    async fn snapshot(&self, _name: &str, _known: Option<Timestamp>) -> Result<Found, StoreError> {
        Ok(Found::Nothing)
    }

    async fn put_snapshot(&self, _name: &str, _snapshot: Snapshot) -> Result<(), StoreError> {
        Ok(())
    }
}

#[async_trait]
impl Health for Naive {
    async fn check(&self) -> Vec<DependencyState> {
        vec![DependencyState { name: "storage", required: true, state: Ok(()) }]
    }
}

struct OnNaive;

#[async_trait]
impl Harness for OnNaive {
    async fn backend(&self) -> Backend {
        let store = Arc::new(Naive::default());
        Backend::of(Arc::clone(&store)).keeping_shared(store)
    }

    /// Another store with the same events, once nobody holds the one before any more.
    async fn restart(&self, backend: Backend) -> Backend {
        let kept = backend.kept().expect("the store was kept");
        drop(backend);
        let before = kept.downcast::<Naive>().expect("it was this store");
        let before = Arc::into_inner(before).expect("a store is only opened again when it is closed");
        let store = Arc::new(before);
        Backend::of(Arc::clone(&store)).keeping_shared(store)
    }
}

footfall_conformance::suite!(OnNaive);

#[test]
fn random_histories_run() {
    footfall_conformance::property_cases(8, &OnNaive);
}

#[test]
fn every_case_is_stamped() {
    let stamped = include_str!("../src/suite.rs");
    let cases = [
        include_str!("../src/cases/append.rs"),
        include_str!("../src/cases/concurrency.rs"),
        include_str!("../src/cases/domains.rs"),
        include_str!("../src/cases/erase.rs"),
        include_str!("../src/cases/figures.rs"),
        include_str!("../src/cases/listing.rs"),
        include_str!("../src/cases/metrics.rs"),
        include_str!("../src/cases/restart.rs"),
        include_str!("../src/cases/segments.rs"),
        include_str!("../src/cases/spans.rs"),
        include_str!("../src/cases/verify.rs"),
        include_str!("../src/cases/volume.rs"),
    ];
    let names = cases.iter().flat_map(|text| text.split("pub async fn ").skip(1));
    for name in names.filter_map(|text| text.split('(').next()) {
        assert!(stamped.contains(&format!(": {name};")), "{name} is not in the suite");
    }
}
