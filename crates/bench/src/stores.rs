//! The stores that are measured in this process.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use footfall_domain::time::Timestamp;
use footfall_embedded::{EmbeddedOptions, EmbeddedStore, Sync};
use footfall_memory::{MemoryOptions, MemoryStore};
use footfall_ports::{Analytics, Clock, Domains, EventLog, Segments, Store as Ports, UserMetrics};
use footfall_postgres::{ConnectOptions, PostgresOptions, PostgresStore};
use footfall_test_services::Postgres;

use crate::load::servers::database_server;

/// A store in this process.
pub enum Store {
    /// All in memory.
    Memory(MemoryStore),
    /// In a folder beside the program, which is removed in the end.
    Embedded(Option<EmbeddedStore>, PathBuf, Arc<dyn Clock>),
    /// In a database of a server of its own, whose data is beside the program and is removed in the end.
    Postgres(Option<PostgresStore>, String, Postgres, Arc<dyn Clock>),
}

impl Store {
    /// A new store of that backend.
    ///
    /// # Errors
    /// When it can't be had.
    pub async fn start(backend: &str, clock: Arc<dyn Clock>) -> Result<Self, Box<dyn Error>> {
        match backend {
            "memory" => {
                let options = MemoryOptions { max_bytes: 16 << 30, retention: None, clock };
                Ok(Self::Memory(MemoryStore::start(options)?))
            }
            "embedded" => {
                // Not in /tmp, which may be memory and sync for nothing.
                let name = format!("bench-store-{}", std::process::id());
                let folder = std::env::current_exe()?.with_file_name(name);
                let store = open(&folder, &clock)?;
                Ok(Self::Embedded(Some(store), folder, clock))
            }
            "postgres" => {
                let server = database_server(&std::env::current_exe()?);
                let url = server.database();
                let store = open_postgres(&url, &clock).await?;
                Ok(Self::Postgres(Some(store), url, server, clock))
            }
            other => Err(format!("`{other}` is none of memory, embedded and postgres").into()),
        }
    }

    fn ports(&self) -> Arc<dyn Ports> {
        match self {
            Self::Memory(store) => Arc::new(store.clone()),
            Self::Embedded(store, ..) => Arc::new(store.clone().expect("it is open")),
            Self::Postgres(store, ..) => Arc::new(store.clone().expect("it is open")),
        }
    }

    /// The log.
    ///
    /// # Panics
    /// Between two starts, as the others.
    pub fn log(&self) -> Arc<dyn EventLog> {
        self.ports()
    }

    /// The figures.
    ///
    /// # Panics
    /// As [`Self::log`].
    pub fn analytics(&self) -> Arc<dyn Analytics> {
        self.ports()
    }

    /// What is known of mail domains.
    ///
    /// # Panics
    /// As [`Self::log`].
    pub fn domains(&self) -> Arc<dyn Domains> {
        self.ports()
    }

    /// Who is in which segment.
    ///
    /// # Panics
    /// As [`Self::log`].
    pub fn segments(&self) -> Arc<dyn Segments> {
        self.ports()
    }

    /// Users' activity.
    ///
    /// # Panics
    /// As [`Self::log`].
    pub fn metrics(&self) -> Arc<dyn UserMetrics> {
        self.ports()
    }

    /// Bytes on the heap by part.
    ///
    /// # Panics
    /// As [`Self::log`].
    pub fn bytes_by_part(&self) -> Vec<(&'static str, usize)> {
        match self {
            Self::Memory(store) => store.bytes_by_part(),
            Self::Embedded(store, ..) => store.as_ref().expect("it is open").bytes_by_part(),
            Self::Postgres(store, ..) => store.as_ref().expect("it is open").bytes_by_part(),
        }
    }

    /// Bytes on disk, after everything has come into the form in which it stays; `None` where there is no disk.
    ///
    /// # Errors
    /// When the disk doesn't take it.
    pub async fn compacted_bytes(&self) -> Result<Option<u64>, Box<dyn Error>> {
        match self {
            Self::Embedded(Some(store), ..) => {
                store.compact()?;
                Ok(Some(store.disk_bytes()))
            }
            Self::Postgres(Some(store), url, server, _) => {
                store.maintain().await?;
                server.sql(url, "VACUUM");
                Ok(Some(server.sql(url, "SELECT pg_database_size(current_database())").parse()?))
            }
            _ => Ok(None),
        }
    }

    /// Closes the store and opens it again. How long opening took; `None` where all would be gone.
    ///
    /// # Errors
    /// When it can't be opened.
    pub async fn restart(&mut self) -> Result<Option<Duration>, Box<dyn Error>> {
        let start;
        match self {
            Self::Memory(_) => return Ok(None),
            Self::Embedded(store, folder, clock) => {
                drop(store.take());
                start = Instant::now();
                *store = Some(open(folder, clock)?);
            }
            Self::Postgres(store, url, _, clock) => {
                drop(store.take());
                start = Instant::now();
                *store = Some(open_postgres(url, clock).await?);
            }
        }
        Ok(Some(start.elapsed()))
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        match self {
            Self::Memory(_) => {}
            Self::Embedded(store, folder, _) => {
                drop(store.take());
                // What can't be removed is left for people to see.
                let _ = std::fs::remove_dir_all(folder);
            }
            Self::Postgres(store, ..) => drop(store.take()),
        }
    }
}

fn open(folder: &std::path::Path, clock: &Arc<dyn Clock>) -> Result<EmbeddedStore, Box<dyn Error>> {
    let (folder, clock) = (folder.to_owned(), Arc::clone(clock));
    Ok(EmbeddedStore::open(EmbeddedOptions { folder, sync: Sync::Always, retention: None, clock })?)
}

/// The machine's clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the benchmarks are their own composition root")]
    fn now(&self) -> Timestamp {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros_clamped(since_1970.as_micros() as i64)
    }
}

/// Opens a store in a database, as a service of its own would.
///
/// # Errors
/// When it can't be opened.
pub async fn open_postgres(url: &str, clock: &Arc<dyn Clock>) -> Result<PostgresStore, Box<dyn Error>> {
    let connect = ConnectOptions { url: url.to_owned(), read_url: None, pool_size: 8, pgbouncer: false };
    let options = PostgresOptions {
        connect,
        migrate_on_start: true,
        retention: None,
        clock: Arc::clone(clock),
        random: holder,
    };
    Ok(PostgresStore::open(options).await?)
}

/// Unlike that of any other store of this process.
fn holder() -> u128 {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    let next = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    u128::from(std::process::id()) << 64 | u128::from(next)
}
