//! Which events are stored, by identity: the deduplication index, in memory.

use std::collections::VecDeque;
use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use footfall_domain::event::EventId;
use footfall_read_models::Identities;

/// Identities in a chunk: what is freed at a time when events are dropped.
const CHUNK: usize = 4_096;

/// The identities of all events, by ordinal, and the ordinals by identity.
///
/// The identities themselves are held, 16 bytes each, beside a table of 8-byte entries: to tell a duplicate never needs
/// the disk, so a flood of old identities costs what one of new ones does.
#[derive(Debug, Default)]
pub(crate) struct Index {
    hasher: RandomState,
    identities: Identities,
    chunks: VecDeque<Option<Chunk>>,
    /// The number of the first chunk: its first identity's ordinal is so many times [`CHUNK`].
    first_chunk: u64,
    end: u64,
}

#[derive(Debug)]
struct Chunk {
    ids: Vec<[u8; 16]>,
    live: u32,
}

impl Index {
    /// The ordinal that comes next.
    pub(crate) const fn end(&self) -> u64 {
        self.end
    }

    /// The ordinal of the event of that identity.
    pub(crate) fn find(&self, id: EventId) -> Option<u64> {
        self.find_hashed(self.hash(id.as_bytes()), id)
    }

    /// Gives the identity the next ordinal, or tells the one that it has.
    pub(crate) fn insert(&mut self, id: EventId) -> Result<u64, u64> {
        let hash = self.hash(id.as_bytes());
        if let Some(ordinal) = self.find_hashed(hash, id) {
            return Err(ordinal);
        }
        Ok(self.add(hash, id))
    }

    /// Gives an identity that isn't known the next ordinal, without looking whether it is: what the log holds was
    /// looked at when it was stored.
    pub(crate) fn insert_known_new(&mut self, id: EventId) {
        let hash = self.hash(id.as_bytes());
        self.add(hash, id);
    }

    /// Leaves so many ordinals without an identity: those events were dropped.
    pub(crate) fn skip(&mut self, mut count: u64) {
        while count > 0 {
            if self.end.is_multiple_of(CHUNK as u64) && count >= CHUNK as u64 {
                if self.chunks.is_empty() {
                    self.first_chunk = self.end / CHUNK as u64 + 1;
                } else {
                    self.chunks.push_back(None);
                }
                self.end += CHUNK as u64;
                count -= CHUNK as u64;
                continue;
            }
            self.last_chunk().ids.push([0; 16]);
            self.end += 1;
            count -= 1;
        }
    }

    /// Forgets the identities from that ordinal on: they were given in vain.
    pub(crate) fn truncate(&mut self, end: u64) {
        for ordinal in (end..self.end).rev() {
            let hash = self.hash(self.id(ordinal).as_bytes());
            self.identities.remove(hash, position(ordinal));
            let chunk = self.chunk_mut(ordinal).expect("identities at the end are held");
            chunk.ids.pop();
            chunk.live -= 1;
            if ordinal.is_multiple_of(CHUNK as u64) {
                self.chunks.pop_back();
            }
        }
        self.end = end;
    }

    /// Forgets the identity of an event that was dropped.
    pub(crate) fn remove(&mut self, ordinal: u64) {
        let hash = self.hash(self.id(ordinal).as_bytes());
        self.identities.remove(hash, position(ordinal));
        let end = self.end;
        let Some(chunk) = self.chunk_mut(ordinal) else { return };
        chunk.live -= 1;
        if chunk.live > 0 || ordinal / CHUNK as u64 == end / CHUNK as u64 {
            return;
        }
        let place = (ordinal / CHUNK as u64 - self.first_chunk) as usize;
        self.chunks[place] = None;
        // One that had emptied while it was the last may be among the first by now.
        let is_empty = |chunk: &Option<Chunk>| chunk.as_ref().is_none_or(|chunk| chunk.live == 0);
        while self.first_chunk < end / CHUNK as u64 && self.chunks.front().is_some_and(is_empty) {
            self.chunks.pop_front();
            self.first_chunk += 1;
        }
    }

    /// The identity at that ordinal, of an event that is not dropped.
    pub(crate) fn id(&self, ordinal: u64) -> EventId {
        let place = (ordinal / CHUNK as u64 - self.first_chunk) as usize;
        let chunk = self.chunks[place].as_ref().expect("the identities of stored events are held");
        EventId::from_bytes(chunk.ids[ordinal as usize % CHUNK])
    }

