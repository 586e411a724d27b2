//! `footfall import`: events from files, or from standard input, into a running server, or where none answers into the
//! configured store.
//!
//! A thread reads (`reader`), a pure function per format makes events of lines (the crate `footfall-import-formats`),
//! and a few senders (`sender`) hand them over in batches, to `POST /events` or to the service behind it (`target`). Every event goes out with an id, its own or
//! one made from its line (`LineIds`), so that a batch may be sent again and an import run again: what the server has
//! already counts as a duplicate. No event is held back for being odd; what is valid is the server's to say.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;

use clap::Args;
use footfall_import_formats::Site;
use thiserror::Error;
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use self::batch::{Batch, Batcher};
pub(crate) use self::format::Format;
use self::reader::{Inputs, Pump};
use self::report::Report;
use self::sender::Sender;
use self::target::Target;
use super::EXIT_INTERRUPTED;
use super::delivery::{PATIENCE, Undelivered};
use super::reach::{Reach, ReachError, ServerArgs, reach};
use crate::config::Config;
use crate::wire;

mod batch;
mod format;
mod reader;
mod report;
mod sender;
mod source;
mod target;
mod verdict;

/// A tenth of what a server takes by default (`FOOTFALL__LIMITS__BODY_BYTES`).
const MAX_BATCH_BYTES: usize = 1 << 20;

