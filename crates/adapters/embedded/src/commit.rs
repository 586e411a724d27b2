//! Group commit: all that waits is made one transaction, and synced once.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use footfall_domain::event::{EventBatch, EventRef};
use footfall_ports::{FLUSH_SPAN, Outcome, SPANS, StoreError, Waiting as HowMuchWaits};
use tokio::sync::oneshot;
use tracing::Span;
use tracing::field::Empty;

use crate::database::DiskError;
use crate::store::{Inner, Sync};
use footfall_event_blocks::block::{PackedBlock, Packing, PlacedBlock, pack_all};
use footfall_event_blocks::group::{Group, GroupBlocks, Stored};

/// What may wait to be committed: some batches of the largest size, and not a store's worth of them.
const WAITING_BYTES_MAX: usize = 64 * 1024 * 1024;
const WAITING_EVENTS_MAX: usize = 262_144;
/// When a full queue is worth another try.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Batches from so many bytes on are packed by whoever brings them, side by side, and stand in blocks of their own.
const OWN_BLOCKS_FROM_BYTES: usize = 32 * 1024;

/// The longest wait for company, whatever a commit takes.
const PATIENCE_MAX: Duration = Duration::from_millis(2);

type Answer = Result<Vec<Outcome>, StoreError>;

/// A batch that waits to be committed.
#[derive(Debug)]
struct Job {
    batch: Arc<EventBatch>,
    /// All its events in blocks, where it is large.
    packed: Option<Vec<PackedBlock>>,
    answer: oneshot::Sender<Answer>,
    /// Where it was appended, if that is followed.
    span: Span,
}

/// What waits to be committed, within a bound.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    jobs: Vec<Job>,
    /// How many the commit thread is waiting for.
    wanted: usize,
    events: usize,
    bytes: usize,
    closed: bool,
}

impl Queue {
    /// Adds a batch. Its answer comes once it is committed.
    ///
    /// # Errors
    /// When too much waits already, or the store is closing.
    pub(crate) fn push(&self, batch: Arc<EventBatch>) -> Result<oneshot::Receiver<Answer>, StoreError> {
        let busy = || StoreError::Unavailable { retry_after: RETRY_AFTER, source: None };
        let large = batch.bytes() >= OWN_BLOCKS_FROM_BYTES;
        let packed = large.then(|| pack_all(batch.iter().map(EventRef::record), Packing::Quick));
        let (answer, receiver) = oneshot::channel();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let (events, bytes) = (waiting.events + batch.len(), waiting.bytes + batch.bytes());
        let is_first = waiting.jobs.is_empty();
        if waiting.closed || (!is_first && (events > WAITING_EVENTS_MAX || bytes > WAITING_BYTES_MAX)) {
            return Err(busy());
        }
        (waiting.events, waiting.bytes) = (events, bytes);
        waiting.jobs.push(Job { batch, packed, answer, span: Span::current() });
        let is_awaited = is_first || waiting.jobs.len() == waiting.wanted;
        drop(waiting);
        if is_awaited {
            self.changed.notify_one();
        }
        Ok(receiver)
    }

    /// What waits, and how much may.
    pub(crate) fn waiting(&self) -> HowMuchWaits {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        HowMuchWaits {
            events: waiting.events as u64,
            events_max: WAITING_EVENTS_MAX as u64,
            bytes: waiting.bytes as u64,
            bytes_max: WAITING_BYTES_MAX as u64,
        }
    }

    /// How many batches wait.
    fn len(&self) -> usize {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).jobs.len()
    }

    /// Takes no more batches; those that wait are still committed.
    pub(crate) fn close(&self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.changed.notify_all();
    }

    /// Takes all that waits; `None` when nothing does and nothing will. It waits for `company` jobs, for no longer than
    /// `patience`, and for one as long as it takes.
    fn take(&self, company: usize, patience: Duration) -> Option<Vec<Job>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        while waiting.jobs.is_empty() {
            if waiting.closed {
                return None;
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        if waiting.jobs.len() < company {
            waiting.wanted = company;
            let too_few = |waiting: &mut Waiting| waiting.jobs.len() < company && !waiting.closed;
            let result = self.changed.wait_timeout_while(waiting, patience, too_few);
            (waiting, _) = result.unwrap_or_else(PoisonError::into_inner);
            waiting.wanted = 0;
        }
        (waiting.events, waiting.bytes) = (0, 0);
        Some(std::mem::take(&mut waiting.jobs))
    }
}

/// A span for what is committed together: within the first of the appends that are followed, and linked to each.
fn flush_span(jobs: &[Job]) -> Span {
    let mut followed = jobs.iter().map(|job| &job.span).filter(|span| !span.is_none()).peekable();
    let Some(first) = followed.peek() else { return Span::none() };
    let events: usize = jobs.iter().map(|job| job.batch.len()).sum();
    let span = tracing::debug_span!(
        target: SPANS, parent: *first, FLUSH_SPAN, batches = jobs.len(), events, otel.status_code = Empty
    );
    followed.for_each(|append| {
        span.follows_from(append);
    });
    span
}

