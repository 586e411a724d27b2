//! Sets of visitors, small while they are small.

use roaring::RoaringBitmap;

/// Up to so many visitors a sorted slice is small and quick enough.
const FEW_MAX: usize = 512;

/// Above, a compressed bitmap takes over once it is smaller: it pays for each of the 65,536-wide containers that its
/// members are spread over, and saves two bytes a member.
const CONTAINER_MEMBERS_MIN: usize = 32;

/// From so many visitors on, they are added to a bitmap as a bitmap.
const BULK_MIN: usize = 64;

/// What an allocation costs beyond its bytes.
const ALLOCATION_BYTES: usize = 16;
/// A container as a bitset.
const BITSET_BYTES: usize = 8 * 1024;
/// What a bitmap costs for each container beyond its members.
const CONTAINER_BYTES: usize = 48 + ALLOCATION_BYTES;

/// A set of interned visitors.
#[derive(Debug, Default)]
pub(crate) enum VisitorSet {
    #[default]
    None,
    One(u32),
    /// In ascending order.
    Few(Box<[u32]>),
    Many(Box<RoaringBitmap>),
}

impl VisitorSet {
    /// Adds visitors given in ascending order, each once.
    pub(crate) fn add_sorted(&mut self, new: &[u32]) {
        match self {
            Self::None => *self = Self::from_sorted(new),
            Self::One(one) => {
                let one = *one;
                if new != [one] && !new.is_empty() {
                    *self = Self::from_sorted(&merged(&[one], new));
                }
            }
            Self::Few(few) => {
                if new.iter().any(|visitor| few.binary_search(visitor).is_err()) {
                    *self = Self::from_sorted(&merged(few, new));
                }
            }
            Self::Many(many) if new.len() < BULK_MIN => {
                many.extend(new.iter().copied());
            }
            // Merging whole containers beats looking up a place for each.
            Self::Many(many) => **many |= from_ascending(new),
        }
    }

    /// Takes a visitor away.
    pub(crate) fn remove(&mut self, visitor: u32) {
        if !self.contains(visitor) {
            return;
        }
        match self {
            Self::None | Self::One(_) => *self = Self::None,
            Self::Few(few) => {
                let rest: Vec<u32> = few.iter().copied().filter(|other| *other != visitor).collect();
                *self = Self::from_sorted(&rest);
            }
            Self::Many(many) => {
                many.remove(visitor);
                // Well below where it became a bitmap, or a visitor who comes and goes would turn it over each time.
                if many.len() <= FEW_MAX as u64 / 2 {
                    *self = Self::from_sorted(&self.to_sorted());
                }
            }
        }
    }

    /// The set of visitors given in ascending order, each once.
    pub(crate) fn from_sorted(sorted: &[u32]) -> Self {
        match sorted {
            [] => Self::None,
            [one] => Self::One(*one),
            few if few.len() <= FEW_MAX || few.len() < CONTAINER_MEMBERS_MIN * containers_of(few) => {
                Self::Few(few.into())
            }
            many => Self::Many(Box::new(from_ascending(many))),
        }
    }

