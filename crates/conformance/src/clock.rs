//! A clock for tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use footfall_domain::time::Timestamp;
use footfall_ports::Clock;

use crate::instant;

/// A clock that stands still until it is moved. Clones show the same.
#[derive(Clone, Debug)]
pub struct TestClock(Arc<AtomicI64>);

impl TestClock {
    /// A clock that shows that instant, such as `2025-05-26T12:00`.
    pub fn at(text: &str) -> Self {
        Self(Arc::new(AtomicI64::new(instant(text).micros())))
    }

    /// Shows another instant from now on.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.micros(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros_clamped(self.0.load(Ordering::SeqCst))
    }
}
