//! What goes wrong with Redis, and what it means to whoever asked: the only place that knows Redis' error codes.

use std::time::Duration;

use footfall_ports::StoreError;
use redis::RedisError;

/// When a Redis that takes nothing now is worth another try.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// When a slot for a command may be free.
const BUSY_RETRY_AFTER: Duration = Duration::from_millis(100);

/// Why Redis didn't do what it was asked. None of the texts holds an address, a user or a password.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// It took too long.
    #[error("Redis did not answer in time")]
    Slow,
    /// A connection took too long to be made.
    #[error("no connection to Redis was made in time")]
    SlowConnect,
    /// There is no connection to be had.
    #[error("no connection to Redis: {0}")]
    NoConnection(RedisError),
    /// The connection broke.
    #[error("the connection to Redis broke: {0}")]
    Broken(RedisError),
    /// It is away, and was not asked.
    #[error("Redis is not asked for now: {reason}")]
    Away {
        /// What it failed with, in words for anyone.
        reason: &'static str,
        /// Until it is looked for again.
        retry_after: Duration,
    },
    /// Too many commands are under way.
    #[error("too many commands wait for Redis")]
    Busy,
    /// It answered that it can't do it now.
    #[error("{words}: {error}", words = .refusal.words())]
    Refused {
        /// Why, as far as it matters.
        refusal: Refusal,
        /// What it answered.
        error: RedisError,
    },
    /// It answered with another error.
    #[error("Redis refused the command: {0}")]
    Reply(RedisError),
    /// What it holds isn't what was written.
    #[error("Redis holds something else under that key: {0}")]
    Damaged(&'static str),
    /// The caller asks for more than the port allows.
    #[error("{0}")]
    Limit(&'static str),
    /// The runtime that commands run on has ended.
    #[error("the connection to Redis was closed, as the service stops")]
    Ended,
}

/// Why Redis takes no commands, or no writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refusal {
    /// It is reading its data.
    Loading,
    /// It follows another one.
    ReadOnly,
    /// Its memory is used up, and it may not evict.
    OutOfMemory,
    /// It can't save, and is set to take no writes then.
    CannotSave,
    /// Its primary or its cluster is away, or a script is running.
    Occupied,
}

impl Refusal {
    fn of(code: &str) -> Option<Self> {
        match code {
            "LOADING" => Some(Self::Loading),
            "READONLY" => Some(Self::ReadOnly),
            "OOM" => Some(Self::OutOfMemory),
            "MISCONF" => Some(Self::CannotSave),
            "MASTERDOWN" | "CLUSTERDOWN" | "TRYAGAIN" | "BUSY" => Some(Self::Occupied),
            _ => None,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Loading => "Redis is still loading its data",
            Self::ReadOnly => "Redis is a replica that takes no writes",
            Self::OutOfMemory => "Redis' memory is full, and it evicts nothing",
            Self::CannotSave => "Redis can't save its data, and takes no writes",
            Self::Occupied => "Redis is occupied, or has lost its primary",
        }
    }

    /// Whether another connection may lead to one that can: nothing is asked until it does. Without room it still gives
    /// what it has.
    const fn opens_the_circuit(self) -> bool {
        matches!(self, Self::Loading | Self::ReadOnly)
    }
}

impl Trouble {
    /// What a command's error means.
    pub(crate) fn of_command(error: RedisError) -> Self {
        let Some(code) = error.code() else { return Self::Broken(error) };
        // Before version 7 an error inside a script is wrapped: `ERR Error running script …: -OOM command not allowed`.
        let inner = || {
            let (_, inner) = error.detail()?.split_once(": -")?;
            Refusal::of(inner.split(' ').next()?)
        };
        match Refusal::of(code).or_else(inner) {
            Some(refusal) => Self::Refused { refusal, error },
            None => Self::Reply(error),
        }
    }

    /// What an error while connecting means.
    pub(crate) fn of_connecting(error: RedisError) -> Self {
        match Self::of_command(error) {
            Self::Broken(error) | Self::Reply(error) => Self::NoConnection(error),
            other => other,
        }
    }

