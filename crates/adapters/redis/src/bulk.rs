//! Time for what is large: all commands share a connection, so they wait behind a snapshot of many megabytes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// From here on a value is large.
pub(crate) const LARGE: usize = 1 << 20;
/// What a connection carries in a millisecond at the least: half a gigabit a second.
const BYTES_PER_MS: usize = 64 * 1024;

/// What of large values is on its way.
#[derive(Debug, Default)]
pub(crate) struct Bulk(AtomicUsize);

impl Bulk {
    /// Counts so many bytes, if they are many, until the load is dropped.
    pub(crate) fn enter(&self, bytes: usize) -> Load<'_> {
        let own = if bytes > LARGE { bytes } else { 0 };
        let all = self.0.fetch_add(own, Ordering::Relaxed) + own;
        Load { bulk: self, own, all }
    }
}

/// A command's part of it.
pub(crate) struct Load<'a> {
    bulk: &'a Bulk,
    own: usize,
    all: usize,
}

impl Load<'_> {
    /// How much longer the command may take than others.
    pub(crate) const fn allowance(&self) -> Duration {
        Duration::from_millis((self.all / BYTES_PER_MS) as u64)
    }
}

impl Drop for Load<'_> {
    fn drop(&mut self) {
        self.bulk.0.fetch_sub(self.own, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_behind_something_large_may_wait_for_it() {
        let bulk = Bulk::default();
        assert_eq!(bulk.enter(LARGE).allowance(), Duration::ZERO);
        let large = bulk.enter(64 << 20);
        assert_eq!(large.allowance(), Duration::from_millis(1_024));
        assert_eq!(bulk.enter(10).allowance(), Duration::from_millis(1_024));
        drop(large);
        assert_eq!(bulk.enter(10).allowance(), Duration::ZERO);
    }
}
