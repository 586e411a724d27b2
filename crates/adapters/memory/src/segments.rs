//! Users in segments, in memory: who is where until when, and how many are in each.
//!
//! Each segment knows how many users are in it now, and how many of them leave at each second to come. So counting costs by
//! segments and by the seconds in which somebody left since it was done last.

use std::collections::{BTreeMap, HashMap};
use std::sync::{MutexGuard, PoisonError};

use footfall_domain::membership::{Joined, Membership, SET_BACK_S, second_of};
use footfall_domain::time::Timestamp;
use footfall_ports::{ENDED_KNOWN_S, SEGMENTS_TOLD_MAX, SegmentCounts, StoreError};
use footfall_read_models::Interner;

use crate::store::{Inner, full};

/// What a membership takes beyond its names: its entry in the table at its emptiest, and its second's.
const MEMBERSHIP_BYTES: usize = 40 + SECOND_BYTES;
/// A second's entry and its part of the tree's nodes.
const SECOND_BYTES: usize = 40;
/// A name that is new at its most, beyond its text: in the interner's table and list.
const NAME_BYTES: usize = 96;
const SEGMENT_BYTES: usize = size_of::<Segment>() * 2;

/// Who is in which segment.
#[derive(Debug)]
pub(crate) struct Segments {
    users: Interner,
    titles: Interner,
    /// By user and segment: the second from which on it is over.
    memberships: HashMap<(u32, u32), i64, foldhash::fast::RandomState>,
    /// By the integers of their titles.
    counts: Vec<Segment>,
    /// Those that leave up to this second are counted out.
    counted_s: i64,
    taken_at: Timestamp,
    /// Entries of all segments' `leaving`.
    seconds: usize,
}

impl Default for Segments {
    fn default() -> Self {
        Self {
            users: Interner::default(),
            titles: Interner::default(),
            memberships: HashMap::default(),
            counts: Vec::new(),
            counted_s: i64::MIN,
            taken_at: Timestamp::MIN,
            seconds: 0,
        }
    }
}

#[derive(Debug, Default)]
struct Segment {
    users: u64,
    /// How many leave at each second, later than what is counted out.
    leaving: BTreeMap<i64, u64>,
}

impl Segments {
    fn join(&mut self, membership: &Membership) -> Joined {
        let Membership { user, segment, expires_at_s } = membership;
        let known = self.users.get(user).zip(self.titles.get(segment));
        if let Some(key) = known
            && let Some(expiry) = self.memberships.get_mut(&key)
        {
            let before = std::mem::replace(expiry, *expires_at_s);
            self.leave(key.1, before);
            self.enter(key.1, *expires_at_s);
            return Joined::Renewed;
        }
        let key = (self.users.refer(user), self.titles.refer(segment));
        if self.counts.len() <= key.1 as usize {
            self.counts.resize_with(key.1 as usize + 1, Segment::default);
        }
        self.memberships.insert(key, *expires_at_s);
        self.enter(key.1, *expires_at_s);
        Joined::Created
    }

    fn enter(&mut self, segment: u32, expires_at_s: i64) {
        if expires_at_s > self.counted_s {
            let segment = &mut self.counts[segment as usize];
            segment.users += 1;
            let leaving = segment.leaving.entry(expires_at_s).or_insert_with(|| {
                self.seconds += 1;
                0
            });
            *leaving += 1;
        }
    }

    fn leave(&mut self, segment: u32, expires_at_s: i64) {
        let segment = &mut self.counts[segment as usize];
        if expires_at_s > self.counted_s
            && let Some(leaving) = segment.leaving.get_mut(&expires_at_s)
        {
            segment.users -= 1;
            *leaving -= 1;
            if *leaving == 0 {
                segment.leaving.remove(&expires_at_s);
                self.seconds -= 1;
            }
        }
    }

    fn forget(&mut self, (user, segment): (u32, u32)) {
        if let Some(expires_at_s) = self.memberships.remove(&(user, segment)) {
            self.leave(segment, expires_at_s);
            self.users.release(user);
            self.titles.release(segment);
        }
    }

    /// Forgets all memberships of a user.
    fn forget_user(&mut self, user: &str) -> bool {
        let Some(user) = self.users.get(user) else { return false };
        for segment in 0..self.counts.len() as u32 {
            self.forget((user, segment));
        }
        self.trim();
        true
    }

    fn trim(&mut self) {
        self.users.trim();
        self.titles.trim();
        if self.memberships.len() < self.memberships.capacity() / 4 {
            self.memberships.shrink_to_fit();
        }
        if self.titles.is_empty() {
            self.counts = Vec::new();
        }
    }

