//! Which events are stored, by identity, and where: the index that deduplication asks.

use hashbrown::HashTable;

/// Tables, of which one grows at a time, so that a growing one is small.
const PARTS: usize = 16;

/// A table's bytes for each identity when it is at its emptiest, just after it grew: an 8-byte entry and a control byte,
/// 7/16 full.
pub const BYTES_PER_IDENTITY: usize = 21;

/// An identity's place in the log. The identity itself stands there, so only a part of its hash is kept.
#[derive(Clone, Copy, Debug)]
struct Entry {
    hash: u32,
    position: u32,
}

/// Identities by hash. The identities themselves stand where the positions lead: whoever asks compares them there.
#[derive(Debug, Default)]
pub struct Identities {
    parts: [HashTable<Entry>; PARTS],
}

impl Identities {
    /// The position of the identity with that hash for which `is_it` holds.
    pub fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let kept = hash as u32;
        let same = |entry: &Entry| entry.hash == kept && is_it(entry.position);
        self.parts[part_of(hash)].find(spread(kept), same).map(|entry| entry.position)
    }

    /// Adds an identity that is not there.
    pub fn insert(&mut self, hash: u64, position: u32) {
        let entry = Entry { hash: hash as u32, position };
        self.parts[part_of(hash)].insert_unique(spread(entry.hash), entry, |entry| spread(entry.hash));
    }

    /// Forgets the identity at that position.
    pub fn remove(&mut self, hash: u64, position: u32) {
        let part = &mut self.parts[part_of(hash)];
        if let Ok(found) = part.find_entry(spread(hash as u32), |entry| entry.position == position) {
            found.remove();
        }
        if part.len() < part.capacity() / 4 {
            part.shrink_to_fit(|entry| spread(entry.hash));
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.parts.iter().map(HashTable::len).sum()
    }

    /// Bytes really on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.parts.iter().map(HashTable::allocation_size).sum()
    }
}

/// The bits next to the ones that chose the shard.
const fn part_of(hash: u64) -> usize {
    (hash >> 56) as usize % PARTS
}

/// The 32 bits kept of a hash, as the 64 that the table wants: it takes its tag from the highest bits.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
