//! redb, every commit with `Durability::Immediate` (its default).
//!
//! Options: `quick` (quick repair: the allocator's state saved with every commit), `two` (two-phase
//! commit, which is also what protects against a page forged to match its checksum).

use std::{ops::RangeInclusive, path::Path};

use redb::{Database, ReadableDatabase, TableDefinition, WriteTransaction};

use crate::engine::{Engine, Result, Table};

const SMALL: TableDefinition<u64, &[u8]> = TableDefinition::new("small");
const MERGED: TableDefinition<u64, &[u8]> = TableDefinition::new("merged");

/// One redb file.
pub struct Redb {
    database: Database,
    quick: bool,
    two_phase: bool,
}

fn definition(table: Table) -> TableDefinition<'static, u64, &'static [u8]> {
    match table {
        Table::Small => SMALL,
        Table::Merged => MERGED,
    }
}

impl Redb {
    /// Opens or makes the file `log.redb` in `folder`.
    pub fn open(folder: &Path, options: &[&str]) -> Result<Self> {
        let database = Database::builder().set_cache_size(16 << 20).create(folder.join("log.redb"))?;
        let this = Self { database, quick: options.contains(&"quick"), two_phase: options.contains(&"two") };
        let write = this.begin()?;
        write.open_table(SMALL)?;
        write.open_table(MERGED)?;
        write.commit()?;
        Ok(this)
    }

    fn begin(&self) -> Result<WriteTransaction> {
        let mut write = self.database.begin_write()?;
        write.set_quick_repair(self.quick);
        if self.two_phase {
            write.set_two_phase_commit(true);
        }
        Ok(write)
    }
}

impl Engine for Redb {
    fn append(&mut self, key: u64, block: &[u8]) -> Result<()> {
        let write = self.begin()?;
        write.open_table(SMALL)?.insert(key, block)?;
        Ok(write.commit()?)
    }

    fn scan(
        &mut self,
        table: Table,
        from: u64,
        limit: usize,
        each: &mut dyn FnMut(u64, &[u8]),
    ) -> Result<()> {
        let table = self.database.begin_read()?.open_table(definition(table))?;
        for entry in table.range(from..)?.take(limit) {
            let (key, block) = entry?;
            each(key.value(), block.value());
        }
        Ok(())
    }

    fn get(&mut self, table: Table, key: u64, each: &mut dyn FnMut(&[u8])) -> Result<bool> {
        let table = self.database.begin_read()?.open_table(definition(table))?;
        let block = table.get(key)?;
        if let Some(block) = &block {
            each(block.value());
        }
        Ok(block.is_some())
    }

    fn floor(&mut self, table: Table, key: u64) -> Result<Option<u64>> {
        let table = self.database.begin_read()?.open_table(definition(table))?;
        let last = table.range(..=key)?.next_back().transpose()?;
        Ok(last.map(|(key, _)| key.value()))
    }

    fn merge(&mut self, keys: RangeInclusive<u64>, merged: Option<&[u8]>) -> Result<()> {
        let write = self.begin()?;
        if let Some(block) = merged {
            write.open_table(MERGED)?.insert(*keys.start(), block)?;
        }
        write.open_table(SMALL)?.retain_in(keys, |_, _| false)?;
        Ok(write.commit()?)
    }

    fn compact(&mut self) -> Result<()> {
        self.database.compact()?;
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<()> {
        drop(self);
        Ok(())
    }
}
