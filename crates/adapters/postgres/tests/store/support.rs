//! Stores for tests, each on a database of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use footfall_conformance::instant;
use footfall_domain::time::Timestamp;
use footfall_ports::Clock;
use footfall_postgres::{ConnectOptions, OpenError, PostgresOptions, PostgresStore};

/// When tests begin.
pub(crate) const START: &str = "2025-05-27T00:00";

/// A clock that stands still until it is moved.
#[derive(Clone)]
pub(crate) struct TestClock(Arc<AtomicI64>);

impl TestClock {
    /// A clock that shows that instant.
    pub(crate) fn at(text: &str) -> Self {
        Self(Arc::new(AtomicI64::new(instant(text).micros())))
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros_clamped(self.0.load(Ordering::SeqCst))
    }
}

/// Options for a database.
pub(crate) fn options(url: &str) -> PostgresOptions {
    PostgresOptions {
        connect: ConnectOptions { url: url.to_owned(), read_url: None, pool_size: 6, pgbouncer: false },
        migrate_on_start: true,
        retention: None,
        clock: Arc::new(TestClock::at(START)),
        random: rand::random,
    }
}

/// Opens a store on a database.
pub(crate) async fn open(url: &str) -> PostgresStore {
    opened(options(url)).await.unwrap_or_else(|error| panic!("{error}"))
}

/// Opens a store.
pub(crate) async fn opened(options: PostgresOptions) -> Result<PostgresStore, OpenError> {
    PostgresStore::open(options).await
}
