//! The health of several things as one.

use std::sync::Arc;

use async_trait::async_trait;
use footfall_ports::{DependencyState, Health};

/// Asks each, all at once.
pub(crate) struct Together(pub(crate) Vec<Arc<dyn Health>>);

#[async_trait]
impl Health for Together {
    async fn check(&self) -> Vec<DependencyState> {
        let checks = self.0.iter().map(|health| health.check());
        futures_util::future::join_all(checks).await.into_iter().flatten().collect()
    }
}
