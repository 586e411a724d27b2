//! Showing on standard error that long work goes on: a spinner on a terminal, else a line now and then.

use std::io::{IsTerminal, Write};
use std::pin::pin;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

const SPINNER_INTERVAL: Duration = Duration::from_millis(100);
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// How a command shows its progress.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Progress {
    Spinner,
    Lines,
    /// Not at all: what the command writes is on the terminal already.
    Silent,
}

impl Progress {
    /// A spinner where standard error is a terminal.
    pub(crate) fn on_standard_error() -> Self {
        if std::io::stderr().is_terminal() { Self::Spinner } else { Self::Lines }
    }

    /// Does the work, and meanwhile shows what `message` says.
    pub(crate) async fn beside<T>(self, message: impl Fn() -> String, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        let (spinner, interval) = match self {
            Self::Silent => return work.await,
            Self::Lines => (ProgressBar::hidden(), LINE_INTERVAL),
            Self::Spinner => (spinner(), SPINNER_INTERVAL),
        };
        let mut ticks = interval_at(Instant::now() + interval, interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                outcome = &mut work => {
                    spinner.finish_and_clear();
                    return outcome;
                }
                _ = ticks.tick() => match self {
                    // With standard error gone there is no one to tell.
                    Self::Lines => { let _ = writeln!(std::io::stderr(), "{}", message()); }
                    Self::Spinner | Self::Silent => {
                        spinner.set_message(message());
                        spinner.tick();
                    }
                },
            }
        }
    }
}

fn spinner() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {wide_msg}").expect("the template is a constant");
    ProgressBar::new_spinner().with_style(style)
}
