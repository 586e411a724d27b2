//! The database: the only module that knows it is SQLite.
//!
//! ```text
//! blocks       first ordinal ─▶ block                 what is stored, in order of arrival
//! checkpoints  first ordinal ─▶ checkpoint            drawn from the blocks of a run
//! dropped      first ordinal ─▶ ordinal past the last runs that retention dropped as a whole
//! facts        name ─▶ number                         version of the layout, floor of retention
//! ```
//!
//! In WAL mode a commit appends to one file and syncs it; a checkpoint of the database (not to be confused with ours)
//! moves what was appended to its place, from a thread of its own. Readers have connections of their own and never wait.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, MAIN_DB, OptionalExtension, Row, Transaction, TransactionBehavior};

use crate::store::Sync;
use footfall_event_blocks::block::{HEADER, PlacedBlock, checksum, fingerprint, head_sum};
use footfall_event_blocks::checkpoint::UnsealedCheckpoint;

/// The file in the store's folder.
const FILE: &str = "events.db";
/// The layout that this code reads and writes.
const LAYOUT: i64 = 1;
/// Large enough that a block takes few pages, small enough that a commit of one event writes little.
const PAGE_BYTES: u32 = 16 * 1024;
/// How long the write-ahead log may grow before it is begun anew.
const WAL_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// From so many bytes on it is worth moving what it holds to its place.
const WAL_BYTES_MOVE: u64 = 8 * 1024 * 1024;
/// Unused pages that the file keeps in any case, and how many are given back at a time.
const FREE_PAGES_KEPT: i64 = 1_024;
const FREE_PAGES_STEP: i64 = 256;
/// How long one connection waits for another. Writers wait for each other elsewhere.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest run of dropped events that is believed.
const DROPPED_MAX: u64 = 1 << 36;

/// The tables, in order of their names, each as the database remembers that it was made.
const SCHEMA: [&str; 4] = [
    "CREATE TABLE blocks (first INTEGER PRIMARY KEY, value BLOB NOT NULL) STRICT",
    "CREATE TABLE checkpoints (first INTEGER PRIMARY KEY, value BLOB NOT NULL) STRICT",
    "CREATE TABLE dropped (first INTEGER PRIMARY KEY, past INTEGER NOT NULL) STRICT",
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL, checksum INTEGER NOT NULL) STRICT, WITHOUT ROWID",
];

/// Why the database didn't do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum DiskError {
    /// There is no room left. Nothing was changed.
    #[error("the disk is full")]
    Full,
    /// The file holds what no database writes.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// Anything else.
    #[error("the database failed: {0}")]
    Failed(String),
}

impl From<rusqlite::Error> for DiskError {
    fn from(error: rusqlite::Error) -> Self {
        // SQLite tells of ENOSPC as "full" where it writes pages, and as an I/O error where it extends shared memory.
        const NO_ROOM_FOR_SHARED_MEMORY: i32 = rusqlite::ffi::SQLITE_IOERR_SHMSIZE;
        if matches!(
            error,
            rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::Utf8Error(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
        ) {
            return Self::Damaged(error.to_string());
        }
        match error.sqlite_error() {
            Some(cause) if cause.code == ErrorCode::DiskFull => Self::Full,
            Some(cause) if cause.extended_code == NO_ROOM_FOR_SHARED_MEMORY => Self::Full,
            Some(cause) if cause.extended_code == rusqlite::ffi::SQLITE_IOERR_SHORT_READ => {
                Self::Damaged("it ends before it should".into())
            }
            Some(cause) if matches!(cause.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged(error.to_string())
            }
            _ => Self::Failed(error.to_string()),
        }
    }
}

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

/// The database of one store.
#[derive(Debug)]
pub(crate) struct Disk {
    path: PathBuf,
    writer: Mutex<Connection>,
    mover: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
}

impl Disk {
    /// Opens the database in the folder, or makes it where it `may_be_new`.
    pub(crate) fn open(folder: &Path, sync: Sync, may_be_new: bool) -> Result<Self, DiskError> {
        let path = Self::file_in(folder);
        let writer = connect(&path)?;
        // Only a new file is written to: one that is refused below must stay as it is.
        let tables = tables(&writer).map_err(schema_error)?;
        let is_new = tables.is_empty() && may_be_new;
        if is_new {
            writer.pragma_update(None, "page_size", PAGE_BYTES)?;
            writer.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        } else if tables != SCHEMA {
            return Err(DiskError::Damaged("its tables are not there, or are not as they were made".into()));
        }
        if writer.is_readonly(MAIN_DB)? {
            return Err(DiskError::Damaged("it says that it is of a kind that can't be written".into()));
        }
        writer.pragma_update(None, "journal_mode", "WAL")?;
        prepare(&writer, sync)?;
        if is_new {
            writer.execute_batch(&format!("BEGIN IMMEDIATE; {}; COMMIT;", SCHEMA.join(";")))?;
        }
        let mover = connect(&path)?;
        prepare(&mover, sync)?;
        let disk =
            Self { path, writer: Mutex::new(writer), mover: Mutex::new(mover), readers: Mutex::default() };
        match disk.fact("layout")? {
            None => disk.set_fact("layout", LAYOUT)?,
            Some(LAYOUT) => {}
            Some(other) => {
                return Err(DiskError::Failed(format!(
                    "it has layout {other}, and this version of Footfall reads layout {LAYOUT}"
                )));
            }
        }
        Ok(disk)
    }

