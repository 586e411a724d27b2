//! From a posted body to stored events and a verdict on each.

use std::sync::Arc;
use std::time::Duration;

use footfall_domain::event::{EventBatch, EventId};
use footfall_domain::json::{Malformed, Scanner};
use footfall_domain::mail::Mail;
use footfall_domain::problem::{Code, FieldError};
use footfall_domain::time::Timestamp;
use footfall_domain::validate::{Envelope, Receipt, Rules, validate_visit};
use footfall_ports::{Clock, EventIds, EventLog, Outcome, SPANS, StoreError};
use serde::Serialize;
use tracing::Instrument;

use crate::ingest_stats::{Counters, IngestStats};
use crate::live::Live;

/// What a request may hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most events of one request.
    pub batch_events: usize,
}

/// Takes events in: checks them, has them stored, reports.
pub struct Ingest {
    log: Arc<dyn EventLog>,
    live: Arc<Live>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn EventIds>,
    rules: Rules,
    limits: Limits,
    retention: Option<Duration>,
    counters: Counters,
}

/// What became of one valid event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// The event's identity: the client's, or the one it was given.
    pub event_id: EventId,
    /// Whether it was stored now or before.
    pub outcome: Outcome,
}

/// What became of a batch. The members are those of the API's answer.
#[derive(PartialEq, Eq, Debug, Default, Serialize)]
pub struct BatchReport {
    /// Events stored now.
    pub accepted: usize,
    /// Events that were stored before, or stood earlier in the batch.
    pub duplicates: usize,
    /// Events that are not valid, and not stored.
    pub rejected: usize,
    /// What is wrong with each rejected one.
    pub errors: Vec<Rejected>,
}

/// A rejected event of a batch.
#[derive(PartialEq, Eq, Debug, Serialize)]
pub struct Rejected {
    /// Its place in the batch, from 0.
    pub index: usize,
    /// Its identity as the client wrote it, where it did.
    pub event_id: Option<String>,
    /// Everything that is wrong with it.
    pub errors: Vec<FieldError>,
}

/// What a JSON body turned out to hold.
#[derive(PartialEq, Eq, Debug)]
pub enum Item {
    /// One event.
    One(Verdict),
    /// An array of events.
    Batch(BatchReport),
}

