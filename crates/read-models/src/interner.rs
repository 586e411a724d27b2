//! Names as dense integers: visitors, pages, domains and types.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// What an allocation costs beyond its bytes: the allocator's header and rounding.
const ALLOCATION_BYTES: usize = 16;

/// Gives each name a small integer for as long as something refers to it. The integers are dense, which is what makes
/// bitmaps of them small; one that is free again is given to the next new name.
#[derive(Default, Debug)]
pub(crate) struct Interner {
    hasher: RandomState,
    /// Part of the hash beside the id, so that growing doesn't have to read every name.
    ids: HashTable<(u32, u32)>,
    names: Vec<Entry>,
    free: Vec<u32>,
    name_bytes: usize,
}

#[derive(Debug)]
struct Entry {
    name: Box<str>,
    references: u64,
}

impl Interner {
    /// The name's integer, with one reference more to it.
    pub(crate) fn refer(&mut self, name: &str) -> u32 {
        let hash = self.hash(name);
        let names = &self.names;
        let same = |&(hashed, id): &(u32, u32)| hashed == hash && *names[id as usize].name == *name;
        if let Some(&(_, id)) = self.ids.find(spread(hash), same) {
            self.names[id as usize].references += 1;
            return id;
        }
        let entry = Entry { name: name.into(), references: 1 };
        self.name_bytes += name.len() + ALLOCATION_BYTES;
        let id = if let Some(id) = self.free.pop() {
            self.names[id as usize] = entry;
            id
        } else {
            self.names.push(entry);
            (self.names.len() - 1) as u32
        };
        self.ids.insert_unique(spread(hash), (hash, id), |&(hash, _)| spread(hash));
        id
    }

    /// Takes one reference away; `true` when it was the last one, and the name is forgotten.
    pub(crate) fn release(&mut self, id: u32) -> bool {
        let entry = &mut self.names[id as usize];
        entry.references -= 1;
        if entry.references > 0 {
            return false;
        }
        let name = std::mem::take(&mut entry.name);
        self.name_bytes -= name.len() + ALLOCATION_BYTES;
        let hash = self.hash(&name);
        if let Ok(found) = self.ids.find_entry(spread(hash), |&(_, other)| other == id) {
            found.remove();
        }
        self.free.push(id);
        true
    }

    /// The integer of a name that is referred to.
    pub(crate) fn get(&self, name: &str) -> Option<u32> {
        let hash = self.hash(name);
        let same = |&(hashed, id): &(u32, u32)| hashed == hash && *self.names[id as usize].name == *name;
        self.ids.find(spread(hash), same).map(|&(_, id)| id)
    }

    /// The name of an integer that was given.
    pub(crate) fn name(&self, id: u32) -> &str {
        &self.names[id as usize].name
    }

    /// How many names are referred to.
    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.ids.allocation_size()
            + self.names.capacity() * size_of::<Entry>()
            + self.free.capacity() * size_of::<u32>()
            + self.name_bytes
    }

    fn hash(&self, name: &str) -> u32 {
        (self.hasher.hash_one(name) >> 32) as u32
    }
}

/// The 32 bits kept of a hash, as the 64 that the table wants: it takes its tag from the highest bits.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_integer_while_referred_to() {
        let mut names = Interner::default();
        let (a, b) = (names.refer("a"), names.refer("b"));
        assert_eq!((names.refer("a"), names.get("b"), names.name(a)), (a, Some(b), "a"));
        assert!(!names.release(a));
        assert!(names.release(a));
        assert_eq!((names.get("a"), names.len()), (None, 1));
        assert_eq!(names.refer("c"), a, "free integers are used again");
    }

    #[test]
    fn many_names_are_told_apart() {
        let mut names = Interner::default();
        let ids: Vec<u32> = (0..100_000).map(|number| names.refer(&number.to_string())).collect();
        assert_eq!(names.len(), 100_000);
        for (number, &id) in ids.iter().enumerate() {
            assert_eq!(names.get(&number.to_string()), Some(id));
        }
    }
}
