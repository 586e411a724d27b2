//! The store as a whole: how it is set up, what its tasks share, and how it ends.

use std::sync::atomic::{AtomicI64, AtomicU64};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use footfall_ports::{Clock, StoreCounters, StoreError};
use footfall_read_models::ReadModels;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::Instrument;

use crate::append::Queue;
use crate::bring_up::Progress;
use crate::connect::{ConnectOptions, Connections};
use crate::error::OpenError;
use crate::migrate;
use crate::retain::oldest_kept;
use crate::statements::IDENTITY;
use crate::tail::Tail;

/// Threads that talk to the database. What takes time is done on others.
const THREADS: usize = 1;
/// Lanes of an instance, at most: more connections to append over gain nothing, and questions need some too.
const LANES_MAX: usize = 3;
/// How long what waits is still committed when the store ends.
const CLOSE_PATIENCE: Duration = Duration::from_secs(10);

/// How a store is set up.
pub struct PostgresOptions {
    /// How the database is reached.
    pub connect: ConnectOptions,
    /// Whether the schema is brought up first.
    pub migrate_on_start: bool,
    /// How long events are kept; `None`: for ever.
    pub retention: Option<Duration>,
    /// Tells when events have reached that age.
    pub clock: Arc<dyn Clock>,
    /// Gives random numbers, by which an instance's hold on a lane is told from all others.
    pub random: fn() -> u128,
}

/// Events in a database that other instances use too; read models in memory, drawn from it.
///
/// Clones share one store. When the last one is dropped, what was taken is committed.
#[derive(Clone)]
pub struct PostgresStore {
    running: Arc<Running>,
}

/// What everything in the store shares.
pub(crate) struct Inner {
    pub(crate) connections: Connections,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: fn() -> u128,
    pub(crate) retention: Option<Duration>,
    /// Tells the database from all others.
    pub(crate) identity: u64,
    /// What waits to be committed.
    pub(crate) queue: Queue,
    pub(crate) counters: StoreCounters,
    /// What we have committed and not folded.
    pub(crate) tail: Tail,
    pub(crate) models: RwLock<ReadModels>,
    /// How far the read models are. Whoever changes them holds it.
    pub(crate) progress: tokio::sync::Mutex<Progress>,
    /// Questions asked, and how many of them were caught up for, or in vain.
    pub(crate) asked: AtomicU64,
    pub(crate) served: AtomicU64,
    pub(crate) failed: AtomicU64,
    /// Retention is done with what is before this, in microseconds since 1970.
    pub(crate) dropped_before: AtomicI64,
    pub(crate) verifying: tokio::sync::Mutex<()>,
    /// Held by whoever computes users' activity here.
    pub(crate) calculating: tokio::sync::Mutex<()>,
    /// What is wrong with the replica, in words for anyone.
    pub(crate) replica_trouble: Mutex<Option<(&'static str, Instant)>>,
    /// Tells the maintenance to end.
    pub(crate) ending: Notify,
}

struct Running {
    inner: Arc<Inner>,
    /// Taken when it ends.
    runtime: Option<Runtime>,
    appending: Vec<JoinHandle<()>>,
}

impl PostgresStore {
    /// Opens the store. When this returns it is ready: what was acknowledged by any instance is there, and counted.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(options: PostgresOptions) -> Result<Self, OpenError> {
        let connections = Connections::new(&options.connect)?;
        let lanes = (options.connect.pool_size / 2).clamp(1, LANES_MAX);
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("postgres")
            .enable_all()
            .build()?;
        let opening = runtime.spawn(Inner::open(connections, options));
        let opened = match opening.await {
            Ok(opened) => opened,
            Err(error) => Err(OpenError::Database(error.to_string())),
        };
        let inner = match opened {
            Ok(inner) => inner,
            Err(error) => {
                // Dropped here it would wait, which a thread that drives tasks may not do.
                runtime.shutdown_background();
                return Err(error);
            }
        };
        let appending = (0..lanes).map(|_| runtime.spawn(Arc::clone(&inner).append_until_closed())).collect();
        runtime.spawn(Arc::clone(&inner).fold_until_ended());
        runtime.spawn(Arc::clone(&inner).maintain_until_ended());
        Ok(Self { running: Arc::new(Running { inner, runtime: Some(runtime), appending }) })
    }

