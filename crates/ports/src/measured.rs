use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::StoreError;
use crate::histogram::{Distribution, Histogram, TIME_BOUNDS_US};

/// Bounds for how many events are flushed at a time.
const EVENT_BOUNDS: &[u64] = &[1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000];

/// What a store has done since it was opened, and what it holds now, for operators.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoreStats {
    /// What was appended and waits for the next flush.
    pub waiting: Waiting,
    /// Events of each flush: of what makes appended events a part of the store, many at a time.
    pub flush_events: Distribution,
    /// How long each took, in microseconds.
    pub flush_us: Distribution,
    /// Operations that failed, by kind.
    pub errors: [(&'static str, u64); 3],
    /// The pools of connections, where there are any.
    pub pools: Vec<PoolStats>,
    /// Bytes that it counts against a bound on its memory, and that bound, where it has one.
    pub memory_bytes: Option<(u64, u64)>,
}

/// What waits, and how much may.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Waiting {
    /// Events that wait.
    pub events: u64,
    /// How many may.
    pub events_max: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many those may be; 0 where they aren't counted.
    pub bytes_max: u64,
}

/// A pool of connections.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PoolStats {
    /// What it leads to, such as `primary`.
    pub name: &'static str,
    /// Connections that may be open.
    pub max: u64,
    /// Connections that are in use.
    pub in_use: u64,
    /// Who waits for one.
    pub waiting: u64,
}

/// Says what it has done. Reading that costs no more than some counters.
pub trait Measured: Send + Sync {
    /// All of it, as it is now.
    fn stats(&self) -> StoreStats;
}

/// What every store counts. Counting takes no lock and no memory.
#[derive(Debug)]
pub struct StoreCounters {
    unavailable: AtomicU64,
    full: AtomicU64,
    failed: AtomicU64,
    flush_events: Histogram,
    flush_us: Histogram,
}

impl Default for StoreCounters {
    fn default() -> Self {
        let [unavailable, full, failed] = [const { AtomicU64::new(0) }; 3];
        let (flush_events, flush_us) = (Histogram::new(EVENT_BOUNDS), Histogram::new(TIME_BOUNDS_US));
        Self { unavailable, full, failed, flush_events, flush_us }
    }
}

impl StoreCounters {
    /// Counts what came of an operation, where that is an error, and hands it on.
    ///
    /// # Errors
    /// The one that it is given.
    pub fn note<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        result.inspect_err(|error| {
            let count = match error {
                StoreError::Unavailable { .. } => &self.unavailable,
                StoreError::Full { .. } => &self.full,
                StoreError::Failed(_) => &self.failed,
            };
            count.fetch_add(1, Ordering::Relaxed);
        })
    }

    /// Counts a flush of so many events.
    pub fn flushed(&self, events: usize, took: Duration) {
        self.flush_events.add(events as u64);
        self.flush_us.add(took.as_micros() as u64);
    }

    /// What was counted; nothing waits, and there are no pools.
    pub fn read(&self) -> StoreStats {
        let kinds = [("unavailable", &self.unavailable), ("full", &self.full), ("failed", &self.failed)];
        StoreStats {
            waiting: Waiting::default(),
            flush_events: self.flush_events.read(),
            flush_us: self.flush_us.read(),
            errors: kinds.map(|(kind, count)| (kind, count.load(Ordering::Relaxed))),
            pools: Vec::new(),
            memory_bytes: None,
        }
    }
}
