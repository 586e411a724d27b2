//! `footfall stream`: made-up events as they would come from a live site, stamped with now.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use footfall_traffic::Seed;

use super::reach::ServerArgs;
use super::traffic::{self, KindArgs, Labels, Plan, Rate, Supply, Times, TrafficError};
use crate::config::Config;
use crate::runtime;

const LARGEST_DEFAULT_BATCH: f64 = 500.0;

/// Sends made-up events at a steady rate, until Ctrl-C or as long as it was told to.
#[derive(Args)]
pub(crate) struct StreamArgs {
    /// How many events a second
    #[arg(long, value_name = "R", default_value = "100")]
    rate: Rate,
    /// How many events [default: without end]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// How long, such as 30s or 2h [default: without end]
    #[arg(long = "for", value_name = "DURATION", value_parser = humantime::parse_duration)]
    lasts: Option<Duration>,
    #[command(flatten)]
    kind: KindArgs,
    /// What the events follow from, to have the same ones again [default: another one each time]
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// How many requests at the same time
    #[arg(long, value_name = "C", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    concurrency: u8,
    /// How many events a request; 1: each as one JSON object, or for mail by PUT /events/{domain}/… [default: those of a
    /// tenth of a second, at most 500]
    #[arg(long, value_name = "B", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    batch_size: Option<u16>,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs inside actix's runtime.
///
/// # Errors
/// When there is no server, or it doesn't take all.
pub(crate) async fn run(args: StreamArgs, config: &Config) -> Result<ExitCode, TrafficError> {
    let number = args.seed.unwrap_or_else(runtime::fresh_seed);
    let per_second = args.rate.per_second();
    let batch_size = args.batch_size.unwrap_or((per_second / 10.0).clamp(1.0, LARGEST_DEFAULT_BATCH) as u16);
    let source = args.kind.source(Seed::live(number), per_second);
    let plan = Plan {
        name: "stream",
        labels: Labels::EVENTS,
        count: args.count,
        seed: number,
        supply: Supply::new(source, Times::Now, batch_size, args.count),
        rate: Some(args.rate),
        lasts: args.lasts,
        concurrency: args.concurrency,
        ends_by_signal: true,
    };
    traffic::run(plan, &args.server, config).await
}
