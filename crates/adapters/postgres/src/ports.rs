//! The ports, as the store fills them. All of it runs on the store's own threads.

use std::sync::{Arc, PoisonError};
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

use crate::bring_up::HALF_CHANGED;
use crate::statements::PING;
use crate::store::{Inner, PostgresStore};

/// How long an append waits at a time while folding is behind, and how often at most.
const BEHIND_ROUND: Duration = Duration::from_millis(1);
const BEHIND_ROUNDS_MAX: u32 = 1_000;
/// How long the database may take to say that it is there.
const PING_PATIENCE: Duration = Duration::from_millis(800);

impl PostgresStore {
    async fn commit(&self, batch: Arc<EventBatch>) -> Result<Vec<Outcome>, StoreError> {
        if self.inner().models.is_poisoned() {
            return Err(StoreError::Failed(HALF_CHANGED.into()));
        }
        let answer = self.inner().queue.push(batch)?;
        answer.await.unwrap_or_else(|_| Err(StoreError::Failed("the appending task ended".into())))
    }

    async fn ask<T: Send + 'static>(
        &self,
        answer: impl FnOnce(&ReadModels) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(self.inner());
        self.run(async move {
            inner.catch_up().await?;
            inner.ask(answer).await
        })
        .await
    }
}

#[async_trait]
impl EventLog for PostgresStore {
    async fn append(&self, batch: Arc<EventBatch>) -> Result<Vec<Outcome>, StoreError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let outcomes = self.inner().counters.note(self.commit(batch).await)?;
        // Stored and safe; the answer waits, and its thread serves others, while folding catches up.
        let mut patience = BEHIND_ROUNDS_MAX;
        while self.inner().tail.is_behind() && patience > 0 {
            tokio::time::sleep(BEHIND_ROUND).await;
            patience -= 1;
        }
        Ok(outcomes)
    }

    async fn event(&self, id: EventId) -> Result<Option<Event>, StoreError> {
        let inner = Arc::clone(self.inner());
        self.run(async move { inner.event(id).await }).await
    }

    async fn events(&self, filter: EventFilter, slice: Slice) -> Result<Vec<Event>, StoreError> {
        let inner = Arc::clone(self.inner());
        self.run(async move { inner.events(filter, slice).await }).await
    }

    async fn erase_user(&self, user: String) -> Result<u64, StoreError> {
        let inner = Arc::clone(self.inner());
        self.run(async move { inner.erase_user(user).await }).await
    }
}

#[async_trait]
impl Analytics for PostgresStore {
    async fn page(&self, page: String, range: TimeRange) -> Result<PageCounts, StoreError> {
        self.ask(move |models| models.page(&page, range)).await
    }

    async fn top_pages(
        &self,
        range: TimeRange,
        order: PageOrder,
        limit: usize,
    ) -> Result<Vec<RankedPage>, StoreError> {
        self.ask(move |models| models.top_pages(range, order, limit)).await
    }

    async fn summary(&self, range: TimeRange) -> Result<Summary, StoreError> {
        self.ask(move |models| models.summary(range)).await
    }

    async fn series(
        &self,
        metric: Metric,
        filter: SeriesFilter,
        ranges: Vec<TimeRange>,
    ) -> Result<Vec<u64>, StoreError> {
        self.ask(move |models| models.series(metric, &filter, &ranges)).await
    }

    async fn version(&self, range: TimeRange) -> Result<Version, StoreError> {
        let inner = Arc::clone(self.inner());
        self.run(async move {
            inner.catch_up().await?;
            inner.version(range).await
        })
        .await
    }

    async fn verify(&self) -> Result<Vec<String>, StoreError> {
        let inner = Arc::clone(self.inner());
        self.run(async move { inner.verify().await }).await
    }
}

#[async_trait]
impl Domains for PostgresStore {
    async fn domain(&self, domain: String) -> Result<DomainCounts, StoreError> {
        self.ask(move |models| models.domain(&domain)).await
    }
}

#[async_trait]
impl UserMetrics for PostgresStore {
    async fn calculate_metrics(&self, due: Due, now: Timestamp) -> Result<Vec<WindowTotals>, StoreError> {
        let inner = Arc::clone(self.inner());
        self.run(async move { inner.calculate_metrics(due, now).await }).await
    }

    async fn user_metrics(
        &self,
        filter: MetricFilter,
        after: Option<MetricPosition>,
        limit: usize,
    ) -> Result<Vec<UserMetric>, StoreError> {
        let inner = Arc::clone(self.inner());
        self.run(async move { Ok(inner.user_metrics(filter, after, limit).await?) }).await
    }
}

#[async_trait]
impl Segments for PostgresStore {
    async fn join(&self, memberships: Vec<Membership>) -> Result<Vec<Joined>, StoreError> {
        let inner = Arc::clone(self.inner());
        self.run(async move { Ok(inner.join(memberships).await?) }).await
    }

    async fn segment_counts(&self, now: Timestamp) -> Result<SegmentCounts, StoreError> {
        let inner = Arc::clone(self.inner());
        self.run(async move { Ok(inner.segment_counts(now).await?) }).await
    }

    async fn segment_count(&self, title: String, now: Timestamp) -> Result<u64, StoreError> {
        let inner = Arc::clone(self.inner());
        self.run(async move { Ok(inner.segment_count(&title, now).await?) }).await
    }

    async fn forget_ended(&self, now: Timestamp) -> Result<u64, StoreError> {
        let inner = Arc::clone(self.inner());
        self.run(async move { Ok(inner.forget_ended(now).await?) }).await
    }
}

#[async_trait]
impl SnapshotStore for PostgresStore {
    async fn snapshot(&self, name: &str, known: Option<Timestamp>) -> Result<Found, StoreError> {
        let (inner, name) = (Arc::clone(self.inner()), name.to_owned());
        self.run(async move { Ok(inner.snapshot(&name, known).await?) }).await
    }

    async fn put_snapshot(&self, name: &str, snapshot: Snapshot) -> Result<(), StoreError> {
        let (inner, name) = (Arc::clone(self.inner()), name.to_owned());
        self.run(async move { Ok(inner.put_snapshot(&name, &snapshot).await?) }).await
    }
}

#[async_trait]
impl Health for PostgresStore {
    async fn check(&self) -> Vec<DependencyState> {
        let inner = Arc::clone(self.inner());
        let pinged = self.run(async move {
            let ping = inner.connections.query(&PING, &[]);
            match tokio::time::timeout(PING_PATIENCE, ping).await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) => Err(error.into()),
                Err(_) => Err(StoreError::Failed("no answer in time".into())),
            }
        });
        let mut state = pinged.await.map_err(|_| "the database can't be reached".to_owned());
        if self.inner().models.is_poisoned() {
            state = Err(HALF_CHANGED.to_owned());
        }
        let mut states = vec![DependencyState { name: "storage", required: true, state }];
        if self.inner().connections.has_replica() {
            let trouble = *self.inner().replica_trouble.lock().unwrap_or_else(PoisonError::into_inner);
            let state = trouble.map_or(Ok(()), |(trouble, _)| Err(trouble.to_owned()));
            states.push(DependencyState { name: "replica", required: false, state });
        }
        states
    }
}

impl Measured for PostgresStore {
    fn stats(&self) -> StoreStats {
        let Inner { queue, connections, counters, .. } = &**self.inner();
        StoreStats { waiting: queue.waiting(), pools: connections.stats(), ..counters.read() }
    }
}
