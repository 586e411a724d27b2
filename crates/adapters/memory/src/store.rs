//! The store: appending to shards, folding behind them, and keeping within time and memory.

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};
use std::thread::Thread;
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use footfall_domain::event::{Event, EventBatch, EventId, EventRef};
use footfall_ports::{Clock, Outcome, StoreCounters, StoreError, Waiting};
use footfall_read_models::{Location, ReadModels};

use crate::budget::Budget;
use crate::erased::Erased;
use crate::metrics::Metrics;
use crate::segments::Segments;
use crate::shard::{Open, PositionsUsedUp, Shard, append_bytes_max};
use crate::snapshots::InProcessSnapshots;

/// Sixteen locks: enough that two requests rarely meet, few enough to visit all of them for every question.
pub(crate) const SHARDS: usize = 16;
/// Above so many events not folded yet the maintenance thread is woken early.
const OPEN_EVENTS_WAKE: usize = 16_384;
/// Above so many, whoever appends waits: ingestion must not outrun folding for ever.
const OPEN_EVENTS_MAX: usize = 65_536;
/// Shards folded at a time. More would share more work between neighbours, fewer keep the models locked more briefly and
/// let waiting appenders go on sooner.
const FOLD_SHARDS: usize = 2;
/// How long events may stay unfolded when nobody asks.
const FOLD_INTERVAL: Duration = Duration::from_millis(200);
/// How often events past their retention are looked for, in folding intervals.
const FORGET_EVERY: u32 = 50;
/// What a store takes before it holds anything: the smallest of 256 identity tables and the thread's handle.
const EMPTY_BYTES: usize = 32 * 1024;
/// When room may have come back: a retention sweep or an operator's hand.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(10);

/// How a memory store is set up.
pub struct MemoryOptions {
    /// What it may hold, in bytes, all told.
    pub max_bytes: usize,
    /// How long events are kept; `None`: for as long as the process lives.
    pub retention: Option<Duration>,
    /// Tells when events have reached that age.
    pub clock: Arc<dyn Clock>,
}

/// Events, deduplication and read models in memory, shared by all threads.
#[derive(Clone)]
pub struct MemoryStore {
    pub(crate) inner: Arc<Inner>,
}

/// Whoever takes several of its locks takes them in this order: `verifying`, `metrics`, `removing`, `models`, a shard.
pub(crate) struct Inner {
    pub(crate) shards: [Mutex<Shard>; SHARDS],
    pub(crate) models: RwLock<ReadModels>,
    /// Held while events are erased or forgotten, from before the models lose them until the log has.
    pub(crate) removing: Mutex<Erased>,
    /// Held while the models are compared with the log.
    pub(crate) verifying: Mutex<()>,
    /// Users' activity by window, as it was computed last.
    pub(crate) metrics: Mutex<Metrics>,
    /// Users in segments.
    pub(crate) segments: Mutex<Segments>,
    pub(crate) snapshots: InProcessSnapshots,
    /// Heap bytes of the models as last counted in the budget.
    pub(crate) models_bytes: AtomicUsize,
    pub(crate) budget: Budget,
    /// Events in the shards that are not folded yet. Changed only with the shard's lock or the models' in hand.
    pub(crate) open_events: AtomicUsize,
    /// When this store began.
    pub(crate) began: u64,
    /// How often events were erased or dropped.
    pub(crate) removals: AtomicU64,
    /// Events that were ever folded.
    pub(crate) folded_events: AtomicU64,
    pub(crate) counters: StoreCounters,
    /// Whether the maintenance thread was woken since it last folded.
    woken: AtomicBool,
    /// Whether the last append found the store full.
    full: AtomicBool,
    hasher: RandomState,
    pub(crate) retention: Option<Duration>,
    pub(crate) clock: Arc<dyn Clock>,
    maintenance: Mutex<Option<Thread>>,
}

