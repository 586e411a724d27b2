//! The database of the events.
//!
//! ```text
//! blocks       first ordinal ─▶ block                 what is stored, in order of arrival
//! checkpoints  first ordinal ─▶ checkpoint            drawn from the blocks of a run
//! dropped      first ordinal ─▶ ordinal past the last runs that retention dropped as a whole
//! facts        name ─▶ number                         version of the layout, floor of retention
//! ```

use std::ops::{Deref, Range};
use std::path::{Path, PathBuf};

use footfall_ports::SPANS;
use rusqlite::{Connection, OptionalExtension, Row, Transaction};
use tracing::Span;

use crate::database::{Database, DiskError, FACTS, Layout, MayBeNew, pragma};
use crate::store::Sync;
use footfall_event_blocks::block::{HEADER, PlacedBlock, fingerprint, head_sum};
use footfall_event_blocks::checkpoint::UnsealedCheckpoint;

/// Unused pages that the file keeps in any case, and how many are given back at a time.
const FREE_PAGES_KEPT: i64 = 1_024;
const FREE_PAGES_STEP: i64 = 256;

/// The longest run of dropped events that is believed.
const DROPPED_MAX: u64 = 1 << 36;

const LAYOUT: Layout = Layout {
    file: "events.db",
    version: 1,
    schema: &[
        "CREATE TABLE blocks (first INTEGER PRIMARY KEY, value BLOB NOT NULL) STRICT",
        "CREATE TABLE checkpoints (first INTEGER PRIMARY KEY, value BLOB NOT NULL) STRICT",
        "CREATE TABLE dropped (first INTEGER PRIMARY KEY, past INTEGER NOT NULL) STRICT",
        FACTS,
    ],
    // Large enough that a block takes few pages, small enough that a commit of one event writes little.
    page_bytes: 16 * 1024,
    shrinks: true,
    // As much as the engine takes where nothing is said.
    cache_bytes: 2_000 * 1024,
};

/// A change of what is stored, made as a whole or not at all.
#[derive(Debug, Default)]
pub(crate) struct Change {
    /// Blocks and checkpoints that begin within go, before others come.
    pub(crate) remove: Vec<Range<u64>>,
    /// Blocks that come, with their first ordinals.
    pub(crate) blocks: Vec<PlacedBlock>,
    /// The checkpoint that comes. It is bound to the blocks that are there then.
    pub(crate) checkpoint: Option<UnsealedCheckpoint>,
    /// A run that is gone as a whole.
    pub(crate) dropped: Option<Range<u64>>,
}

/// The database of the events of one store. What it has in common with others is in [`Database`].
#[derive(Debug)]
pub(crate) struct Disk(Database);

impl Deref for Disk {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.0
    }
}

impl Disk {
    /// Opens the database in the folder, or makes it where it `may_be_new`.
    pub(crate) fn open(folder: &Path, sync: Sync, may_be_new: bool) -> Result<Self, DiskError> {
        let may_be_new = if may_be_new { MayBeNew::Yes } else { MayBeNew::No };
        Database::open(folder, &LAYOUT, sync, may_be_new).map(Self)
    }

    /// The database's file in a folder.
    pub(crate) fn file_in(folder: &Path) -> PathBuf {
        folder.join(LAYOUT.file)
    }

    /// Stores blocks. When this returns they are as durable as was asked for when opening.
    pub(crate) fn append(&self, blocks: &[PlacedBlock]) -> Result<(), DiskError> {
        let _span = statement_span("INSERT").entered();
        if let [block] = blocks {
            // A statement by itself is a transaction.
            return Ok(put_block(&self.writer(), block)?);
        }
        self.change(|transaction| Ok(blocks.iter().try_for_each(|block| put_block(transaction, block))?))
    }

    /// Makes a change.
    pub(crate) fn make(&self, change: Change) -> Result<(), DiskError> {
        self.change(|transaction| {
            for range in &change.remove {
                let range = [range.start as i64, range.end as i64];
                transaction
                    .prepare_cached("DELETE FROM blocks WHERE first >= ?1 AND first < ?2")?
                    .execute(range)?;
                transaction
                    .prepare_cached("DELETE FROM checkpoints WHERE first >= ?1 AND first < ?2")?
                    .execute(range)?;
            }
            for block in &change.blocks {
                put_block(transaction, block)?;
            }
            if let Some(checkpoint) = change.checkpoint {
                put_checkpoint(transaction, checkpoint)?;
            }
            if let Some(range) = &change.dropped {
                put_dropped(transaction, range)?;
            }
            Ok(())
        })
    }

