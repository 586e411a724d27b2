//! What was sent, what became of it, and how long that took.

use std::cell::{Cell, RefCell};
use std::fmt::{Display, Write};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::parcel::Outcome;

/// Ten minutes, far beyond the client's own limit for a request. What takes longer counts as this.
const LONGEST_MICROS: u64 = 600_000_000;

/// What the figures are called.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Labels {
    /// An item, and several.
    items: &'static str,
    /// What the server did not have, and what it had.
    new: &'static str,
    known: &'static str,
}

impl Labels {
    pub(crate) const EVENTS: Self = Self { items: "events", new: "accepted", known: "duplicates" };
    pub(crate) const USERS: Self = Self { items: "users", new: "created", known: "renewed" };
}

/// The figures of one run. It lives on one thread.
pub(super) struct Report {
    name: &'static str,
    labels: Labels,
    count: Option<u64>,
    seed: u64,
    started: Instant,
    sent: Cell<u64>,
    new: Cell<u64>,
    known: Cell<u64>,
    rejected: Cell<u64>,
    retries: Cell<u64>,
    /// Microseconds from a request to its answer.
    latency: RefCell<Histogram<u64>>,
}

impl Report {
    pub(super) fn new(name: &'static str, labels: Labels, count: Option<u64>, seed: u64) -> Self {
        // Three digits are far finer than latencies are steady.
        let latency =
            Histogram::new_with_max(LONGEST_MICROS, 3).expect("the bounds are constants in their order");
        Self {
            name,
            labels,
            count,
            seed,
            started: Instant::now(),
            sent: Cell::default(),
            new: Cell::default(),
            known: Cell::default(),
            rejected: Cell::default(),
            retries: Cell::default(),
            latency: RefCell::new(latency),
        }
    }

    /// So many items go out for the first time.
    pub(super) fn sending(&self, items: usize) {
        add(&self.sent, items as u64);
    }

    /// They are answered for.
    pub(super) fn settled(&self, outcome: &Outcome) {
        add(&self.new, outcome.new);
        add(&self.known, outcome.known);
        add(&self.rejected, outcome.rejected);
    }

    /// A request was answered, or lost; `again` says that it has to be sent again.
    pub(super) fn answered(&self, latency: Duration, again: bool) {
        if again {
            add(&self.retries, 1);
        }
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.latency.borrow_mut().saturating_record(micros);
    }

    fn answered_items(&self) -> u64 {
        self.new.get() + self.known.get() + self.rejected.get()
    }

    /// How many items were sent and not answered for.
    pub(super) fn unanswered(&self) -> u64 {
        self.sent.get().saturating_sub(self.answered_items())
    }

    fn per_second(&self) -> f64 {
        self.answered_items() as f64 / self.started.elapsed().as_secs_f64().max(0.001)
    }

    /// How far it is, in a line.
    pub(super) fn progress(&self) -> String {
        let Labels { items, new, known } = self.labels;
        let of = self.count.map(|count| format!(" of {count}")).unwrap_or_default();
        let [sent, took, had] = [self.sent.get(), self.new.get(), self.known.get()];
        let trouble = match self.retries.get() {
            0 => String::new(),
            retries => format!(", {retries} sent again"),
        };
        let rate = self.per_second();
        format!("{}: {sent}{of} {items} sent, {took} {new}, {had} {known}{trouble}, {rate:.0}/s", self.name)
    }

    /// The figures, a line each.
    pub(super) fn summary(&self) -> String {
        let Labels { items, new, known } = self.labels;
        let latency = self.latency.borrow();
        let mut text = String::new();
        let mut row = |name: &str, value: &dyn Display| {
            // Writing to a string can't fail.
            let _ = writeln!(text, "{:<15} {value}", format!("{name}:"));
        };
        row("seed", &self.seed);
        row("sent", &self.sent.get());
        row(new, &self.new.get());
        row(known, &self.known.get());
        row("rejected", &self.rejected.get());
        if self.unanswered() > 0 {
            row("unanswered", &self.unanswered());
        }
        row("requests", &latency.len());
        row("sent again", &self.retries.get());
        row("seconds", &format!("{:.3}", self.started.elapsed().as_secs_f64()));
        row(&format!("{items}/s"), &format!("{:.0}", self.per_second()));
        let milliseconds = |micros: u64| format!("{:.3} ms", micros as f64 / 1_000.0);
        for (name, quantile) in [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)] {
            row(name, &milliseconds(latency.value_at_quantile(quantile)));
        }
        row("max", &milliseconds(latency.max()));
        text
    }
}

fn add(counter: &Cell<u64>, number: u64) {
    counter.set(counter.get() + number);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_has_every_figure() {
        let report = Report::new("seed users", Labels::USERS, Some(10), 7);
        report.sending(10);
        for millis in 1..=100 {
            report.answered(Duration::from_millis(millis), millis == 1);
        }
        report.settled(&Outcome { new: 5, known: 2, rejected: 1, why: None });
        let summary = report.summary();
        let rows =
            ["seed:           7\n", "created:        5\n", "renewed:        2\n", "rejected:       1\n"];
        let more =
            ["unanswered:     2\n", "requests:       100\n", "sent again:     1\n", "p50:            50.0"];
        for row in rows.into_iter().chain(more).chain(["p99:            99.0", "max:            100.0"]) {
            assert!(summary.contains(row), "{row}{summary}");
        }
        let progress = report.progress();
        let start = "seed users: 10 of 10 users sent, 5 created, 2 renewed, 1 sent again, ";
        assert!(progress.starts_with(start), "{progress}");
    }

    #[test]
    fn a_run_without_requests_has_a_summary_too() {
        let summary = Report::new("stream", Labels::EVENTS, None, 1).summary();
        assert!(
            summary.contains("sent:           0\n") && summary.contains("max:            0.000 ms\n"),
            "{summary}"
        );
    }
}
