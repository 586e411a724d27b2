//! Accepted events, live: from whoever stores them to whoever listens.
//!
//! ```text
//! Ingest ─▶ Announcement ─▶ recent events ─▶ fan-out (one task) ─▶ an inbox for each listener ─▶ WebSocket, SSE
//!               │                ▲   └─▶ a listener that comes back
//!               └─▶ LiveFeed ────┘ other instances' events
//! ```
//!
//! Storing waits for none of this. An event is written as JSON once, however many want it, and not at all when nobody does.

mod announcement;
mod fan_out;
mod filter;
mod inbox;
mod listener;
mod recent;
mod resume;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use footfall_domain::event::{EventBatch, EventId};
use footfall_domain::time::Timestamp;
use footfall_ports::{Accepted, Clock, LiveFeed};
use futures_util::task::AtomicWaker;

use announcement::Announcement;
use filter::Index;
use inbox::Inbox;
use recent::Recent;

pub use filter::LiveFilter;
pub use inbox::{Delivery, Frame};
pub use listener::Listener;
pub use resume::{ListenError, Resumed};

/// How long recent events are kept, and other instances' asked for, when the last listener has gone: it may come back.
const LINGER: Duration = Duration::from_mins(1);

/// What listening may cost.
#[derive(Clone, Copy, Debug)]
pub struct LiveLimits {
    /// Most listeners at a time.
    pub listeners: usize,
    /// Most bytes of events, as JSON, that wait for one listener; a single larger one may.
    pub buffer_bytes: usize,
}

/// There are as many listeners as there may be.
#[derive(Debug, thiserror::Error)]
#[error("as many as may listen at a time do")]
pub struct TooManyListeners;

/// What has happened so far. Counts only grow, but for the first.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LiveStats {
    /// Who listens now.
    pub listeners: u64,
    /// Events written as JSON.
    pub written: u64,
    /// Events put into listeners' buffers.
    pub delivered: u64,
    /// Events that found no room there.
    pub left_out: u64,
}

/// The live stream of accepted events.
pub struct Live {
    feed: Option<Arc<dyn LiveFeed>>,
    clock: Arc<dyn Clock>,
    limits: LiveLimits,
    /// Whether anyone listens, or did a moment ago. Else an accepted event costs a look at this.
    is_wanted: AtomicBool,
    is_closed: AtomicBool,
    index: RwLock<Arc<Index>>,
    /// Held by who makes another index, so that nobody waits for that who only looks.
    making_index: Mutex<()>,
    /// Counts the indexes, so that it is noticed when one was made while another was looked at.
    index_number: AtomicU64,
    recent: Mutex<Recent>,
    fan_out: AtomicWaker,
    /// Held by who comes or goes, so that what the feed is told last is right.
    changing: futures_util::lock::Mutex<()>,
    /// When the last listener left; none while there is one.
    left_at: Mutex<Option<Timestamp>>,
    written: AtomicU64,
    delivered: AtomicU64,
    left_out: AtomicU64,
}

impl Live {
    /// A stream of this instance's events, and of others' if there is a feed. [`Live::run`] has to run beside it.
    pub fn new(feed: Option<Arc<dyn LiveFeed>>, clock: Arc<dyn Clock>, limits: LiveLimits) -> Arc<Self> {
        Arc::new(Self {
            feed,
            clock,
            limits,
            is_wanted: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
            index: RwLock::default(),
            making_index: Mutex::default(),
            index_number: AtomicU64::new(0),
            recent: Mutex::default(),
            fan_out: AtomicWaker::new(),
            changing: futures_util::lock::Mutex::new(()),
            left_at: Mutex::default(),
            written: AtomicU64::new(0),
            delivered: AtomicU64::new(0),
            left_out: AtomicU64::new(0),
        })
    }