    /// The block that the ordinal is in, with its first ordinal, or the one before where there is none.
    pub(crate) fn block_at(&self, ordinal: u64) -> Result<Option<PlacedBlock>, DiskError> {
        let _span = statement_span("SELECT").entered();
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT first, value FROM blocks WHERE first <= ?1 ORDER BY first DESC LIMIT 1",
                )?
                .query_row([ordinal as i64], |row| Ok((number(row, 0)?, row.get(1)?)))
                .optional()
        })
    }

    /// Hands on the blocks from the last one that begins at that ordinal or before it, in order, for as long as `each` says
    /// true. All are of one moment, also while others are merged.
    pub(crate) fn each_block(
        &self,
        from: u64,
        mut each: impl FnMut(u64, &[u8]) -> bool,
    ) -> Result<(), DiskError> {
        let query = "SELECT first, value FROM blocks
            WHERE first >= coalesce((SELECT max(first) FROM blocks WHERE first <= ?1), ?1) ORDER BY first";
        self.each(query, from, |row| Ok(each(number(row, 0)?, row.get_ref(1)?.as_blob()?)))
    }

    /// Hands on what blocks begin with, so many bytes at most, in order.
    pub(crate) fn each_block_head(
        &self,
        bytes: usize,
        mut each: impl FnMut(u64, &[u8]) -> bool,
    ) -> Result<(), DiskError> {
        let query =
            format!("SELECT first, substr(value, 1, {bytes}) FROM blocks WHERE first >= ?1 ORDER BY first");
        self.each(&query, 0, |row| Ok(each(number(row, 0)?, row.get_ref(1)?.as_blob()?)))
    }

    /// Hands on the blocks from the last one on backwards, for as long as `each` says true.
    pub(crate) fn each_block_backwards(
        &self,
        mut each: impl FnMut(u64, &[u8]) -> bool,
    ) -> Result<(), DiskError> {
        self.each("SELECT first, value FROM blocks WHERE first >= ?1 ORDER BY first DESC", 0, |row| {
            Ok(each(number(row, 0)?, row.get_ref(1)?.as_blob()?))
        })
    }

    /// Hands on the checkpoints, in order, for as long as `each` says true.
    pub(crate) fn each_checkpoint(&self, mut each: impl FnMut(u64, &[u8]) -> bool) -> Result<(), DiskError> {
        self.each("SELECT first, value FROM checkpoints WHERE first >= ?1 ORDER BY first", 0, |row| {
            Ok(each(number(row, 0)?, row.get_ref(1)?.as_blob()?))
        })
    }

    /// The runs that were dropped, in order.
    pub(crate) fn dropped(&self) -> Result<Vec<Range<u64>>, DiskError> {
        let mut dropped = Vec::new();
        self.each("SELECT first, past FROM dropped WHERE first >= ?1 ORDER BY first", 0, |row| {
            dropped.push(number(row, 0)?..number(row, 1)?);
            Ok(true)
        })?;
        let is_sound = |range: &Range<u64>| range.start < range.end && range.end - range.start <= DROPPED_MAX;
        match dropped.iter().find(|range| !is_sound(range)) {
            None => Ok(dropped),
            Some(range) => {
                Err(DiskError::Damaged(format!("it says that events {range:?} were dropped, which can't be")))
            }
        }
    }

    /// Gives some of the file's unused pages back to the system, where many are. Returns whether there are more.
    pub(crate) fn give_back(&self) -> Result<bool, DiskError> {
        let writer = self.writer();
        let (free, all) = (pragma(&writer, "freelist_count")?, pragma(&writer, "page_count")?);
        // What was freed by merging is soon used again.
        if free < FREE_PAGES_KEPT || free < all / 4 {
            return Ok(false);
        }
        let mut statement =
            writer.prepare_cached(&format!("PRAGMA incremental_vacuum({FREE_PAGES_STEP})"))?;
        let mut rows = statement.query([])?;
        while rows.next()?.is_some() {}
        Ok(true)
    }

    fn each(
        &self,
        query: &str,
        from: u64,
        mut each: impl FnMut(&Row<'_>) -> rusqlite::Result<bool>,
    ) -> Result<(), DiskError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(query)?;
            let mut rows = statement.query([from as i64])?;
            while let Some(row) = rows.next()? {
                if !each(row)? {
                    break;
                }
            }
            Ok(())
        })
    }
}

/// A span with the names of OpenTelemetry's semantic conventions for databases.
fn statement_span(operation: &'static str) -> Span {
    tracing::debug_span!(
        target: SPANS,
        "blocks",
        otel.name = format_args!("{operation} blocks"),
        otel.kind = "client",
        db.system.name = "sqlite",
        db.operation.name = operation,
        db.collection.name = "blocks",
    )
}

fn put_block(connection: &Connection, (first, value): &PlacedBlock) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO blocks (first, value) VALUES (?1, ?2)")?
        .execute((*first as i64, value))
        .map(drop)
}

fn put_checkpoint(transaction: &Transaction<'_>, checkpoint: UnsealedCheckpoint) -> rusqlite::Result<()> {
    let heads = format!(
        "SELECT substr(value, 1, {HEADER}) FROM blocks WHERE first >= ?1 AND first < ?2 ORDER BY first"
    );
    let Range { start, end } = checkpoint.ordinals();
    let (first, past) = (start as i64, end as i64);
    let mut statement = transaction.prepare_cached(&heads)?;
    let mut sums = Vec::new();
    let mut rows = statement.query([first, past])?;
    while let Some(row) = rows.next()? {
        sums.push(head_sum(row.get_ref(0)?.as_blob()?));
    }
    transaction
        .prepare_cached("INSERT OR REPLACE INTO checkpoints (first, value) VALUES (?1, ?2)")?
        .execute((first, checkpoint.sealed(fingerprint(sums))))
        .map(drop)
}

/// Adds a run, as one with the run that ends where it begins.
fn put_dropped(transaction: &Transaction<'_>, range: &Range<u64>) -> rusqlite::Result<()> {
    let (first, past) = (range.start as i64, range.end as i64);
    let grown =
        transaction.prepare_cached("UPDATE dropped SET past = ?2 WHERE past = ?1")?.execute([first, past])?;
    if grown == 0 {
        transaction
            .prepare_cached("INSERT INTO dropped (first, past) VALUES (?1, ?2)")?
            .execute([first, past])?;
    }
    Ok(())
}

fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(|number| number as u64)
}