impl MemoryStore {
    /// An empty store. Its maintenance thread ends when the last clone is dropped.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(options: MemoryOptions) -> std::io::Result<Self> {
        // Small bounds get small chunks, or the first event of each shard would take all there is.
        let chunk_bytes = (options.max_bytes / 1_024).next_power_of_two().clamp(1_024, 64 * 1_024);
        let budget = Budget::new(options.max_bytes);
        budget.replace(0, size_of::<Inner>() + EMPTY_BYTES);
        let inner = Arc::new(Inner {
            shards: std::array::from_fn(|number| Mutex::new(Shard::new(number, chunk_bytes))),
            models: RwLock::default(),
            removing: Mutex::default(),
            verifying: Mutex::default(),
            metrics: Mutex::default(),
            segments: Mutex::default(),
            snapshots: InProcessSnapshots::default(),
            models_bytes: AtomicUsize::new(0),
            budget,
            open_events: AtomicUsize::new(0),
            began: options.clock.now().micros().cast_unsigned(),
            removals: AtomicU64::new(0),
            folded_events: AtomicU64::new(0),
            counters: StoreCounters::default(),
            woken: AtomicBool::new(false),
            full: AtomicBool::new(false),
            hasher: RandomState::default(),
            retention: options.retention,
            clock: options.clock,
            maintenance: Mutex::new(None),
        });
        let weak = Arc::downgrade(&inner);
        let thread =
            std::thread::Builder::new().name("memory-maintenance".into()).spawn(move || maintain(&weak))?;
        *inner.maintenance.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread.thread().clone());
        Ok(Self { inner })
    }

    /// Tells this life of this store from others.
    pub fn identity(&self) -> u64 {
        self.inner.began
    }

    /// Bytes held now, as counted against the bound.
    pub fn used_bytes(&self) -> usize {
        self.inner.budget.used()
    }

    /// Drops the events past their retention now; the maintenance thread does so every few seconds.
    pub fn forget_expired(&self) {
        self.inner.forget_expired();
    }

    /// Folds what was appended, as every question does first.
    pub fn settle(&self) {
        self.inner.settle();
    }

    /// Bytes on the heap by part, for benchmarks: identities and each part of the read models.
    pub fn bytes_by_part(&self) -> Vec<(&'static str, usize)> {
        let inner = &self.inner;
        let identities =
            (0..SHARDS).filter_map(|shard| Some(inner.shard(shard).ok()?.identity_bytes().0)).sum();
        let mut parts = vec![("deduplication", identities)];
        parts.extend(inner.settled().heap_bytes_by_part());
        parts
    }
}

/// Folds now and then and forgets what is too old, for as long as the store is there.
fn maintain(store: &Weak<Inner>) {
    for round in 0_u32.. {
        std::thread::park_timeout(FOLD_INTERVAL);
        let Some(store) = store.upgrade() else { return };
        store.woken.store(false, Ordering::Release);
        store.settle();
        if round % FORGET_EVERY == 0 {
            store.forget_expired_unless_busy();
        }
    }
}

impl Inner {
    pub(crate) fn append(&self, batch: &EventBatch) -> Result<Vec<Outcome>, StoreError> {
        let reserved = match self.reserve(batch) {
            Ok(reserved) => reserved,
            // A retry of what is stored already needs no room.
            Err(_) if self.holds_all(batch)? => return Ok(vec![Outcome::Duplicate; batch.len()]),
            Err(full) => return Err(full),
        };
        let mut outcomes = vec![Outcome::Duplicate; batch.len()];
        let mut taken = 0;
        let result = self.append_by_shard(batch, |index, bytes| {
            outcomes[index] = Outcome::Stored;
            taken += bytes;
        });
        self.budget.replace(reserved, taken);
        result.map(|()| outcomes)
    }

    /// How many events must have been folded before whoever has appended goes on, so that ingestion doesn't outrun folding. The
    /// maintenance thread is woken for it. It is settled when it is asked: who appends later makes nobody wait longer.
    pub(crate) fn folded_before_going_on(&self) -> u64 {
        let folded = self.folded_events.load(Ordering::Acquire);
        let open = self.open_events.load(Ordering::Acquire);
        if open > OPEN_EVENTS_WAKE && !self.woken.swap(true, Ordering::AcqRel) {
            self.wake_maintenance();
        }
        folded + open.saturating_sub(OPEN_EVENTS_MAX) as u64
    }

