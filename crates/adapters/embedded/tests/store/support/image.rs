//! A store's folder as bytes: taken from under a running store it is what a crash leaves behind.

use std::collections::BTreeMap;
use std::path::Path;

use tempfile::TempDir;

pub(crate) const DATABASE: &str = "events.db";
pub(crate) const LOG: &str = "events.db-wal";
pub(crate) const NOTE: &str = "acknowledged";

/// The files that hold something, by name.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Image(pub(crate) BTreeMap<&'static str, Vec<u8>>);

impl Image {
    /// The files as they are now. Nobody may be writing to them.
    pub(crate) fn of(folder: &Path) -> Self {
        let read = |name| Some((name, std::fs::read(folder.join(name)).ok()?));
        Self([DATABASE, LOG, NOTE].into_iter().filter_map(read).collect())
    }

    /// A new folder with these files. It is in memory where the system has a place for that: there are many, and what is
    /// tested is what is read, not that it was synced.
    pub(crate) fn folder(&self) -> TempDir {
        let in_memory = Path::new("/dev/shm");
        let parent = if in_memory.is_dir() { in_memory.to_owned() } else { std::env::temp_dir() };
        let folder = tempfile::tempdir_in(parent).unwrap();
        for (name, bytes) in &self.0 {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        folder
    }

    pub(crate) fn file(&self, name: &str) -> &[u8] {
        self.0.get(name).map_or(&[], |bytes| bytes)
    }

    pub(crate) fn file_mut(&mut self, name: &str) -> &mut Vec<u8> {
        self.0.get_mut(name).unwrap_or_else(|| panic!("there is no {name}"))
    }

    /// The names of the files that are not as in the other image.
    pub(crate) fn differs_from(&self, other: &Self) -> Vec<&'static str> {
        let names = self.0.keys().chain(other.0.keys());
        // One that holds nothing might as well not be there.
        let mut names: Vec<_> = names.copied().filter(|name| self.file(name) != other.file(name)).collect();
        names.dedup();
        names
    }
}
