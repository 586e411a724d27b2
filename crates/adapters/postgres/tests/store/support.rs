//! Stores for tests, each on a database of its own.

use std::sync::Arc;
use std::time::Duration;

pub(crate) use footfall_conformance::TestClock;
use footfall_conformance::{Draft, batch_of};
use footfall_ports::{EventLog, Outcome, StoreError};
use footfall_postgres::{ConnectOptions, OpenError, PostgresOptions, PostgresStore};

/// When tests begin.
pub(crate) const START: &str = "2025-05-27T00:00";

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

/// Opens several instances on a database, all at once.
pub(crate) async fn open_many(url: &str, count: usize) -> Vec<PostgresStore> {
    let opening: Vec<_> = (0..count)
        .map(|_| {
            let url = url.to_owned();
            tokio::spawn(async move { open(&url).await })
        })
        .collect();
    let mut stores = Vec::new();
    for store in opening {
        stores.push(store.await.unwrap());
    }
    stores
}

/// Appends events that must be taken.
pub(crate) async fn append(store: &PostgresStore, drafts: &[Draft]) -> Vec<Outcome> {
    store.append(batch_of(drafts)).await.unwrap_or_else(|error| panic!("{}", chain(&error)))
}

/// Appends events as a client does: again, for as long as it is told that it may.
pub(crate) async fn append_stubbornly(store: &PostgresStore, drafts: &[Draft]) -> Vec<Outcome> {
    for _ in 0..3_000 {
        match store.append(batch_of(drafts)).await {
            Ok(outcomes) => return outcomes,
            Err(StoreError::Unavailable { .. }) => tokio::time::sleep(Duration::from_millis(20)).await,
            Err(other) => panic!("{}", chain(&other)),
        }
    }
    panic!("it is never taken");
}

/// An error and what lies beneath it.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

/// Waits until something is so.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    for _ in 0..600 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("after 30 s it is not so: {what}");
}