    /// The database's file in a folder.
    pub(crate) fn file_in(folder: &Path) -> PathBuf {
        folder.join(FILE)
    }

    /// The database's file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Stores blocks. When this returns they are as durable as was asked for when opening.
    pub(crate) fn append(&self, blocks: &[PlacedBlock]) -> Result<(), DiskError> {
        let mut writer = self.writer();
        if let [block] = blocks {
            // A statement by itself is a transaction.
            return Ok(put_block(&writer, block)?);
        }
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        blocks.iter().try_for_each(|block| put_block(&transaction, block))?;
        Ok(transaction.commit()?)
    }

    /// Makes a change.
    pub(crate) fn change(&self, change: Change) -> Result<(), DiskError> {
        let mut writer = self.writer();
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
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
            put_block(&transaction, block)?;
        }
        if let Some(checkpoint) = change.checkpoint {
            put_checkpoint(&transaction, checkpoint)?;
        }
        if let Some(range) = &change.dropped {
            put_dropped(&transaction, range)?;
        }
        Ok(transaction.commit()?)
    }

    /// The block that the ordinal is in, with its first ordinal, or the one before where there is none.
    pub(crate) fn block_at(&self, ordinal: u64) -> Result<Option<PlacedBlock>, DiskError> {
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

    /// A number kept under a name.
    pub(crate) fn fact(&self, name: &str) -> Result<Option<i64>, DiskError> {
        let found: Option<(i64, u32)> = self.read(|connection| {
            connection
                .prepare_cached("SELECT value, checksum FROM facts WHERE name = ?1")?
                .query_row([name], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })?;
        match found {
            Some((value, sum)) if sum != checksum(value.cast_unsigned(), name.as_bytes()) => Err(
                DiskError::Damaged(format!("`{name}` doesn't have the checksum that it was written with")),
            ),
            found => Ok(found.map(|(value, _)| value)),
        }
    }

    /// Keeps a number under a name.
    pub(crate) fn set_fact(&self, name: &str, value: i64) -> Result<(), DiskError> {
        self.writer()
            .prepare_cached("INSERT OR REPLACE INTO facts (name, value, checksum) VALUES (?1, ?2, ?3)")?
            .execute((name, value, checksum(value.cast_unsigned(), name.as_bytes())))?;
        Ok(())
    }

    /// Tries whether writing works.
    pub(crate) fn probe(&self) -> Result<(), DiskError> {
        self.set_fact("layout", LAYOUT)
    }

    /// Moves what the write-ahead log holds to its place, where it has grown. Commits go on meanwhile; only when the log
    /// has become long they wait once, so that it can begin anew.
    pub(crate) fn move_log(&self) -> Result<(), DiskError> {
        let bytes = self.log_bytes();
        if bytes < WAL_BYTES_MOVE {
            return Ok(());
        }
        self.move_log_by("PASSIVE")?;
        if bytes > WAL_BYTES_MAX {
            let _writer = self.writer();
            // Where a reader is in the way it is done the next time.
            self.move_log_by("RESTART")?;
        }
        Ok(())
    }

    /// Keeps the write-ahead log short through a change of much of what is stored.
    pub(crate) fn bound_log(&self) -> Result<(), DiskError> {
        if self.log_bytes() >= WAL_BYTES_MOVE {
            // Most of it while commits go on, and the rest while they wait. Where a reader is in the way it is done later.
            self.move_log_by("PASSIVE")?;
            let _writer = self.writer();
            self.move_log_by("TRUNCATE")?;
        }
        Ok(())
    }

    /// Holds the database's own bookkeeping to its rules, beyond what reading the blocks shows.
    pub(crate) fn check(&self) -> Result<(), DiskError> {
        let found: String =
            self.read(|connection| connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)))?;
        if found == "ok" { Ok(()) } else { Err(DiskError::Damaged(found)) }
    }