    /// Notes that the batch is about to be stored, so that listeners are told what becomes of it even if nobody is left to
    /// say so.
    pub(crate) const fn announce(&self, batch: Arc<EventBatch>) -> Announcement<'_> {
        Announcement::new(self, batch)
    }

    /// Listens from now on. With `after`, first come the events that were accepted after that one, as long as it is among the
    /// recent ones; [`Live::resume`] goes on where it isn't.
    ///
    /// When this returns, every event is told of that is accepted from now on, also by other instances, as far as they can
    /// be reached.
    ///
    /// # Errors
    /// When there are too many listeners.
    pub async fn listen(
        self: &Arc<Self>,
        filter: LiveFilter,
        after: Option<EventId>,
    ) -> Result<Listener, TooManyListeners> {
        let _changing = self.changing.lock().await;
        if self.index().listeners() >= self.limits.listeners || self.is_closed.load(Ordering::Acquire) {
            return Err(TooManyListeners);
        }
        self.is_wanted.store(true, Ordering::Release);
        *lock(&self.left_at) = None;
        let listener = Listener::join(self, filter, after);
        if let Some(feed) = &self.feed {
            feed.listen(true).await;
        }
        // The fan-out asks the feed from now on.
        self.fan_out.wake();
        Ok(listener)
    }

    /// Stops keeping recent events and asking for others' when nobody has listened for a minute. To be called now and then.
    pub async fn rest(&self) {
        let _changing = self.changing.lock().await;
        let linger_us = LINGER.as_micros() as i64;
        let now = self.clock.now();
        let is_over = lock(&self.left_at).is_some_and(|left| now.micros() - left.micros() >= linger_us);
        if is_over && self.index().listeners() == 0 && self.is_wanted.load(Ordering::Acquire) {
            self.forget_recent();
            if let Some(feed) = &self.feed {
                feed.listen(false).await;
            }
        }
    }

    /// In one step, so that nothing is kept that is accepted meanwhile.
    fn forget_recent(&self) {
        let mut recent = lock(&self.recent);
        self.is_wanted.store(false, Ordering::Release);
        recent.clear();
    }

    /// Sends all who listen now away; they may come back.
    pub fn disconnect(&self) {
        self.index().everyone().for_each(|inbox| inbox.close());
    }

    /// Ends all listening: listeners get what waits for them, and then the end.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.disconnect();
    }

    /// What has happened so far.
    pub fn stats(&self) -> LiveStats {
        LiveStats {
            listeners: self.index().listeners() as u64,
            written: self.written.load(Ordering::Relaxed),
            delivered: self.delivered.load(Ordering::Relaxed),
            left_out: self.left_out.load(Ordering::Relaxed),
        }
    }

    fn index(&self) -> Arc<Index> {
        Arc::clone(&self.index.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another index in the place of this one.
    fn change_index<T>(&self, change: impl FnOnce(&Index) -> (Index, T)) -> T {
        let _making = lock(&self.making_index);
        let (changed, given) = change(&self.index());
        *self.index.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(changed);
        self.index_number.fetch_add(1, Ordering::AcqRel);
        given
    }

    fn leave(&self, filter: &LiveFilter, inbox: &Arc<Inbox>) {
        let left = self.change_index(|index| {
            let index = index.without(filter, inbox);
            let left = index.listeners();
            (index, left)
        });
        if left == 0 {
            *lock(&self.left_at) = Some(self.clock.now());
        }
    }

    /// Takes in events that were accepted here or elsewhere.
    fn accept(&self, accepted: Accepted, is_certain: bool) {
        let number = self.index_number.load(Ordering::Acquire);
        let is_wanted = self.index().wants_any(accepted.iter());
        let mut recent = lock(&self.recent);
        if !self.is_wanted.load(Ordering::Acquire) {
            return;
        }
        // Whoever came meanwhile may have been promised these.
        let is_wanted = is_wanted || self.index_number.load(Ordering::Acquire) != number;
        let gone = recent.push(accepted, is_certain, is_wanted);
        drop(recent);
        drop(gone);
        if is_wanted {
            self.fan_out.wake();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
