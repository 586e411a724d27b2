//! One bound for everything that the store holds.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts bytes against a bound. What may be needed is reserved before anything is changed, and given back as far as it
/// turned out not to be needed, so the bound holds at every moment.
#[derive(Debug)]
pub(crate) struct Budget {
    max: usize,
    used: AtomicUsize,
}

impl Budget {
    pub(crate) const fn new(max: usize) -> Self {
        Self { max, used: AtomicUsize::new(0) }
    }

    /// Takes so many bytes if there is room for them.
    #[must_use]
    pub(crate) fn reserve(&self, bytes: usize) -> bool {
        let within = |used: usize| used.checked_add(bytes).filter(|sum| *sum <= self.max);
        self.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, within).is_ok()
    }

    /// Gives so many bytes back.
    pub(crate) fn release(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::AcqRel);
    }

    /// Replaces bytes counted before by bytes counted now: they are held already, whatever the bound.
    pub(crate) fn replace(&self, before: usize, now: usize) {
        if now >= before {
            self.used.fetch_add(now - before, Ordering::AcqRel);
        } else {
            self.release(before - now);
        }
    }

    /// The bound.
    pub(crate) const fn max(&self) -> usize {
        self.max
    }

    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Acquire)
    }
}