/// Why nothing of a request was taken in.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The body is not JSON.
    #[error("the body is not JSON: {0}")]
    Malformed(#[from] Malformed),
    /// The body is not UTF-8, from that byte on.
    #[error("the body is not UTF-8: the byte at {0} can't stand there")]
    NotUtf8(usize),
    /// The event, or the body as a whole, is not valid.
    #[error("the event is not valid")]
    Invalid(Vec<FieldError>),
    /// More events than one request may hold.
    #[error("the batch holds more than {0} events")]
    TooManyEvents(usize),
    /// The path names something that is not valid.
    #[error("the path is not valid")]
    Path(FieldError),
    /// The key for idempotency belongs to another event.
    #[error("the key was used before, for another event")]
    KeyReused,
    /// The store could not take the events.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Ingest {
    /// Wires the service.
    pub fn new(
        log: Arc<dyn EventLog>,
        live: Arc<Live>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn EventIds>,
        rules: Rules,
        limits: Limits,
        retention: Option<Duration>,
    ) -> Self {
        Self { log, live, clock, ids, rules, limits, retention, counters: Counters::default() }
    }

    /// What events are checked against.
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// What became of events so far.
    pub fn stats(&self) -> IngestStats {
        self.counters.read()
    }

    /// Takes in a JSON body: one event or an array of them.
    ///
    /// # Errors
    /// [`IngestError`]; nothing was stored, or, after an error of the store, what was is known as a duplicate later.
    pub async fn json(&self, body: &[u8]) -> Result<Item, IngestError> {
        self.counters.note_refusal(self.take_json(body).await)
    }

    async fn take_json(&self, body: &[u8]) -> Result<Item, IngestError> {
        let text = utf8(body)?;
        let mut scanner = Scanner::new(text);
        if scanner.peek() == b'[' {
            let mut reading = Reading::new(self, body.len());
            scanner.array(|scanner| reading.item(scanner))?;
            scanner.end()?;
            return self.store_all(reading).await.map(Item::Batch);
        }
        let envelope = Envelope::read(&mut scanner)?;
        scanner.end()?;
        let mut batch = EventBatch::with_capacity(1, body.len() + 128);
        let event_id = self
            .receive(|receipt| envelope.validate(&self.rules, receipt, &mut batch))
            .map_err(IngestError::Invalid)?;
        self.store_one(event_id, batch).await.map(Item::One)
    }

    /// Takes in newline-delimited JSON. A line that is no JSON is a rejected event; blank lines don't count.
    ///
    /// # Errors
    /// As [`Ingest::json`].
    pub async fn ndjson(&self, body: &[u8]) -> Result<BatchReport, IngestError> {
        let mut reading = Reading::new(self, body.len());
        for line in body.split(|byte| *byte == b'\n') {
            if !line.trim_ascii().is_empty() {
                reading.line(line);
            }
        }
        self.counters.note_refusal(self.store_all(reading).await)
    }

    /// Takes in one visit.
    ///
    /// # Errors
    /// As [`Ingest::json`].
    pub async fn visit(&self, body: &[u8]) -> Result<Verdict, IngestError> {
        self.counters.note_refusal(self.take_visit(body).await)
    }

    async fn take_visit(&self, body: &[u8]) -> Result<Verdict, IngestError> {
        let text = utf8(body)?;
        let mut batch = EventBatch::with_capacity(1, body.len() + 128);
        let visit = self.receive(|receipt| validate_visit(text, &self.rules, receipt, &mut batch))?;
        self.store_one(visit.map_err(IngestError::Invalid)?, batch).await
    }

    /// Takes in a mail that was delivered or bounced. With a key it counts once: the key is the event's identity.
    ///
    /// # Errors
    /// [`IngestError`]; nothing was stored, or, after an error of the store, sending it again with its key is safe.
    pub async fn mail(&self, mail: Mail, domain: &str, key: Option<EventId>) -> Result<Verdict, IngestError> {
        self.counters.note_refusal(self.take_mail(mail, domain, key).await)
    }

    async fn take_mail(
        &self,
        mail: Mail,
        domain: &str,
        key: Option<EventId>,
    ) -> Result<Verdict, IngestError> {
        let mut batch = EventBatch::with_capacity(1, 128);
        let event_id =
            self.receive(|receipt| mail.event(domain, key, receipt, &mut batch)).map_err(|error| {
                IngestError::Path(FieldError::new("path:domain", Code::InvalidDomain, error.to_string()))
            })?;
        let subject = batch.get(0).subject().domain().map(str::to_owned);
        let verdict = self.store_one(event_id, batch).await?;
        if verdict.outcome == Outcome::Duplicate
            && let Some(stored) = self.log.event(event_id).await?
            && (stored.get().event_type() != mail.event_type()
                || stored.get().subject().domain() != subject.as_deref())
        {
            return Err(IngestError::KeyReused);
        }
        Ok(verdict)
    }

    fn receive<T>(&self, validate: impl FnOnce(&mut Receipt<'_>) -> T) -> T {
        let now = self.clock.now();
        let mut new_id = || self.ids.next(now);
        validate(&mut Receipt { now, oldest: self.oldest(now), new_id: &mut new_id })
    }

    fn oldest(&self, now: Timestamp) -> Timestamp {
        let age = |retention: Duration| i64::try_from(retention.as_micros()).unwrap_or(i64::MAX);
        self.retention.map_or(Timestamp::MIN, |retention| now.plus_micros(-age(retention)))
    }

    /// Has the events stored, and tells listeners of those that are new.
    async fn append(&self, batch: EventBatch) -> Result<Vec<Outcome>, StoreError> {
        let span = tracing::debug_span!(target: SPANS, "ingest", events = batch.len());
        self.append_announced(Arc::new(batch)).instrument(span).await
    }

    async fn append_announced(&self, batch: Arc<EventBatch>) -> Result<Vec<Outcome>, StoreError> {
        let announcement = self.live.announce(Arc::clone(&batch));
        let outcomes = self.log.append(batch).await;
        announcement.conclude(&outcomes);
        if let Ok(outcomes) = &outcomes {
            self.counters.note_outcomes(outcomes);
        }
        outcomes
    }

    async fn store_one(&self, event_id: EventId, batch: EventBatch) -> Result<Verdict, IngestError> {
        let outcomes = self.append(batch).await?;
        // The port answers for every event; of one that it kept silent about nothing good may be said.
        let outcome =
            outcomes.first().copied().ok_or_else(|| StoreError::Failed("no outcome was reported".into()))?;
        Ok(Verdict { event_id, outcome })
    }

    async fn store_all(&self, reading: Reading<'_>) -> Result<BatchReport, IngestError> {
        let Reading { batch, mut report, seen, .. } = reading;
        if seen > self.limits.batch_events {
            return Err(IngestError::TooManyEvents(self.limits.batch_events));
        }
        if seen == 0 {
            return Err(IngestError::Invalid(vec![FieldError::new(
                "",
                Code::EmptyBatch,
                "a batch holds at least one event",
            )]));
        }
        self.counters.note_rejected(&report.errors);
        if !batch.is_empty() {
            let outcomes = self.append(batch).await?;
            report.accepted = outcomes.iter().filter(|outcome| **outcome == Outcome::Stored).count();
            report.duplicates = outcomes.len() - report.accepted;
        }
        Ok(report)
    }
}

/// A batch while it is read: valid events on one side, what is wrong with the others on the other.
struct Reading<'a> {
    ingest: &'a Ingest,
    now: Timestamp,
    batch: EventBatch,
    report: BatchReport,
    seen: usize,
}