    /// Tells of each event that was stored, with the bytes that it took.
    fn append_by_shard(
        &self,
        batch: &EventBatch,
        mut stored: impl FnMut(usize, usize),
    ) -> Result<(), StoreError> {
        let place = |index: usize| {
            let hash = self.hash(batch.get(index).id().as_bytes());
            (shard_of(hash), hash, index)
        };
        // A single event, the most common batch, needs no sorting.
        let single = [if batch.len() == 1 { place(0) } else { (0, 0, 0) }];
        let mut many = Vec::new();
        if batch.len() > 1 {
            many.extend((0..batch.len()).map(place));
            // Stable, so that of two events with one identity the first is stored.
            many.sort_by_key(|(shard, ..)| *shard);
        }
        let by_shard = if batch.len() == 1 { &single[..] } else { &many };
        for group in by_shard.chunk_by(|left, right| left.0 == right.0) {
            let mut shard = self.shard(group[0].0)?;
            let before = shard.open_len();
            let appended = group.iter().try_for_each(|&(_, hash, index)| {
                if let Some(bytes) = shard.append(hash, batch.get(index))? {
                    stored(index, bytes);
                }
                Ok(())
            });
            // Before the lock is given back: who learns of an event, if only as a duplicate, must find it counted here,
            // or would ask without folding it first.
            self.open_events.fetch_add(shard.open_len() - before, Ordering::AcqRel);
            appended.map_err(|PositionsUsedUp| StoreError::Unavailable {
                retry_after: RETRY_AFTER,
                source: None,
            })?;
        }
        Ok(())
    }

    fn holds_all(&self, batch: &EventBatch) -> Result<bool, StoreError> {
        for event in batch.iter() {
            let hash = self.hash(event.id().as_bytes());
            if self.shard(shard_of(hash))?.find(hash, event.id().as_bytes()).is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(crate) fn event(&self, id: EventId) -> Result<Option<Event>, StoreError> {
        let hash = self.hash(id.as_bytes());
        let shard = self.shard(shard_of(hash))?;
        let found = shard.find(hash, id.as_bytes()).map(|position| shard.log.get(position));
        Ok(found.filter(|event| !event.is_erased()).map(Event::copy_of))
    }

    /// The read models with all in them that was stored before.
    pub(crate) fn settled(&self) -> RwLockReadGuard<'_, ReadModels> {
        loop {
            self.settle();
            // Poisoned between the two: the next round builds them again.
            if let Ok(models) = self.models.read() {
                return models;
            }
        }
    }

    /// The event that the read models say is there. Only while they are locked: they forget before the log does.
    pub(crate) fn at<T>(&self, location: Location, read: impl FnOnce(EventRef<'_>) -> T) -> T {
        let shard = self.shard_whatever(shard_at(location));
        read(shard.log.get(position_at(location)))
    }

    /// The identity of the event that the read models say is there.
    pub(crate) fn id_at(&self, location: Location) -> EventId {
        let mut id = None;
        self.at(location, |event| id = Some(event.id()));
        id.expect("reading was done")
    }

    /// What is not folded yet; beyond so much whoever appends waits.
    pub(crate) fn waiting(&self) -> Waiting {
        let events = self.open_events.load(Ordering::Relaxed) as u64;
        Waiting { events, events_max: OPEN_EVENTS_MAX as u64, ..Waiting::default() }
    }

    pub(crate) fn check(&self) -> Result<(), StoreError> {
        (0..SHARDS).try_for_each(|shard| self.shard(shard).map(drop))
    }

    fn settle(&self) {
        if self.open_events.load(Ordering::Acquire) != 0 || self.models.is_poisoned() {
            (0..SHARDS / FOLD_SHARDS).for_each(|part| self.fold(&mut self.models_mut(), part));
        }
    }

    /// Folds what all of the shards hold.
    pub(crate) fn fold_all(&self, models: &mut ReadModels) {
        (0..SHARDS / FOLD_SHARDS).for_each(|part| self.fold(models, part));
    }

    /// Folds what some of the shards hold. It is taken from them only while the models are locked, so whoever locks them
    /// next finds it there.
    fn fold(&self, models: &mut ReadModels, part: usize) {
        let began = Instant::now();
        let shards = part * FOLD_SHARDS..(part + 1) * FOLD_SHARDS;
        let opens: Vec<Open> = shards.map(|shard| self.shard_whatever(shard).take_open()).collect();
        let folded: usize = opens.iter().map(Open::len).sum();
        if folded > 0 {
            models.add(opens.iter().flat_map(Open::facts));
            self.open_events.fetch_sub(folded, Ordering::AcqRel);
            self.folded_events.fetch_add(folded as u64, Ordering::AcqRel);
            self.count_models(models, opens.iter().map(Open::reserved_bytes).sum());
            self.counters.flushed(folded, began.elapsed());
        }
    }

    /// Counts what the models hold now in place of what they held and of what was reserved for folding.
    pub(crate) fn count_models(&self, models: &ReadModels, reserved: usize) {
        let now = models.heap_bytes();
        let before = self.models_bytes.swap(now, Ordering::AcqRel);
        self.budget.replace(before + reserved, now);
    }

    /// Locks the models for change.
    fn models_mut(&self) -> RwLockWriteGuard<'_, ReadModels> {
        if let Ok(models) = self.models.write() {
            return models;
        }
        // They will be built again, and what is being removed must be gone from the log by then.
        self.models_while_removing(&self.removing())
    }

    /// Locks the models for change, while nobody else removes events from the log. Where a panic left them half changed
    /// they are built again from the log, which is what they are a function of.
    pub(crate) fn models_while_removing(
        &self,
        _removing: &MutexGuard<'_, Erased>,
    ) -> RwLockWriteGuard<'_, ReadModels> {
        let poisoned = match self.models.write() {
            Ok(models) => return models,
            Err(poisoned) => poisoned,
        };
        let mut models = poisoned.into_inner();
        tracing::error!(
            "the read models were left half changed by a failure; building them again from the log"
        );
        let mut rebuilt = models.emptied();
        let mut reserved = 0;
        for shard in 0..SHARDS {
            let mut shard = self.shard_whatever(shard);
            let open = shard.take_open();
            self.open_events.fetch_sub(open.len(), Ordering::AcqRel);
            self.folded_events.fetch_add(open.len() as u64, Ordering::AcqRel);
            reserved += open.reserved_bytes();
            rebuilt.add(shard.facts());
        }
        *models = rebuilt;
        self.count_models(&models, reserved);
        self.models.clear_poison();
        models
    }

