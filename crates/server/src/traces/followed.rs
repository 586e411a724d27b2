//! A store whose operations are spans. It stands before the real one only where a collector is configured.

use std::sync::Arc;

use async_trait::async_trait;
use footfall_domain::answers::{
    DomainCounts, EventFilter, Metric, PageCounts, PageOrder, RankedPage, SeriesFilter, Slice, Summary,
};
use footfall_domain::event::{Event, EventBatch, EventId};
use footfall_domain::membership::{Joined, Membership};
use footfall_domain::time::{TimeRange, Timestamp};
use footfall_domain::windows::{Due, MetricFilter, UserMetric, WindowTotals};
use footfall_ports::{
    Analytics, DependencyState, Domains, EventLog, Found, Health, MetricPosition, Outcome, SPANS,
    SegmentCounts, Segments, Snapshot, SnapshotStore, Store, StoreError, UserMetrics, Version,
};
use tracing::field::Empty;
use tracing::{Instrument, Span};

/// Has a store's operations followed.
pub(crate) struct FollowedStore<S>(pub(crate) Arc<S>);

/// The span of an operation, named by its port and method.
macro_rules! span {
    ($name:literal) => {
        tracing::debug_span!(target: SPANS, $name, error.type = Empty, otel.status_code = Empty)
    };
}

async fn within<T>(
    span: Span,
    operation: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let result = operation.instrument(span.clone()).await;
    if let Err(error) = &result {
        let kind = match error {
            StoreError::Unavailable { .. } => "unavailable",
            StoreError::Full { .. } => "full",
            StoreError::Failed(_) => "failed",
        };
        span.record("error.type", kind);
        span.record("otel.status_code", "ERROR");
    }
    result
}

#[async_trait]
impl<S: Store> EventLog for FollowedStore<S> {
    async fn append(&self, batch: Arc<EventBatch>) -> Result<Vec<Outcome>, StoreError> {
        within(span!("EventLog.append"), self.0.append(batch)).await
    }

    async fn event(&self, id: EventId) -> Result<Option<Event>, StoreError> {
        within(span!("EventLog.event"), self.0.event(id)).await
    }

    async fn events(&self, filter: EventFilter, slice: Slice) -> Result<Vec<Event>, StoreError> {
        within(span!("EventLog.events"), self.0.events(filter, slice)).await
    }

    async fn erase_user(&self, user: String) -> Result<u64, StoreError> {
        within(span!("EventLog.erase_user"), self.0.erase_user(user)).await
    }
}

#[async_trait]
impl<S: Store> Analytics for FollowedStore<S> {
    async fn page(&self, page: String, range: TimeRange) -> Result<PageCounts, StoreError> {
        within(span!("Analytics.page"), self.0.page(page, range)).await
    }

    async fn top_pages(
        &self,
        range: TimeRange,
        order: PageOrder,
        limit: usize,
    ) -> Result<Vec<RankedPage>, StoreError> {
        within(span!("Analytics.top_pages"), self.0.top_pages(range, order, limit)).await
    }

    async fn summary(&self, range: TimeRange) -> Result<Summary, StoreError> {
        within(span!("Analytics.summary"), self.0.summary(range)).await
    }

    async fn series(
        &self,
        metric: Metric,
        filter: SeriesFilter,
        ranges: Vec<TimeRange>,
    ) -> Result<Vec<u64>, StoreError> {
        within(span!("Analytics.series"), self.0.series(metric, filter, ranges)).await
    }

    async fn version(&self, range: TimeRange) -> Result<Version, StoreError> {
        within(span!("Analytics.version"), self.0.version(range)).await
    }

    async fn verify(&self) -> Result<Vec<String>, StoreError> {
        within(span!("Analytics.verify"), self.0.verify()).await
    }
}

#[async_trait]
impl<S: Store> Domains for FollowedStore<S> {
    async fn domain(&self, domain: String) -> Result<DomainCounts, StoreError> {
        within(span!("Domains.domain"), self.0.domain(domain)).await
    }
}

#[async_trait]
impl<S: Store> UserMetrics for FollowedStore<S> {
    async fn calculate_metrics(&self, due: Due, now: Timestamp) -> Result<Vec<WindowTotals>, StoreError> {
        within(span!("UserMetrics.calculate_metrics"), self.0.calculate_metrics(due, now)).await
    }

    async fn user_metrics(
        &self,
        filter: MetricFilter,
        after: Option<MetricPosition>,
        limit: usize,
    ) -> Result<Vec<UserMetric>, StoreError> {
        within(span!("UserMetrics.user_metrics"), self.0.user_metrics(filter, after, limit)).await
    }
}

#[async_trait]
impl<S: Store> Segments for FollowedStore<S> {
    async fn join(&self, memberships: Vec<Membership>) -> Result<Vec<Joined>, StoreError> {
        within(span!("Segments.join"), self.0.join(memberships)).await
    }

    async fn segment_counts(&self, now: Timestamp) -> Result<SegmentCounts, StoreError> {
        within(span!("Segments.segment_counts"), self.0.segment_counts(now)).await
    }

    async fn segment_count(&self, title: String, now: Timestamp) -> Result<u64, StoreError> {
        within(span!("Segments.segment_count"), self.0.segment_count(title, now)).await
    }

    async fn forget_ended(&self, now: Timestamp) -> Result<u64, StoreError> {
        within(span!("Segments.forget_ended"), self.0.forget_ended(now)).await
    }
}

#[async_trait]
impl<S: Store> SnapshotStore for FollowedStore<S> {
    async fn snapshot(&self, name: &str, known: Option<Timestamp>) -> Result<Found, StoreError> {
        within(span!("SnapshotStore.snapshot"), self.0.snapshot(name, known)).await
    }

    async fn put_snapshot(&self, name: &str, snapshot: Snapshot) -> Result<(), StoreError> {
        within(span!("SnapshotStore.put_snapshot"), self.0.put_snapshot(name, snapshot)).await
    }
}

#[async_trait]
impl<S: Store> Health for FollowedStore<S> {
    async fn check(&self) -> Vec<DependencyState> {
        self.0.check().await
    }
}
