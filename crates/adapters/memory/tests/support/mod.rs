//! What the memory store's tests share.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use footfall_conformance::instant;
use footfall_domain::time::Timestamp;
use footfall_memory::{MemoryOptions, MemoryStore};
use footfall_ports::Clock;

/// A clock that stands still until it is set.
pub(crate) struct TestClock(pub(crate) AtomicI64);

impl TestClock {
    pub(crate) fn at(now: &str) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(instant(now).micros())))
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros_clamped(self.0.load(Ordering::Acquire))
    }
}

pub(crate) fn store(max_bytes: usize, retention: Option<Duration>, clock: &Arc<TestClock>) -> MemoryStore {
    let clock: Arc<dyn Clock> = clock.clone();
    MemoryStore::start(MemoryOptions { max_bytes, retention, clock }).expect("the system gives a thread")
}
