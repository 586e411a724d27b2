//! What waits to be committed, within a bound.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use footfall_domain::event::{EventBatch, EventRef};
use footfall_event_blocks::block::{PackedBlock, Packing, pack_all};
use footfall_ports::{Outcome, StoreError, Waiting as HowMuchWaits};
use tokio::sync::{Notify, oneshot};
use tracing::Span;

/// What may wait: some batches of the largest size, and not a database's worth of them.
const WAITING_BYTES_MAX: usize = 64 * 1024 * 1024;
const WAITING_EVENTS_MAX: usize = 262_144;
/// Batches are put into one commit until they come to so many events. One larger batch is one commit.
const COMMIT_EVENTS: usize = 5_000;
/// When a full queue is worth another try.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Batches from so many bytes on are packed by whoever brings them, side by side, and stand in blocks of their own.
const OWN_BLOCKS_FROM_BYTES: usize = 32 * 1024;

pub(crate) type Answer = Result<Vec<Outcome>, StoreError>;

/// A batch that waits to be committed.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) batch: Arc<EventBatch>,
    /// All its events in blocks, where it is large.
    pub(crate) packed: Option<Vec<PackedBlock>>,
    pub(crate) answer: oneshot::Sender<Answer>,
    /// Where it was appended, if that is followed.
    pub(crate) span: Span,
}

/// The batches that wait.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Notify,
    /// Held by the one who gathers the next commit.
    gathering: tokio::sync::Mutex<Gathered>,
}

#[derive(Debug, Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    events: usize,
    bytes: usize,
    /// Whoever gathers is told once so many wait.
    wanted: usize,
    closed: bool,
}

/// What the last commit was made of.
#[derive(Debug, Default)]
struct Gathered {
    jobs: usize,
}

impl Queue {
    /// Adds a batch. Its answer comes once it is committed.
    ///
    /// # Errors
    /// When too much waits already, or the store is closing.
    pub(crate) fn push(&self, batch: Arc<EventBatch>) -> Result<oneshot::Receiver<Answer>, StoreError> {
        let large = batch.bytes() >= OWN_BLOCKS_FROM_BYTES;
        let packed = large.then(|| pack_all(batch.iter().map(EventRef::record), Packing::Quick));
        let (answer, receiver) = oneshot::channel();
        let mut waiting = self.lock();
        let (events, bytes) = (waiting.events + batch.len(), waiting.bytes + batch.bytes());
        let is_first = waiting.jobs.is_empty();
        if waiting.closed || (!is_first && (events > WAITING_EVENTS_MAX || bytes > WAITING_BYTES_MAX)) {
            return Err(StoreError::Unavailable { retry_after: RETRY_AFTER, source: None });
        }
        (waiting.events, waiting.bytes) = (events, bytes);
        waiting.jobs.push_back(Job { batch, packed, answer, span: Span::current() });
        let is_awaited = waiting.jobs.len() == waiting.wanted || events >= COMMIT_EVENTS;
        drop(waiting);
        if is_awaited {
            self.changed.notify_one();
        }
        Ok(receiver)
    }

    /// Takes what waits, as much as one commit holds; waits for some. `None` when nothing does and nothing will.
    ///
    /// Clients that wait for their answers come again soon after they have them. Were each commit begun with the first that
    /// comes, there would be many small ones, which cost the database much. So one at a time gathers, and waits for most of
    /// those who were there lately, and never longer than `patience`. Who is alone waits for nobody.
    pub(crate) async fn take(&self, patience: Duration) -> Option<Vec<Job>> {
        let mut gathered = self.gathering.lock().await;
        loop {
            self.wait_for(1).await?;
            let company = gathered.jobs * 3 / 4;
            if company > 1 {
                let _ = tokio::time::timeout(patience, self.wait_for(company)).await;
            }
            let jobs = self.lock().take();
            gathered.jobs = usize::midpoint(gathered.jobs, jobs.len());
            // Whoever asked may have gone, and then will ask again: what nobody waits for is left alone.
            let jobs: Vec<Job> = jobs.into_iter().filter(|job| !job.answer.is_closed()).collect();
            if !jobs.is_empty() {
                return Some(jobs);
            }
        }
    }

    /// Waits until so many wait, or enough for a commit. `None` when fewer do and no more will.
    async fn wait_for(&self, count: usize) -> Option<()> {
        loop {
            let changed = self.changed.notified();
            {
                let mut waiting = self.lock();
                if waiting.jobs.len() >= count || waiting.events >= COMMIT_EVENTS {
                    waiting.wanted = 0;
                    return Some(());
                }
                if waiting.closed {
                    return (!waiting.jobs.is_empty()).then_some(());
                }
                waiting.wanted = count;
            }
            changed.await;
        }
    }

    /// What waits, and how much may.
    pub(crate) fn waiting(&self) -> HowMuchWaits {
        let waiting = self.lock();
        HowMuchWaits {
            events: waiting.events as u64,
            events_max: WAITING_EVENTS_MAX as u64,
            bytes: waiting.bytes as u64,
            bytes_max: WAITING_BYTES_MAX as u64,
        }
    }

    /// Takes no more batches; those that wait are still committed.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn take(&mut self) -> Vec<Job> {
        let (mut jobs, mut events) = (Vec::new(), 0);
        while let Some(job) = self.jobs.pop_front() {
            let of_job = job.batch.len();
            if !jobs.is_empty() && events + of_job > COMMIT_EVENTS {
                self.jobs.push_front(job);
                break;
            }
            events += of_job;
            self.bytes -= job.batch.bytes();
            self.events -= of_job;
            jobs.push(job);
        }
        jobs
    }
}
