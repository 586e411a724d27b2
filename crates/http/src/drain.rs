//! Leaving in good order: for a while an instance still serves, and tells load balancers and clients to go elsewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use footfall_ports::{DependencyState, Health};

/// Whether the process is about to stop. From then on it is not ready, and each answer closes its connection, so that
/// nobody is in the middle of sending on one when it ends.
#[derive(Clone, Debug, Default)]
pub struct Drain(Arc<AtomicBool>);

impl Drain {
    /// Begins. There is no way back.
    pub fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it has begun.
    pub fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Something that is needed and not there any more; before that nothing to speak of.
#[async_trait]
impl Health for Drain {
    async fn check(&self) -> Vec<DependencyState> {
        let stopping = || DependencyState { name: "server", required: true, state: Err("stopping".into()) };
        self.has_begun().then(stopping).into_iter().collect()
    }
}
