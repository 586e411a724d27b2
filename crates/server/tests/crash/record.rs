//! What the clients sent, and what they were told of it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Kept over the rounds on one folder.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// Numbers below were sent, or were about to be.
    next: AtomicU64,
    acknowledged: Mutex<BTreeSet<u64>>,
    /// How many events the service said it had stored now.
    accepted: AtomicU64,
    erased: Mutex<Vec<Erased>>,
}

/// A user of whom the service said that they are erased.
#[derive(Clone, Debug)]
pub(crate) struct Erased {
    pub(crate) user: String,
    /// What was acknowledged before, and must be gone.
    pub(crate) gone: BTreeSet<u64>,
    /// What else was sent by then, numbers below this, may be gone or not.
    pub(crate) sent: u64,
}

impl Record {
    /// Numbers of events that were never sent before.
    pub(crate) fn take(&self, count: u64) -> std::ops::Range<u64> {
        let first = self.next.fetch_add(count, Ordering::Relaxed);
        first..first + count
    }

    pub(crate) fn sent(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    /// The service said that these are stored, and so many of them newly.
    pub(crate) fn acknowledge(&self, numbers: &[u64], accepted: u64) {
        self.accepted.fetch_add(accepted, Ordering::Relaxed);
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).extend(numbers);
    }

    pub(crate) fn acknowledged(&self) -> BTreeSet<u64> {
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    pub(crate) fn erase(&self, erased: Erased) {
        self.erased.lock().unwrap_or_else(PoisonError::into_inner).push(erased);
    }

    pub(crate) fn erased(&self) -> Vec<Erased> {
        self.erased.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
