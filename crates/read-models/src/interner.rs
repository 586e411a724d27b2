//! Names as dense integers: visitors, pages, domains and types.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::growth;

/// What an allocation costs beyond its bytes: the allocator's header and rounding.
const ALLOCATION_BYTES: usize = 16;

/// Gives each name a small integer for as long as something refers to it. The integers are dense, which is what makes
/// bitmaps of them small; one that is free again is given to the next new name.
#[derive(Default, Debug)]
pub struct Interner {
    hasher: RandomState,
    /// Part of the hash beside the id, so that growing doesn't have to read every name.
    ids: HashTable<(u32, u32)>,
    names: Vec<Entry>,
    free: Vec<u32>,
    name_bytes: usize,
}

/// A name and how often it is referred to: half a cache line, so that looking one up waits for memory twice, for the
/// table and for this.
#[derive(Debug)]
struct Entry {
    name: Name,
    references: u64,
}

/// Most names are short enough to stand in the entry itself.
#[derive(Debug)]
enum Name {
    Inline { length: u8, bytes: [u8; NAME_INLINE_MAX] },
    Heap(Box<[u8]>),
}

const NAME_INLINE_MAX: usize = 22;

impl Name {
    fn new(name: &str) -> Self {
        let name = name.as_bytes();
        if name.len() > NAME_INLINE_MAX {
            return Self::Heap(name.into());
        }
        let mut bytes = [0; NAME_INLINE_MAX];
        bytes[..name.len()].copy_from_slice(name);
        Self::Inline { length: name.len() as u8, bytes }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Inline { length, bytes } => &bytes[..usize::from(*length)],
            Self::Heap(bytes) => bytes,
        }
    }

    fn text(&self) -> &str {
        std::str::from_utf8(self.bytes()).expect("names are made from text")
    }

    fn heap_bytes(&self) -> usize {
        match self {
            Self::Inline { .. } => 0,
            Self::Heap(bytes) => bytes.len() + ALLOCATION_BYTES,
        }
    }
}

/// Names looked up side by side.
const LANES: usize = 32;

impl Interner {
    /// The integers of many names (`none` where there is no name), with so many references more to each as is said of
    /// its place.
    ///
    /// Names are looked up in groups, each step for all of a group: the lookups of a group don't depend on each other,
    /// so the processor waits for their memory at once and not one after another.
    pub(crate) fn refer_all(
        &mut self,
        names: &[Option<&str>],
        references: impl Fn(usize) -> u64,
        none: u32,
        ids: &mut Vec<u32>,
    ) {
        ids.clear();
        for names in names.chunks(LANES) {
            let (mut hashes, mut found) = ([0; LANES], [None; LANES]);
            for (hash, name) in hashes.iter_mut().zip(names) {
                *hash = name.map_or(0, |name| self.hash(name));
            }
            for ((found, hash), name) in found.iter_mut().zip(hashes).zip(names) {
                let candidate = || self.ids.find(spread(hash), |(hashed, _)| *hashed == hash);
                *found = name.and_then(|_| candidate()).map(|(_, id)| *id);
            }
            for (found, name) in found.into_iter().zip(names) {
                let Some(name) = name else {
                    ids.push(none);
                    continue;
                };
                let references = references(ids.len());
                let entry = found.map(|id| (id, &mut self.names[id as usize]));
                match entry.filter(|(_, entry)| entry.name.bytes() == name.as_bytes()) {
                    Some((id, entry)) => {
                        entry.references += references;
                        ids.push(id);
                    }
                    None => ids.push(self.refer_times(name, references)),
                }
            }
        }
    }

    /// The name's integer, with one reference more to it.
    pub fn refer(&mut self, name: &str) -> u32 {
        self.refer_times(name, 1)
    }