    /// Counts out who has left by that second, or in who hasn't where the clock was set back.
    fn count_out(&mut self, now_s: i64) {
        if now_s <= self.counted_s {
            if self.counted_s.saturating_sub(now_s) > SET_BACK_S {
                self.count_anew(now_s);
            }
            return;
        }
        self.counted_s = now_s;
        for segment in &mut self.counts {
            while let Some(first) = segment.leaving.first_entry().filter(|first| *first.key() <= now_s) {
                segment.users -= first.remove();
                self.seconds -= 1;
            }
        }
    }

    fn count_anew(&mut self, now_s: i64) {
        self.counted_s = now_s;
        self.seconds = 0;
        self.counts.iter_mut().for_each(|segment| *segment = Segment::default());
        let memberships = std::mem::take(&mut self.memberships);
        for ((_, segment), expires_at_s) in &memberships {
            self.enter(*segment, *expires_at_s);
        }
        self.memberships = memberships;
    }

    fn counts(&mut self, now: Timestamp) -> SegmentCounts {
        self.count_out(second_of(now));
        self.taken_at = now.max(self.taken_at.plus_micros(1));
        let titles = self.titles.all().map(|(id, title, _)| (title, self.counts[id as usize].users));
        let mut counts: Vec<(&str, u64)> = titles.filter(|(_, users)| *users > 0).collect();
        counts.sort_unstable_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(right.0)));
        counts.truncate(SEGMENTS_TOLD_MAX);
        let counts = counts.into_iter().map(|(title, users)| (title.to_owned(), users)).collect();
        SegmentCounts { taken_at: self.taken_at, counts }
    }

    fn count(&mut self, title: &str, now: Timestamp) -> u64 {
        self.count_out(second_of(now));
        self.titles.get(title).map_or(0, |segment| self.counts[segment as usize].users)
    }

    fn forget_ended(&mut self, now: Timestamp) -> u64 {
        let before_s = second_of(now) - ENDED_KNOWN_S;
        let ended = self.memberships.iter().filter(|(_, expires_at_s)| **expires_at_s < before_s);
        let ended: Vec<(u32, u32)> = ended.map(|(key, _)| *key).collect();
        for key in &ended {
            self.forget(*key);
        }
        self.trim();
        ended.len() as u64
    }

    /// What is counted of a segment and isn't what its memberships say, at most so many.
    fn differences(&self, most: usize) -> Vec<String> {
        let mut members = vec![0_u64; self.counts.len()];
        for ((_, segment), expires_at_s) in &self.memberships {
            members[*segment as usize] += u64::from(*expires_at_s > self.counted_s);
        }
        let titles = self
            .titles
            .all()
            .map(|(id, title, _)| (title, self.counts[id as usize].users, members[id as usize]));
        let differing = titles.filter(|(_, held, there)| held != there);
        let told = differing
            .map(|(title, held, there)| format!("segment {title:?}: {held} users counted, {there} there"));
        told.take(most).collect()
    }

    fn heap_bytes(&self) -> usize {
        self.users.heap_bytes()
            + self.titles.heap_bytes()
            + self.memberships.len() * (MEMBERSHIP_BYTES - SECOND_BYTES)
            + self.seconds * SECOND_BYTES
            + self.counts.len() * SEGMENT_BYTES
    }
}

impl Inner {
    pub(crate) fn join(&self, memberships: &[Membership]) -> Result<Vec<Joined>, StoreError> {
        let most = |membership: &Membership| {
            let names = membership.user.len() + membership.segment.len() + 2 * NAME_BYTES;
            names + MEMBERSHIP_BYTES + SEGMENT_BYTES
        };
        let reserved = memberships.iter().map(most).sum();
        if !self.budget.reserve(reserved) {
            return Err(full());
        }
        let joined =
            self.change_segments(|segments| memberships.iter().map(|one| segments.join(one)).collect());
        self.budget.release(reserved);
        Ok(joined)
    }

    pub(crate) fn segment_counts(&self, now: Timestamp) -> SegmentCounts {
        self.change_segments(|segments| segments.counts(now))
    }

    pub(crate) fn segment_count(&self, title: &str, now: Timestamp) -> u64 {
        self.change_segments(|segments| segments.count(title, now))
    }

    pub(crate) fn forget_ended(&self, now: Timestamp) -> u64 {
        self.change_segments(|segments| segments.forget_ended(now))
    }

    pub(crate) fn forget_memberships(&self, user: &str) {
        self.change_segments(|segments| segments.forget_user(user));
    }

    pub(crate) fn segment_differences(&self, most: usize) -> Vec<String> {
        self.segments.lock().unwrap_or_else(PoisonError::into_inner).differences(most)
    }

    fn change_segments<T>(&self, change: impl FnOnce(&mut Segments) -> T) -> T {
        let mut segments: MutexGuard<'_, Segments> =
            self.segments.lock().unwrap_or_else(PoisonError::into_inner);
        let before = segments.heap_bytes();
        let changed = change(&mut segments);
        self.budget.replace(before, segments.heap_bytes());
        changed
    }
}
