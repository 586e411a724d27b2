//! fjall, every commit a batch with `PersistMode::SyncAll`.
//!
//! Options: `blobs` (values kept apart from keys), `plain` (no compression of the journal), `journal=N`
//! (most bytes of journal kept), `memtable=N` (bytes of a write buffer), `data` (`PersistMode::SyncData`).

use std::{ops::RangeInclusive, path::Path};

use fjall::{CompressionType, Database, Keyspace, KeyspaceCreateOptions, KvSeparationOptions, PersistMode};

use crate::engine::{Engine, Result, Table, number};

/// A database with one keyspace for each table.
pub struct Fjall {
    database: Database,
    small: Keyspace,
    merged: Keyspace,
    persist: PersistMode,
}

impl Fjall {
    /// Opens or makes the database in `folder`.
    pub fn open(folder: &Path, options: &[&str]) -> Result<Self> {
        let mut builder = Database::builder(folder).cache_size(16 << 20);
        if options.contains(&"plain") {
            builder = builder.journal_compression(CompressionType::None);
        }
        if let Some(bytes) = number(options, "journal") {
            builder = builder.max_journaling_size(bytes);
        }
        let database = builder.open()?;
        let settings = || {
            let mut settings = KeyspaceCreateOptions::default();
            if options.contains(&"blobs") {
                settings = settings.with_kv_separation(Some(KvSeparationOptions::default()));
            }
            if let Some(bytes) = number(options, "memtable") {
                settings = settings.max_memtable_size(bytes);
            }
            settings
        };
        let small = database.keyspace("small", settings)?;
        let merged = database.keyspace("merged", settings)?;
        let persist = if options.contains(&"data") { PersistMode::SyncData } else { PersistMode::SyncAll };
        Ok(Self { database, small, merged, persist })
    }

    fn keyspace(&self, table: Table) -> &Keyspace {
        match table {
            Table::Small => &self.small,
            Table::Merged => &self.merged,
        }
    }
}

impl Engine for Fjall {
    fn append(&mut self, key: u64, block: &[u8]) -> Result<()> {
        let mut batch = self.database.batch().durability(Some(self.persist));
        batch.insert(&self.small, key.to_be_bytes(), block);
        Ok(batch.commit()?)
    }

    fn scan(
        &mut self,
        table: Table,
        from: u64,
        limit: usize,
        each: &mut dyn FnMut(u64, &[u8]),
    ) -> Result<()> {
        for entry in self.keyspace(table).range(from.to_be_bytes()..).take(limit) {
            let (key, block) = entry.into_inner()?;
            each(u64::from_be_bytes(key[..].try_into()?), &block);
        }
        Ok(())
    }

    fn get(&mut self, table: Table, key: u64, each: &mut dyn FnMut(&[u8])) -> Result<bool> {
        let block = self.keyspace(table).get(key.to_be_bytes())?;
        if let Some(block) = &block {
            each(block);
        }
        Ok(block.is_some())
    }

    fn floor(&mut self, table: Table, key: u64) -> Result<Option<u64>> {
        let Some(last) = self.keyspace(table).range(..=key.to_be_bytes()).next_back() else {
            return Ok(None);
        };
        Ok(Some(u64::from_be_bytes(last.key()?[..].try_into()?)))
    }

    fn merge(&mut self, keys: RangeInclusive<u64>, merged: Option<&[u8]>) -> Result<()> {
        let mut batch = self.database.batch().durability(Some(self.persist));
        if let Some(block) = merged {
            batch.insert(&self.merged, keys.start().to_be_bytes(), block);
        }
        for key in keys {
            batch.remove(&self.small, key.to_be_bytes());
        }
        Ok(batch.commit()?)
    }

    fn compact(&mut self) -> Result<()> {
        for keyspace in [&self.small, &self.merged] {
            keyspace.rotate_memtable_and_wait()?;
            keyspace.major_compact()?;
        }
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<()> {
        drop(self);
        Ok(())
    }
}
