//! Why a line or record of an input can't be made an event. The texts follow `FILE:LINE: ` on standard error, so they
//! never repeat what the line holds: it is a stranger's, and may be long or full of control characters.

use thiserror::Error;

/// Why one line or record was skipped.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unreadable {
    /// More bytes than are read of a line.
    #[error("longer than {limit} bytes")]
    TooLong {
        /// So many are read.
        limit: usize,
    },
    /// Bytes that are no text.
    #[error("not UTF-8")]
    NotUtf8,
    /// A line that is no JSON object, and why not.
    #[error("not a JSON object: {0}")]
    NotAnObject(String),

    /// No time as access logs write it.
    #[error("no [day/Month/year:hour:minute:second offset] after the client's address")]
    NoTime,
    /// Something before the time is missing.
    #[error("fewer than three fields before the time")]
    TooFewFields,
    /// Nobody who asked.
    #[error("no client address")]
    NoClient,
    /// No request line.
    #[error("no quoted request after the time")]
    NoRequest,
    /// A request line of another protocol, or none at all.
    #[error("the request is not HTTP")]
    NotHttp,
    /// A request for no page.
    #[error("the request's target has no path")]
    NoPath,
    /// No status of the answer.
    #[error("no status after the request")]
    NoStatus,
    /// An odd size of the answer.
    #[error("the size of the answer is not a number")]
    BadSize,

    /// A record of another length than the header.
    #[error("{found} fields where the header has {expected}")]
    FieldCount {
        /// The record's cells.
        found: usize,
        /// The header's names.
        expected: usize,
    },
    /// A price that is no JSON number.
    #[error("`amount` is not a number")]
    AmountNotANumber,
    /// Properties that are no JSON object, and why not.
    #[error("`properties` is not a JSON object: {0}")]
    PropertiesNotAnObject(String),
    /// A property with a column that the properties hold too.
    #[error("`{0}` stands both in its own column and in `properties`")]
    StatedTwice(&'static str),
}
