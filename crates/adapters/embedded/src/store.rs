//! The store as a whole: how it is set up, what its threads share, and how it ends.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;

use footfall_ports::{Clock, StoreCounters, StoreError};
use footfall_read_models::ReadModels;

use crate::cache::BlockCache;
use crate::commit::Queue;
use crate::database::DiskError;
use crate::disk::Disk;
use crate::fold::Fresh;
use crate::folder::Folder;
use crate::index::Index;
use crate::keep::Keeper;
use crate::people::People;
use crate::trouble::Trouble;
use footfall_event_blocks::Damage;
use footfall_event_blocks::group::Group;

/// When room may have come back: a retention sweep or an operator's hand.
const FULL_RETRY_AFTER: Duration = Duration::from_secs(10);
/// When a store that failed once is worth another try.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// When what is stored is on the disk itself, and safe from a loss of power.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sync {
    /// Before it is acknowledged.
    Always,
    /// Within a second. What is acknowledged survives the end of the process, however it comes; a loss of power or a
    /// crash of the system may take the last second.
    EverySecond,
}

/// How an embedded store is set up.
pub struct EmbeddedOptions {
    /// The folder that holds it; it is made where it isn't there.
    pub folder: PathBuf,
    /// When what is stored is synced.
    pub sync: Sync,
    /// How long events are kept; `None`: for ever.
    pub retention: Option<Duration>,
    /// Tells when events have reached that age.
    pub clock: Arc<dyn Clock>,
}

/// Why a store can't be opened. The texts are for operators: they say where, what and what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder or a file in it can't be used.
    #[error("the folder {folder} can't be used: {error}")]
    Unusable {
        /// Which.
        folder: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// Another process has it.
    #[error(
        "the folder {folder} is in use by another process ({holder}): stop that one, or set FOOTFALL__EMBEDDED__DIR to \
         another folder"
    )]
    InUse {
        /// Which.
        folder: PathBuf,
        /// The other process's number.
        holder: String,
    },
    /// The data isn't what was written.
    #[error(
        "{file} is damaged: {what}. Nothing was changed. Restore the folder from a backup, or move it away to begin with \
         an empty one"
    )]
    Damaged {
        /// Which file.
        file: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// Acknowledged events are not there.
    #[error(
        "events that were acknowledged are missing at the end of {file}: it holds {found}, and {acknowledged} were \
         acknowledged. Nothing was changed. Restore the folder from a backup; to go on without the missing ones, remove \
         the file {note}"
    )]
    Missing {
        /// Which file.
        file: PathBuf,
        /// How many events it holds, counted from the first ever.
        found: u64,
        /// How many were acknowledged.
        acknowledged: u64,
        /// The file that says so.
        note: PathBuf,
    },
    /// The database can't be used.
    #[error("{file} can't be used: {what}")]
    Failed {
        /// Which file.
        file: PathBuf,
        /// Why.
        what: String,
    },
}

impl OpenError {
    pub(crate) fn of(file: &Path, error: DiskError) -> Self {
        let file = file.to_owned();
        match error {
            DiskError::Damaged(what) => Self::Damaged { file, what },
            error => Self::Failed { file, what: error.to_string() },
        }
    }

    pub(crate) fn damaged(file: &Path, damage: &Damage) -> Self {
        Self::Damaged { file: file.to_owned(), what: damage.to_string() }
    }
}

impl From<DiskError> for StoreError {
    fn from(error: DiskError) -> Self {
        match error {
            DiskError::Full => Self::Full { retry_after: FULL_RETRY_AFTER },
            DiskError::Damaged(_) => Self::Failed(Box::new(error)),
            DiskError::Failed(_) => {
                Self::Unavailable { retry_after: RETRY_AFTER, source: Some(Box::new(error)) }
            }
        }
    }
}

/// Damage that is met while the store is in use.
pub(crate) fn damaged(damage: Damage) -> StoreError {
    StoreError::Failed(Box::new(damage))
}

/// Events durably on disk; deduplication and read models in memory, drawn from them.
///
/// Clones share one store. When the last one is dropped, what was taken is committed, a checkpoint is made and the folder
/// is free again.
#[derive(Clone)]
pub struct EmbeddedStore {
    running: Arc<Running>,
}

