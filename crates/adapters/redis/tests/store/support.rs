//! Stores for tests.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use footfall_domain::time::Timestamp;
use footfall_ports::{Cache, Found, Health, Snapshot, SnapshotStore, StoreError};
use footfall_redis::{COMMAND_LIMIT, RedisOptions, RedisStore};

pub(crate) const HOUR: Duration = Duration::from_hours(1);
pub(crate) const PREFIX: &str = "footfall";
/// What a machine may lose on top of a limit, when all tests run at once.
pub(crate) const SLACK: Duration = Duration::from_millis(400);

pub(crate) fn open(url: &str) -> RedisStore {
    open_with(url, PREFIX)
}

pub(crate) fn open_with(url: &str, prefix: &str) -> RedisStore {
    let options = RedisOptions { url: url.to_owned(), prefix: prefix.to_owned(), random: rand::random };
    RedisStore::new(options).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) async fn put(store: &RedisStore, key: &str, value: &[u8]) {
    patiently(|| store.put(key, value.into(), HOUR))
        .await
        .unwrap_or_else(|error| panic!("{}", chain(&error)));
}

pub(crate) async fn get(store: &RedisStore, key: &str) -> Option<Arc<[u8]>> {
    patiently(|| store.get(key)).await.unwrap_or_else(|error| panic!("{}", chain(&error)))
}

pub(crate) fn snapshot(micros: i64, bytes: &[u8]) -> Snapshot {
    Snapshot { taken_at: Timestamp::from_micros(micros).unwrap(), bytes: bytes.into() }
}

pub(crate) async fn stands(store: &RedisStore, expected: &Snapshot) -> bool {
    let found = patiently(|| store.snapshot("name", None)).await;
    let found = found.unwrap_or_else(|error| panic!("{}", chain(&error)));
    found == Found::Snapshot(expected.clone())
}

/// An error and what lies beneath it.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

/// What it says is wrong with it.
pub(crate) async fn ailment(store: &RedisStore) -> Option<String> {
    let since = Instant::now();
    let states = store.check().await;
    assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
    let [state] = &states[..] else { panic!("{states:?}") };
    assert_eq!((state.name, state.required), ("redis", false));
    state.state.clone().err()
}

/// A call that fails, for a reason that may pass, within a time; what it says.
pub(crate) async fn is_refused_within(store: &RedisStore, limit: Duration) -> String {
    let since = Instant::now();
    let error = store.get("key").await.expect_err("Redis is away");
    assert!(since.elapsed() < limit, "{:?}: {}", since.elapsed(), chain(&error));
    match &error {
        StoreError::Unavailable { retry_after, source: Some(_) } => assert!(!retry_after.is_zero()),
        other => panic!("{other:?}"),
    }
    chain(&error)
}

/// A call that finds the circuit open.
pub(crate) async fn is_refused_at_once(store: &RedisStore) {
    let before = store.stats();
    // Far below the limit: it doesn't wait at all.
    let why = is_refused_within(store, COMMAND_LIMIT / 2).await;
    assert!(why.contains("is not asked for now"), "{why}");
    assert_eq!(store.stats().skipped, before.skipped + 1);
    assert!(store.stats().is_open);
}

/// Waits until something is so.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so().await {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until it is used again.
pub(crate) async fn until_back(store: &RedisStore) {
    until("Redis is back", || async { !store.stats().is_open && ailment(store).await.is_none() }).await;
}

/// One that asks again when it is told to. On a machine that is busy with everything else, commands run out of their time now
/// and then.
pub(crate) struct Patient(pub(crate) RedisStore);

async fn patiently<T, F: Future<Output = Result<T, StoreError>>>(
    mut ask: impl FnMut() -> F,
) -> Result<T, StoreError> {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        match ask().await {
            Err(StoreError::Unavailable { .. }) if Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            result => return result,
        }
    }
}

#[async_trait]
impl SnapshotStore for Patient {
    async fn snapshot(&self, name: &str, known: Option<Timestamp>) -> Result<Found, StoreError> {
        patiently(|| self.0.snapshot(name, known)).await
    }

    async fn put_snapshot(&self, name: &str, snapshot: Snapshot) -> Result<(), StoreError> {
        patiently(|| self.0.put_snapshot(name, snapshot.clone())).await
    }
}

#[async_trait]
impl Cache for Patient {
    async fn get(&self, key: &str) -> Result<Option<Arc<[u8]>>, StoreError> {
        patiently(|| self.0.get(key)).await
    }

    async fn put(&self, key: &str, value: Arc<[u8]>, keep: Duration) -> Result<(), StoreError> {
        patiently(|| self.0.put(key, value.clone(), keep)).await
    }
}
