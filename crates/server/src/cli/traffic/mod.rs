//! Sending generated traffic to a running server, for `footfall seed` and `footfall stream`. What the traffic is like is
//! decided in `footfall-traffic`.
//!
//! One task makes parcels at the pace that was asked for (`source`, `pace`) and a few others send them (`parcel`,
//! `sender`), all on one thread. As many parcels wait as are on their way, so memory is bounded by their size.

use std::io::Write;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use footfall_ports::Clock;
use thiserror::Error;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::pace::Pace;
use self::parcel::Parcel;
use self::report::Report;
use self::sender::Sender;
use super::EXIT_INTERRUPTED;
use super::delivery::{PATIENCE, Undelivered};
use super::progress::Progress;
use super::reach::{ReachError, ServerArgs, reach_for_traffic};
use crate::config::Config;
use crate::runtime::SystemClock;

pub(super) use self::options::{KindArgs, Rate};
pub(super) use self::report::Labels;
pub(super) use self::source::{Source, Supply, Times};

mod options;
mod pace;
mod parcel;
mod report;
mod sender;
mod source;

/// What a run is to do.
pub(super) struct Plan {
    /// The command, as progress names it.
    pub(super) name: &'static str,
    /// What its figures are called.
    pub(super) labels: Labels,
    /// How many items come; `None`: without end.
    pub(super) count: Option<u64>,
    /// The number that everything follows from.
    pub(super) seed: u64,
    /// What is sent.
    pub(super) supply: Supply,
    /// How many items a second; absent: as fast as the server takes them.
    pub(super) rate: Option<Rate>,
    /// After what time the run ends.
    pub(super) lasts: Option<Duration>,
    /// How many requests are on their way at most.
    pub(super) concurrency: u8,
    /// Whether a signal is how the run usually ends.
    pub(super) ends_by_signal: bool,
}

/// Why a run didn't begin or couldn't go on.
#[derive(Debug, Error)]
pub(crate) enum TrafficError {
    /// There is no server.
    #[error(transparent)]
    Reach(#[from] ReachError),
    /// The operating system lets no one listen for signals.
    #[error("signals can't be waited for: {0}")]
    Signals(std::io::Error),
    /// The server won't take anything, or took nothing for too long.
    #[error(transparent)]
    Undelivered(#[from] Undelivered),
    /// The server found something wrong with what was sent.
    #[error("{server} rejected {count} of {items}: {why}")]
    Rejected {
        /// Its address.
        server: String,
        /// How many of the items of one request.
        count: u64,
        /// How many it held.
        items: usize,
        /// What was wrong with the first of them.
        why: String,
    },
    /// A request was over one of the server's limits.
    #[error("{server} finds a request with {items} items too large (413): choose a smaller --batch-size")]
    TooLarge {
        /// Its address.
        server: String,
        /// How many items it held.
        items: usize,
    },
    /// A defect in this program.
    #[error("the run broke off by a defect of its own")]
    BrokeOff,
}

/// How a run ended.
#[derive(Debug, PartialEq, Clone, Copy)]
enum Ending {
    Complete,
    /// By a signal; what was on its way has been waited for.
    Stopped,
    /// By a second one, that wouldn't wait.
    Cut,
}

/// Runs inside actix's runtime: shows progress on standard error and the figures on standard output.
///
/// # Errors
/// When it couldn't begin, or couldn't go on; the figures so far are printed in that case as well.
pub(super) async fn run(plan: Plan, args: &ServerArgs, config: &Config) -> Result<ExitCode, TrafficError> {
    // Before anything is sent, so that no signal finds the process without an ear for it.
    let mut signals = Signals::listen().map_err(TrafficError::Signals)?;
    let client = reach_for_traffic(args, config).await?;
    let report = Rc::new(Report::new(plan.name, plan.labels, plan.count, plan.seed));
    let ends_by_signal = plan.ends_by_signal;
    let sender =
        |stop| Sender { client: Rc::new(client), report: Rc::clone(&report), stop, patience: PATIENCE };
    let sending = send_all(plan, sender, &mut signals);
    let ending = Progress::on_standard_error().beside(|| report.progress(), sending).await;
    // With standard output gone there is no one to tell.
    let _ = write!(std::io::stdout(), "{}", report.summary());
    match ending? {
        Ending::Complete => Ok(ExitCode::SUCCESS),
        // The usual end, unless the server was away and something remained without an answer.
        Ending::Stopped if ends_by_signal && report.unanswered() == 0 => Ok(ExitCode::SUCCESS),
        Ending::Stopped | Ending::Cut => {
            if ends_by_signal {
                eprintln!("interrupted: whether {} of them are stored is not known", report.unanswered());
            } else {
                eprintln!("interrupted; run it again as it was for the rest: what was sent counts once");
            }
            Ok(ExitCode::from(EXIT_INTERRUPTED))
        }
    }
}

/// Sends until the supply ends, an error makes it senseless to go on, or a signal comes.
async fn send_all(
    plan: Plan,
    sender: impl FnOnce(watch::Receiver<bool>) -> Sender,
    signals: &mut Signals,
) -> Result<Ending, TrafficError> {
    let (stop, stopped) = watch::channel(false);
    let (outlet, waiting) = mpsc::channel(usize::from(plan.concurrency));
    let waiting = Rc::new(Mutex::new(waiting));
    let sender = sender(stopped.clone());
    let mut tasks = JoinSet::new();
    for _ in 0..plan.concurrency {
        tasks.spawn_local(sender.clone().run(Rc::clone(&waiting)));
    }
    // The senders hold it alone: when they are gone, the maker of parcels notices.
    drop((waiting, sender));
    let making = make(plan, outlet, stopped);
    tasks.spawn_local(async {
        making.await;
        Ok(())
    });
    let mut ending = Ok(Ending::Complete);
    loop {
        tokio::select! {
            ended = tasks.join_next() => match ended {
                None => return ending,
                Some(Ok(Ok(()))) => {}
                Some(failed) => {
                    stop.send_replace(true);
                    let error = failed.map_or(TrafficError::BrokeOff, |outcome| outcome.err().unwrap_or(TrafficError::BrokeOff));
                    // The first one says why.
                    ending = ending.and(Err(error));
                }
            },
            () = signals.next() => {
                if stop.send_replace(true) {
                    return ending.and(Ok(Ending::Cut));
                }
                ending = ending.and(Ok(Ending::Stopped));
            },
        }
    }
}

/// Makes parcels when they are due, until there are no more or no one wants them.
async fn make(plan: Plan, outlet: mpsc::Sender<Parcel>, mut stop: watch::Receiver<bool>) {
    let Plan { mut supply, rate, lasts, .. } = plan;
    let begun = Instant::now();
    let ends_at = lasts.map(|lasts| begun + lasts);
    let mut pace = rate.map(|rate| Pace::new(rate, begun));
    let making = async {
        loop {
            let items = supply.next_items();
            let items = match &mut pace {
                Some(pace) => pace.wait(items, ends_at).await,
                None => items,
            };
            let Some(parcel) = supply.take(items, SystemClock.now(), rate) else { return };
            if outlet.send(parcel).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        biased;
        // An error means that the run is over as well.
        _ = stop.wait_for(|&stop| stop) => {}
        () = making => {}
    }
}

/// Ctrl-C and SIGTERM.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(test)]
#[path = "traffic_tests.rs"]
mod tests;
