//! The `footfall` binary: what its commands are, and where each leads.

mod cli;
mod config;
mod health;
mod jobs;
mod listen;
mod logging;
mod open_files;
mod runtime;
mod stop;
mod telemetry;
mod tls;
mod traces;
mod wire;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::cli::backup::BackupArgs;
use crate::cli::calculate_metrics::CalculateMetricsArgs;
use crate::cli::export::ExportArgs;
use crate::cli::import::ImportArgs;
use crate::cli::reach::Address;
use crate::cli::refresh_segments::RefreshSegmentsArgs;
use crate::cli::seed::SeedArgs;
use crate::cli::stream::StreamArgs;
use crate::cli::verify::VerifyArgs;
use crate::config::Config;
use crate::traces::Collected;

/// A request makes a dozen small allocations, and events many more: see docs/adr/0006-dependencies.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Event tracking and analytics: events in, exact answers out.
#[derive(Parser)]
#[command(name = "footfall", version, arg_required_else_help = true)]
struct Arguments {
    /// Configuration file [default: footfall.toml, if it is there]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start the service
    Serve,
    /// Bring the database's schema up, for the postgres backend
    Migrate,
    /// Import events from files; safe to run twice
    Import(ImportArgs),
    /// Export stored events, in a form that import takes
    Export(ExportArgs),
    /// Fill a running server with made-up events or users
    Seed(SeedArgs),
    /// Send made-up events to a running server as they would come from a live site
    Stream(StreamArgs),
    /// Copy the embedded store, also while a server uses it
    Backup(BackupArgs),
    /// Recompute all figures from the log and compare; exit status 0 or 1
    Verify(VerifyArgs),
    /// Compute users' activity by 4-hour window; for a cron job
    CalculateMetrics(CalculateMetricsArgs),
    /// Take the snapshot of the segments' counts now
    RefreshSegments(RefreshSegmentsArgs),
    /// Show the effective configuration
    Config,
    /// Ask a running server whether it is ready; exit status 0 or 1
    Healthcheck {
        /// The server [default: the configured address]
        #[arg(long, value_name = "URL")]
        server: Option<String>,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match Config::load(arguments.config.as_deref())
        .map_err(Into::into)
        .and_then(|config| run(arguments.command, &config))
    {
        Ok(code) => code,
        Err(error) => {
            eprintln!("footfall: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command, config: &Config) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let system = actix_web::rt::System::new();
    match command {
        Command::Serve => {
            let traces = config.otlp.as_ref().map(Collected::start).transpose()?;
            logging::start(&config.log, traces.as_ref());
            system.block_on(wire::serve(config, traces))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Migrate => Ok(system.block_on(cli::migrate::run(config))?),
        Command::Import(arguments) => Ok(system.block_on(cli::import::run(arguments, config))?),
        Command::Export(arguments) => Ok(system.block_on(cli::export::run(arguments, config))?),
        Command::Seed(arguments) => Ok(system.block_on(cli::seed::run(arguments, config))?),
        Command::Stream(arguments) => Ok(system.block_on(cli::stream::run(arguments, config))?),
        Command::Backup(arguments) => cli::backup::run(&arguments, config).map(|()| ExitCode::SUCCESS),
        Command::Verify(arguments) => Ok(system.block_on(cli::verify::run(arguments, config))?),
        Command::CalculateMetrics(arguments) => {
            Ok(system.block_on(cli::calculate_metrics::run(arguments, config))?)
        }
        Command::RefreshSegments(arguments) => {
            Ok(system.block_on(cli::refresh_segments::run(arguments, config))?)
        }
        Command::Config => {
            cli::config::show(config);
            Ok(ExitCode::SUCCESS)
        }
        Command::Healthcheck { server } => {
            Ok(system.block_on(cli::healthcheck::run(&Address::of(server.as_deref(), config))))
        }
    }
}
