//! The ports that are about people and mail domains, as the store fills them.

use async_trait::async_trait;
use footfall_domain::answers::DomainCounts;
use footfall_domain::membership::{Joined, Membership};
use footfall_domain::time::Timestamp;
use footfall_domain::windows::{Due, MetricFilter, UserMetric, WindowTotals};
use footfall_ports::{
    Domains, Found, MetricPosition, SegmentCounts, Segments, Snapshot, SnapshotStore, StoreError, UserMetrics,
};

use crate::store::EmbeddedStore;

#[async_trait]
impl Domains for EmbeddedStore {
    async fn domain(&self, domain: String) -> Result<DomainCounts, StoreError> {
        self.ask(move |models| models.domain(&domain)).await
    }
}

#[async_trait]
impl UserMetrics for EmbeddedStore {
    async fn calculate_metrics(&self, due: Due, now: Timestamp) -> Result<Vec<WindowTotals>, StoreError> {
        self.run(move |inner| Ok(inner.calculate_metrics(due, now)?)).await
    }

    async fn user_metrics(
        &self,
        filter: MetricFilter,
        after: Option<MetricPosition>,
        limit: usize,
    ) -> Result<Vec<UserMetric>, StoreError> {
        self.run(move |inner| Ok(inner.people.user_metrics(&filter, after, limit)?)).await
    }
}

#[async_trait]
impl Segments for EmbeddedStore {
    async fn join(&self, memberships: Vec<Membership>) -> Result<Vec<Joined>, StoreError> {
        self.run(move |inner| Ok(inner.people.join(&memberships)?)).await
    }

    async fn segment_counts(&self, now: Timestamp) -> Result<SegmentCounts, StoreError> {
        self.run(move |inner| Ok(inner.people.segment_counts(now)?)).await
    }

    async fn segment_count(&self, title: String, now: Timestamp) -> Result<u64, StoreError> {
        self.run(move |inner| Ok(inner.people.segment_count(&title, now)?)).await
    }

    async fn forget_ended(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.run(move |inner| Ok(inner.people.forget_ended(now)?)).await
    }
}

#[async_trait]
impl SnapshotStore for EmbeddedStore {
    async fn snapshot(&self, name: &str, known: Option<Timestamp>) -> Result<Found, StoreError> {
        Ok(self.inner().people.snapshot(name, known))
    }

    async fn put_snapshot(&self, name: &str, snapshot: Snapshot) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.run(move |inner| Ok(inner.people.put_snapshot(&name, snapshot)?)).await
    }
}
