use std::error::Error;
use std::time::Duration;

/// Why a store could not do what it was asked. Every operation of these ports may be retried safely, whatever the
/// error: events are identified, and reading changes nothing.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store can't do it now, but may be able to later. What became of a write is unknown.
    #[error("the store is not available now")]
    Unavailable {
        /// After how long it is worth trying again.
        retry_after: Duration,
        /// What failed beneath, for the log.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// The store has no room left for the events. None of them was stored.
    #[error("the store is full")]
    Full {
        /// After how long it is worth trying again.
        retry_after: Duration,
    },
    /// The store is broken, or holds what it can't read.
    #[error("the store failed")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
}