    /// The name's integer, with so many references more to it, of which there is at least one.
    fn refer_times(&mut self, name: &str, references: u64) -> u32 {
        let hash = self.hash(name);
        if let Some(id) = self.find(hash, name) {
            self.names[id as usize].references += references;
            return id;
        }
        let entry = Entry { name: Name::new(name), references };
        self.name_bytes += entry.name.heap_bytes();
        let id = if let Some(id) = self.free.pop() {
            self.names[id as usize] = entry;
            id
        } else {
            growth::push(&mut self.names, entry);
            (self.names.len() - 1) as u32
        };
        self.ids.insert_unique(spread(hash), (hash, id), |&(hash, _)| spread(hash));
        id
    }

    fn find(&self, hash: u32, name: &str) -> Option<u32> {
        let same = |&(hashed, id): &(u32, u32)| {
            hashed == hash && self.names[id as usize].name.bytes() == name.as_bytes()
        };
        self.ids.find(spread(hash), same).map(|&(_, id)| id)
    }

    /// Takes one reference away; `true` when it was the last one, and the name is forgotten.
    pub fn release(&mut self, id: u32) -> bool {
        let entry = &mut self.names[id as usize];
        entry.references -= 1;
        if entry.references > 0 {
            return false;
        }
        let name = std::mem::replace(&mut entry.name, Name::new(""));
        self.name_bytes -= name.heap_bytes();
        let hash = self.hash(name.text());
        if let Ok(found) = self.ids.find_entry(spread(hash), |&(_, other)| other == id) {
            found.remove();
        }
        if self.ids.len() < self.ids.capacity() / 4 {
            self.ids.shrink_to_fit(|&(hash, _)| spread(hash));
        }
        growth::push(&mut self.free, id);
        true
    }

    /// Gives room back where nothing is referred to any more.
    pub fn trim(&mut self) {
        if self.ids.is_empty() {
            *self = Self { hasher: self.hasher.clone(), ..Self::default() };
        }
    }

    /// The integer of a name that is referred to.
    pub fn get(&self, name: &str) -> Option<u32> {
        self.find(self.hash(name), name)
    }

    /// The name of an integer that was given.
    pub fn name(&self, id: u32) -> &str {
        self.names[id as usize].name.text()
    }

    /// The names that are referred to, with their integers and how often they are.
    pub fn all(&self) -> impl Iterator<Item = (u32, &str, u64)> {
        let all = (0..).zip(&self.names).filter(|(_, entry)| entry.references > 0);
        all.map(|(id, entry)| (id, entry.name.text(), entry.references))
    }

    /// How often the name of an integer is referred to.
    pub(crate) fn references(&self, id: u32) -> u64 {
        self.names.get(id as usize).map_or(0, |entry| entry.references)
    }

    /// All integers that were ever given are below this one.
    pub(crate) fn end(&self) -> u32 {
        self.names.len() as u32
    }

    /// Whether no name is referred to.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// How many names are referred to.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        growth::table_bytes::<(u32, u32)>(self.ids.len())
            + growth::vec_bytes::<Entry>(self.names.len())
            + growth::vec_bytes::<u32>(self.free.len())
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
    fn an_entry_is_half_a_cache_line() {
        assert_eq!(size_of::<Entry>(), 32);
    }

    #[test]
    fn names_in_groups_get_what_they_get_alone() {
        let mut names = Interner::default();
        let texts: Vec<String> =
            (0..1_000).map(|number| format!("{:<1$}", number % 321, number % 40)).collect();
        let wanted: Vec<Option<&str>> =
            texts.iter().enumerate().map(|(place, text)| (place % 7 > 0).then_some(&**text)).collect();
        let mut ids = Vec::new();
        names.refer_all(&wanted, |_| 1, u32::MAX, &mut ids);
        for (name, id) in wanted.iter().zip(&ids) {
            assert_eq!(name.map_or(u32::MAX, |name| names.get(name).unwrap()), *id);
        }
        for &id in ids.iter().filter(|id| **id != u32::MAX) {
            names.release(id);
        }
        assert_eq!((names.len(), names.name_bytes), (0, 0));
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
