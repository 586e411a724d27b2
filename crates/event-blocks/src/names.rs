//! The names that some events have, each once, in the order in which they were first met.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// Gives each name the number of those met before it.
#[derive(Debug, Default)]
pub(crate) struct Names {
    hasher: RandomState,
    codes: HashTable<Entry>,
    text: Vec<u8>,
    lengths: Vec<u32>,
}

/// A name's code and where it stands.
#[derive(Clone, Copy, Debug)]
struct Entry {
    hash: u64,
    code: u32,
    start: u32,
    length: u32,
}

impl Names {
    /// The name's code.
    pub(crate) fn code(&mut self, name: &[u8]) -> u32 {
        let hash = self.hasher.hash_one(name);
        let is_it = |entry: &Entry| {
            let start = entry.start as usize;
            entry.hash == hash && &self.text[start..start + entry.length as usize] == name
        };
        if let Some(entry) = self.codes.find(hash, is_it) {
            return entry.code;
        }
        let code = self.lengths.len() as u32;
        let entry = Entry { hash, code, start: self.text.len() as u32, length: name.len() as u32 };
        self.codes.insert_unique(hash, entry, |entry| entry.hash);
        self.text.extend_from_slice(name);
        self.lengths.push(entry.length);
        code
    }

    /// All names, one after the other.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Their lengths.
    pub(crate) fn lengths(&self) -> &[u32] {
        &self.lengths
    }
}
