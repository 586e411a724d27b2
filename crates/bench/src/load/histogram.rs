//! A log-linear histogram of durations: 64 steps in each doubling, so a quantile is at most 1.6 % too high.

use std::time::Duration;

/// Bits of a value that are kept.
const PRECISION_BITS: u32 = 6;
const STEPS: usize = 1 << PRECISION_BITS;
/// Durations of 2⁴⁰ ns (18 minutes) and more share the last bucket; no run lasts so long.
const DOUBLINGS: usize = 40 - PRECISION_BITS as usize;
const BUCKETS: usize = (DOUBLINGS + 1) * STEPS;

/// How often each duration, in nanoseconds, was seen.
#[derive(Clone, Debug)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max_ns: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS], total: 0, max_ns: 0 }
    }
}

impl Histogram {
    /// Counts one duration.
    pub fn record(&mut self, duration: Duration) {
        let nanoseconds = duration.as_nanos() as u64;
        self.counts[bucket(nanoseconds)] += 1;
        self.total += 1;
        self.max_ns = self.max_ns.max(nanoseconds);
    }

    /// Adds what another has seen.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.total += other.total;
        self.max_ns = self.max_ns.max(other.max_ns);
    }

    /// How many durations were counted.
    pub fn count(&self) -> u64 {
        self.total
    }

    /// The duration that the share `quantile` (0 to 1) did not exceed; zero when nothing was counted.
    pub fn quantile(&self, quantile: f64) -> Duration {
        let rank = ((self.total as f64 * quantile).ceil() as u64).clamp(1, self.total.max(1));
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return Duration::from_nanos(upper_edge(index).min(self.max_ns));
            }
        }
        Duration::ZERO
    }

    /// The longest duration, exactly.
    pub fn max(&self) -> Duration {
        Duration::from_nanos(self.max_ns)
    }

    /// How many durations were longer than `limit`, to the precision of a bucket.
    pub fn count_over(&self, limit: Duration) -> u64 {
        self.counts[bucket(limit.as_nanos() as u64) + 1..].iter().sum()
    }
}

/// A duration in milliseconds.
pub fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn bucket(nanoseconds: u64) -> usize {
    if nanoseconds < STEPS as u64 {
        return nanoseconds as usize;
    }
    let shift = nanoseconds.ilog2() - PRECISION_BITS;
    let step = (nanoseconds >> shift) as usize - STEPS;
    ((shift as usize + 1) * STEPS + step).min(BUCKETS - 1)
}

fn upper_edge(bucket: usize) -> u64 {
    if bucket < STEPS {
        return bucket as u64;
    }
    let shift = bucket / STEPS - 1;
    ((STEPS + bucket % STEPS + 1) as u64 * (1 << shift)) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_to_the_precision() {
        let mut histogram = Histogram::default();
        for microseconds in 1..=100_000 {
            histogram.record(Duration::from_micros(microseconds));
        }
        for (quantile, expected_ms) in [(0.5, 50.0), (0.99, 99.0), (0.999, 99.9), (1.0, 100.0)] {
            let ratio = histogram.quantile(quantile).as_secs_f64() * 1e3 / expected_ms;
            assert!((1.0..1.017).contains(&ratio), "{quantile}: {ratio}");
        }
        assert_eq!(histogram.max(), Duration::from_millis(100));
        let over = histogram.count_over(Duration::from_millis(90));
        assert!((8_500..=10_000).contains(&over), "{over}");
    }

    #[test]
    fn every_value_lies_in_its_bucket() {
        for value in [0, 1, 63, 64, 65, 127, 128, 1_000_003, (1 << 40) - 1] {
            let index = bucket(value);
            assert!(upper_edge(index) >= value);
            assert!(index == 0 || upper_edge(index - 1) < value);
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn merging_adds_up_and_an_empty_one_is_zero() {
        let mut one = Histogram::default();
        assert_eq!(one.quantile(0.99), Duration::ZERO);
        let mut two = Histogram::default();
        one.record(Duration::from_millis(1));
        two.record(Duration::from_millis(3));
        one.merge(&two);
        assert_eq!((one.count(), one.max()), (2, Duration::from_millis(3)));
    }
}
