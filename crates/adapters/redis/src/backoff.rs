//! How long to wait before Redis is looked for again.

use std::time::Duration;

/// The first wait, and the longest: each is twice the one before.
const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(5);

/// Waits that grow, and that differ between instances, so that these don't all come at once.
pub(crate) struct Backoff {
    interval: Duration,
    random: fn() -> u64,
}

impl Backoff {
    pub(crate) fn new(random: fn() -> u64) -> Self {
        Self { interval: FIRST, random }
    }

    /// The wait after a connection that lived so long, or that could not be made: between a half and the whole of the
    /// interval. Connections that break soon count like such that were never made.
    pub(crate) fn next(&mut self, lived: Option<Duration>) -> Duration {
        if lived.is_some_and(|lived| lived >= LONGEST) {
            self.interval = FIRST;
        }
        let whole = self.interval;
        self.interval = (whole * 2).min(LONGEST);
        let half_ms = whole.as_millis() as u64 / 2;
        Duration::from_millis(half_ms + (self.random)() % (half_ms + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let mut backoff = Backoff::new(|| 125);
        let waits: Vec<_> = (0..7).map(|_| backoff.next(None).as_millis()).collect();
        assert_eq!(waits, [250, 375, 625, 1_125, 2_125, 2_625, 2_625]);
        let mut backoff = Backoff::new(|| 0);
        let waits: Vec<_> = (0..7).map(|_| backoff.next(None).as_millis()).collect();
        assert_eq!(waits, [125, 250, 500, 1_000, 2_000, 2_500, 2_500]);
    }

    #[test]
    fn a_connection_that_lived_starts_them_anew_and_one_that_broke_soon_does_not() {
        let mut backoff = Backoff::new(|| 0);
        backoff.next(None);
        assert_eq!(backoff.next(Some(Duration::from_millis(10))).as_millis(), 250);
        assert_eq!(backoff.next(Some(Duration::from_mins(1))).as_millis(), 125);
    }
}