/// Imports events from files, through a running server or into the configured store. Importing the same lines again counts nothing twice; lines that
/// stand in several files count once for each if the files are imported in one run.
#[derive(Args)]
pub(crate) struct ImportArgs {
    /// What to import; `-` is standard input. gzip and zstd are recognised
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The format of all of them [default: by each file's name, else by its content]
    #[arg(long, value_enum)]
    format: Option<Format>,
    #[command(flatten)]
    server: ServerArgs,
    /// The site whose access log it is, such as `https://example.com`: pages are then URLs instead of paths
    #[arg(long, value_name = "URL")]
    site: Option<Site>,
    /// How many events to send at once
    #[arg(long, value_name = "EVENTS", default_value_t = 1_000, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    batch: u16,
    /// How many batches to send side by side
    #[arg(long, value_name = "COUNT", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=64))]
    connections: u8,
}

/// Why an import didn't begin or couldn't go on. In every case it can be run again as it was.
#[derive(Debug, Error)]
pub(crate) enum ImportError {
    /// There is neither a server nor a store.
    #[error(transparent)]
    Reach(#[from] ReachError),
    /// The store was opened, but the rules for events can't be read.
    #[error("{0}")]
    Rules(String),
    /// `-` was named more than once.
    #[error("standard input (-) can be read only once")]
    StandardInputTwice,
    /// An input can't be opened.
    #[error("{file}: {source}")]
    File {
        /// Its name.
        file: String,
        /// Why not.
        source: std::io::Error,
    },
    /// A CSV file's header row isn't understood.
    #[error("{file}: {why}")]
    Header {
        /// Its name.
        file: String,
        /// What is wrong with the header.
        why: String,
    },
    /// Whatever takes the events won't take them, or took nothing for too long.
    #[error(transparent)]
    Undelivered(#[from] Undelivered),
    /// The operating system gave no thread.
    #[error("the inputs can't be read: {0}")]
    Thread(std::io::Error),
    /// A defect in this program.
    #[error("the import broke off by a defect of its own")]
    BrokeOff,
}

/// Runs the import inside actix's runtime: shows its progress on standard error and its figures on standard output.
///
/// The exit code is success only when every line was read and every event accepted or known already; 130 after Ctrl-C.
///
/// # Errors
/// When it couldn't begin, or couldn't go on; the figures so far are printed in that case as well.
pub(crate) async fn run(args: ImportArgs, config: &Config) -> Result<ExitCode, ImportError> {
    let inputs = Inputs { files: args.files, format: args.format, site: args.site };
    inputs.check()?;
    let target = match reach(&args.server, config).await? {
        Reach::Server(client) => Target::Server(client),
        Reach::Store(stores) => {
            let ingest = wire::ingest(config, stores.log);
            Target::Store(Box::new(ingest.map_err(|error| ImportError::Rules(error.to_string()))?))
        }
    };
    let names = inputs.files.iter().map(|path| path.display().to_string()).collect();
    let report = Arc::new(Report::new(names, inputs.total_bytes(), std::io::stderr().is_terminal()));

    let (stop, stopped) = watch::channel(false);
    // One batch waiting for each connection: enough to keep it busy.
    let (outlet, waiting) = mpsc::channel(usize::from(args.connections));
    let batcher = Batcher::new(usize::from(args.batch), MAX_BATCH_BYTES);
    let reading = start_reading(inputs, Pump::new(Arc::clone(&report), batcher, outlet, stopped.clone()))?;
    let sender =
        Sender { target: Rc::new(target), report: Arc::clone(&report), stop: stopped, patience: PATIENCE };
    let ending = send_all(&sender, usize::from(args.connections), waiting, &stop, &report).await;
    report.finish();
    let ending = match ending {
        // The senders ended because the reader did.
        Ok(Ending::Complete) => {
            reading.await.unwrap_or(Err(ImportError::BrokeOff)).map(|()| Ending::Complete)
        }
        other => other,
    };
    // With standard output gone there is no one to tell.
    let _ = write!(std::io::stdout(), "{}", report.summary());
    match ending? {
        Ending::Complete if report.all_well() => Ok(ExitCode::SUCCESS),
        Ending::Complete => Ok(ExitCode::FAILURE),
        Ending::Interrupted => {
            report.say("interrupted; run it again to import the rest: what was sent counts once");
            Ok(ExitCode::from(EXIT_INTERRUPTED))
        }
    }
}

#[derive(Debug, PartialEq)]
enum Ending {
    Complete,
    Interrupted,
}

/// A thread of its own and not the runtime's: a runtime would wait at its end for a read of standard input that may never
/// return after Ctrl-C.
fn start_reading(
    inputs: Inputs,
    mut pump: Pump,
) -> Result<oneshot::Receiver<Result<(), ImportError>>, ImportError> {
    let (done, reading) = oneshot::channel();
    std::thread::Builder::new()
        .name("import-reader".to_owned())
        .spawn(move || {
            let outcome = inputs.read(&mut pump);
            // Before the pump is dropped and the senders end, so that the outcome is there when they have.
            // The receiver is gone when the run was stopped.
            let _ = done.send(outcome);
        })
        .map_err(ImportError::Thread)?;
    Ok(reading)
}

/// Sends until the batches end, an error makes it senseless to go on, or Ctrl-C is pressed: then what is in flight is
/// waited for, unless it is pressed again.
async fn send_all(
    sender: &Sender,
    connections: usize,
    batches: mpsc::Receiver<Batch>,
    stop: &watch::Sender<bool>,
    report: &Report,
) -> Result<Ending, ImportError> {
    let batches = Arc::new(Mutex::new(batches));
    let mut senders = JoinSet::new();
    for _ in 0..connections {
        senders.spawn_local(sender.clone().run(Arc::clone(&batches)));
    }
    // The senders hold the receiver alone: when they are gone the reader notices.
    drop(batches);
    let mut ending = Ok(Ending::Complete);
    let mut ticks = interval_at(Instant::now() + report.progress_interval(), report.progress_interval());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut interrupt = Box::pin(tokio::signal::ctrl_c());
    loop {
        tokio::select! {
            ended = senders.join_next() => match ended {
                None => return ending,
                Some(Ok(Ok(()))) => {}
                Some(failed) => {
                    stop.send_replace(true);
                    let error = failed.map_or(ImportError::BrokeOff, |outcome| outcome.err().unwrap_or(ImportError::BrokeOff));
                    // The first one says why.
                    ending = ending.and(Err(error));
                }
            },
            _ = &mut interrupt => {
                if stop.send_replace(true) {
                    return ending;
                }
                report.say("stopping after what is on its way; Ctrl-C again to stop at once");
                ending = Ok(Ending::Interrupted);
                interrupt = Box::pin(tokio::signal::ctrl_c());
            },
            _ = ticks.tick() => report.progress(),
        }
    }
}
