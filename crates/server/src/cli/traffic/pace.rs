//! How many items a second: due by the clock and not by when the last one was answered, so that a slow server doesn't make
//! the load smaller than it was said to be.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::options::Rate;

/// What is late by more than this is left out of the account: after a long stall the pace goes on, and makes up for
/// nothing.
const LATEST: Duration = Duration::from_secs(1);

/// The k-th item, counted from 0, is due k / rate after the beginning. Nothing is rounded from one to the next.
pub(super) struct Pace {
    rate: Rate,
    begun: Instant,
    done: u64,
}

impl Pace {
    pub(super) fn new(rate: Rate, begun: Instant) -> Self {
        Self { rate, begun, done: 0 }
    }

    /// Waits until so many further items are due, the last of them too. At `ends_at` it waits no longer: then fewer are due.
    pub(super) async fn wait(&mut self, items: u64, ends_at: Option<Instant>) -> u64 {
        let due = self.due(items, Instant::now());
        let items = match ends_at {
            Some(end) if due >= end => {
                sleep_until(end).await;
                self.owed(end).min(items)
            }
            _ => {
                sleep_until(due).await;
                items
            }
        };
        self.done += items;
        items
    }

    /// When the last of so many further items is due.
    fn due(&mut self, items: u64, now: Instant) -> Instant {
        let last = self.done + items.saturating_sub(1);
        let due = self.begun + self.rate.time_of(last);
        let late = now.saturating_duration_since(due);
        if late > LATEST {
            self.begun += late;
            return now;
        }
        due
    }

    /// How many further items are due before `end`.
    fn owed(&self, end: Instant) -> u64 {
        let passed = end.saturating_duration_since(self.begun);
        ((passed.as_secs_f64() * self.rate.per_second()).ceil() as u64).saturating_sub(self.done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(per_second: &str) -> (Pace, Instant) {
        let begun = Instant::now();
        (Pace::new(per_second.parse().unwrap(), begun), begun)
    }

    /// What is due after `done` items were done.
    fn due(pace: &mut Pace, done: u64, items: u64, now: Instant) -> Instant {
        pace.done = done;
        pace.due(items, now)
    }

    #[test]
    fn items_are_due_by_the_clock_without_adding_up_errors() {
        let (mut pace, begun) = pace("3");
        assert_eq!(due(&mut pace, 0, 1, begun), begun);
        assert_eq!(due(&mut pace, 0, 4, begun), begun + Duration::from_secs(1));
        for hours in [1, 1_000] {
            let due = due(&mut pace, 3 * 3_600 * hours, 1, begun);
            assert_eq!(due, begun + Duration::from_secs(3_600 * hours));
        }
    }

    #[test]
    fn a_short_delay_is_made_up_for_and_a_long_stall_is_not() {
        let (mut pace, begun) = pace("10");
        let late = begun + Duration::from_millis(1_900);
        assert_eq!(
            due(&mut pace, 10, 1, late),
            begun + Duration::from_secs(1),
            "at once, and the next soon after"
        );
        let stalled = begun + Duration::from_secs(61);
        assert_eq!(due(&mut pace, 10, 1, stalled), stalled);
        assert_eq!(due(&mut pace, 11, 1, stalled), stalled + Duration::from_millis(100), "no burst");
    }

    #[actix_web::test]
    async fn at_the_end_only_what_is_due_comes() {
        let (mut pace, begun) = pace("1000");
        let end = begun + Duration::from_millis(50);
        let mut items = 0;
        loop {
            let due = pace.wait(20, Some(end)).await;
            items += due;
            if due < 20 {
                break;
            }
        }
        assert_eq!(items, 50);
        assert!(Instant::now() >= end);
        assert_eq!(pace.wait(20, Some(end)).await, 0);
    }
}
