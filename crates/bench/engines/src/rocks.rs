//! RocksDB, every commit with `sync`, LZ4 in the upper levels and Zstandard in the lowest.

use std::{ops::RangeInclusive, path::Path};

use rocksdb::{
    ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType, Direction, IteratorMode, Options,
    WriteBatch, WriteOptions,
};

use crate::engine::{Engine, Result, Table, number};

/// A database with one column family for each table.
pub struct Rocks {
    database: DB,
    write: WriteOptions,
}

impl Rocks {
    /// Opens or makes the database in `folder`.
    pub fn open(folder: &Path, options: &[&str]) -> Result<Self> {
        let mut settings = Options::default();
        settings.create_if_missing(true);
        settings.create_missing_column_families(true);
        settings.set_compression_type(DBCompressionType::Lz4);
        settings.set_bottommost_compression_type(DBCompressionType::Zstd);
        if let Some(bytes) = number(options, "memtable") {
            settings.set_write_buffer_size(bytes as usize);
        }
        let database = DB::open_cf_descriptors(
            &settings,
            folder,
            ["small", "merged"].map(|name| ColumnFamilyDescriptor::new(name, settings.clone())),
        )?;
        let mut write = WriteOptions::default();
        write.set_sync(true);
        Ok(Self { database, write })
    }

    fn family(&self, table: Table) -> &ColumnFamily {
        let name = match table {
            Table::Small => "small",
            Table::Merged => "merged",
        };
        self.database.cf_handle(name).expect("both families are made when the database is opened")
    }
}

impl Engine for Rocks {
    fn append(&mut self, key: u64, block: &[u8]) -> Result<()> {
        Ok(self.database.put_cf_opt(self.family(Table::Small), key.to_be_bytes(), block, &self.write)?)
    }

    fn scan(
        &mut self,
        table: Table,
        from: u64,
        limit: usize,
        each: &mut dyn FnMut(u64, &[u8]),
    ) -> Result<()> {
        let from = from.to_be_bytes();
        let mode = IteratorMode::From(&from, Direction::Forward);
        for entry in self.database.iterator_cf(self.family(table), mode).take(limit) {
            let (key, block) = entry?;
            each(u64::from_be_bytes(key[..].try_into()?), &block);
        }
        Ok(())
    }

    fn get(&mut self, table: Table, key: u64, each: &mut dyn FnMut(&[u8])) -> Result<bool> {
        let block = self.database.get_pinned_cf(self.family(table), key.to_be_bytes())?;
        if let Some(block) = &block {
            each(block);
        }
        Ok(block.is_some())
    }

    fn floor(&mut self, table: Table, key: u64) -> Result<Option<u64>> {
        let mut cursor = self.database.raw_iterator_cf(self.family(table));
        cursor.seek_for_prev(key.to_be_bytes());
        cursor.status()?;
        Ok(cursor.key().map(|key| u64::from_be_bytes(key.try_into().expect("keys have eight bytes"))))
    }

    fn merge(&mut self, keys: RangeInclusive<u64>, merged: Option<&[u8]>) -> Result<()> {
        let mut batch = WriteBatch::default();
        if let Some(block) = merged {
            batch.put_cf(self.family(Table::Merged), keys.start().to_be_bytes(), block);
        }
        for key in keys {
            batch.delete_cf(self.family(Table::Small), key.to_be_bytes());
        }
        Ok(self.database.write_opt(batch, &self.write)?)
    }

    fn compact(&mut self) -> Result<()> {
        for table in [Table::Small, Table::Merged] {
            self.database.flush_cf(self.family(table))?;
            self.database.compact_range_cf(self.family(table), None::<&[u8]>, None::<&[u8]>);
        }
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<()> {
        drop(self);
        Ok(())
    }
}