/// What everything in the store shares.
pub(crate) struct Inner {
    pub(crate) folder: Folder,
    pub(crate) disk: Disk,
    pub(crate) sync: Sync,
    pub(crate) retention: Option<Duration>,
    pub(crate) clock: Arc<dyn Clock>,
    /// When the store was made.
    pub(crate) identity: u64,
    /// When this life of the store began.
    pub(crate) began: u64,
    /// How often events were erased or dropped since.
    pub(crate) removals: AtomicU64,
    /// What waits to be committed.
    pub(crate) queue: Queue,
    pub(crate) counters: StoreCounters,
    pub(crate) index: Mutex<Index>,
    /// Events below this ordinal are committed.
    pub(crate) committed: AtomicU64,
    /// Events below this ordinal are in the read models; it changes with those locked.
    pub(crate) counted: AtomicU64,
    /// Committed and not folded yet.
    pub(crate) fresh: Mutex<Fresh>,
    pub(crate) fresh_events: AtomicUsize,
    /// Whether the folding thread was woken since it last folded.
    pub(crate) woken: AtomicBool,
    pub(crate) models: RwLock<ReadModels>,
    /// Folded and not yet in the keeper's hands, in order.
    pub(crate) folded: Mutex<Vec<Group>>,
    /// How many those are, and those in the keeper's hands that are in no run yet.
    pub(crate) pending_events: AtomicUsize,
    /// What is kept of runs, and what is on its way into one.
    pub(crate) keeper: Mutex<Keeper>,
    /// Held by whoever changes what was stored before, or must not see it change.
    pub(crate) history: Mutex<()>,
    /// Events of erased users whose content is still to be taken off the disk. They are in no read model any more.
    pub(crate) unerased: Mutex<BTreeSet<u64>>,
    pub(crate) cache: BlockCache,
    /// What is kept of people beside their events.
    pub(crate) people: People,
    /// What is wrong with the events' database.
    pub(crate) trouble: Trouble,
    /// Tells the folding thread and the keeper to end.
    pub(crate) ending: AtomicBool,
    pub(crate) threads: Threads,
}

/// The threads that can be woken.
#[derive(Debug, Default)]
pub(crate) struct Threads([OnceLock<Thread>; 2]);

/// The folding thread.
pub(crate) const FOLD: usize = 0;
/// The keeper.
pub(crate) const KEEP: usize = 1;

impl Threads {
    /// Wakes one of them, if it has started.
    pub(crate) fn wake(&self, thread: usize) {
        if let Some(thread) = self.0[thread].get() {
            thread.unpark();
        }
    }
}

struct Running {
    inner: Arc<Inner>,
    threads: Vec<JoinHandle<()>>,
}

impl EmbeddedStore {
    /// Opens the store in the folder, or makes one there. When this returns it is ready: what was acknowledged is there,
    /// and counted.
    ///
    /// # Errors
    /// [`OpenError`]; nothing was changed then.
    pub fn open(options: EmbeddedOptions) -> Result<Self, OpenError> {
        let folder = options.folder.clone();
        let inner = Arc::new(Inner::load(options)?);
        let mut running = Running { inner, threads: Vec::new() };
        let unusable = |error| OpenError::Unusable { folder: folder.clone(), error };
        running.start("embedded-commit", None, Inner::commit_until_closed).map_err(unusable)?;
        running.start("embedded-fold", Some(FOLD), Inner::fold_until_ended).map_err(unusable)?;
        running.start("embedded-keep", Some(KEEP), Inner::keep_until_ended).map_err(unusable)?;
        Ok(Self { running: Arc::new(running) })
    }

    /// Tells this folder's store from others.
    pub fn identity(&self) -> u64 {
        self.inner().identity
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.running.inner
    }

    /// Drops the events past their retention now; the store does so by itself every few seconds.
    pub fn forget_expired(&self) {
        self.inner().forget_expired_now();
    }

    /// Brings what was appended into the form in which it stays, as happens by itself in time.
    ///
    /// # Errors
    /// [`StoreError`] when the disk doesn't take it.
    pub fn compact(&self) -> Result<(), StoreError> {
        self.inner().settle();
        self.inner().keep_all()?;
        self.inner().disk.empty_log()?;
        Ok(self.inner().people.compact()?)
    }

    /// Bytes on disk.
    pub fn disk_bytes(&self) -> u64 {
        self.inner().disk.bytes() + self.inner().people.disk_bytes()
    }

    /// Bytes on the heap by part, for benchmarks: deduplication and each part of the read models.
    pub fn bytes_by_part(&self) -> Vec<(&'static str, usize)> {
        let index = self.inner().index.lock().unwrap_or_else(PoisonError::into_inner).heap_bytes();
        let mut parts = vec![("deduplication", index)];
        parts.extend(self.inner().settled().heap_bytes_by_part());
        parts
    }
}

impl Running {
    fn start(&mut self, name: &str, known_as: Option<usize>, run: fn(&Inner)) -> std::io::Result<()> {
        let inner = Arc::clone(&self.inner);
        let thread = std::thread::Builder::new().name(name.into()).spawn(move || run(&inner))?;
        if let Some(place) = known_as {
            let _ = self.inner.threads.0[place].set(thread.thread().clone());
        }
        self.threads.push(thread);
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // First what still waits is committed, then the keeper does its work on it a last time.
        self.inner.queue.close();
        for thread in self.threads.drain(..) {
            // One that panicked has said so.
            let _ = thread.join();
            self.inner.ending.store(true, Ordering::Release);
            self.inner.threads.wake(FOLD);
            self.inner.threads.wake(KEEP);
        }
    }
}
