//! What goes wrong with the database, and what it means to whoever asked: the only place that knows SQLSTATEs.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::PoolError;
use footfall_event_blocks::Damage;
use footfall_ports::StoreError;
use tokio_postgres::error::SqlState;

use crate::connect::UrlError;

/// When a database that doesn't answer is worth another try.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// When room may have come back.
const FULL_RETRY_AFTER: Duration = Duration::from_secs(10);

/// Why the database didn't do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DatabaseError {
    /// It said so, or the connection broke.
    #[error("the database failed: {}", told(.0))]
    Database(#[from] tokio_postgres::Error),
    /// There is no connection to be had.
    #[error("no connection to the database: {0}")]
    NoConnection(String),
    /// It took too long.
    #[error("the database did not answer in time")]
    Slow,
    /// What it holds isn't what was written.
    #[error("the data is damaged: {0}")]
    Damaged(#[from] Damage),
    /// Something of the log that this relied on has changed meanwhile.
    #[error("{0}")]
    Changed(&'static str),
}

/// Why a store can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A setting can't be used.
    #[error("the database's URL {0}")]
    Url(#[from] UrlError),
    /// The schema isn't there or can't be brought up.
    #[error("{0}")]
    Schema(String),
    /// The database can't be reached, or fails.
    #[error("{0}")]
    Database(String),
    /// The system gives no threads.
    #[error("no threads to work with: {0}")]
    Threads(#[from] std::io::Error),
}

impl From<DatabaseError> for OpenError {
    fn from(error: DatabaseError) -> Self {
        Self::Database(error.to_string())
    }
}

impl From<PoolError> for DatabaseError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => Self::Database(error),
            PoolError::Timeout(_) => {
                Self::NoConnection("all of them are in use, or none is made in time".into())
            }
            other => Self::NoConnection(other.to_string()),
        }
    }
}

impl DatabaseError {
    fn state(&self) -> Option<&SqlState> {
        match self {
            Self::Database(error) => error.code(),
            _ => None,
        }
    }

    /// Whether an identity was stored already.
    pub(crate) fn is_duplicate(&self) -> bool {
        self.state() == Some(&SqlState::UNIQUE_VIOLATION)
    }

    /// Whether a statement found things other than it relied on: a lane that is someone else's, or a membership that another one
    /// has made. By a division that [`crate::statements::APPEND`] and [`crate::statements::JOIN`] have for it.
    pub(crate) fn is_lost_race(&self) -> bool {
        self.state() == Some(&SqlState::DIVISION_BY_ZERO)
    }

    /// Whether the server has said that nothing was done. A connection that breaks leaves that open.
    pub(crate) fn is_refusal(&self) -> bool {
        let breaks = |code: &str| code.starts_with("08") || code.starts_with("57P");
        self.state().is_some_and(|state| !breaks(state.code()))
    }

    /// Whether there is no such table.
    pub(crate) fn is_missing_table(&self) -> bool {
        self.state() == Some(&SqlState::UNDEFINED_TABLE)
    }

    /// Whether nothing was done, and trying again at once is right.
    pub(crate) fn is_collision(&self) -> bool {
        matches!(self.state(), Some(&SqlState::T_R_DEADLOCK_DETECTED | &SqlState::T_R_SERIALIZATION_FAILURE))
    }
}

/// What the server said, or what the driver says, without what was sent.
fn told(error: &tokio_postgres::Error) -> String {
    use std::error::Error as _;
    match (error.as_db_error(), error.source()) {
        (Some(told), _) => format!("{} ({})", told.message(), told.code().code()),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}

impl From<DatabaseError> for StoreError {
    fn from(error: DatabaseError) -> Self {
        Arc::new(error).for_one()
    }
}

impl DatabaseError {
    /// The same error for each of several who waited.
    pub(crate) fn for_one(self: Arc<Self>) -> StoreError {
        let error = self;
        let code = error.state().map(|state| state.code().to_owned());
        // What the service itself has asked wrongly: values, constraints, syntax, and damage that the database found.
        let is_failure = |code: &str| ["22", "23", "42", "XX"].iter().any(|class| code.starts_with(class));
        match (&*error, code.as_deref()) {
            (_, Some("53100")) => StoreError::Full { retry_after: FULL_RETRY_AFTER },
            (Self::Damaged(_), _) => StoreError::Failed(Box::new(error)),
            (Self::Database(_), Some(code)) if is_failure(code) => StoreError::Failed(Box::new(error)),
            // No answer, shutting down, starting, too many connections, read only, locked, cancelled, out of memory.
            _ => StoreError::Unavailable { retry_after: RETRY_AFTER, source: Some(Box::new(error)) },
        }
    }
}
