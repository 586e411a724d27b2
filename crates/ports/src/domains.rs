use async_trait::async_trait;
use footfall_domain::answers::DomainCounts;

use crate::StoreError;

/// What the stored events say about mail domains.
#[async_trait]
pub trait Domains: Send + Sync {
    /// How many mails to a domain, given in its normal form, were delivered and how many bounced. Every event is counted
    /// that was acknowledged before this was asked. Of a domain never seen both are 0.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't tell.
    async fn domain(&self, domain: String) -> Result<DomainCounts, StoreError>;
}
