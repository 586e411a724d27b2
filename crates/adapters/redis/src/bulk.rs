//! Time for what is large: all commands share a connection, so they may have to wait behind a snapshot of many megabytes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// From here on a value is large.
pub(crate) const LARGE: usize = 1 << 20;
/// What a connection carries in a millisecond at the least: 64 megabits a second.
const BYTES_PER_MS: usize = 8 * 1024;

/// How many large values began and ended their way.
#[derive(Debug, Default)]
pub(crate) struct Bulk {
    begun: AtomicUsize,
    ended: AtomicUsize,
}

impl Bulk {
    /// A command with so many bytes begins. It ends when the load is dropped.
    pub(crate) fn enter(&self, bytes: usize) -> Load<'_> {
        let ended_before = self.ended.load(Ordering::SeqCst);
        let is_large = bytes > LARGE;
        self.begun.fetch_add(usize::from(is_large), Ordering::SeqCst);
        Load { bulk: self, bytes, is_large, ended_before }
    }
}

/// A command under way.
pub(crate) struct Load<'a> {
    bulk: &'a Bulk,
    bytes: usize,
    is_large: bool,
    ended_before: usize,
}

impl Load<'_> {
    /// How much longer it may take than others.
    pub(crate) const fn allowance(&self) -> Duration {
        if !self.is_large {
            return Duration::ZERO;
        }
        Duration::from_millis((self.bytes / BYTES_PER_MS) as u64)
    }

    /// Whether it had to share the connection with something large of another command, and so may be late for that.
    pub(crate) fn waited_for_another(&self) -> bool {
        self.bulk.begun.load(Ordering::SeqCst) != self.ended_before.wrapping_add(usize::from(self.is_large))
    }
}

impl Drop for Load<'_> {
    fn drop(&mut self) {
        self.bulk.ended.fetch_add(usize::from(self.is_large), Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_large_has_more_time() {
        let bulk = Bulk::default();
        assert_eq!(bulk.enter(LARGE).allowance(), Duration::ZERO);
        assert_eq!(bulk.enter(64 << 20).allowance(), Duration::from_millis(8_192));
    }

    #[test]
    fn whoever_was_there_with_something_large_may_have_waited_for_it() {
        let bulk = Bulk::default();
        let before = bulk.enter(LARGE);
        assert!(!before.waited_for_another());
        let large = bulk.enter(LARGE + 1);
        let behind = bulk.enter(10);
        assert!(before.waited_for_another() && behind.waited_for_another() && !large.waited_for_another());
        drop(large);
        assert!(before.waited_for_another() && behind.waited_for_another());
        assert!(!bulk.enter(10).waited_for_another());
    }
}