    /// The visitors in ascending order.
    pub(crate) fn to_sorted(&self) -> Vec<u32> {
        match self {
            Self::None => Vec::new(),
            Self::One(one) => vec![*one],
            Self::Few(few) => few.to_vec(),
            Self::Many(many) => many.iter().collect(),
        }
    }

    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::None => 0,
            Self::One(_) => 1,
            Self::Few(few) => few.len() as u64,
            Self::Many(many) => many.len(),
        }
    }

    pub(crate) fn contains(&self, visitor: u32) -> bool {
        match self {
            Self::None => false,
            Self::One(one) => *one == visitor,
            Self::Few(few) => few.binary_search(&visitor).is_ok(),
            Self::Many(many) => many.contains(visitor),
        }
    }

    pub(crate) fn union_into(&self, union: &mut RoaringBitmap) {
        match self {
            Self::None => {}
            Self::One(one) => {
                union.insert(*one);
            }
            Self::Few(few) => union.extend(few.iter().copied()),
            Self::Many(many) => *union |= &**many,
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::None | Self::One(_) => 0,
            Self::Few(few) => size_of_val(&**few) + ALLOCATION_BYTES,
            Self::Many(many) => {
                let held = many.statistics();
                // The statistics count four bytes for each place of an array, where there are two, and the bits of a bitset as
                // bytes. Arrays grow to at most twice what they hold, and keep their room when members go: so much is
                // counted from the start, for no single member to be charged for all of it.
                let array_bytes = (4 * held.n_values_array_containers as usize)
                    .max(held.n_bytes_array_containers as usize / 2);
                array_bytes
                    + held.n_bitset_containers as usize * BITSET_BYTES
                    + 2 * held.n_bytes_run_containers as usize
                    + 2 * held.n_containers as usize * CONTAINER_BYTES
                    + size_of::<RoaringBitmap>()
                    + ALLOCATION_BYTES
            }
        }
    }
}

/// How many of a bitmap's containers the visitors, given in ascending order, would be spread over.
fn containers_of(visitors: &[u32]) -> usize {
    visitors.chunk_by(|left, right| left >> 16 == right >> 16).count()
}

fn from_ascending(visitors: &[u32]) -> RoaringBitmap {
    let ascending = RoaringBitmap::from_sorted_iter(visitors.iter().copied());
    ascending.unwrap_or_else(|_| visitors.iter().copied().collect())
}

/// Two ascending slices as one, what is in both once.
fn merged(left: &[u32], right: &[u32]) -> Vec<u32> {
    let mut all = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left, right);
    while let ([first, left_rest @ ..], [second, right_rest @ ..]) = (left, right) {
        all.push(*first.min(second));
        if first <= second {
            left = left_rest;
        }
        if second <= first {
            right = right_rest;
        }
    }
    all.extend_from_slice(left);
    all.extend_from_slice(right);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_set_takes_the_space_of_three_words() {
        assert_eq!(size_of::<VisitorSet>(), 24);
    }

    #[test]
    fn sets_of_any_size_hold_what_was_added() {
        let mut set = VisitorSet::default();
        let mut expected = BTreeSet::new();
        for round in 0..200_u32 {
            let new: BTreeSet<u32> =
                (0..round % 37).map(|step| (round * 7919 + step * 104_729) % 100_000).collect();
            set.add_sorted(&new.iter().copied().collect::<Vec<_>>());
            expected.extend(new);
            assert_eq!(set.len(), expected.len() as u64);
        }
        assert!(matches!(set, VisitorSet::Many(_)));
        let mut union = RoaringBitmap::new();
        set.union_into(&mut union);
        assert!(union.iter().eq(expected.iter().copied()));
        assert!(expected.iter().all(|&visitor| set.contains(visitor)) && !set.contains(100_001));
    }

    #[test]
    fn sets_of_any_size_lose_only_what_is_removed() {
        let all: Vec<u32> = (0..3_000).map(|step| step * 31).collect();
        let mut set = VisitorSet::default();
        set.add_sorted(&all);
        assert!(matches!(set, VisitorSet::Many(_)));
        let mut expected: BTreeSet<u32> = all.iter().copied().collect();
        for step in 0..3_000 {
            set.remove(1);
            set.remove(step * 7_919 % 3_000 * 31);
            expected.remove(&(step * 7_919 % 3_000 * 31));
            assert_eq!(set.len(), expected.len() as u64);
            if step % 100 == 0 || expected.len() < 5 {
                assert!(set.to_sorted().iter().eq(expected.iter()));
            }
            assert!(expected.len() > FEW_MAX / 2 || !matches!(set, VisitorSet::Many(_)));
        }
        assert!(matches!(set, VisitorSet::None) && set.heap_bytes() == 0);
    }
}
