//! What an adapter brings to the suite.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use footfall_ports::{Analytics, EventLog, Health};

/// A store under test, as the ports show it.
#[derive(Clone)]
pub struct Backend {
    /// The log.
    pub log: Arc<dyn EventLog>,
    /// The figures drawn from it.
    pub analytics: Arc<dyn Analytics>,
    /// How it is doing.
    pub health: Arc<dyn Health>,
    guard: Option<Arc<dyn Any + Send + Sync>>,
}

impl Backend {
    /// A store that implements all the ports itself.
    pub fn of<S: EventLog + Analytics + Health + 'static>(store: Arc<S>) -> Self {
        let (log, analytics): (Arc<dyn EventLog>, Arc<dyn Analytics>) = (store.clone(), store.clone());
        Self { log, analytics, health: store, guard: None }
    }

    /// Keeps something until the case is over, such as a temporary directory or a database that is dropped with its
    /// guard. It is dropped within a multi-threaded tokio runtime, after the ports.
    #[must_use]
    pub fn keeping(mut self, guard: impl Any + Send + Sync) -> Self {
        self.guard = Some(Arc::new(guard));
        self
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
}
