//! The identities of generated events.

use footfall_domain::event::EventId;

use crate::random::{Random, Seed};

/// Version 8, for identities made by a rule of one's own, and the variant (RFC 9562 §5.8).
const VERSION: u64 = 0x8000;
const VARIANT: u64 = 0b10 << 62;
const LOW_BITS: u64 = u64::MAX >> 2;

/// The identity of each number, for a seed.
#[derive(Clone, Debug)]
pub(crate) struct Ids {
    high: u64,
    low: u64,
}

impl Ids {
    pub(crate) fn new(seed: Seed, label: u64) -> Self {
        let mut random = Random::new(seed, label);
        Self { high: random.bits(), low: random.bits() }
    }

    /// Different numbers below 2⁶² have different identities, certainly; other seeds give other ones but for a chance of one in
    /// 2¹²⁰ or so.
    pub(crate) fn id(&self, number: u64) -> EventId {
        // An odd factor permutes the numbers modulo 2⁶².
        let low = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(self.low) & LOW_BITS;
        // A store may spread events by any part of their identity, so the high bits change as well.
        let high = self.high ^ low.rotate_left(31).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let high = high & !0xf000 | VERSION;
        EventId::from_bytes(((u128::from(high) << 64) | u128::from(low | VARIANT)).to_be_bytes())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn identities_are_uuids_of_version_8_and_never_meet() {
        let mut seen = HashSet::new();
        for seed in [Seed::past(1), Seed::past(2), Seed::live(1)] {
            for label in 0..2 {
                let ids = Ids::new(seed, label);
                for number in 0..50_000 {
                    let text = ids.id(number).to_string();
                    assert!(&text[14..15] == "8" && "89ab".contains(&text[19..20]), "{text}");
                    assert!(seen.insert(text));
                }
            }
        }
    }
}
