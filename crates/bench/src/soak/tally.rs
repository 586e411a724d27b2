//! What the clients have seen.

use std::time::Duration;

use crate::load::histogram::Histogram;

/// Latencies, from when a request was due to its good answer, retries included.
#[derive(Clone, Debug, Default)]
pub(super) struct Latencies {
    pub(super) writes: Histogram,
    pub(super) questions: Histogram,
}

/// Figures of one client or of all.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// While nothing was away, and nobody behind.
    pub(super) calm: Latencies,
    /// While something was away, and until everybody had caught up.
    pub(super) disturbed: Latencies,
    /// Posts of events that were acknowledged before.
    pub(super) resent: u64,
    /// How many of those the service took for new: it had lost them.
    pub(super) lost: u64,
    /// Answers 503 and 429, after which a request was sent again.
    pub(super) refusals: u64,
    /// Connections that broke under a request, likewise.
    pub(super) broken: u64,
    /// Connections that could not be made.
    pub(super) unconnected: u64,
    /// Requests that were due, and not sent because the end was long over.
    pub(super) unsent: u64,
    /// Requests that were given up.
    pub(super) given_up: u64,
    /// Answers that should not be.
    pub(super) unexpected: u64,
    pub(super) first_unexpected: Option<String>,
}

impl Tally {
    pub(super) fn record(&mut self, latency: Duration, is_question: bool, is_disturbed: bool) {
        let latencies = if is_disturbed { &mut self.disturbed } else { &mut self.calm };
        if is_question { &mut latencies.questions } else { &mut latencies.writes }.record(latency);
    }

    pub(super) fn complain(&mut self, what: String) {
        self.unexpected += 1;
        self.first_unexpected.get_or_insert(what);
    }

    /// Requests that were answered well.
    pub(super) fn requests(&self) -> u64 {
        [&self.calm, &self.disturbed].iter().map(|side| side.writes.count() + side.questions.count()).sum()
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (mine, theirs) in [(&mut self.calm, &other.calm), (&mut self.disturbed, &other.disturbed)] {
            mine.writes.merge(&theirs.writes);
            mine.questions.merge(&theirs.questions);
        }
        self.resent += other.resent;
        self.lost += other.lost;
        self.refusals += other.refusals;
        self.broken += other.broken;
        self.unconnected += other.unconnected;
        self.unsent += other.unsent;
        self.given_up += other.given_up;
        self.unexpected += other.unexpected;
        self.first_unexpected = self.first_unexpected.take().or(other.first_unexpected);
    }
}
