//! What became of the lines: counted, the troublesome ones named on standard error, summed up at the end. Shared by the
//! thread that reads and the connections that send.

use std::fmt::{Display, Write as _};
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use footfall_import_formats::Unreadable;
use indicatif::{ProgressBar, ProgressStyle};

use super::batch::{Batch, Origin};
use crate::cli::plain;
use crate::cli::verdict::BatchAnswer;

/// How many lines of each kind of trouble are named; after that they are only counted.
const MAX_NAMED: u64 = 1_000;

/// The counts and the voice of one run.
pub(super) struct Report {
    names: Vec<String>,
    max_named: u64,
    started: Instant,
    bar: ProgressBar,
    /// The inputs' sizes together, when all of them have one.
    total_bytes: Option<u64>,
    /// Grows while the inputs are read, before decompression.
    pub(super) bytes_read: Arc<AtomicU64>,
    lines: AtomicU64,
    accepted: AtomicU64,
    duplicates: AtomicU64,
    rejected: AtomicU64,
    unreadable: AtomicU64,
    failed_files: AtomicU64,
}

impl Report {
    /// `names` are the inputs' names, as lines are named by them. `on_terminal` decides between a bar and lines.
    pub(super) fn new(names: Vec<String>, total_bytes: Option<u64>, on_terminal: bool) -> Self {
        let bar = match (on_terminal, total_bytes) {
            (false, _) => ProgressBar::hidden(),
            (true, Some(total)) => {
                ProgressBar::new(total).with_style(style("{bar:20} {percent:>3}%, {eta} left: {wide_msg}"))
            }
            (true, None) => ProgressBar::new_spinner().with_style(style("{spinner} {wide_msg}")),
        };
        Self {
            names,
            max_named: MAX_NAMED,
            started: Instant::now(),
            bar,
            total_bytes,
            bytes_read: Arc::default(),
            lines: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            duplicates: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            unreadable: AtomicU64::new(0),
            failed_files: AtomicU64::new(0),
        }
    }

    /// A line (or record) that isn't blank was read.
    pub(super) fn line_read(&self) {
        self.lines.fetch_add(1, Ordering::Relaxed);
    }

    /// That line can't be made an event.
    pub(super) fn unreadable(&self, origin: Origin, why: &Unreadable) {
        self.name(&self.unreadable, "unreadable", origin, why);
    }

    /// The server refused the event of that line.
    pub(super) fn rejected(&self, origin: Origin, why: &str) {
        self.name(&self.rejected, "rejected", origin, &why);
    }

    /// An input couldn't be read to its end.
    pub(super) fn file_failed(&self, file: u32, line: Option<u64>, why: &dyn Display) {
        self.failed_files.fetch_add(1, Ordering::Relaxed);
        let at = line.map(|line| format!(":{line}")).unwrap_or_default();
        self.say(&format!("{}{at}: the rest is not read: {why}", self.names[file as usize]));
    }

    /// The server took the batch, if not every event of it.
    pub(super) fn answered(&self, batch: &Batch, answer: &BatchAnswer) {
        self.accepted.fetch_add(answer.accepted, Ordering::Relaxed);
        self.duplicates.fetch_add(answer.duplicates, Ordering::Relaxed);
        for item in &answer.errors {
            self.rejected(batch.origins[item.index], &item.reason());
        }
        // Each one named was counted; those that a server might leave unnamed are still rejected.
        let unnamed = answer.rejected.saturating_sub(answer.errors.len() as u64);
        self.rejected.fetch_add(unnamed, Ordering::Relaxed);
    }

    fn name(&self, count: &AtomicU64, kind: &str, origin: Origin, why: &dyn Display) {
        let before = count.fetch_add(1, Ordering::Relaxed);
        if before < self.max_named {
            self.say(&format!("{}:{}: {kind}: {why}", self.names[origin.file as usize], origin.line));
        } else if before == self.max_named {
            self.say(&format!(
                "more than {before} lines are {kind}; from here on they are counted and not named"
            ));
        }
    }

