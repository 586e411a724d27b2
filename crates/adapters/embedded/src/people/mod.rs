//! What is kept of people beside their events: who is in which segments, what everyone did in which window, and
//! snapshots. In a database of its own, so that its changes never hold up what commits events.
//!
//! ```text
//! users         name ─▶ number                      who is in segments
//! segments      title ─▶ number, held, live         memberships that are known; those that outlast `counted_s`
//! memberships   user, segment ─▶ expiry             and by expiry and segment
//! windows       window ─▶ users, events             those that were computed
//! user_metrics  window, user's name ─▶ events, when first computed
//! snapshots     name ─▶ when taken, bytes
//! facts         name ─▶ number                      version of the layout, `counted_s`, `taken_at`
//! ```

mod metrics;
mod ports;
mod segments;
mod snapshots;
mod wipe;

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use footfall_domain::time::Timestamp;
use footfall_ports::Snapshot;
use rusqlite::{Row, Transaction, TransactionBehavior};

use crate::database::{Database, DiskError, FACTS, Layout, MayBeNew};
use crate::store::Sync;
use crate::trouble::Trouble;

const LAYOUT: Layout = Layout {
    file: "people.db",
    version: 1,
    schema: &[
        "CREATE INDEX by_expiry ON memberships (expires_at_s, segment)",
        FACTS,
        "CREATE TABLE memberships (user INTEGER NOT NULL, segment INTEGER NOT NULL, expires_at_s INTEGER NOT NULL, PRIMARY KEY (user, segment)) STRICT, WITHOUT ROWID",
        "CREATE TABLE segments (id INTEGER PRIMARY KEY, title TEXT NOT NULL UNIQUE, held INTEGER NOT NULL, live INTEGER NOT NULL) STRICT",
        "CREATE TABLE snapshots (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, taken_at INTEGER NOT NULL, bytes BLOB NOT NULL) STRICT",
        "CREATE TABLE user_metrics (number INTEGER NOT NULL, user TEXT NOT NULL, events INTEGER NOT NULL, created_at INTEGER NOT NULL, PRIMARY KEY (number, user)) STRICT, WITHOUT ROWID",
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT",
        "CREATE TABLE windows (number INTEGER PRIMARY KEY, users INTEGER NOT NULL, events INTEGER NOT NULL) STRICT",
    ],
    // Rows are small and stand anywhere: what one of them writes is a page.
    page_bytes: PAGE_BYTES as u32,
    // Its pages are looked through for what was erased, and need to be told apart for that.
    shrinks: false,
    cache_bytes: 64 << 20,
};
const PAGE_BYTES: usize = 1_024;
/// Up to so many bytes the whole file is held to the database's rules at the start.
const CHECKED_BYTES_MAX: u64 = 128 << 20;

/// The database of people of one store.
#[derive(Debug)]
pub(crate) struct People {
    database: Database,
    /// Held for a whole calculation: who is erased meanwhile is taken out afterwards.
    calculating: Mutex<()>,
    /// The newest of each name, as it stands in the database.
    snapshots: Mutex<HashMap<String, Snapshot>>,
    /// Held by whoever puts a snapshot.
    putting: Mutex<()>,
    trouble: Trouble,
    /// The database's file beneath it, for wiping. It is closed after the database is: closing it any earlier would undo
    /// the locks by which the database is safe from other programs.
    file: File,
}

impl People {
    /// The database's file in a folder.
    pub(crate) fn file_in(folder: &Path) -> PathBuf {
        folder.join(LAYOUT.file)
    }

    /// Opens the database in the folder, or makes it where there is none.
    pub(crate) fn open(folder: &Path, sync: Sync) -> Result<Self, DiskError> {
        let database = Database::open(folder, &LAYOUT, sync, MayBeNew::IfBlank)?;
        if database.file_bytes() <= CHECKED_BYTES_MAX {
            database.check()?;
        }
        let file = File::options().read(true).write(true).open(database.path());
        let file = file.map_err(|error| DiskError::Failed(error.to_string()))?;
        let (calculating, trouble) = (Mutex::default(), Trouble::default());
        let (snapshots, putting) = (Mutex::default(), Mutex::default());
        let people = Self { database, calculating, snapshots, putting, trouble, file };
        people.load_snapshots()?;
        Ok(people)
    }

