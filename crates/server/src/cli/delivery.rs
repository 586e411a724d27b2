//! Sending the same thing until the server has answered for it, with bounded patience.

use std::time::Duration;

use thiserror::Error;
use tokio::sync::watch;
use tokio::time::Instant;

use super::verdict::Verdict;

/// How long what finds no server, or an overloaded one, is tried again.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What became of it.
#[derive(Debug)]
pub(crate) enum Delivery<T> {
    /// It is answered for.
    Settled(T),
    /// It is over one of the server's limits.
    TooLarge,
    /// The run was stopped before.
    Stopped,
}

/// Why going on makes no sense.
#[derive(Debug, Error)]
pub(crate) enum Undelivered {
    /// Whatever takes it won't take it from this run.
    #[error("{target} refuses: {why}")]
    Refused {
        /// Its address or name.
        target: String,
        /// Its words.
        why: String,
    },
    /// It was away or overloaded for too long.
    #[error("{target} took nothing for {}: {why}", humantime::format_duration(*patience))]
    GaveUp {
        /// Its address or name.
        target: String,
        /// For how long it was tried.
        patience: Duration,
        /// What came of the last try.
        why: String,
    },
}

/// Makes the `attempt` at `target` as often as it takes, or until `stop` is true. Each must send the same identities, so
/// that what was taken already counts once.
///
/// # Errors
/// When it is refused, or was not taken for as long as `patience`.
pub(crate) async fn deliver<T>(
    target: &str,
    patience: Duration,
    stop: &mut watch::Receiver<bool>,
    attempt: impl AsyncFn() -> Verdict<T>,
) -> Result<Delivery<T>, Undelivered> {
    let mut first_failure: Option<Instant> = None;
    let mut wait = FIRST_WAIT;
    loop {
        let (asked_for, why) = match attempt().await {
            Verdict::Settled(answer) => return Ok(Delivery::Settled(answer)),
            Verdict::TooLarge => return Ok(Delivery::TooLarge),
            Verdict::Later { after, why } => (after, why),
            Verdict::Refused(why) => return Err(Undelivered::Refused { target: target.to_owned(), why }),
        };
        let give_up_at = *first_failure.get_or_insert_with(Instant::now) + patience;
        let again_at = Instant::now() + asked_for.unwrap_or(wait).max(FIRST_WAIT);
        if again_at > give_up_at {
            return Err(Undelivered::GaveUp { target: target.to_owned(), patience, why });
        }
        wait = (wait * 2).min(LONGEST_WAIT);
        tokio::select! {
            biased;
            // An error means that the run is over as well.
            _ = stop.wait_for(|&stop| stop) => return Ok(Delivery::Stopped),
            () = tokio::time::sleep_until(again_at) => {}
        }
    }
}
