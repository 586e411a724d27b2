//! `footfall seed users`.

use std::process::ExitCode;

use clap::Args;
use footfall_traffic::{Seed, Users};

use crate::cli::reach::ServerArgs;
use crate::cli::traffic::{self, Labels, Plan, Rate, Source, Supply, Times, TrafficError};
use crate::config::Config;

/// Puts made-up users into segments, each membership once, until some time within the next four weeks. Running it again renews
/// them.
#[derive(Args)]
pub(crate) struct UsersArgs {
    /// How many memberships; a user is in one to four segments
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
    /// How many segments there are
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    segments: u32,
    /// What the memberships follow from: another number gives others
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// How many memberships a second [default: as fast as the server takes them]
    #[arg(long, value_name = "R")]
    rate: Option<Rate>,
    /// How many requests at the same time
    #[arg(long, value_name = "C", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    concurrency: u8,
    /// How many memberships a request; 1: each as one JSON object
    #[arg(long, value_name = "B", default_value_t = 1_000, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    batch_size: u16,
    #[command(flatten)]
    server: ServerArgs,
}

/// # Errors
/// When there is no server, or it doesn't take all.
pub(super) async fn run(args: UsersArgs, config: &Config) -> Result<ExitCode, TrafficError> {
    let count = Some(u64::from(args.count));
    let users = Users::new(Seed::past(args.seed), args.segments);
    let plan = Plan {
        name: "seed users",
        labels: Labels::USERS,
        count,
        seed: args.seed,
        supply: Supply::new(Source::Users(Box::new(users)), Times::Now, args.batch_size, count),
        rate: args.rate,
        lasts: None,
        concurrency: args.concurrency,
        ends_by_signal: false,
    };
    traffic::run(plan, &args.server, config).await
}