/// A job whose events have their ordinals.
struct Numbered {
    outcomes: Vec<Outcome>,
    answer: oneshot::Sender<Answer>,
    /// Whether its answer depends on this commit: it brought an event, or one came just before it.
    depends: bool,
}

impl Inner {
    /// What the commit thread does.
    ///
    /// Clients that wait for their answers come again soon after they have them. Were each commit begun with the first
    /// that comes, there would be many small ones; were all waited for, nothing would be done while they are synced. So
    /// it waits for half of those who were there lately, and never longer than the last commit took. Who is alone waits
    /// for nobody.
    pub(crate) fn commit_until_closed(&self) {
        let (mut company, mut patience) = (1, Duration::ZERO);
        while let Some(jobs) = self.queue.take(company, patience) {
            let (committed, began) = (jobs.len(), Instant::now());
            self.commit(jobs);
            patience = began.elapsed().min(PATIENCE_MAX);
            company = usize::midpoint(committed, self.queue.len());
        }
    }

    fn commit(&self, jobs: Vec<Job>) {
        let span = flush_span(&jobs);
        let _entered = span.enter();
        let (numbered, group, blocks) = self.number(jobs);
        let (first, past) = (group.first(), group.past());
        let began = Instant::now();
        let result = if blocks.is_empty() { Ok(()) } else { self.write(&blocks, past) };
        if let Err(error) = result {
            self.index.lock().unwrap_or_else(PoisonError::into_inner).truncate(first);
            span.record("otel.status_code", "ERROR");
            self.say_trouble(&error);
            for Numbered { outcomes, answer, depends } in numbered {
                // Who waited for it may have gone.
                let _ = answer.send(if depends { Err(error.clone().into()) } else { Ok(outcomes) });
            }
            return;
        }
        if !blocks.is_empty() {
            self.counters.flushed(group.len(), began.elapsed());
            self.add_fresh(group);
            self.committed.store(past, Ordering::Release);
            self.trouble.is_over();
        }
        for Numbered { outcomes, answer, .. } in numbered {
            let _ = answer.send(Ok(outcomes));
        }
    }

    /// Gives every event that is not stored yet its ordinal, and puts them into blocks.
    fn number(&self, jobs: Vec<Job>) -> (Vec<Numbered>, Group, Vec<PlacedBlock>) {
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        let first = index.end();
        let (mut group, mut blocks) = (Group::new(first), GroupBlocks::new(first, Packing::Quick));
        let number = |Job { batch, packed, answer, .. }: Job| {
            let mut outcomes = vec![Outcome::Duplicate; batch.len()];
            let (job_first, mut depends) = (index.end(), false);
            for (outcome, event) in outcomes.iter_mut().zip(batch.iter()) {
                match index.insert(event.id()) {
                    Ok(_) => *outcome = Outcome::Stored,
                    Err(ordinal) => depends |= ordinal >= first,
                }
            }
            let stored = (index.end() - job_first) as usize;
            let all = stored == batch.len();
            let is_stored = |place: &u32| outcomes[*place as usize] == Outcome::Stored;
            let places = (!all).then(|| (0..batch.len() as u32).filter(is_stored).collect());
            let own_blocks = all && packed.is_some();
            let stored = Stored::new(batch, places, own_blocks);
            if !stored.is_empty() {
                match packed.filter(|_| all) {
                    Some(packed) => blocks.add_packed(packed),
                    None => stored.events().for_each(|event| blocks.add(event.record())),
                }
                group.push(stored);
                depends = true;
            }
            Numbered { outcomes, answer, depends }
        };
        let numbered = jobs.into_iter().map(number).collect();
        (numbered, group, blocks.finish())
    }

    fn write(&self, blocks: &[PlacedBlock], past: u64) -> Result<(), DiskError> {
        match self.disk.append(blocks) {
            // What its log holds may have been moved to its place long ago: then the log is room.
            Err(DiskError::Full) => {
                self.disk.empty_log().map_err(|_| DiskError::Full)?;
                self.disk.append(blocks)?;
            }
            other => other?,
        }
        if self.sync == Sync::Always {
            // Not noted, the end of the log is only guarded less well.
            if let Err(error) = self.folder.note_acknowledged(past) {
                tracing::warn!(%error, "what is acknowledged can't be noted");
            }
        }
        Ok(())
    }

    /// Remembers what is wrong, and says so once.
    pub(crate) fn say_trouble(&self, error: &DiskError) {
        self.trouble.say(error, self.disk.path(), "events are refused: the store can't keep them");
    }
}