    /// Brings the schema up. Says how many migrations were applied.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn migrate(connect: &ConnectOptions) -> Result<usize, OpenError> {
        let connections = Connections::new(connect)?;
        let applied = migrate::migrate(&connections).await;
        connections.close();
        applied
    }

    /// Tells the database from all others.
    pub fn identity(&self) -> u64 {
        self.inner().identity
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.running.inner
    }

    /// Runs something on the store's own threads.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        let runtime = self.running.runtime.as_ref().expect("it is there until the store ends");
        let done = runtime.spawn(work.in_current_span()).await;
        self.inner().counters.note(done.unwrap_or_else(|error| Err(StoreError::Failed(error.into()))))
    }

    /// Puts small blocks together and makes checkpoints of them, drops what has expired and finishes what others left
    /// unfinished; as happens by itself in time.
    ///
    /// # Errors
    /// [`StoreError`] when the database doesn't take it.
    pub async fn maintain(&self) -> Result<(), StoreError> {
        let inner = Arc::clone(self.inner());
        self.run(async move { inner.maintain(true).await }).await
    }

    /// Bytes on the heap of each part of the read models, for benchmarks.
    pub fn bytes_by_part(&self) -> Vec<(&'static str, usize)> {
        self.inner().models.read().map(|models| models.heap_bytes_by_part().to_vec()).unwrap_or_default()
    }
}

impl Inner {
    async fn open(connections: Connections, options: PostgresOptions) -> Result<Arc<Self>, OpenError> {
        if options.migrate_on_start {
            migrate::migrate(&connections).await?;
        } else {
            migrate::check(&connections).await?;
        }
        let PostgresOptions { clock, random, retention, .. } = options;
        let identity = identity(&connections).await?;
        let unready = Progress::none();
        let inner = Arc::new(Self {
            connections,
            clock,
            random,
            retention,
            identity,
            queue: Queue::default(),
            counters: StoreCounters::default(),
            tail: Tail::default(),
            models: RwLock::default(),
            progress: tokio::sync::Mutex::new(unready),
            asked: AtomicU64::new(0),
            served: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            dropped_before: AtomicI64::new(i64::MIN),
            verifying: tokio::sync::Mutex::default(),
            calculating: tokio::sync::Mutex::default(),
            replica_trouble: Mutex::default(),
            ending: Notify::new(),
        });
        let failed = |error: StoreError| OpenError::Database(chain(&error));
        let floor = inner.retention.map(|age| oldest_kept(age, &*inner.clock));
        inner.lower_floor(floor).await.map_err(failed)?;
        let (models, progress) = inner.load().await.map_err(failed)?;
        *inner.models.write().expect("nobody has it yet") = models;
        *inner.progress.lock().await = progress;
        Ok(inner)
    }
}

async fn identity(connections: &Connections) -> Result<u64, OpenError> {
    Ok(connections.query(&IDENTITY, &[]).await?[0].get::<_, i64>(0).cast_unsigned())
}

/// An error and what lies beneath it.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.inner.queue.close();
        self.inner.ending.notify_waiters();
        let (runtime, appending) = (self.runtime.take(), std::mem::take(&mut self.appending));
        let connections = self.inner.connections.clone();
        // On a thread of its own: whoever drops the store may drive tasks, and must not wait for some.
        let ending = std::thread::spawn(move || {
            let Some(runtime) = runtime else { return };
            runtime.block_on(async {
                let all = async {
                    for task in appending {
                        // One that panicked has said so.
                        let _ = task.await;
                    }
                };
                let _ = tokio::time::timeout(CLOSE_PATIENCE, all).await;
            });
            connections.close();
            runtime.shutdown_timeout(CLOSE_PATIENCE);
        });
        let _ = ending.join();
    }
}
