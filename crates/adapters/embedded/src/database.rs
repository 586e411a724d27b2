//! A database of the store's, with what all of them have in common: how one is opened, made and checked, how its
//! write-ahead log is kept short, and what goes wrong.
//!
//! In WAL mode a commit appends to one file and syncs it; a checkpoint of the database (not to be confused with ours)
//! moves what was appended to its place, from a connection of its own. Readers have connections of their own and never
//! wait.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, MAIN_DB, OptionalExtension, Row, Transaction, TransactionBehavior};

use crate::store::Sync;
use footfall_event_blocks::block::checksum;

/// How long the write-ahead log may grow before it is begun anew.
const WAL_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// From so many bytes on it is worth moving what it holds to its place.
const WAL_BYTES_MOVE: u64 = 8 * 1024 * 1024;
/// How long one connection waits for another. Writers wait for each other elsewhere.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// The name of the layout's number.
const LAYOUT: &str = "layout";

/// How every database makes its table of numbers, which this module reads and writes: name ─▶ number.
pub(crate) const FACTS: &str = "CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL, checksum INTEGER NOT NULL) STRICT, WITHOUT ROWID";

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

/// What a database is like.
#[derive(Debug)]
pub(crate) struct Layout {
    /// The file in the store's folder.
    pub(crate) file: &'static str,
    /// The version of the layout that this code reads and writes.
    pub(crate) version: i64,
    /// Tables and indexes, in order of their names, each as the database remembers that it was made.
    pub(crate) schema: &'static [&'static str],
    pub(crate) page_bytes: u32,
    /// Whether the file is made so that it can shrink.
    pub(crate) shrinks: bool,
    /// What the connection that writes keeps of the file in memory.
    pub(crate) cache_bytes: u32,
}

/// Where a file without tables is taken for a new one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum MayBeNew {
    /// Nowhere: there was a database.
    No,
    /// Only where nothing was ever written to it.
    IfBlank,
    Yes,
}

/// A database in the store's folder.
#[derive(Debug)]
pub(crate) struct Database {
    layout: &'static Layout,
    path: PathBuf,
    sync: Sync,
    writer: Mutex<Connection>,
    mover: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
}

impl Database {
    /// Opens the database in the folder, or makes it where it `may_be_new`.
    pub(crate) fn open(
        folder: &Path,
        layout: &'static Layout,
        sync: Sync,
        may_be_new: MayBeNew,
    ) -> Result<Self, DiskError> {
        let path = folder.join(layout.file);
        let writer = connect(&path)?;
        // Only a new file is written to: one that is refused below must stay as it is.
        let made_as = schema(&writer).map_err(schema_error)?;
        let is_new = made_as.is_empty()
            && match may_be_new {
                MayBeNew::No => false,
                MayBeNew::IfBlank => pragma(&writer, "page_count")? == 0,
                MayBeNew::Yes => true,
            };
        if !is_new && made_as != layout.schema {
            return Err(DiskError::Damaged("its tables are not there, or are not as they were made".into()));
        }
        if writer.is_readonly(MAIN_DB)? {
            return Err(DiskError::Damaged("it says that it is of a kind that can't be written".into()));
        }
        if is_new {
            make(&writer, layout)?;
        }
        writer.pragma_update(None, "journal_mode", "WAL")?;
        prepare(&writer, layout, sync)?;
        let mover = connect(&path)?;
        prepare(&mover, layout, sync)?;
        let database = Self {
            layout,
            path,
            sync,
            writer: Mutex::new(writer),
            mover: Mutex::new(mover),
            readers: Mutex::default(),
        };
        match database.fact(LAYOUT)? {
            // Made by a version that noted it afterwards.
            None => database.probe()?,
            Some(version) if version == layout.version => {}
            Some(other) => {
                let reads = layout.version;
                return Err(DiskError::Failed(format!(
                    "it has layout {other}, and this version of Footfall reads layout {reads}"
                )));
            }
        }
        Ok(database)
    }

