use std::sync::atomic::{AtomicU64, Ordering};

/// Bounds for what takes microseconds to seconds, in microseconds: 0.1 ms to 10 s.
pub const TIME_BOUNDS_US: &[u64] = &[
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000, 10_000_000,
];

/// Counts what was observed by its size, for operators. Adding to it takes no lock and no memory.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [u64],
    /// One more than there are bounds: what lies beyond the last.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

/// What a [`Histogram`] holds at a moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Distribution {
    /// The largest value of each part but the last, which has none.
    pub bounds: &'static [u64],
    /// How many values lie in each part, and not in the one before.
    pub counts: Vec<u64>,
    /// The sum of all values.
    pub sum: u64,
}

impl Histogram {
    /// An empty one. The bounds ascend; a value that equals one is within it.
    pub fn new(bounds: &'static [u64]) -> Self {
        Self { bounds, counts: bounds.iter().chain([&0]).map(|_| AtomicU64::new(0)).collect(), sum: 0.into() }
    }

    /// Counts a value.
    pub fn add(&self, value: u64) {
        let part = self.bounds.partition_point(|bound| *bound < value);
        self.counts[part].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// What it holds now.
    pub fn read(&self) -> Distribution {
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        Distribution { bounds: self.bounds, counts, sum: self.sum.load(Ordering::Relaxed) }
    }
}

impl Distribution {
    /// How many values there are.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_where_they_lie() {
        let histogram = Histogram::new(&[1, 10]);
        for value in [0, 1, 2, 10, 11, 1_000] {
            histogram.add(value);
        }
        let held = histogram.read();
        assert_eq!((&held.counts[..], held.sum, held.count()), (&[2, 2, 2][..], 1_024, 6));
    }
}
