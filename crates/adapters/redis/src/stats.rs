//! What is counted, for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// What has happened since the start. Counts only grow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct RedisStats {
    /// Operations that Redis was to be asked for, whatever became of them.
    pub commands: u64,
    /// Those that it did not answer in time.
    pub timeouts: u64,
    /// Those whose connection broke.
    pub broken: u64,
    /// Those that it answered with an error.
    pub error_replies: u64,
    /// Those that failed at once, because it was away.
    pub skipped: u64,
    /// Those that failed at once, because too many were under way.
    pub overflows: u64,
    /// Attempts to connect that failed.
    pub failed_connects: u64,
    /// How often the circuit opened.
    pub opens: u64,
    /// How often it closed again.
    pub returns: u64,
    /// Whether it is open now: Redis is away and nothing is asked.
    pub is_open: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) commands: Counter,
    pub(crate) timeouts: Counter,
    pub(crate) broken: Counter,
    pub(crate) error_replies: Counter,
    pub(crate) skipped: Counter,
    pub(crate) overflows: Counter,
    pub(crate) failed_connects: Counter,
    pub(crate) opens: Counter,
}

impl Counters {
    pub(crate) fn read(&self, returns: u64, is_open: bool) -> RedisStats {
        RedisStats {
            commands: self.commands.get(),
            timeouts: self.timeouts.get(),
            broken: self.broken.get(),
            error_replies: self.error_replies.get(),
            skipped: self.skipped.get(),
            overflows: self.overflows.get(),
            failed_connects: self.failed_connects.get(),
            opens: self.opens.get(),
            returns,
            is_open,
        }
    }
}
