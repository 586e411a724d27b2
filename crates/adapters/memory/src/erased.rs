//! Which events were erased, by hour: they have no rows any more that would say so once they are too old.

use std::collections::BTreeMap;

use footfall_domain::time::{HOUR_US, Timestamp};
use footfall_read_models::Location;

/// What an hour's entry takes: key, vector and its part of the tree's nodes.
const HOUR_BYTES: usize = size_of::<(Timestamp, Vec<Location>)>() + 16;

/// Where the log keeps what is left of erased events, by the start of their hour.
#[derive(Debug, Default)]
pub(crate) struct Erased {
    hours: BTreeMap<Timestamp, Vec<Location>>,
    bytes: usize,
}

impl Erased {
    /// Notes an event that happened then.
    pub(crate) fn add(&mut self, at: Timestamp, location: Location) {
        let locations = self.hours.entry(at.floor_to(HOUR_US)).or_insert_with(|| {
            self.bytes += HOUR_BYTES;
            Vec::new()
        });
        let before = locations.capacity();
        locations.push(location);
        self.bytes += (locations.capacity() - before) * size_of::<Location>();
    }

    /// Takes those of the hours that began before `oldest`.
    pub(crate) fn take_before(&mut self, oldest: Timestamp) -> Vec<Location> {
        let kept = self.hours.split_off(&oldest);
        let taken = std::mem::replace(&mut self.hours, kept);
        for locations in taken.values() {
            self.bytes -= HOUR_BYTES + locations.capacity() * size_of::<Location>();
        }
        taken.into_values().flatten().collect()
    }

    /// Bytes on the heap.
    pub(crate) const fn heap_bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_is_taken_once_by_hours() {
        let mut erased = Erased::default();
        let at = |hours: i64, micros: i64| Timestamp::from_micros_clamped(hours * HOUR_US + micros);
        for (place, (hour, micros)) in [(0, 5), (-1, 7), (1, 0), (0, 6), (2, 0)].into_iter().enumerate() {
            erased.add(at(hour, micros), Location::new(place as u64));
        }
        let mut take = |hours| {
            let mut bits: Vec<u64> =
                erased.take_before(at(hours, 0)).into_iter().map(Location::bits).collect();
            bits.sort_unstable();
            bits
        };
        assert_eq!(take(-1), [0; 0]);
        assert_eq!(take(1), [0, 1, 3]);
        assert_eq!(take(1), [0; 0]);
        assert_eq!(take(9), [2, 4]);
        assert_eq!(erased.heap_bytes(), 0);
    }
}
