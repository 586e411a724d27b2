//! `footfall export`: stored events into a file or onto standard output, in the form that import takes.
//!
//! Nothing that was cut passes for an export: a file is written beside its name and takes it at the end, and the exit
//! status is 0 only when all of it came.

use std::io;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use footfall_domain::time::{TimeRange, Timestamp};
use footfall_ports::StoreError;
use footfall_services::export::{Export, Format};
use thiserror::Error;

use self::output::Output;
use self::written::Written;
use super::client::{Client, ClientError};
use super::download::Download;
use super::progress::Progress;
use super::reach::{Reach, ReachError, ServerArgs, reach};
use crate::config::Config;

mod output;
mod written;

/// What a shell makes of a process that Ctrl-C ended: 128 and SIGINT.
const EXIT_INTERRUPTED: u8 = 130;

/// Exports stored events, oldest first, in a form that `footfall import` takes; through a running server or from the
/// configured store.
#[derive(Args)]
pub(crate) struct ExportArgs {
    /// The form [default: csv for a file of that name, else ndjson]
    #[arg(long, value_enum)]
    format: Option<ExportFormat>,
    /// Only events from this time on, such as `2025-05-26T14:00:00Z`
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Timestamp>,
    /// Only events before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<Timestamp>,
    /// The file to write; `-` is standard output
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Clone, Copy, ValueEnum)]
enum ExportFormat {
    /// One event per line.
    Ndjson,
    /// A header row, then one event per record.
    Csv,
}

fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).ok_or_else(|| "a time looks like 2025-05-26T14:00:00Z".to_owned())
}

/// Why there is no whole export. It can be run again as it was.
#[derive(Debug, Error)]
pub(crate) enum ExportError {
    /// The range holds no instant.
    #[error("--from must lie before --to")]
    Range,
    /// There is neither a server nor a store.
    #[error(transparent)]
    Reach(#[from] ReachError),
    /// The server refused, or its answer broke off.
    #[error(transparent)]
    Server(#[from] ClientError),
    /// The store can't be read to its end.
    #[error("{}", super::chain(.0))]
    Store(#[from] StoreError),
    /// What came can't be written.
    #[error("{file}: {source}")]
    Output {
        /// Where it was to go.
        file: String,
        /// Why not.
        source: io::Error,
    },
}

/// Runs the export inside actix's runtime: progress and figures on standard error, as standard output may be what is
/// written to. The exit code is success only when all of it came and is written; 130 after Ctrl-C.
///
/// # Errors
/// [`ExportError`]; a file of that name is as it was before.
pub(crate) async fn run(args: ExportArgs, config: &Config) -> Result<ExitCode, ExportError> {
    let is_csv = args.output.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    let format = match args.format {
        Some(ExportFormat::Csv) => Format::Csv,
        None if is_csv => Format::Csv,
        Some(ExportFormat::Ndjson) | None => Format::Ndjson,
    };
    let range = TimeRange::new(args.from.unwrap_or(Timestamp::MIN), args.to.unwrap_or(Timestamp::MAX));
    let range = range.ok_or(ExportError::Range)?;
    let mut source = match reach(&args.server, config).await? {
        Reach::Server(client) => {
            let download = client.download(&target(format, args.from, args.to)).await?;
            Source::Server { client, download: Box::new(download) }
        }
        Reach::Store(stores) => Source::Store(Box::new(Export::new(stores.log, format, range))),
    };
    let unwritten = |source| ExportError::Output { file: output::name(&args.output), source };
    let mut output = Output::create(&args.output).map_err(unwritten)?;
    let written = Written::new(format);

    let is_shown = output.is_standard_output() && io::stdout().is_terminal();
    let progress = if is_shown { Progress::Silent } else { Progress::on_standard_error() };
    let is_kept_back = output.is_kept_back();
    let copying = async {
        while let Some(piece) = source.next().await? {
            output.write(&piece).map_err(unwritten)?;
            written.add(&piece);
        }
        Ok::<(), ExportError>(())
    };
    let copied = progress.beside(|| format!("export: {written}"), unless_interrupted(is_kept_back, copying));
    let Some(copied) = copied.await else {
        eprintln!("interrupted; run it again for an export that is whole");
        return Ok(ExitCode::from(EXIT_INTERRUPTED));
    };
    copied?;
    output.finish().map_err(unwritten)?;
    eprintln!("{written}");
    Ok(ExitCode::SUCCESS)
}

/// The path and query of the same question to a server.
fn target(format: Format, from: Option<Timestamp>, to: Option<Timestamp>) -> String {
    let bound = |name: &str, at: Option<Timestamp>| at.map(|at| format!("&{name}={at}")).unwrap_or_default();
    format!("/export?format={}{}{}", format.as_str(), bound("from", from), bound("to", to))
}

/// `None` after Ctrl-C, so that a file that was begun is taken away. Else there is nothing to take away, and writing may
/// wait for whoever reads a pipe: then Ctrl-C ends the process as ever.
async fn unless_interrupted<T>(is_kept_back: bool, work: impl Future<Output = T>) -> Option<T> {
    if !is_kept_back {
        return Some(work.await);
    }
    tokio::select! {
        outcome = work => Some(outcome),
        _ = tokio::signal::ctrl_c() => None,
    }
}

/// Where the export comes from.
enum Source {
    Server { client: Client, download: Box<Download> },
    Store(Box<Export>),
}

impl Source {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, ExportError> {
        Ok(match self {
            Self::Server { client, download } => {
                download.next().await.map_err(|error| client.lost(&error))?
            }
            Self::Store(export) => export.next().await?,
        })
    }
}