    /// How many identities are known.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.identities.len()
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let chunks = self.chunks.iter().flatten().map(|chunk| chunk.ids.capacity() * 16).sum::<usize>();
        self.identities.heap_bytes() + chunks + self.chunks.capacity() * size_of::<Option<Chunk>>()
    }

    fn add(&mut self, hash: u64, id: EventId) -> u64 {
        let ordinal = self.end;
        self.identities.insert(hash, position(ordinal));
        let chunk = self.last_chunk();
        chunk.ids.push(*id.as_bytes());
        chunk.live += 1;
        self.end += 1;
        ordinal
    }

    fn find_hashed(&self, hash: u64, id: EventId) -> Option<u64> {
        let found = self.identities.find(hash, |position| self.id(self.ordinal(position)) == id)?;
        Some(self.ordinal(found))
    }

    /// The ordinal of a position: the only one with those 32 bits that is held. Fewer than 2³² are held at a time.
    fn ordinal(&self, position: u32) -> u64 {
        let start = self.first_chunk * CHUNK as u64;
        start + u64::from(position.wrapping_sub(start as u32))
    }

    fn last_chunk(&mut self) -> &mut Chunk {
        if self.end.is_multiple_of(CHUNK as u64) {
            if self.chunks.is_empty() {
                self.first_chunk = self.end / CHUNK as u64;
            }
            self.chunks.push_back(Some(Chunk { ids: Vec::with_capacity(CHUNK), live: 0 }));
        }
        let last = self.chunks.back_mut().and_then(Option::as_mut);
        last.expect("the chunk at the end is kept")
    }

    fn chunk_mut(&mut self, ordinal: u64) -> Option<&mut Chunk> {
        let place = (ordinal / CHUNK as u64).checked_sub(self.first_chunk)?;
        self.chunks.get_mut(place as usize)?.as_mut()
    }

    fn hash(&self, id: &[u8; 16]) -> u64 {
        self.hasher.hash_one(u128::from_le_bytes(*id))
    }
}

const fn position(ordinal: u64) -> u32 {
    ordinal as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn id(number: u64) -> EventId {
        EventId::from_bytes((number as u128).to_be_bytes())
    }

    #[test]
    fn ordinals_ascend_and_are_found_again() {
        let mut index = Index::default();
        for number in 0..10_000 {
            assert_eq!(index.insert(id(number)), Ok(number));
        }
        for number in 0..10_000 {
            assert_eq!((index.insert(id(number)), index.id(number)), (Err(number), id(number)));
        }
        assert_eq!(index.find(id(10_000)), None);
    }

    #[test]
    fn what_was_given_in_vain_is_given_again() {
        let mut index = Index::default();
        for end in [0, 1, CHUNK as u64 - 1, CHUNK as u64, CHUNK as u64 + 1] {
            while index.end() < 3 * CHUNK as u64 {
                index.insert(id(index.end())).unwrap();
            }
            index.truncate(end);
            assert_eq!((index.end(), index.len() as u64), (end, end));
            assert_eq!(index.find(id(end)), None);
            assert_eq!(index.insert(id(end)), Ok(end));
        }
    }

    #[test]
    fn dropped_chunks_are_freed_and_ordinals_go_on() {
        let mut index = Index::default();
        let chunks = 5 * CHUNK as u64;
        for number in 0..chunks + 10 {
            index.insert(id(number)).unwrap();
        }
        for ordinal in (CHUNK as u64..2 * CHUNK as u64).chain(0..CHUNK as u64) {
            index.remove(ordinal);
        }
        assert_eq!((index.first_chunk, index.chunks.len()), (2, 4));
        assert_eq!(index.find(id(5)), None);
        assert_eq!(index.find(id(chunks)), Some(chunks));
        assert_eq!(index.insert(id(5)), Ok(chunks + 10));
    }

    #[test]
    fn ordinals_may_start_anywhere_and_leave_gaps() {
        for start in [1, CHUNK as u64 - 1, 7 * CHUNK as u64, (1 << 32) - 3, (1 << 40) + 12_345] {
            let mut index = Index::default();
            index.skip(start);
            let last = start + 3 * CHUNK as u64;
            for number in start..last {
                assert_eq!(index.insert(id(number)), Ok(number), "{start}");
            }
            index.skip(2 * CHUNK as u64 + 5);
            assert_eq!(index.insert(id(0)).unwrap(), last + 2 * CHUNK as u64 + 5);
            assert_eq!(index.find(id(last - 1)), Some(last - 1));
            assert!(index.chunks.len() < 10, "{start}");
        }
    }
}
