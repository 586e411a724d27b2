//! `footfall calculate-metrics`: users' activity by window, for a cron job.

use std::process::ExitCode;

use clap::Args;
use footfall_domain::time::{TimeRange, Timestamp};
use footfall_domain::windows::{Due, Window, WindowTotals};
use footfall_ports::{Clock, StoreError};
use serde::Deserialize;
use thiserror::Error;

use super::client::{Client, ClientError};
use super::progress::Progress;
use super::reach::{Reach, ReachError, ServerArgs, reach};
use crate::config::Config;
use crate::runtime::SystemClock;

/// Computes every user's activity in the 4-hour windows that are over and not computed yet, or to which late events came;
/// through a running server or in the configured store. Safe to run twice, and at once.
#[derive(Args)]
pub(crate) struct CalculateMetricsArgs {
    /// Compute the windows that lie wholly after this time (RFC 3339) instead
    #[arg(long, value_name = "TIME", requires = "to")]
    from: Option<String>,
    /// … and before this one
    #[arg(long, value_name = "TIME", requires = "from")]
    to: Option<String>,
    #[command(flatten)]
    server: ServerArgs,
}

/// Why nothing is computed.
#[derive(Debug, Error)]
pub(crate) enum CalculateMetricsError {
    /// A bound is no time, or they are the wrong way round.
    #[error("--from and --to are times such as 2025-05-26T14:00:00Z, the earlier one first")]
    Range,
    /// There is neither a server nor a store.
    #[error(transparent)]
    Reach(#[from] ReachError),
    /// The server refused, or its answer got lost.
    #[error(transparent)]
    Server(#[from] ClientError),
    /// The store failed.
    #[error("{}", super::chain(.0))]
    Store(#[from] StoreError),
}

/// The answer of `POST /metrics/calculate`.
#[derive(Deserialize)]
struct Answer {
    windows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    window_start_at: String,
    window_end_at: String,
    users: u64,
    events: u64,
}

/// Runs inside actix's runtime, and prints a line for each window.
///
/// # Errors
/// [`CalculateMetricsError`].
pub(crate) async fn run(
    args: CalculateMetricsArgs,
    config: &Config,
) -> Result<ExitCode, CalculateMetricsError> {
    let range = match (&args.from, &args.to) {
        (Some(from), Some(to)) => {
            let bounds = Timestamp::parse(from).zip(Timestamp::parse(to));
            let range = bounds.and_then(|(from, to)| TimeRange::new(from, to));
            Some(range.ok_or(CalculateMetricsError::Range)?)
        }
        _ => None,
    };
    let reach = reach(&args.server, config).await?;
    let calculating = async {
        match &reach {
            Reach::Server(client) => ask(client, range).await.map_err(CalculateMetricsError::from),
            Reach::Store(stores) => {
                let due = range.map_or(Due::Latest, Due::Within);
                let totals = stores.metrics.calculate_metrics(due, SystemClock.now()).await?;
                Ok(totals.into_iter().map(row).collect())
            }
        }
    };
    let message = || "calculate-metrics: counting users' events by window".to_owned();
    let rows = Progress::on_standard_error().beside(message, calculating).await?;
    for Row { window_start_at, window_end_at, users, events } in &rows {
        println!("{window_start_at} to {window_end_at}: {users} users, {events} events");
    }
    println!("{} windows", rows.len());
    Ok(ExitCode::SUCCESS)
}

async fn ask(client: &Client, range: Option<TimeRange>) -> Result<Vec<Row>, ClientError> {
    let query = range.map(|range| format!("?from={}&to={}", range.from(), range.to())).unwrap_or_default();
    let answer: Answer = client.run(&format!("/metrics/calculate{query}")).await?;
    Ok(answer.windows)
}

fn row(WindowTotals { window, users, events }: WindowTotals) -> Row {
    let time = |of: fn(Window) -> Timestamp| of(window).to_string();
    Row { window_start_at: time(Window::start), window_end_at: time(Window::end), users, events }
}