    /// A line on standard error, above the bar. What a server or a file said must not steer the terminal.
    pub(super) fn say(&self, line: &str) {
        let plain = plain(line);
        self.bar.suspend(|| {
            // With standard error gone there is no one to tell.
            let _ = writeln!(std::io::stderr(), "{plain}");
        });
    }

    /// How often [`Report::progress`] should be called.
    pub(super) fn progress_interval(&self) -> Duration {
        if self.bar.is_hidden() { Duration::from_secs(5) } else { Duration::from_millis(100) }
    }

    /// Shows how far it is.
    pub(super) fn progress(&self) {
        let message = format!(
            "{} lines read, {} accepted, {} duplicates, {} rejected, {} unreadable",
            count(&self.lines),
            count(&self.accepted),
            count(&self.duplicates),
            count(&self.rejected),
            count(&self.unreadable),
        );
        let bytes_read = count(&self.bytes_read);
        if !self.bar.is_hidden() {
            self.bar.set_position(bytes_read);
            self.bar.set_message(message);
            return;
        }
        let share = self.total_bytes.filter(|&total| total > 0).map(|total| {
            let percent = (bytes_read.min(total) as f64 / total as f64 * 100.0).floor();
            format!("{percent}%: ")
        });
        self.say(&format!("import: {}{message}", share.unwrap_or_default()));
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Whether every line was read and every event accepted or a duplicate.
    pub(super) fn all_well(&self) -> bool {
        let troubles = [&self.rejected, &self.unreadable, &self.failed_files];
        troubles.iter().all(|trouble| count(trouble) == 0) && self.unsent() == 0
    }

    /// Lines that were read and whose events no server has answered for.
    fn unsent(&self) -> u64 {
        let settled = [&self.accepted, &self.duplicates, &self.rejected, &self.unreadable];
        count(&self.lines).saturating_sub(settled.iter().map(|settled| count(settled)).sum())
    }

    /// The figures of the run, a line each.
    pub(super) fn summary(&self) -> String {
        let seconds = self.started.elapsed().as_secs_f64();
        let answered = count(&self.accepted) + count(&self.duplicates) + count(&self.rejected);
        let mut text = String::new();
        let mut row = |name: &str, value: &dyn Display| {
            // Writing to a string can't fail.
            let _ = writeln!(text, "{:<15} {value}", format!("{name}:"));
        };
        row("lines read", &count(&self.lines));
        row("accepted", &count(&self.accepted));
        row("duplicates", &count(&self.duplicates));
        row("rejected", &count(&self.rejected));
        row("unreadable", &count(&self.unreadable));
        if self.unsent() > 0 {
            row("not sent", &self.unsent());
        }
        if count(&self.failed_files) > 0 {
            row("files cut short", &count(&self.failed_files));
        }
        row("seconds", &format!("{seconds:.3}"));
        row("events/s", &format!("{:.0}", answered as f64 / seconds.max(0.001)));
        text
    }
}

fn count(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates are constants of this module")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report::new(vec!["a.log".to_owned()], Some(100), false)
    }

    #[test]
    fn all_is_well_only_when_every_line_is_settled() {
        let report = report();
        assert!(report.all_well());
        report.line_read();
        assert!(!report.all_well());
        assert!(report.summary().contains("not sent:       1\n"), "{}", report.summary());
        report.accepted.fetch_add(1, Ordering::Relaxed);
        assert!(report.all_well());
        report.line_read();
        report.unreadable(Origin { file: 0, line: 2 }, &Unreadable::NotHttp);
        assert!(!report.all_well());
        assert!(report.summary().starts_with("lines read:     2\naccepted:       1\nduplicates:     0\n"));
    }

    #[test]
    fn trouble_is_counted_after_it_is_no_longer_named() {
        let report = Report { max_named: 3, ..report() };
        for line in 0..8 {
            report.rejected(Origin { file: 0, line }, "because");
        }
        assert!(report.summary().contains("rejected:       8\n"), "{}", report.summary());
    }

    #[test]
    fn a_file_cut_short_is_no_success() {
        let report = report();
        report.file_failed(0, Some(3), &"gone");
        assert!(!report.all_well());
        assert!(report.summary().contains("files cut short: 1\n"), "{}", report.summary());
    }
}
