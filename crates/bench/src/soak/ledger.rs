//! What was sent, and what the service said of it: a bit for each event.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// A set of numbers below a limit, which many add to.
#[derive(Debug)]
pub(super) struct Bits(Vec<AtomicU64>);

impl Bits {
    pub(super) fn new(limit: u64) -> Self {
        Self((0..limit.div_ceil(64)).map(|_| AtomicU64::new(0)).collect())
    }

    /// Adds one; whether it is new.
    pub(super) fn insert(&self, number: u64) -> bool {
        let bit = 1 << (number % 64);
        self.0[(number / 64) as usize].fetch_or(bit, Ordering::Relaxed) & bit == 0
    }

    pub(super) fn contains(&self, number: u64) -> bool {
        self.0[(number / 64) as usize].load(Ordering::Relaxed) & 1 << (number % 64) != 0
    }
}

/// What the clients know together.
#[derive(Debug)]
pub(super) struct Ledger {
    limit: u64,
    /// Numbers below were sent, or are about to be.
    next: AtomicU64,
    acknowledged: Bits,
    acknowledged_count: AtomicU64,
    /// Visits that were acknowledged, and those of which nothing is known.
    pub(super) visits: AtomicU64,
    pub(super) visits_uncertain: AtomicU64,
    /// Which number was next, each second.
    marks: Mutex<Vec<(Instant, u64)>>,
}

impl Ledger {
    pub(super) fn new(limit: u64) -> Self {
        Self {
            limit,
            next: AtomicU64::new(0),
            acknowledged: Bits::new(limit),
            acknowledged_count: AtomicU64::new(0),
            visits: AtomicU64::new(0),
            visits_uncertain: AtomicU64::new(0),
            marks: Mutex::default(),
        }
    }

    /// Numbers that were never sent before; none when there are no more.
    pub(super) fn take(&self, count: u64) -> Option<std::ops::Range<u64>> {
        let first = self.next.fetch_add(count, Ordering::Relaxed);
        if first + count <= self.limit {
            return Some(first..first + count);
        }
        self.next.fetch_sub(count, Ordering::Relaxed);
        None
    }

    pub(super) fn sent(&self) -> u64 {
        self.next.load(Ordering::Relaxed).min(self.limit)
    }

    /// The service said that these are stored.
    pub(super) fn acknowledge(&self, numbers: std::ops::Range<u64>) {
        let new = numbers.filter(|number| self.acknowledged.insert(*number)).count();
        self.acknowledged_count.fetch_add(new as u64, Ordering::Relaxed);
    }

    pub(super) fn is_acknowledged(&self, number: u64) -> bool {
        self.acknowledged.contains(number)
    }

    pub(super) fn acknowledged(&self) -> u64 {
        self.acknowledged_count.load(Ordering::Relaxed)
    }

    /// Remembers when the next number was sent.
    pub(super) fn mark(&self, now: Instant) {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner).push((now, self.sent()));
    }

    /// The first number that was not sent before that age.
    pub(super) fn first_since(&self, age: Duration) -> u64 {
        let marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        let young = marks.iter().find(|(at, _)| at.elapsed() < age);
        young.map_or_else(|| self.sent(), |(_, number)| *number)
    }
}
