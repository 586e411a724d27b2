//! `footfall verify`: are the figures what the log says?

use std::process::ExitCode;

use clap::Args;
use footfall_ports::{DIFFERENCES_MAX, StoreError};
use serde::Deserialize;
use thiserror::Error;

use super::client::ClientError;
use super::plain;
use super::progress::Progress;
use super::reach::{Reach, ReachError, ServerArgs, reach};
use crate::config::Config;

/// Recomputes all figures from the log and compares, through a running server or in the configured store; exit status 0
/// if they are right, else 1.
#[derive(Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    server: ServerArgs,
}

/// Why it is not known whether they are.
#[derive(Debug, Error)]
pub(crate) enum VerifyError {
    /// There is neither a server nor a store.
    #[error(transparent)]
    Reach(#[from] ReachError),
    /// The server refused, or its answer got lost.
    #[error(transparent)]
    Server(#[from] ClientError),
    /// The log can't be read.
    #[error("{}", super::chain(.0))]
    Store(#[from] StoreError),
}

/// The answer of `POST /verify`.
#[derive(Deserialize)]
struct Verdict {
    consistent: bool,
    differences: Vec<String>,
}

/// Runs the verification inside actix's runtime and prints what differs, a line each.
///
/// # Errors
/// [`VerifyError`] when it could not be carried out.
pub(crate) async fn run(args: VerifyArgs, config: &Config) -> Result<ExitCode, VerifyError> {
    let reach = reach(&args.server, config).await?;
    let verifying = async {
        match &reach {
            Reach::Server(client) => client.run("/verify").await.map_err(VerifyError::from),
            Reach::Store(stores) => {
                let differences = stores.analytics.verify().await?;
                Ok(Verdict { consistent: differences.is_empty(), differences })
            }
        }
    };
    let message = || "verify: recomputing all figures from the log".to_owned();
    let verdict = Progress::on_standard_error().beside(message, verifying).await?;
    for difference in &verdict.differences {
        println!("{}", plain(difference));
    }
    if verdict.consistent && verdict.differences.is_empty() {
        println!("consistent: every figure is what the log says");
        return Ok(ExitCode::SUCCESS);
    }
    let (count, more) = (verdict.differences.len(), verdict.differences.len() >= DIFFERENCES_MAX);
    println!("not consistent: {count} differences{}", if more { ", and perhaps more" } else { "" });
    Ok(ExitCode::FAILURE)
}
