//! Structured logs on standard error, and spans to whoever collects them.

use footfall_ports::SPANS;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use crate::config::Log;
use crate::traces::{Collected, OnlyFollowed};

/// Starts logging. Called once, by the command that serves.
pub(crate) fn start(log: &Log, traces: Option<&Collected>) {
    let filter = EnvFilter::try_new(&log.level).unwrap_or_else(|_| EnvFilter::new("info"));
    // Spans by which requests are followed are no part of the log, whatever its level.
    let filter = match format!("{SPANS}=off").parse() {
        Ok(without_spans) => filter.add_directive(without_spans),
        Err(_) => filter,
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = if log.json {
        lines.json().flatten_event(true).with_filter(filter).boxed()
    } else {
        let ansi = std::io::IsTerminal::is_terminal(&std::io::stderr());
        lines.with_ansi(ansi).with_filter(filter).boxed()
    };
    let spans = traces.map(Collected::layer);
    tracing_subscriber::registry().with(lines).with(spans).with(traces.map(|_| OnlyFollowed)).init();
}
