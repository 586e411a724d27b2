//! Group commit: what waits is made one statement, by one of a few tasks that each have a lane.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use footfall_domain::event::EventId;
use footfall_event_blocks::block::{Packing, PlacedBlock};
use footfall_event_blocks::group::{Group, GroupBlocks, Stored};
use footfall_ports::{FLUSH_SPAN, Outcome, SPANS};
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument, Span};
use uuid::Uuid;

use crate::append::Job;
use crate::error::DatabaseError;
use crate::lane::Lane;
use crate::statements::{APPEND, KNOWN};
use crate::store::Inner;

/// So often a commit is made anew because others were quicker.
const TRIES: usize = 100;

/// The longest wait for company, whatever a commit takes.
const PATIENCE_MAX: Duration = Duration::from_millis(2);

/// An event that isn't known to be stored yet.
#[derive(Clone, Copy)]
struct Candidate {
    job: usize,
    place: u32,
    id: EventId,
    at_us: i64,
}

/// A commit, ready to be sent.
struct Commit {
    group: Group,
    blocks: Vec<PlacedBlock>,
    /// Oldest and newest of each block.
    spans: Vec<(i64, i64)>,
    /// In order of the identities, so that two commits with the same ones never wait for each other.
    ids: Vec<(Uuid, i64, i64)>,
}

impl Inner {
    /// What each of the appending tasks does, until the store closes.
    pub(crate) async fn append_until_closed(self: Arc<Self>) {
        let (mut lane, mut patience) = (None, Duration::ZERO);
        while let Some(jobs) = self.queue.take(patience).await {
            let began = Instant::now();
            let span = flush_span(&jobs);
            self.commit(&mut lane, jobs).instrument(span).await;
            patience = began.elapsed().min(PATIENCE_MAX);
        }
        if let Some(lane) = lane {
            self.tail.leave(lane.number);
            lane.free(&self.connections).await;
        }
    }

    async fn commit(&self, lane: &mut Option<Lane>, mut jobs: Vec<Job>) {
        let result = self.store(lane, &mut jobs).await;
        match result {
            Ok(outcomes) => {
                for (job, outcomes) in jobs.into_iter().zip(outcomes) {
                    // Whoever waited for it may have gone.
                    let _ = job.answer.send(Ok(outcomes));
                }
            }
            Err(error) => {
                if !error.is_refusal() {
                    // What became of it is unknown: the lane may be further than we know, and is read like any other now.
                    self.abandon(lane);
                }
                Span::current().record("otel.status_code", "ERROR");
                tracing::error!(%error, batches = jobs.len(), "events are refused: the database can't keep them");
                let error = Arc::new(error);
                for job in jobs {
                    let _ = job.answer.send(Err(Arc::clone(&error).for_one()));
                }
            }
        }
    }

    fn abandon(&self, lane: &mut Option<Lane>) {
        if let Some(lane) = lane.take() {
            self.tail.leave(lane.number);
        }
    }

    async fn store(
        &self,
        lane: &mut Option<Lane>,
        jobs: &mut [Job],
    ) -> Result<Vec<Vec<Outcome>>, DatabaseError> {
        let (mut candidates, mut outcomes) = candidates_of(jobs);
        for _ in 0..TRIES {
            if candidates.is_empty() {
                return Ok(outcomes);
            }
            if lane.as_ref().is_some_and(Lane::is_full) {
                self.abandon(lane);
            }
            if lane.is_none() {
                let holder = Uuid::from_u128((self.random)());
                let taken = Lane::take(&self.connections, holder).await?;
                self.tail.join(taken.number, taken.next);
                *lane = Some(taken);
            }
            let held = lane.as_mut().expect("one was taken");
            let commit = Commit::of(jobs, &candidates, held.next);
            let began = Instant::now();
            match self.send(held, &commit).await {
                Ok(()) => {
                    self.counters.flushed(candidates.len(), began.elapsed());
                    held.next = commit.group.past();
                    self.tail.add(held.number, commit.group);
                    for Candidate { job, place, .. } in candidates {
                        outcomes[job][place as usize] = Outcome::Stored;
                    }
                    return Ok(outcomes);
                }
                Err(error) if error.is_duplicate() => {
                    let known = self.known(&candidates).await?;
                    candidates.retain(|candidate| !known.contains(&candidate.id));
                }
                Err(error) if error.is_lost_race() => self.abandon(lane),
                Err(error) if error.is_collision() => {}
                Err(error) => return Err(error),
            }
        }
        Err(DatabaseError::Changed("others were quicker, again and again"))
    }

