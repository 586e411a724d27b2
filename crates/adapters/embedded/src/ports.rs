//! The ports, as the store fills them. Questions run on threads that may block, so that ingestion goes on beside them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use footfall_domain::answers::{
    EventFilter, Metric, PageCounts, PageOrder, RankedPage, SeriesFilter, Slice, Summary,
};
use footfall_domain::event::{Event, EventBatch, EventId};
use footfall_domain::time::TimeRange;
use footfall_ports::{
    Analytics, DependencyState, EventLog, Health, Measured, Outcome, StoreError, StoreStats, Version,
};
use footfall_read_models::ReadModels;

use tracing::Span;

use crate::fold::HALF_CHANGED;
use crate::store::{EmbeddedStore, Inner};

/// How long an append waits at a time while folding is behind, and how often at most.
const BEHIND_ROUND: Duration = Duration::from_millis(1);
const BEHIND_ROUNDS_MAX: u32 = 1_000;

impl EmbeddedStore {
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        // The store, not only what it shares: it must not end while this runs.
        let store = self.clone();
        let span = Span::current();
        let work = move || span.in_scope(|| work(store.inner()));
        let done = tokio::task::spawn_blocking(work).await;
        self.inner().counters.note(done.unwrap_or_else(|error| Err(StoreError::Failed(error.into()))))
    }

    async fn commit(&self, batch: Arc<EventBatch>) -> Result<Vec<Outcome>, StoreError> {
        if self.inner().models.is_poisoned() {
            return Err(StoreError::Failed(HALF_CHANGED.into()));
        }
        let answer = self.inner().queue.push(batch)?;
        answer.await.unwrap_or_else(|_| Err(StoreError::Failed("the commit thread ended".into())))
    }

    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        answer: impl FnOnce(&ReadModels) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run(move |inner| Ok(answer(&inner.settled()))).await
    }
}

#[async_trait]
impl EventLog for EmbeddedStore {
    async fn append(&self, batch: Arc<EventBatch>) -> Result<Vec<Outcome>, StoreError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let outcomes = self.inner().counters.note(self.commit(batch).await)?;
        // Stored and safe; the answer waits, and its thread serves others, while folding catches up.
        let mut patience = BEHIND_ROUNDS_MAX;
        while self.inner().is_behind() && patience > 0 {
            tokio::time::sleep(BEHIND_ROUND).await;
            patience -= 1;
        }
        Ok(outcomes)
    }

    async fn event(&self, id: EventId) -> Result<Option<Event>, StoreError> {
        self.run(move |inner| inner.event(id)).await
    }

    async fn events(&self, filter: EventFilter, slice: Slice) -> Result<Vec<Event>, StoreError> {
        self.run(move |inner| inner.events(&filter, slice)).await
    }

    async fn erase_user(&self, user: String) -> Result<u64, StoreError> {
        self.run(move |inner| Ok(inner.erase_user(&user)?)).await
    }
}

#[async_trait]
impl Analytics for EmbeddedStore {
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
        self.run(move |inner| {
            let models = inner.settled();
            let removals = inner.removals.load(Ordering::Acquire);
            Ok(Version { store: inner.began, removals, events: models.events(range) })
        })
        .await
    }

    async fn verify(&self) -> Result<Vec<String>, StoreError> {
        self.run(Inner::verify).await
    }
}

#[async_trait]
impl Health for EmbeddedStore {
    async fn check(&self) -> Vec<DependencyState> {
        let inner = self.inner();
        let trouble = inner.trouble.words().or(inner.people.trouble());
        let trouble = if inner.models.is_poisoned() { Some(HALF_CHANGED) } else { trouble };
        let state = trouble.map_or(Ok(()), |words| Err(words.to_owned()));
        vec![DependencyState { name: "storage", required: true, state }]
    }
}

impl Measured for EmbeddedStore {
    fn stats(&self) -> StoreStats {
        StoreStats { waiting: self.inner().queue.waiting(), ..self.inner().counters.read() }
    }
}