    /// A number that tells this store from others, made when it is first asked for.
    pub(crate) fn identity(&self, now: Timestamp) -> Result<u64, DiskError> {
        const IDENTITY: &str = "identity";
        if let Some(known) = self.database.fact(IDENTITY)? {
            return Ok(known.cast_unsigned());
        }
        self.database.set_fact(IDENTITY, now.micros())?;
        Ok(now.micros().cast_unsigned())
    }

    /// Waits until nobody computes windows, and keeps it so.
    pub(crate) fn calculating(&self) -> MutexGuard<'_, ()> {
        self.calculating.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is wrong, in words for anyone.
    pub(crate) fn trouble(&self) -> Option<&'static str> {
        self.trouble.words()
    }

    /// Bytes on disk.
    pub(crate) fn disk_bytes(&self) -> u64 {
        self.database.bytes()
    }

    /// Takes a user out of everything, and off the disk.
    pub(crate) fn forget_user(&self, user: &str) -> Result<(), DiskError> {
        {
            let _calculating = self.calculating();
            self.change(|transaction| {
                segments::forget_user(transaction, user)?;
                metrics::forget_user(transaction, user)
            })?;
        }
        // Also when there was nothing: they may have been erased before, and this have failed.
        self.wipe(user)
    }

    /// What is due now and then.
    pub(crate) fn keep_up(&self) {
        if let Err(error) = self.database.move_log() {
            self.say_trouble(&error);
        }
    }

    /// What is due every second.
    pub(crate) fn every_second(&self, sync: Sync) {
        let mut result = Ok(());
        if sync == Sync::EverySecond {
            result = self.database.sync().map_err(|error| DiskError::Failed(error.to_string()));
        }
        if self.trouble().is_some() {
            // Something to write tells whether writing works again, also when nobody dares to ask for it any more.
            result = result.and_then(|()| self.database.probe());
            if result.is_ok() && self.trouble.is_over() {
                tracing::info!("the store keeps memberships and metrics again");
            }
        }
        if let Err(error) = result {
            self.say_trouble(&error);
        }
    }

    /// What is done at the end.
    pub(crate) fn end(&self) {
        if let Err(error) = self.database.empty_log() {
            tracing::warn!(%error, "the next start has to take in the log of the database of people");
        }
    }

    /// Brings it into the form in which it stays.
    pub(crate) fn compact(&self) -> Result<(), DiskError> {
        self.database.empty_log()
    }

    /// Changes what is stored, as a whole or not at all.
    fn change<T>(&self, change: impl Fn(&Transaction<'_>) -> Result<T, DiskError>) -> Result<T, DiskError> {
        let mut result = self.database.change(&change);
        if matches!(result, Err(DiskError::Full)) {
            // What its log holds may have been moved to its place long ago: then the log is room.
            let emptied = self.database.empty_log().map_err(|_| DiskError::Full);
            result = emptied.and_then(|()| self.database.change(&change));
        }
        match &result {
            Ok(_) => drop(self.trouble.is_over()),
            Err(error) => self.say_trouble(error),
        }
        result
    }

    /// Leaves nothing of a name in the files that isn't in a row.
    fn wipe(&self, name: &str) -> Result<(), DiskError> {
        let mut writer = self.database.writer();
        self.database.empty_log_with(&writer)?;
        // The one that is there has pages in memory as they were, and would write them again.
        let fresh = self.database.another_writer()?;
        let no_other_writes = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if self.database.log_bytes() > 0 {
            return Err(DiskError::Failed("another program writes to it".into()));
        }
        wipe::wipe(&self.file, name.as_bytes())?;
        drop(no_other_writes);
        *writer = fresh;
        Ok(())
    }

    /// Remembers what is wrong, and says so once.
    pub(crate) fn say_trouble(&self, error: &DiskError) {
        let consequence = "memberships, metrics or snapshots are refused: the store can't keep them";
        self.trouble.say(error, self.database.path(), consequence);
    }
}

/// How many of something there are.
fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number))
}
