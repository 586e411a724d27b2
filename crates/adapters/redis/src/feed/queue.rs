//! A bounded queue between who has events and who carries them on.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use footfall_ports::Accepted;
use tokio::sync::Notify;

/// Most bytes of records that wait.
const BYTES_MAX: usize = 16 << 20;
/// What an entry takes beside them, about.
const ENTRY_BYTES: usize = 128;

#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    entries: VecDeque<Entry>,
    bytes: usize,
}

/// What waits.
#[derive(Debug)]
pub(crate) enum Entry {
    Events(Accepted),
    /// So many events found no room, or never came.
    Missed(u64),
}

impl Queue {
    /// Adds events; where there is no room, only their number.
    pub(crate) fn push(&self, accepted: Accepted) {
        let mut waiting = self.lock();
        let bytes = accepted.bytes() + ENTRY_BYTES;
        if waiting.bytes + bytes > BYTES_MAX {
            return self.note(waiting, accepted.len() as u64);
        }
        waiting.bytes += bytes;
        waiting.entries.push_back(Entry::Events(accepted));
        drop(waiting);
        self.filled.notify_one();
    }

    /// Notes that so many events are missing here.
    pub(crate) fn miss(&self, events: u64) {
        self.note(self.lock(), events);
    }

    fn note(&self, mut waiting: MutexGuard<'_, Waiting>, events: u64) {
        match waiting.entries.back_mut() {
            Some(Entry::Missed(before)) => *before += events,
            _ => waiting.entries.push_back(Entry::Missed(events)),
        }
        drop(waiting);
        self.filled.notify_one();
    }

    /// The next one; waits for it.
    pub(crate) async fn next(&self) -> Entry {
        loop {
            if let Some(entry) = self.pop() {
                return entry;
            }
            self.filled.notified().await;
        }
    }

    /// The next one, if there is one.
    pub(crate) fn pop(&self) -> Option<Entry> {
        let mut waiting = self.lock();
        let entry = waiting.entries.pop_front()?;
        if let Entry::Events(accepted) = &entry {
            waiting.bytes -= accepted.bytes() + ENTRY_BYTES;
        }
        Some(entry)
    }

    /// Forgets all that waits.
    pub(crate) fn clear(&self) {
        *self.lock() = Waiting::default();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