    async fn send(&self, lane: &Lane, commit: &Commit) -> Result<(), DatabaseError> {
        let ids: Vec<Uuid> = commit.ids.iter().map(|(id, ..)| *id).collect();
        let positions: Vec<i64> = commit.ids.iter().map(|(_, position, _)| *position).collect();
        let times: Vec<i64> = commit.ids.iter().map(|(.., at)| *at).collect();
        let firsts: Vec<i64> = commit.blocks.iter().map(|(first, _)| *first as i64).collect();
        let (oldest, newest): (Vec<i64>, Vec<i64>) = commit.spans.iter().copied().unzip();
        let values: Vec<&[u8]> = commit.blocks.iter().map(|(_, value)| &value[..]).collect();
        let (next, past) = (lane.next as i64, commit.group.past() as i64);
        self.connections
            .query(
                &APPEND,
                &[
                    &lane.number,
                    &lane.holder,
                    &next,
                    &past,
                    &ids,
                    &positions,
                    &times,
                    &firsts,
                    &oldest,
                    &newest,
                    &values,
                ],
            )
            .await
            .map(drop)
    }

    async fn known(&self, candidates: &[Candidate]) -> Result<HashSet<EventId>, DatabaseError> {
        let ids: Vec<Uuid> = candidates.iter().map(|candidate| uuid_of(candidate.id)).collect();
        let rows = self.connections.query(&KNOWN, &[&ids]).await?;
        Ok(rows.iter().map(|row| EventId::from_bytes(row.get::<_, Uuid>(0).into_bytes())).collect())
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

/// The first event of each identity, and the outcomes as they are if no other is stored.
fn candidates_of(jobs: &[Job]) -> (Vec<Candidate>, Vec<Vec<Outcome>>) {
    let events = jobs.iter().map(|job| job.batch.len()).sum();
    let (mut seen, mut candidates) = (HashSet::with_capacity(events), Vec::with_capacity(events));
    for (job, Job { batch, .. }) in jobs.iter().enumerate() {
        for (place, event) in batch.iter().enumerate() {
            if seen.insert(event.id()) {
                let at_us = event.at().micros();
                candidates.push(Candidate { job, place: place as u32, id: event.id(), at_us });
            }
        }
    }
    (candidates, jobs.iter().map(|job| vec![Outcome::Duplicate; job.batch.len()]).collect())
}

impl Commit {
    fn of(jobs: &mut [Job], candidates: &[Candidate], first: u64) -> Self {
        let (mut group, mut blocks) = (Group::new(first), GroupBlocks::new(first, Packing::Sent));
        for of_job in candidates.chunk_by(|left, right| left.job == right.job) {
            let job = &mut jobs[of_job[0].job];
            let all = of_job.len() == job.batch.len();
            let places = (!all).then(|| of_job.iter().map(|candidate| candidate.place).collect());
            let stored = Stored::new(Arc::clone(&job.batch), places, all && job.packed.is_some());
            match &job.packed {
                Some(packed) if all => blocks.add_packed(packed.clone()),
                _ => stored.events().for_each(|event| blocks.add(event.record())),
            }
            group.push(stored);
        }
        let mut ids: Vec<(Uuid, i64, i64)> = (first as i64..)
            .zip(candidates)
            .map(|(position, candidate)| (uuid_of(candidate.id), position, candidate.at_us))
            .collect();
        ids.sort_unstable();
        let blocks = blocks.finish();
        let spans = spans_of(&blocks, candidates, first, group.past());
        Self { group, blocks, spans, ids }
    }
}

/// When the oldest and the newest event of each block happened.
fn spans_of(blocks: &[PlacedBlock], candidates: &[Candidate], first: u64, past: u64) -> Vec<(i64, i64)> {
    let starts = blocks.iter().map(|(at, _)| (*at - first) as usize);
    let ends = starts.clone().skip(1).chain([(past - first) as usize]);
    let span = |(start, end): (usize, usize)| {
        let times = || candidates[start..end].iter().map(|candidate| candidate.at_us);
        (times().min().unwrap_or(i64::MAX), times().max().unwrap_or(i64::MIN))
    };
    starts.zip(ends).map(span).collect()
}

pub(crate) const fn uuid_of(id: EventId) -> Uuid {
    Uuid::from_bytes(*id.as_bytes())
}
