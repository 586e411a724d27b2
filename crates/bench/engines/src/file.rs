//! No engine: one file, appended to and synced, to tell what the disk itself takes.
//!
//! Options: `ready` (256 MB of zeros written beforehand, so that a sync has no new blocks to record).

use std::{fs::File, io::Write, ops::RangeInclusive, os::unix::fs::FileExt, path::Path};

use crate::engine::{Engine, Result, Table};

/// The file and where its next record goes.
pub struct Appended {
    file: File,
    end: u64,
}

impl Appended {
    /// Makes the file `log` in `folder`.
    pub fn open(folder: &Path, options: &[&str]) -> Result<Self> {
        let mut file = File::create(folder.join("log"))?;
        if options.contains(&"ready") {
            for _ in 0..256 {
                file.write_all(&vec![0; 1 << 20])?;
            }
            file.sync_all()?;
        }
        Ok(Self { file, end: 0 })
    }
}

impl Engine for Appended {
    fn append(&mut self, key: u64, block: &[u8]) -> Result<()> {
        let mut record = Vec::with_capacity(block.len() + 16);
        record.extend_from_slice(&key.to_le_bytes());
        record.extend_from_slice(&(block.len() as u64).to_le_bytes());
        record.extend_from_slice(block);
        self.file.write_all_at(&record, self.end)?;
        self.end += record.len() as u64;
        Ok(self.file.sync_data()?)
    }

    fn scan(&mut self, _: Table, _: u64, _: usize, _: &mut dyn FnMut(u64, &[u8])) -> Result<()> {
        Err("a file is only appended to".into())
    }

    fn get(&mut self, _: Table, _: u64, _: &mut dyn FnMut(&[u8])) -> Result<bool> {
        Err("a file is only appended to".into())
    }

    fn floor(&mut self, _: Table, _: u64) -> Result<Option<u64>> {
        Err("a file is only appended to".into())
    }

    fn merge(&mut self, _: RangeInclusive<u64>, _: Option<&[u8]>) -> Result<()> {
        Err("a file is only appended to".into())
    }

    fn compact(&mut self) -> Result<()> {
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}
