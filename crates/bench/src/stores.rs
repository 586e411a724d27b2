//! The stores that questions are asked of.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use footfall_embedded::{EmbeddedOptions, EmbeddedStore, Sync};
use footfall_memory::{MemoryOptions, MemoryStore};
use footfall_ports::{Analytics, Clock, EventLog};

/// A store in this process.
pub enum Store {
    /// All in memory.
    Memory(MemoryStore),
    /// In a folder beside the program, which is removed in the end.
    Embedded(Option<EmbeddedStore>, PathBuf, Arc<dyn Clock>),
}

impl Store {
    /// A new store of that backend.
    ///
    /// # Errors
    /// When it can't be had.
    pub fn start(backend: &str, clock: Arc<dyn Clock>) -> Result<Self, Box<dyn Error>> {
        match backend {
            "memory" => {
                let options = MemoryOptions { max_bytes: 16 << 30, retention: None, clock };
                Ok(Self::Memory(MemoryStore::start(options)?))
            }
            "embedded" => {
                // Not in /tmp, which may be memory and sync for nothing.
                let name = format!("bench-queries-{}", std::process::id());
                let folder = std::env::current_exe()?.with_file_name(name);
                let store = open(&folder, &clock)?;
                Ok(Self::Embedded(Some(store), folder, clock))
            }
            other => Err(format!("`{other}` is neither memory nor embedded").into()),
        }
    }

    /// The log.
    ///
    /// # Panics
    /// Between two starts, as the others.
    pub fn log(&self) -> Arc<dyn EventLog> {
        match self {
            Self::Memory(store) => Arc::new(store.clone()),
            Self::Embedded(store, ..) => Arc::new(store.clone().expect("it is open")),
        }
    }

    /// The figures.
    ///
    /// # Panics
    /// As [`Self::log`].
    pub fn analytics(&self) -> Arc<dyn Analytics> {
        match self {
            Self::Memory(store) => Arc::new(store.clone()),
            Self::Embedded(store, ..) => Arc::new(store.clone().expect("it is open")),
        }
    }

    /// Bytes on the heap by part.
    ///
    /// # Panics
    /// As [`Self::log`].
    pub fn bytes_by_part(&self) -> Vec<(&'static str, usize)> {
        match self {
            Self::Memory(store) => store.bytes_by_part(),
            Self::Embedded(store, ..) => store.as_ref().expect("it is open").bytes_by_part(),
        }
    }

    /// Bytes on disk, after everything has come into the form in which it stays; `None` where there is no disk.
    ///
    /// # Errors
    /// When the disk doesn't take it.
    pub fn compacted_bytes(&self) -> Result<Option<u64>, Box<dyn Error>> {
        let Self::Embedded(Some(store), ..) = self else { return Ok(None) };
        store.compact()?;
        Ok(Some(store.disk_bytes()))
    }

    /// Closes the store and opens it again. How long opening took; `None` where all would be gone.
    ///
    /// # Errors
    /// When it can't be opened.
    pub fn restart(&mut self) -> Result<Option<Duration>, Box<dyn Error>> {
        let Self::Embedded(store, folder, clock) = self else { return Ok(None) };
        drop(store.take());
        let start = Instant::now();
        *store = Some(open(folder, clock)?);
        Ok(Some(start.elapsed()))
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Self::Embedded(store, folder, _) = self {
            drop(store.take());
            // What can't be removed is left for people to see.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

fn open(folder: &std::path::Path, clock: &Arc<dyn Clock>) -> Result<EmbeddedStore, Box<dyn Error>> {
    let (folder, clock) = (folder.to_owned(), Arc::clone(clock));
    Ok(EmbeddedStore::open(EmbeddedOptions { folder, sync: Sync::Always, retention: None, clock })?)
}
