//! The commands other than `serve`.

pub(crate) mod backup;
pub(crate) mod calculate_metrics;
pub(crate) mod client;
pub(crate) mod config;
mod delivery;
pub(crate) mod download;
pub(crate) mod export;
pub(crate) mod healthcheck;
pub(crate) mod import;
pub(crate) mod migrate;
pub(crate) mod progress;
pub(crate) mod reach;
pub(crate) mod refresh_segments;
pub(crate) mod seed;
pub(crate) mod stream;
mod traffic;
mod trust;
mod verdict;
pub(crate) mod verify;

/// What a shell makes of a process that Ctrl-C ended: 128 and SIGINT.
const EXIT_INTERRUPTED: u8 = 130;

/// An error and what lies beneath it, in one line: a command has no log that would have the rest.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let below = std::iter::successors(error.source(), |error| error.source());
    below.fold(error.to_string(), |text, error| format!("{text}: {error}"))
}

/// What a noun has after a number.
const fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// A text as it may be printed: what a server or a file said must not steer the terminal.
fn plain(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}
