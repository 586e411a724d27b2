//! The ports, as the store fills them. Questions run on threads that may block, so that ingestion goes on beside them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use footfall_domain::answers::{
    DomainCounts, EventFilter, Metric, PageCounts, PageOrder, RankedPage, SeriesFilter, Slice, Summary,
};
use footfall_domain::event::{Event, EventBatch, EventId};
use footfall_domain::membership::{Joined, Membership};
use footfall_domain::time::{TimeRange, Timestamp};
use footfall_domain::windows::{Due, MetricFilter, UserMetric, WindowTotals};
use footfall_ports::{
    Analytics, DependencyState, Domains, EventLog, Found, Health, Measured, MetricPosition, Outcome,
    SegmentCounts, Segments, Snapshot, SnapshotStore, StoreError, StoreStats, UserMetrics, Version,
};
use footfall_read_models::ReadModels;

use crate::store::{Inner, MemoryStore};

/// How long an append waits at a time while folding is behind, and how often at most.
const BEHIND_ROUND: Duration = Duration::from_millis(1);
const BEHIND_ROUNDS_MAX: u32 = 1_000;

impl MemoryStore {
    async fn ask<T: Send + 'static>(
        &self,
        answer: impl FnOnce(&ReadModels, &Inner) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        self.work(move |inner| answer(&inner.settled(), inner)).await
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.inner);
        let done = tokio::task::spawn_blocking(move || work(&inner)).await;
        self.inner.counters.note(done.map_err(|error| StoreError::Failed(error.into())))
    }

    /// The same, of what may fail.
    async fn attempt<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.inner.counters.note(self.work(work).await?)
    }
}

#[async_trait]
impl EventLog for MemoryStore {
    async fn append(&self, batch: Arc<EventBatch>) -> Result<Vec<Outcome>, StoreError> {
        let outcomes = self.inner.counters.note(self.inner.append(&batch))?;
        // Stored and safe; the answer waits, and its thread serves others, while folding catches up.
        let (before, mut patience) = (self.inner.folded_before_going_on(), BEHIND_ROUNDS_MAX);
        while self.inner.folded_events.load(Ordering::Acquire) < before && patience > 0 {
            tokio::time::sleep(BEHIND_ROUND).await;
            patience -= 1;
        }
        Ok(outcomes)
    }

    async fn event(&self, id: EventId) -> Result<Option<Event>, StoreError> {
        self.inner.counters.note(self.inner.event(id))
    }

    async fn events(&self, filter: EventFilter, slice: Slice) -> Result<Vec<Event>, StoreError> {
        self.ask(move |models, inner| {
            let found = models.list(&filter, slice, |location| inner.id_at(location));
            found.into_iter().map(|location| inner.at(location, Event::copy_of)).collect()
        })
        .await
    }

    async fn erase_user(&self, user: String) -> Result<u64, StoreError> {
        self.work(move |inner| inner.erase_user(&user)).await
    }
}

#[async_trait]
impl Analytics for MemoryStore {
    async fn page(&self, page: String, range: TimeRange) -> Result<PageCounts, StoreError> {
        self.ask(move |models, _| models.page(&page, range)).await
    }

    async fn top_pages(
        &self,
        range: TimeRange,
        order: PageOrder,
        limit: usize,
    ) -> Result<Vec<RankedPage>, StoreError> {
        self.ask(move |models, _| models.top_pages(range, order, limit)).await
    }

    async fn summary(&self, range: TimeRange) -> Result<Summary, StoreError> {
        self.ask(move |models, _| models.summary(range)).await
    }

    async fn series(
        &self,
        metric: Metric,
        filter: SeriesFilter,
        ranges: Vec<TimeRange>,
    ) -> Result<Vec<u64>, StoreError> {
        self.ask(move |models, _| models.series(metric, &filter, &ranges)).await
    }

    async fn version(&self, range: TimeRange) -> Result<Version, StoreError> {
        self.ask(move |models, inner| Version {
            store: inner.began,
            removals: inner.removals.load(Ordering::Acquire),
            events: models.events(range),
        })
        .await
    }

    async fn verify(&self) -> Result<Vec<String>, StoreError> {
        self.attempt(Inner::verify).await
    }
}

#[async_trait]
impl Domains for MemoryStore {
    async fn domain(&self, domain: String) -> Result<DomainCounts, StoreError> {
        self.ask(move |models, _| models.domain(&domain)).await
    }
}

#[async_trait]
impl UserMetrics for MemoryStore {
    async fn calculate_metrics(&self, due: Due, now: Timestamp) -> Result<Vec<WindowTotals>, StoreError> {
        self.attempt(move |inner| inner.calculate_metrics(due, now)).await
    }

    async fn user_metrics(
        &self,
        filter: MetricFilter,
        after: Option<MetricPosition>,
        limit: usize,
    ) -> Result<Vec<UserMetric>, StoreError> {
        self.work(move |inner| inner.user_metrics(&filter, after, limit)).await
    }
}

#[async_trait]
impl Segments for MemoryStore {
    async fn join(&self, memberships: Vec<Membership>) -> Result<Vec<Joined>, StoreError> {
        self.attempt(move |inner| inner.join(&memberships)).await
    }

    async fn segment_counts(&self, now: Timestamp) -> Result<SegmentCounts, StoreError> {
        self.work(move |inner| inner.segment_counts(now)).await
    }

    async fn segment_count(&self, title: String, now: Timestamp) -> Result<u64, StoreError> {
        self.work(move |inner| inner.segment_count(&title, now)).await
    }

    async fn forget_ended(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.work(move |inner| inner.forget_ended(now)).await
    }
}

#[async_trait]
impl SnapshotStore for MemoryStore {
    async fn snapshot(&self, name: &str, known: Option<Timestamp>) -> Result<Found, StoreError> {
        self.inner.snapshots.snapshot(name, known).await
    }

    async fn put_snapshot(&self, name: &str, snapshot: Snapshot) -> Result<(), StoreError> {
        self.inner.snapshots.put_snapshot(name, snapshot).await
    }
}

#[async_trait]
impl Health for MemoryStore {
    async fn check(&self) -> Vec<DependencyState> {
        let state = self.inner.check().map_err(|error| error.to_string());
        vec![DependencyState { name: "storage", required: true, state }]
    }
}

impl Measured for MemoryStore {
    fn stats(&self) -> StoreStats {
        let Inner { budget, counters, .. } = &*self.inner;
        let memory_bytes = Some((budget.used() as u64, budget.max() as u64));
        StoreStats { waiting: self.inner.waiting(), memory_bytes, ..counters.read() }
    }
}
