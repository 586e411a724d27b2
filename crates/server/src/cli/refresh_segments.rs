//! `footfall refresh-segments`: the snapshot of the segments' counts, taken now.

use std::process::ExitCode;

use clap::Args;
use footfall_ports::StoreError;
use serde::Deserialize;
use thiserror::Error;

use super::client::ClientError;
use super::plain;
use super::progress::Progress;
use super::reach::{Reach, ReachError, ServerArgs, reach};
use crate::config::Config;
use crate::wire;

/// Counts the users of all segments and keeps the counts as the snapshot that is served, through a running server or in the
/// configured store.
#[derive(Args)]
pub(crate) struct RefreshSegmentsArgs {
    #[command(flatten)]
    server: ServerArgs,
}

/// Why there is no new snapshot.
#[derive(Debug, Error)]
pub(crate) enum RefreshSegmentsError {
    /// There is neither a server nor a store.
    #[error(transparent)]
    Reach(#[from] ReachError),
    /// The server refused, or its answer got lost.
    #[error(transparent)]
    Server(#[from] ClientError),
    /// The store failed.
    #[error("{}", super::chain(.0))]
    Store(#[from] StoreError),
    /// A setting can't be used.
    #[error("{0}")]
    Setting(String),
    /// What was kept is not what is kept.
    #[error("the snapshot is not JSON: {0}")]
    NotJson(#[from] serde_json::Error),
}

#[derive(Deserialize)]
struct Count {
    title: String,
    #[serde(rename = "usersCount")]
    users: u64,
}

/// Runs inside actix's runtime, and prints a line for each segment.
///
/// # Errors
/// [`RefreshSegmentsError`].
pub(crate) async fn run(
    args: RefreshSegmentsArgs,
    config: &Config,
) -> Result<ExitCode, RefreshSegmentsError> {
    let reach = reach(&args.server, config).await?;
    let refreshing = async {
        match &reach {
            Reach::Server(client) => Ok(client.run("/segments/refresh").await?),
            Reach::Store(stores) => {
                let snapshots = wire::segment_snapshots(config, stores)
                    .map_err(|error| RefreshSegmentsError::Setting(error.to_string()))?;
                Ok::<Vec<Count>, RefreshSegmentsError>(serde_json::from_slice(
                    &snapshots.refresh().await?.bytes,
                )?)
            }
        }
    };
    let message = || "refresh-segments: counting users".to_owned();
    let counts = Progress::on_standard_error().beside(message, refreshing).await?;
    for Count { title, users } in &counts {
        println!("{users}\t{}", plain(title));
    }
    println!("{} segments", counts.len());
    Ok(ExitCode::SUCCESS)
}
