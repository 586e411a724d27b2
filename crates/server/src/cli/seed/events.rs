//! `footfall seed events`.

use std::process::ExitCode;

use clap::Args;
use footfall_ports::Clock;
use footfall_traffic::{Seed, Spread};

use crate::cli::reach::ServerArgs;
use crate::cli::traffic::{self, KindArgs, Labels, Plan, Rate, Supply, Times, TrafficError};
use crate::config::Config;
use crate::runtime::SystemClock;

const DAY_SECONDS: f64 = 86_400.0;

/// Sends made-up events that happened in the days before now. The same seed gives the same event ids: running it again
/// counts nothing twice.
#[derive(Args)]
pub(crate) struct EventsArgs {
    /// How many events
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
    #[command(flatten)]
    kind: KindArgs,
    /// Over how many days before now they are spread
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=36_500))]
    days: u16,
    /// What the events follow from: another number gives others
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// How many events a second [default: as fast as the server takes them]
    #[arg(long, value_name = "R")]
    rate: Option<Rate>,
    /// How many requests at the same time
    #[arg(long, value_name = "C", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    concurrency: u8,
    /// How many events a request; 1: each as one JSON object, or for mail by PUT /events/{domain}/…
    #[arg(long, value_name = "B", default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    batch_size: u16,
    #[command(flatten)]
    server: ServerArgs,
}

/// # Errors
/// When there is no server, or it doesn't take all.
pub(super) async fn run(args: EventsArgs, config: &Config) -> Result<ExitCode, TrafficError> {
    let (seed, count) = (Seed::past(args.seed), u64::from(args.count));
    let per_second = f64::from(args.count) / (f64::from(args.days) * DAY_SECONDS);
    let spread = Spread::new(seed, SystemClock.now(), args.days, count);
    let supply = Supply::new(
        args.kind.source(seed, per_second),
        Times::Past(Box::new(spread)),
        args.batch_size,
        Some(count),
    );
    let plan = Plan {
        name: "seed events",
        labels: Labels::EVENTS,
        count: Some(count),
        seed: args.seed,
        supply,
        rate: args.rate,
        lasts: None,
        concurrency: args.concurrency,
        ends_by_signal: false,
    };
    traffic::run(plan, &args.server, config).await
}