    /// Moves all that the write-ahead log holds to its place and empties it, so that nothing old is left in it.
    ///
    /// # Errors
    /// Also when a long reader is in the way, such as a backup.
    pub(crate) fn empty_log(&self) -> Result<(), DiskError> {
        let _writer = self.writer();
        if self.move_log_by("TRUNCATE")? {
            return Ok(());
        }
        Err(DiskError::Failed("its log can't be emptied while a backup is made".into()))
    }

    /// Gives some of the file's unused pages back to the system, where many are. Returns whether there are more.
    pub(crate) fn give_back(&self) -> Result<bool, DiskError> {
        let writer = self.writer();
        let count = |name: &str| writer.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let (free, all) = (count("freelist_count")?, count("page_count")?);
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

    /// Syncs what was appended: for those who don't sync at each commit.
    pub(crate) fn sync(&self) -> std::io::Result<()> {
        match std::fs::File::open(self.log_path()) {
            Ok(log) => log.sync_data(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Bytes of all files.
    pub(crate) fn bytes(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |file| file.len()) + self.log_bytes()
    }

    /// Whether all was done that was asked for.
    fn move_log_by(&self, how: &str) -> Result<bool, DiskError> {
        let mover = self.mover.lock().unwrap_or_else(PoisonError::into_inner);
        let busy = |row: &Row<'_>| row.get::<_, i64>(0);
        Ok(mover.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], busy)? == 0)
    }

    fn log_path(&self) -> PathBuf {
        self.path.with_file_name(format!("{FILE}-wal"))
    }

    fn log_bytes(&self) -> u64 {
        std::fs::metadata(self.log_path()).map_or(0, |file| file.len())
    }

    fn writer(&self) -> MutexGuard<'_, Connection> {
        // A transaction that a panic left open was rolled back when it was dropped.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads on a connection that nobody else uses, made where all are in use.
    fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, DiskError> {
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = if let Some(connection) = idle { connection } else { connect(&self.path)? };
        let result = read(&connection)?;
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        Ok(result)
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

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // Or closing would tidy up what a start has just refused, and what someone may still want to look at.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(connection)
}

/// How the tables that are there were made, in order of their names.
fn tables(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement =
        connection.prepare("SELECT sql FROM sqlite_schema WHERE type = 'table' ORDER BY name")?;
    statement.query_map([], |row| row.get(0))?.collect()
}

/// A schema that can't be read is damaged, also where the database takes it for one of another version.
fn schema_error(error: rusqlite::Error) -> DiskError {
    match error.sqlite_error_code() {
        Some(ErrorCode::Unknown) => DiskError::Damaged(error.to_string()),
        _ => error.into(),
    }
}

fn prepare(connection: &Connection, sync: Sync) -> Result<(), DiskError> {
    let synchronous = if sync == Sync::Always { "FULL" } else { "NORMAL" };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "journal_size_limit", WAL_BYTES_MAX as i64)?;
    // What was erased is overwritten, not only unlinked.
    connection.pragma_update(None, "secure_delete", "ON")?;
    Ok(())
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
