//! Which visitor is in which segment.

use footfall_domain::time::Timestamp;

use crate::random::{Random, Seed};
use crate::site::push_user;
use crate::text::push_digits;
use crate::zipf::Zipf;

const LABEL: u64 = 6;

/// Names of the first segments; further ones are numbered.
const TITLES: [&str; 20] = [
    "all-visitors",
    "newsletter",
    "returning",
    "mobile",
    "cart-abandoned",
    "RU",
    "DE",
    "bargain-hunters",
    "first-purchase",
    "US",
    "loyal",
    "coffee",
    "sports",
    "VIP",
    "FR",
    "gift-buyers",
    "at-risk",
    "beta",
    "JP",
    "press",
];
/// The most segments of a user.
const MOST_SEGMENTS: usize = 4;
const HOUR_SECONDS: u32 = 3_600;
const DAYS_SECONDS: u32 = 14 * 24 * HOUR_SECONDS;

/// Memberships, one after the other; no pair of user and segment twice.
#[derive(Clone, Debug)]
pub struct Users {
    random: Random,
    segments: Zipf,
    user: u32,
    /// The segments of that user that are still to come; the last one first.
    pending: Vec<u32>,
}

impl Users {
    /// Memberships in that many segments (at least one), their size falling by Zipf's law. The users are the visitors that a
    /// [`Site`](crate::Site) has too, beginning with the one who is there most.
    pub fn new(seed: Seed, segments: u32) -> Self {
        let segments = Zipf::new(segments.max(1));
        Self { random: Random::new(seed, LABEL), segments, user: 0, pending: Vec::new() }
    }

    /// Appends the next membership, as JSON without line breaks. It ends within the four weeks after `now`, in about two on average.
    pub fn append(&mut self, now: Timestamp, out: &mut Vec<u8>) {
        if self.pending.is_empty() {
            self.choose();
        }
        let segment = self.pending.pop().unwrap_or_default();
        let lasts =
            HOUR_SECONDS + self.random.below(DAYS_SECONDS) + self.random.below(DAYS_SECONDS - HOUR_SECONDS);
        let ends = now.micros().max(0) as u64 / 1_000_000 + u64::from(lasts);
        out.extend_from_slice(br#"{"ID":""#);
        push_user(out, self.user);
        out.extend_from_slice(br#"","segment":""#);
        if let Some(title) = TITLES.get(segment as usize) {
            out.extend_from_slice(title.as_bytes());
        } else {
            out.extend_from_slice(b"segment-");
            push_digits(out, u64::from(segment) + 1, 3);
        }
        out.extend_from_slice(br#"","expiredSegment":"#);
        push_digits(out, ends, 1);
        out.push(b'}');
        if self.pending.is_empty() {
            self.user = self.user.wrapping_add(1);
        }
    }

    /// The segments of the next user: one to four different ones.
    fn choose(&mut self) {
        let most = MOST_SEGMENTS.min(self.segments.size() as usize);
        let count =
            1 + (self.random.below(most as u32) as usize).min(self.random.below(most as u32) as usize);
        while self.pending.len() < count {
            let mut segment = self.segments.draw(&mut self.random);
            // Not drawn again: with few segments that would take long.
            while self.pending.contains(&segment) {
                segment = (segment + 1) % self.segments.size();
            }
            self.pending.push(segment);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use serde_json::Value;

    use super::*;

    const NOW: i64 = 1_700_000_000;

    fn memberships(seed: Seed, segments: u32, count: usize) -> Vec<Value> {
        let now = Timestamp::from_micros(NOW * 1_000_000 + 999_999).unwrap();
        let mut users = Users::new(seed, segments);
        (0..count)
            .map(|_| {
                let mut out = Vec::new();
                users.append(now, &mut out);
                serde_json::from_slice(&out).unwrap()
            })
            .collect()
    }

    #[test]
    fn memberships_are_repeatable_and_no_pair_comes_twice() {
        assert_eq!(memberships(Seed::past(1), 20, 1_000), memberships(Seed::past(1), 20, 1_000));
        assert_ne!(memberships(Seed::past(1), 20, 1_000), memberships(Seed::past(2), 20, 1_000));
        for segments in [1, 2, 3, 20, 100] {
            let mut pairs = HashSet::new();
            for membership in memberships(Seed::past(1), segments, 5_000) {
                assert!(pairs.insert((membership["ID"].to_string(), membership["segment"].to_string())));
                let ends = membership["expiredSegment"].as_i64().unwrap();
                assert!((NOW + 3_600..NOW + 28 * 86_400).contains(&ends), "{membership}");
            }
        }
    }

    #[test]
    fn segments_differ_in_size_and_users_in_segments() {
        let (mut segments, mut users) = (HashMap::<String, u32>::new(), HashMap::<String, u32>::new());
        for membership in memberships(Seed::past(1), 30, 20_000) {
            *segments.entry(membership["segment"].to_string()).or_default() += 1;
            *users.entry(membership["ID"].to_string()).or_default() += 1;
        }
        assert_eq!(segments.len(), 30);
        assert!(segments["\"all-visitors\""] > 5 * segments["\"segment-030\""], "{segments:?}");
        let several = users.values().filter(|&&segments| segments > 1).count();
        assert!(several > users.len() / 4 && several < users.len(), "{several} of {}", users.len());
        assert!(users.values().all(|&segments| segments <= 4));
    }
}