    /// Its file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The connection that writes.
    pub(crate) fn writer(&self) -> MutexGuard<'_, Connection> {
        // A transaction that a panic left open was rolled back when it was dropped.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is stored, as a whole or not at all. When this returns it is as durable as was asked for when opening.
    pub(crate) fn change<T>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, DiskError>,
    ) -> Result<T, DiskError> {
        let mut writer = self.writer();
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let changed = change(&transaction)?;
        transaction.commit()?;
        Ok(changed)
    }

    /// Reads on a connection that nobody else uses, made where all are in use.
    pub(crate) fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, DiskError> {
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = if let Some(connection) = idle { connection } else { connect(&self.path)? };
        let result = read(&connection)?;
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        Ok(result)
    }

    /// A number kept under a name.
    pub(crate) fn fact(&self, name: &str) -> Result<Option<i64>, DiskError> {
        self.read(|connection| Ok(fact(connection, name)))?
    }

    /// Keeps a number under a name.
    pub(crate) fn set_fact(&self, name: &str, value: i64) -> Result<(), DiskError> {
        Ok(set_fact(&self.writer(), name, value)?)
    }

    /// Tries whether writing works.
    pub(crate) fn probe(&self) -> Result<(), DiskError> {
        self.set_fact(LAYOUT, self.layout.version)
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

    /// Moves all that the write-ahead log holds to its place and empties it, so that nothing old is left in it.
    ///
    /// # Errors
    /// Also when a long reader is in the way, such as a backup.
    pub(crate) fn empty_log(&self) -> Result<(), DiskError> {
        self.empty_log_with(&self.writer())
    }

    /// The same, for whoever has the connection that writes already.
    pub(crate) fn empty_log_with(&self, _writer: &MutexGuard<'_, Connection>) -> Result<(), DiskError> {
        if self.move_log_by("TRUNCATE")? {
            return Ok(());
        }
        Err(DiskError::Failed("its log can't be emptied while a backup is made".into()))
    }

    /// Another connection to write by, which knows nothing of the file yet.
    pub(crate) fn another_writer(&self) -> Result<Connection, DiskError> {
        let connection = connect(&self.path)?;
        prepare(&connection, self.layout, self.sync)?;
        Ok(connection)
    }

    /// Holds the database's own bookkeeping to its rules, beyond what reading it shows.
    pub(crate) fn check(&self) -> Result<(), DiskError> {
        let found: String =
            self.read(|connection| connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)))?;
        if found == "ok" { Ok(()) } else { Err(DiskError::Damaged(found)) }
    }

    /// Syncs what was appended: for those who don't sync at each commit.
    pub(crate) fn sync(&self) -> std::io::Result<()> {
        match std::fs::File::open(self.log_path()) {
            Ok(log) => log.sync_data(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Bytes of its files.
    pub(crate) fn bytes(&self) -> u64 {
        self.file_bytes() + self.log_bytes()
    }

    /// Bytes of its file, without the write-ahead log.
    pub(crate) fn file_bytes(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |file| file.len())
    }

    /// Whether all was done that was asked for.
    fn move_log_by(&self, how: &str) -> Result<bool, DiskError> {
        let mover = self.mover.lock().unwrap_or_else(PoisonError::into_inner);
        let busy = |row: &Row<'_>| row.get::<_, i64>(0);
        Ok(mover.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], busy)? == 0)
    }

    fn log_path(&self) -> PathBuf {
        self.path.with_file_name(format!("{}-wal", self.layout.file))
    }

    /// Bytes of the write-ahead log.
    pub(crate) fn log_bytes(&self) -> u64 {
        std::fs::metadata(self.log_path()).map_or(0, |file| file.len())
    }
}

/// A number kept under a name, as this connection sees it.
pub(crate) fn fact(connection: &Connection, name: &str) -> Result<Option<i64>, DiskError> {
    let found: Option<(i64, u32)> = connection
        .prepare_cached("SELECT value, checksum FROM facts WHERE name = ?1")?
        .query_row([name], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match found {
        Some((value, sum)) if sum != checksum(value.cast_unsigned(), name.as_bytes()) => {
            Err(DiskError::Damaged(format!("`{name}` doesn't have the checksum that it was written with")))
        }
        found => Ok(found.map(|(value, _)| value)),
    }
}

/// Keeps a number under a name, as a part of what is done on this connection.
pub(crate) fn set_fact(connection: &Connection, name: &str, value: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO facts (name, value, checksum) VALUES (?1, ?2, ?3)")?
        .execute((name, value, checksum(value.cast_unsigned(), name.as_bytes())))
        .map(drop)
}

/// A number that the database tells of itself.
pub(crate) fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

/// Makes the tables, in one step and before there is a write-ahead log: so they are all in the file, or nothing is.
fn make(connection: &Connection, layout: &Layout) -> Result<(), DiskError> {
    connection.pragma_update(None, "page_size", layout.page_bytes)?;
    connection.pragma_update(None, "auto_vacuum", if layout.shrinks { "INCREMENTAL" } else { "NONE" })?;
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    // Tables before the indexes on them.
    let (tables, indexes): (Vec<&str>, Vec<&str>) =
        layout.schema.iter().partition(|made_as| made_as.starts_with("CREATE TABLE"));
    transaction.execute_batch(&tables.join(";"))?;
    transaction.execute_batch(&indexes.join(";"))?;
    set_fact(&transaction, LAYOUT, layout.version)?;
    Ok(transaction.commit()?)
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // Or closing would tidy up what a start has just refused, and what someone may still want to look at.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(connection)
}

/// How the tables and indexes that are there were made, in order of their names.
fn schema(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let query =
        "SELECT sql FROM sqlite_schema WHERE type IN ('table', 'index') AND sql IS NOT NULL ORDER BY name";
    connection.prepare(query)?.query_map([], |row| row.get(0))?.collect()
}

/// A schema that can't be read is damaged, also where the database takes it for one of another version.
fn schema_error(error: rusqlite::Error) -> DiskError {
    match error.sqlite_error_code() {
        Some(ErrorCode::Unknown) => DiskError::Damaged(error.to_string()),
        _ => error.into(),
    }
}

fn prepare(connection: &Connection, layout: &Layout, sync: Sync) -> Result<(), DiskError> {
    let synchronous = if sync == Sync::Always { "FULL" } else { "NORMAL" };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "cache_size", -i64::from(layout.cache_bytes / 1024))?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "journal_size_limit", WAL_BYTES_MAX as i64)?;
    // What was erased is overwritten, not only unlinked.
    connection.pragma_update(None, "secure_delete", "ON")?;
    Ok(())
}