impl<'a> Reading<'a> {
    fn new(ingest: &'a Ingest, body_bytes: usize) -> Self {
        // Records are about as long as the JSON that they come from.
        let batch = EventBatch::with_capacity(body_bytes / 256 + 1, body_bytes);
        Self { ingest, now: ingest.clock.now(), batch, report: BatchReport::default(), seen: 0 }
    }

    /// Whether this is an event too many: the request is refused whole, so what else it holds need only be counted.
    fn is_too_long(&mut self) -> bool {
        let too_long = self.seen >= self.ingest.limits.batch_events;
        self.seen += usize::from(too_long);
        too_long
    }

    fn item(&mut self, scanner: &mut Scanner<'_>) -> Result<(), Malformed> {
        let envelope = Envelope::read(scanner)?;
        self.judge(envelope);
        Ok(())
    }

    fn line(&mut self, line: &[u8]) {
        if self.is_too_long() {
            return;
        }
        let read = |text| {
            let mut scanner = Scanner::new(text);
            let envelope = Envelope::read(&mut scanner)?;
            scanner.end().map(|()| envelope)
        };
        match std::str::from_utf8(line)
            .map_err(|_| "the line is not UTF-8".to_owned())
            .and_then(|text| read(text).map_err(|malformed| format!("the line is not JSON: {malformed}")))
        {
            Ok(envelope) => self.judge(envelope),
            Err(message) => self.reject(None, vec![FieldError::new("", Code::Malformed, message)]),
        }
    }

    fn judge(&mut self, envelope: Envelope<'_>) {
        if self.is_too_long() {
            return;
        }
        let (now, oldest) = (self.now, self.ingest.oldest(self.now));
        let mut new_id = || self.ingest.ids.next(now);
        let event_id = envelope.event_id_as_sent();
        let mut receipt = Receipt { now, oldest, new_id: &mut new_id };
        match envelope.validate(&self.ingest.rules, &mut receipt, &mut self.batch) {
            Ok(_) => self.seen += 1,
            Err(errors) => self.reject(event_id, errors),
        }
    }

    fn reject(&mut self, event_id: Option<&str>, errors: Vec<FieldError>) {
        let event_id = event_id.map(str::to_owned);
        self.report.errors.push(Rejected { index: self.seen, event_id, errors });
        self.report.rejected += 1;
        self.seen += 1;
    }
}

pub(crate) fn utf8(body: &[u8]) -> Result<&str, IngestError> {
    std::str::from_utf8(body).map_err(|error| IngestError::NotUtf8(error.valid_up_to()))
}