    /// Whether nothing is to be asked for a while.
    pub(crate) const fn opens_the_circuit(&self) -> bool {
        match self {
            Self::Slow | Self::SlowConnect | Self::NoConnection(_) | Self::Broken(_) => true,
            Self::Refused { refusal, .. } => refusal.opens_the_circuit(),
            Self::Away { .. }
            | Self::Busy
            | Self::Reply(_)
            | Self::Damaged(_)
            | Self::Limit(_)
            | Self::Ended => false,
        }
    }

    /// The same in words that may be shown to anyone.
    pub(crate) fn words(&self) -> &'static str {
        match self {
            Self::Slow | Self::SlowConnect => "Redis does not answer in time",
            Self::NoConnection(error) if is_about_credentials(error) => "Redis refuses the user or password",
            Self::NoConnection(_) | Self::Broken(_) | Self::Ended => "Redis can't be reached",
            Self::Away { reason, .. } => reason,
            Self::Busy => "too many commands wait for Redis",
            Self::Refused { refusal, .. } => refusal.words(),
            Self::Reply(_) => "Redis refuses commands",
            Self::Damaged(_) => "Redis holds what can't be read",
            Self::Limit(what) => what,
        }
    }
}

fn is_about_credentials(error: &RedisError) -> bool {
    error.kind() == redis::ErrorKind::AuthenticationFailed
        || matches!(error.code(), Some("NOAUTH" | "WRONGPASS" | "NOPERM"))
}

impl From<Trouble> for StoreError {
    fn from(trouble: Trouble) -> Self {
        let retry_after = match &trouble {
            Trouble::Reply(_) | Trouble::Damaged(_) | Trouble::Limit(_) => {
                return Self::Failed(Box::new(trouble));
            }
            Trouble::Away { retry_after, .. } => *retry_after,
            Trouble::Busy => BUSY_RETRY_AFTER,
            Trouble::Slow
            | Trouble::SlowConnect
            | Trouble::NoConnection(_)
            | Trouble::Broken(_)
            | Trouble::Refused { .. }
            | Trouble::Ended => RETRY_AFTER,
        };
        Self::Unavailable { retry_after, source: Some(Box::new(trouble)) }
    }
}

#[cfg(test)]
mod tests {
    use redis::{ErrorKind, make_extension_error};

    use super::*;

    fn reply(code: &str, detail: &str) -> Trouble {
        Trouble::of_command(make_extension_error(code.to_owned(), Some(detail.to_owned())))
    }

    #[test]
    fn what_redis_may_do_later_is_unavailable_and_all_else_failed() {
        for (code, detail, is_unavailable) in [
            ("OOM", "command not allowed when used memory > 'maxmemory'", true),
            ("MISCONF", "Redis is configured to save RDB snapshots", true),
            ("LOADING", "Redis is loading the dataset in memory", true),
            ("READONLY", "You can't write against a read only replica", true),
            ("ERR", "Error running script (call to f_1): @user_script:4: -OOM command not allowed", true),
            ("ERR", "unknown command", false),
            ("WRONGTYPE", "Operation against a key holding the wrong kind of value", false),
            ("NOAUTH", "Authentication required.", false),
            ("MOVED", "3999 127.0.0.1:6381", false),
        ] {
            let error = StoreError::from(reply(code, detail));
            assert_eq!(matches!(error, StoreError::Unavailable { .. }), is_unavailable, "{code} {detail}");
        }
    }

    #[test]
    fn what_broke_the_connection_opens_the_circuit_and_a_full_memory_does_not() {
        assert!(Trouble::of_command(RedisError::from((ErrorKind::Io, "gone"))).opens_the_circuit());
        assert!(reply("LOADING", "").opens_the_circuit());
        assert!(!reply("OOM", "").opens_the_circuit());
        assert!(!reply("WRONGTYPE", "").opens_the_circuit());
    }

    #[test]
    fn a_refused_password_is_said_so() {
        for code in ["NOAUTH", "WRONGPASS"] {
            let trouble = Trouble::of_connecting(make_extension_error(code.to_owned(), None));
            assert_eq!(trouble.words(), "Redis refuses the user or password");
            assert!(trouble.opens_the_circuit());
        }
    }
}
