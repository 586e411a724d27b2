//! When the events of the past happened: by day more than by night.

use footfall_domain::time::{DAY_US, HOUR_US, Timestamp};

use crate::random::{Random, Seed};

const LABEL: u64 = 1;

/// How busy each hour of the UTC day is, beside the others. A European site's day: quiet before dawn, a rise in the
/// morning, the most in the evening.
const BUSY: [u32; 24] = [
    22, 14, 9, 7, 6, 8, 15, 28, 45, 60, 68, 72, //
    74, 70, 66, 66, 70, 78, 88, 98, 100, 88, 64, 38,
];

/// The times of a known number of events over the days before an end: ascending, each once, following the hours of the
/// day.
///
/// The whole span is a length on which every hour takes as much as it is busy. The n-th event lies somewhere in the n-th
/// of as many equal parts of it.
#[derive(Clone, Debug)]
pub struct Spread {
    random: Random,
    count: u64,
    next: u64,
    /// The length of the span: microseconds times busyness.
    length: u64,
    end: Timestamp,
    /// The part of an hour that the last time lies in, and where it begins on the length.
    part: Part,
    part_begins: u64,
}

/// A stretch of time inside one hour of the clock.
#[derive(Clone, Copy, Debug)]
struct Part {
    from: Timestamp,
    to: Timestamp,
}

impl Part {
    fn starting(from: Timestamp, end: Timestamp) -> Self {
        Self { from, to: from.floor_to(HOUR_US).plus_micros(HOUR_US).min(end) }
    }

    fn busy(self) -> u64 {
        let hour = self.from.micros().rem_euclid(DAY_US) / HOUR_US;
        u64::from(BUSY[hour as usize])
    }

    fn length(self) -> u64 {
        (self.to.micros() - self.from.micros()) as u64 * self.busy()
    }
}

impl Spread {
    /// `count` times in the `days` (at least one) before `end`.
    pub fn new(seed: Seed, end: Timestamp, days: u16, count: u64) -> Self {
        let days = days.max(1);
        let from = end.plus_micros(-i64::from(days) * DAY_US);
        // A whole day is as long wherever it begins.
        let day: u64 = BUSY.iter().map(|&busy| u64::from(busy) * HOUR_US as u64).sum();
        Self {
            random: Random::new(seed, LABEL),
            count,
            next: 0,
            length: day * u64::from(days),
            end,
            part: Part::starting(from, end),
            part_begins: 0,
        }
    }
}

impl Iterator for Spread {
    type Item = Timestamp;

    fn next(&mut self) -> Option<Timestamp> {
        if self.next >= self.count {
            return None;
        }
        let share = (u128::from(self.next) << 32) | u128::from(self.random.bits() >> 32);
        self.next += 1;
        // Less than 2⁵³ × 2⁶⁴ for any count below 2³².
        let at = (u128::from(self.length) * share / (u128::from(self.count) << 32)) as u64;
        while at >= self.part_begins + self.part.length() && self.part.to < self.end {
            self.part_begins += self.part.length();
            self.part = Part::starting(self.part.to, self.end);
        }
        let micros = (at - self.part_begins) / self.part.busy();
        Some(self.part.from.plus_micros(micros as i64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn times_follow_the_hours_of_the_day_over_the_whole_span() {
        let end = time("2026-11-25T10:17:23.000456Z");
        let times: Vec<Timestamp> = Spread::new(Seed::past(3), end, 7, 70_000).collect();
        assert_eq!(times.len(), 70_000);
        assert!(times.is_sorted());
        let first = end.plus_micros(-7 * DAY_US);
        assert!(times[0] >= first && times[0] < first.plus_micros(HOUR_US / 10), "{}", times[0]);
        let last = times[times.len() - 1];
        assert!(last < end && last > end.plus_micros(-HOUR_US / 10), "{last}");

        let mut hours = [0_u32; 24];
        for time in times {
            hours[(time.micros().rem_euclid(DAY_US) / HOUR_US) as usize] += 1;
        }
        let all: u32 = BUSY.iter().sum();
        for (hour, found) in hours.into_iter().enumerate() {
            let expected = f64::from(BUSY[hour]) / f64::from(all) * 70_000.0;
            assert!((f64::from(found) - expected).abs() < 20.0, "hour {hour}: {found}, not {expected}");
        }
        assert!(hours[20] > 10 * hours[4]);
    }

    #[test]
    fn the_same_seed_gives_the_same_times_and_none_is_left_over() {
        let end = time("2026-11-25T10:00:00Z");
        let times = |seed| Spread::new(Seed::past(seed), end, 1, 500).collect::<Vec<_>>();
        assert_eq!(times(1), times(1));
        assert_ne!(times(1), times(2));
        assert_eq!(Spread::new(Seed::past(1), end, 1, 0).next(), None);
        assert!(Spread::new(Seed::past(1), end, 365, 1).next().unwrap() < end);
    }

    #[test]
    fn the_largest_spread_stays_inside_its_span() {
        let end = time("2026-11-25T10:00:00Z");
        let mut spread = Spread::new(Seed::past(1), end, u16::MAX, u64::from(u32::MAX));
        assert!(spread.next().unwrap() < end.plus_micros(-65_534 * DAY_US));
        spread.next = u64::from(u32::MAX) - 1;
        assert!(spread.next().unwrap() < end);
    }
}
