//! What an adapter brings to the suite.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use footfall_ports::{Analytics, Domains, EventLog, Health, Segments, SnapshotStore, Store, UserMetrics};

/// A store under test, as the ports show it.
#[derive(Clone)]
pub struct Backend {
    /// The log.
    pub log: Arc<dyn EventLog>,
    /// The figures drawn from it.
    pub analytics: Arc<dyn Analytics>,
    /// What it says about mail domains.
    pub domains: Arc<dyn Domains>,
    /// Users' activity by window.
    pub metrics: Arc<dyn UserMetrics>,
    /// Users in segments.
    pub segments: Arc<dyn Segments>,
    /// Snapshots that it keeps.
    pub snapshots: Arc<dyn SnapshotStore>,
    /// How it is doing.
    pub health: Arc<dyn Health>,
    guard: Option<Arc<dyn Any + Send + Sync>>,
}

impl Backend {
    /// A store that implements all the ports itself.
    pub fn of<S: Store + 'static>(store: Arc<S>) -> Self {
        Self {
            log: store.clone(),
            analytics: store.clone(),
            domains: store.clone(),
            metrics: store.clone(),
            segments: store.clone(),
            snapshots: store.clone(),
            health: store,
            guard: None,
        }
    }

    /// Keeps something until the case is over, such as a temporary directory or a database that is dropped with its
    /// guard. It is dropped within a multi-threaded tokio runtime, after the ports.
    #[must_use]
    pub fn keeping(self, guard: impl Any + Send + Sync) -> Self {
        self.keeping_shared(Arc::new(guard))
    }

    /// Keeps what another backend kept, for a restart that goes on with the same data.
    #[must_use]
    pub fn keeping_shared(mut self, guard: Arc<dyn Any + Send + Sync>) -> Self {
        self.guard = Some(guard);
        self
    }

    /// What this backend keeps.
    pub fn kept(&self) -> Option<Arc<dyn Any + Send + Sync>> {
        self.guard.clone()
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend").field("guarded", &self.guard.is_some()).finish_non_exhaustive()
    }
}

/// Sets up stores for the cases.
#[async_trait]
pub trait Harness: Send + Sync {
    /// A new store without events, that keeps events of any age and has room for some hundred thousand. Cases run at
    /// the same time: what one stores, no other may see.
    async fn backend(&self) -> Backend;

    /// The same store after it was stopped and started again on the same data, with everything in it that was
    /// acknowledged. A store that keeps nothing beyond its process has no such thing, and stays as it is.
    ///
    /// The backend given is the last one of its store: whoever calls this has dropped all clones, so that the store can
    /// be closed, by dropping it here, before it is opened again. A guard that it keeps must be taken over.
    async fn restart(&self, backend: Backend) -> Backend {
        backend
    }
}
