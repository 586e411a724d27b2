//! Seeded random numbers.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};

/// What all random numbers of a run follow from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seed(u64);

impl Seed {
    /// The seed of generated events of the past.
    pub const fn past(number: u64) -> Self {
        Self(mix(number))
    }

    /// The seed of live traffic. It shares no event id with the past of the same number.
    pub const fn live(number: u64) -> Self {
        Self(mix(number ^ 0x6c69_7665))
    }

    /// A number for one use of the seed; uses with different labels know nothing of each other.
    pub(crate) const fn derive(self, label: u64) -> u64 {
        // Mixed once more than the label, or seed and label could change places.
        mix(mix(self.0) ^ mix(label))
    }
}

/// The finaliser of splitmix64: a permutation of the 64-bit numbers that leaves no trace of their order.
const fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// A stream of random numbers. Only the generator's raw bits are used: it is named, so those are fixed, while how the
/// library makes ranges and choices of them may change with its versions.
#[derive(Clone, Debug)]
pub(crate) struct Random(Xoshiro256PlusPlus);

impl Random {
    pub(crate) fn new(seed: Seed, label: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed.derive(label)))
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `bound`, by multiplication: the bias (`bound` / 2³²) can't show in traffic.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        scale(self.bits() as u32, bound)
    }

    /// True in so many cases of a thousand.
    pub(crate) fn per_mille(&mut self, cases: u32) -> bool {
        self.below(1_000) < cases
    }
}

/// `bound` × `bits` / 2³².
pub(crate) fn scale(bits: u32, bound: u32) -> u32 {
    ((u64::from(bits) * u64::from(bound)) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A seed that was noted down must give the same traffic after an update of the library.
    #[test]
    fn the_numbers_of_a_seed_are_fixed() {
        let mut random = Random::new(Seed::past(1), 0);
        let drawn: Vec<u64> = (0..3).map(|_| random.bits()).collect();
        assert_eq!(drawn, [4_660_825_059_391_952_511, 8_238_285_414_467_967_459, 5_617_379_069_236_508_517]);
    }

    #[test]
    fn seeds_labels_and_uses_differ() {
        let first = |seed, label| Random::new(seed, label).bits();
        assert_eq!(first(Seed::past(1), 2), first(Seed::past(1), 2));
        assert_ne!(first(Seed::past(1), 2), first(Seed::past(2), 1));
        assert_ne!(first(Seed::past(1), 2), first(Seed::past(1), 3));
        assert_ne!(first(Seed::past(1), 2), first(Seed::live(1), 2));
    }
}
