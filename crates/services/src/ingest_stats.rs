//! What became of events, counted.

use std::sync::atomic::{AtomicU64, Ordering};

use footfall_domain::problem::Code;
use footfall_ports::Outcome;

use crate::ingest::{IngestError, Rejected};

/// What became of events since the start.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct IngestStats {
    /// Events that were stored.
    pub accepted: u64,
    /// Events that were stored before.
    pub duplicates: u64,
    /// Events that were rejected, by the first thing that was wrong with each. A body that is refused as a whole, so that
    /// nobody knows how many events it holds, is one.
    pub rejected: Vec<(&'static str, u64)>,
}

#[derive(Debug)]
pub(crate) struct Counters {
    accepted: AtomicU64,
    duplicates: AtomicU64,
    rejected: [AtomicU64; Code::ALL.len()],
}

impl Default for Counters {
    fn default() -> Self {
        let zero = [const { AtomicU64::new(0) }; Code::ALL.len()];
        Self { accepted: AtomicU64::new(0), duplicates: AtomicU64::new(0), rejected: zero }
    }
}

impl Counters {
    pub(crate) fn note_outcomes(&self, outcomes: &[Outcome]) {
        let accepted = outcomes.iter().filter(|outcome| **outcome == Outcome::Stored).count();
        self.accepted.fetch_add(accepted as u64, Ordering::Relaxed);
        let duplicates = outcomes.len() - accepted;
        if duplicates > 0 {
            self.duplicates.fetch_add(duplicates as u64, Ordering::Relaxed);
        }
    }

    pub(crate) fn note_rejected(&self, rejected: &[Rejected]) {
        let codes = rejected.iter().filter_map(|rejected| Some(rejected.errors.first()?.code));
        codes.for_each(|code| self.reject(code));
    }

    /// Counts what was refused as a whole.
    pub(crate) fn note_refusal<T>(&self, result: Result<T, IngestError>) -> Result<T, IngestError> {
        let code = match &result {
            // An event whose key was used before is a duplicate, and counted as one.
            Ok(_) | Err(IngestError::Store(_) | IngestError::KeyReused) => None,
            Err(IngestError::Malformed(_) | IngestError::NotUtf8(_)) => Some(Code::Malformed),
            Err(IngestError::Invalid(errors)) => errors.first().map(|error| error.code),
            Err(IngestError::TooManyEvents(_)) => Some(Code::TooManyEvents),
            Err(IngestError::Path(error)) => Some(error.code),
        };
        if let Some(code) = code {
            self.reject(code);
        }
        result
    }

    fn reject(&self, code: Code) {
        self.rejected[code as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> IngestStats {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let rejected = Code::ALL.iter().zip(&self.rejected).map(|(code, count)| (code.as_str(), read(count)));
        IngestStats {
            accepted: read(&self.accepted),
            duplicates: read(&self.duplicates),
            rejected: rejected.collect(),
        }
    }
}
