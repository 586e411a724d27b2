//! Every event as a row of integers, ordered by time within its hour.

use footfall_domain::time::{HOUR_US, Timestamp};

use crate::growth;

/// What stands for the visitor or the subject where there is none.
pub(crate) const NONE: u32 = u32::MAX;

/// Rows in a run above which runs are no longer merged: it bounds how long a merge takes.
const RUN_MAX: usize = 65_536;

/// Where the log keeps an event: 48 bits that mean something to the log alone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Location(u64);

impl Location {
    /// A location of at most 48 bits.
    pub const fn new(bits: u64) -> Self {
        debug_assert!(bits < 1 << 48);
        Self(bits)
    }

    /// The bits that the log chose.
    pub const fn bits(self) -> u64 {
        self.0
    }
}

/// An event as integers; 20 bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// Microseconds after the hour's start; an hour has fewer than 2³².
    pub(crate) offset_us: u32,
    pub(crate) visitor: u32,
    /// The page of a page view, the domain of a delivery or bounce.
    pub(crate) subject: u32,
    location_low: u32,
    location_high: u16,
    pub(crate) event_type: u16,
}

impl Row {
    pub(crate) const fn new(
        offset_us: u32,
        visitor: u32,
        subject: u32,
        event_type: u16,
        location: Location,
    ) -> Self {
        let (location_low, location_high) = (location.0 as u32, (location.0 >> 32) as u16);
        Self { offset_us, visitor, subject, location_low, location_high, event_type }
    }

    pub(crate) const fn location(&self) -> Location {
        Location((self.location_high as u64) << 32 | self.location_low as u64)
    }

    /// When it happened, in that hour.
    pub(crate) const fn at(&self, hour: i32) -> Timestamp {
        start_of(hour).plus_micros(self.offset_us as i64)
    }
}

/// The hour since 1970 of an instant, and its microseconds within it.
pub(crate) const fn hour_of(at: Timestamp) -> (i32, u32) {
    (at.micros().div_euclid(HOUR_US) as i32, at.micros().rem_euclid(HOUR_US) as u32)
}

/// When an hour since 1970 begins.
pub(crate) const fn start_of(hour: i32) -> Timestamp {
    Timestamp::from_micros_clamped(hour as i64 * HOUR_US)
}

/// The rows of one hour, in runs that are each ordered by time. Events that come in order make one run; others are
/// merged like in a log-structured tree, so that every row is moved only a few times.
#[derive(Debug, Default)]
pub struct HourRows {
    runs: Vec<Vec<Row>>,
    /// Rows that have a visitor.
    identified: u64,
}

impl HourRows {
    /// The hour of those rows, which are ordered by time.
    pub(crate) fn of_sorted(rows: Vec<Row>) -> Self {
        Self { identified: identified(&rows), runs: vec![rows] }
    }

    /// Adds rows ordered by time. Returns by how many bytes the hour grew (or shrank, by merging).
    pub(crate) fn add(&mut self, rows: &[Row]) -> isize {
        let before = self.heap_bytes() as isize;
        self.identified += identified(rows);
        match self.runs.last_mut() {
            Some(last)
                if last.last().is_none_or(|last| last.offset_us <= rows[0].offset_us)
                    && last.len() < RUN_MAX =>
            {
                if last.capacity() - last.len() < rows.len() {
                    last.reserve_exact(rows.len().max(last.len() / 4));
                }
                last.extend_from_slice(rows);
            }
            _ => self.runs.push(rows.to_vec()),
        }
        while let [.., left, right] = &mut *self.runs {
            if left.len() > 2 * right.len() || left.len() + right.len() > RUN_MAX {
                break;
            }
            // The standard library's stable sort finds the two runs and merges them.
            left.reserve_exact(right.len());
            left.append(right);
            left.sort_by_key(|row| row.offset_us);
            self.runs.pop();
        }
        self.heap_bytes() as isize - before
    }

    /// Takes the rows of a visitor out. Returns by how many bytes the hour shrank.
    pub(crate) fn take(&mut self, visitor: u32, mut taken: impl FnMut(Row)) -> usize {
        let before = self.heap_bytes();
        for run in &mut self.runs {
            let kept = |row: &mut Row| {
                let kept = row.visitor != visitor;
                if !kept {
                    self.identified -= 1;
                    taken(*row);
                }
                kept
            };
            run.retain_mut(kept);
            growth::trim(run);
        }
        self.runs.retain(|run| !run.is_empty());
        growth::trim(&mut self.runs);
        before - self.heap_bytes()
    }

    /// How many rows have a visitor.
    pub(crate) const fn identified(&self) -> u64 {
        self.identified
    }

    /// Whether it has no rows.
    pub(crate) const fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Of each run the rows between two offsets; `to` may be an hour's length.
    pub(crate) fn between(&self, from_us: u32, to_us: u32) -> impl Iterator<Item = &[Row]> {
        self.runs.iter().map(move |run| {
            let start = run.partition_point(|row| row.offset_us < from_us);
            let length = run[start..].partition_point(|row| row.offset_us < to_us);
            &run[start..start + length]
        })
    }

    /// Whether all rows are between two offsets.
    pub(crate) fn are_between(&self, from_us: u32, to_us: u32) -> bool {
        let mut ends = self.runs.iter().flat_map(|run| run.first().into_iter().chain(run.last()));
        ends.all(|row| (from_us..to_us).contains(&row.offset_us))
    }

    /// All rows, in no order.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Row> {
        self.runs.iter().flatten()
    }

    /// Where the log keeps the events of this hour, in no order.
    pub fn locations(&self) -> impl Iterator<Item = Location> {
        self.all().map(Row::location)
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.runs.capacity() * size_of::<Vec<Row>>()
            + self.runs.iter().map(|run| growth::vec_bytes::<Row>(run.len())).sum::<usize>()
    }
}

fn identified(rows: &[Row]) -> u64 {
    rows.iter().filter(|row| row.visitor != NONE).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(offset_us: u32) -> Row {
        Row::new(offset_us, 1, NONE, 0, Location::new(0xFFFF_0000_0001))
    }

    #[test]
    fn a_row_is_twenty_bytes_and_keeps_its_location() {
        assert_eq!(size_of::<Row>(), 20);
        assert_eq!(row(3).location().bits(), 0xFFFF_0000_0001);
    }

    #[test]
    fn rows_in_order_make_one_run_and_others_few() {
        let mut hour = HourRows::default();
        for offset in 0..1_000 {
            hour.add(&[row(offset), row(offset)]);
        }
        assert_eq!(hour.runs.len(), 1);
        for step in 0..1_000 {
            hour.add(&[row(step * 7919 % 1_000)]);
        }
        assert!(hour.runs.len() < 12, "{}", hour.runs.len());
        assert!(hour.runs.iter().all(|run| run.is_sorted_by_key(|row| row.offset_us)));
        assert_eq!(hour.between(10, 20).map(<[Row]>::len).sum::<usize>(), 30);
        assert_eq!(hour.all().count(), 3_000);
        assert!(hour.are_between(0, 1_000) && !hour.are_between(0, 999) && !hour.are_between(1, 1_000));
    }
}
