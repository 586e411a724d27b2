//! Stores for tests.

pub(crate) mod database;
pub(crate) mod image;
pub(crate) mod random;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use footfall_conformance::{Backend, Draft, batch_of};
pub(crate) use footfall_conformance::{TestClock, events, expected};
use footfall_embedded::{EmbeddedOptions, EmbeddedStore, OpenError, Sync};
use footfall_ports::{EventLog, Outcome};

/// Opens the store in a folder.
pub(crate) fn open(
    folder: &Path,
    retention: Option<Duration>,
    clock: &TestClock,
) -> Result<EmbeddedStore, OpenError> {
    EmbeddedStore::open(EmbeddedOptions {
        folder: folder.to_owned(),
        sync: Sync::Always,
        retention,
        clock: Arc::new(clock.clone()),
    })
}

/// Opens the store in a folder, to keep everything for ever.
pub(crate) fn open_for_ever(folder: &Path) -> Result<EmbeddedStore, OpenError> {
    open(folder, None, &TestClock::at(events::START))
}

/// The store as the suite sees it. It holds on to the store: to restart it, drop this first.
pub(crate) fn backend(store: &EmbeddedStore) -> Backend {
    Backend::of(Arc::new(store.clone()))
}

/// Appends events for which there must be room.
pub(crate) async fn append(store: &EmbeddedStore, drafts: &[Draft]) -> Vec<Outcome> {
    store.append(batch_of(drafts)).await.unwrap_or_else(|error| panic!("{}", chain(&error)))
}

/// Appends events that must all be new, each by itself.
pub(crate) async fn append_singly(store: &EmbeddedStore, drafts: &[Draft]) {
    for draft in drafts {
        assert_eq!(append(store, std::slice::from_ref(draft)).await, [Outcome::Stored]);
    }
}

/// Drops what is past its retention, also where the store has just begun to look around by itself: then a call is left
/// for the next round.
pub(crate) async fn forget_expired(store: &EmbeddedStore) {
    for _ in 0..3 {
        let store = store.clone();
        tokio::task::spawn_blocking(move || store.forget_expired()).await.expect("it didn't panic");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// An error and what lies beneath it.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}
