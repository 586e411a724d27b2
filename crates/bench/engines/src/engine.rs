//! What the log asks of a storage engine, and the engines that are compared.

use std::{error::Error, ops::RangeInclusive, path::Path};

/// Any engine's error, and success.
pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Where blocks are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// One block for each commit, as it was written.
    Small,
    /// Many small blocks in one, compressed.
    Merged,
}

/// A durable, ordered store of blocks.
pub trait Engine {
    /// Stores one small block; it is on the disk when this returns.
    fn append(&mut self, key: u64, block: &[u8]) -> Result<()>;

    /// Gives at most `limit` blocks to `each`, in order, the first not before `from`.
    fn scan(&mut self, table: Table, from: u64, limit: usize, each: &mut dyn FnMut(u64, &[u8]))
    -> Result<()>;

    /// Gives one block to `each`; whether there is one.
    fn get(&mut self, table: Table, key: u64, each: &mut dyn FnMut(&[u8])) -> Result<bool>;

    /// The greatest key that is not greater than `key`.
    fn floor(&mut self, table: Table, key: u64) -> Result<Option<u64>>;

    /// In one step, stores a merged block under the first of `keys` (if given) and deletes the small blocks.
    fn merge(&mut self, keys: RangeInclusive<u64>, merged: Option<&[u8]>) -> Result<()>;

    /// Gives unused space back, as well as the engine can when told to.
    fn compact(&mut self) -> Result<()>;

    /// Ends orderly.
    fn close(self: Box<Self>) -> Result<()>;
}

/// Opens the engine that `name` names: `sqlite`, `redb`, `fjall` or `rocksdb`, with options after
/// commas, as in `sqlite,page=16384,exclusive`.
pub fn open(name: &str, folder: &Path) -> Result<Box<dyn Engine>> {
    let mut words = name.split(',');
    let kind = words.next().unwrap_or_default();
    let options: Vec<&str> = words.collect();
    Ok(match kind {
        "sqlite" => Box::new(crate::sqlite::Sqlite::open(folder, &options)?),
        "redb" => Box::new(crate::redb::Redb::open(folder, &options)?),
        "fjall" => Box::new(crate::fjall::Fjall::open(folder, &options)?),
        "file" => Box::new(crate::file::Appended::open(folder, &options)?),
        #[cfg(feature = "rocksdb")]
        "rocksdb" => Box::new(crate::rocks::Rocks::open(folder, &options)?),
        _ => return Err(format!("no engine is called {name}").into()),
    })
}

/// The number after `word=` among the options.
pub fn number(options: &[&str], word: &str) -> Option<u64> {
    options.iter().find_map(|option| option.strip_prefix(word)?.strip_prefix('=')?.parse().ok())
}
