//! `footfall seed`: made-up events of the past, and made-up memberships in segments. Running the same again counts nothing
//! twice.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use self::events::EventsArgs;
use self::users::UsersArgs;
use super::traffic::TrafficError;
use crate::config::Config;

mod events;
mod users;

/// Fills a running server with made-up data.
#[derive(Args)]
pub(crate) struct SeedArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Events of a site, or of a mail system, over the days before now
    Events(EventsArgs),
    /// Users in segments
    Users(UsersArgs),
}

/// Runs inside actix's runtime.
///
/// # Errors
/// When there is no server, or it doesn't take all.
pub(crate) async fn run(args: SeedArgs, config: &Config) -> Result<ExitCode, TrafficError> {
    match args.what {
        What::Events(args) => events::run(args, config).await,
        What::Users(args) => users::run(args, config).await,
    }
}