    /// Makes sure that the batch will fit, before anything is changed.
    fn reserve(&self, batch: &EventBatch) -> Result<usize, StoreError> {
        let events: usize = batch.iter().map(|event| append_bytes_max(event.record().len())).sum();
        let largest = batch.iter().map(|event| event.record().len()).max().unwrap_or_default();
        // A chunk may have to be opened in every shard, and each time for a record that the last one had no room for.
        let chunk = self.shard(0)?.log.allocation_max(largest);
        let bytes = events + chunk * batch.len().min(SHARDS) + 2 * batch.bytes();
        if self.budget.reserve(bytes) {
            if self.full.load(Ordering::Relaxed) && self.full.swap(false, Ordering::Relaxed) {
                tracing::info!("the memory store has room again");
            }
            return Ok(bytes);
        }
        // Much of what is counted is only reserved for folding: fold, and see.
        self.settle();
        if self.budget.reserve(bytes) {
            return Ok(bytes);
        }
        if !self.full.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                used_bytes = self.budget.used(),
                "the memory store is full: events are refused with 503"
            );
        }
        Err(full())
    }

    pub(crate) fn hash(&self, id: &[u8; 16]) -> u64 {
        self.hasher.hash_one(u128::from_le_bytes(*id))
    }

    /// A shard is changed by code that can't panic half-way; if it did all the same, the store says so from then on.
    fn shard(&self, shard: usize) -> Result<MutexGuard<'_, Shard>, StoreError> {
        self.shards[shard]
            .lock()
            .map_err(|_| StoreError::Failed("a failure left the memory store half changed".into()))
    }

    /// A shard, whatever became of it: for what must go on.
    pub(crate) fn shard_whatever(&self, shard: usize) -> MutexGuard<'_, Shard> {
        self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake_maintenance(&self) {
        if let Some(thread) = &*self.maintenance.lock().unwrap_or_else(PoisonError::into_inner) {
            thread.unpark();
        }
    }
}

/// There is no room, and what was to be stored was not.
pub(crate) const fn full() -> StoreError {
    StoreError::Full { retry_after: RETRY_AFTER }
}

/// The shard of a location.
pub(crate) const fn shard_at(location: Location) -> usize {
    (location.bits() >> 32) as usize
}

/// The position in its shard's log of a location.
pub(crate) const fn position_at(location: Location) -> u32 {
    location.bits() as u32
}

const fn shard_of(hash: u64) -> usize {
    (hash >> 60) as usize % SHARDS
}
