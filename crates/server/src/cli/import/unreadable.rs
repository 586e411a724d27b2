//! Why a line or record of an input can't be made an event. The texts follow `FILE:LINE: ` on standard error, so they
//! never repeat what the line holds: it is a stranger's, and may be long or full of control characters.

use thiserror::Error;

/// Why one line or record was skipped.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum Unreadable {
    #[error("longer than {limit} bytes")]
    TooLong { limit: usize },
    #[error("not UTF-8")]
    NotUtf8,
    #[error("not a JSON object: {0}")]
    NotAnObject(String),

    #[error("no [day/Month/year:hour:minute:second offset] after the client's address")]
    NoTime,
    #[error("fewer than three fields before the time")]
    TooFewFields,
    #[error("no client address")]
    NoClient,
    #[error("no quoted request after the time")]
    NoRequest,
    #[error("the request is not HTTP")]
    NotHttp,
    #[error("the request's target has no path")]
    NoPath,
    #[error("no status after the request")]
    NoStatus,
    #[error("the size of the answer is not a number")]
    BadSize,

    #[error("{found} fields where the header has {expected}")]
    FieldCount { found: usize, expected: usize },
    #[error("`amount` is not a number")]
    AmountNotANumber,
    #[error("`properties` is not a JSON object: {0}")]
    PropertiesNotAnObject(String),
    #[error("`{0}` stands both in its own column and in `properties`")]
    StatedTwice(&'static str),
}
