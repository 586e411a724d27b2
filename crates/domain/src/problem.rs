//! What can be wrong with something a client sent: a stable code, where it stands, and a sentence for people.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

/// The stable, lower-case words by which programs tell errors apart. Never renamed, only added to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Code {
    /// A cursor that this service did not make, or made for another query.
    BadCursor,
    /// Text that is empty or holds only white space where a value is needed.
    Blank,
    /// The same member twice in one object, where only one can be meant.
    DuplicateMember,
    /// A batch without a single event.
    EmptyBatch,
    /// Not a mail domain or host name.
    InvalidDomain,
    /// Not a page: neither an absolute http(s) URL nor a path.
    InvalidUrl,
    /// A key for idempotency that was used before, for something else.
    KeyReused,
    /// Half of a UTF-16 surrogate pair: no character, and no text that could be stored.
    LoneSurrogate,
    /// Not JSON, or not the text that the place calls for.
    Malformed,
    /// Not a timestamp as RFC 3339 writes it.
    NotATimestamp,
    /// Not a UUID.
    NotAUuid,
    /// Not one of the values that the place knows.
    NotOneOf,
    /// A NUL character, which not every store can keep.
    NulCharacter,
    /// A number, time or range outside what is allowed.
    OutOfRange,
    /// Something that must be there is missing.
    Required,
    /// The properties break the JSON Schema of their event type.
    SchemaViolation,
    /// Nested deeper than allowed.
    TooDeep,
    /// More bytes than allowed.
    TooLarge,
    /// More characters than allowed.
    TooLong,
    /// More events in one request than allowed.
    TooManyEvents,
    /// An event type that is not registered.
    UnknownEventType,
    /// A query parameter that the endpoint does not know.
    UnknownParameter,
    /// Not a time zone of the IANA database.
    UnknownTimeZone,
    /// A JSON value of another type than the one expected.
    WrongType,
}

impl Code {
    /// Every code, in the order of their declaration.
    pub const ALL: [Self; 24] = [
        Self::BadCursor,
        Self::Blank,
        Self::DuplicateMember,
        Self::EmptyBatch,
        Self::InvalidDomain,
        Self::InvalidUrl,
        Self::KeyReused,
        Self::LoneSurrogate,
        Self::Malformed,
        Self::NotATimestamp,
        Self::NotAUuid,
        Self::NotOneOf,
        Self::NulCharacter,
        Self::OutOfRange,
        Self::Required,
        Self::SchemaViolation,
        Self::TooDeep,
        Self::TooLarge,
        Self::TooLong,
        Self::TooManyEvents,
        Self::UnknownEventType,
        Self::UnknownParameter,
        Self::UnknownTimeZone,
        Self::WrongType,
    ];

    /// The word as clients see it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadCursor => "bad_cursor",
            Self::Blank => "blank",
            Self::DuplicateMember => "duplicate_member",
            Self::EmptyBatch => "empty_batch",
            Self::InvalidDomain => "invalid_domain",
            Self::InvalidUrl => "invalid_url",
            Self::KeyReused => "key_reused",
            Self::LoneSurrogate => "lone_surrogate",
            Self::Malformed => "malformed",
            Self::NotATimestamp => "not_a_timestamp",
            Self::NotAUuid => "not_a_uuid",
            Self::NotOneOf => "not_one_of",
            Self::NulCharacter => "nul_character",
            Self::OutOfRange => "out_of_range",
            Self::Required => "required",
            Self::SchemaViolation => "schema_violation",
            Self::TooDeep => "too_deep",
            Self::TooLarge => "too_large",
            Self::TooLong => "too_long",
            Self::TooManyEvents => "too_many_events",
            Self::UnknownEventType => "unknown_event_type",
            Self::UnknownParameter => "unknown_parameter",
            Self::UnknownTimeZone => "unknown_time_zone",
            Self::WrongType => "wrong_type",
        }
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One thing that is wrong: where, what, and what to do about it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct FieldError {
    /// An RFC 6901 JSON pointer into the body (or the batch's item), or `query:NAME`. Empty: the whole of it.
    pub pointer: Cow<'static, str>,
    /// The stable word for programs.
    pub code: Code,
    /// A sentence for people. May change at any time.
    pub message: Cow<'static, str>,
}

impl FieldError {
    /// An error at the place that the pointer names.
    pub fn new(
        pointer: impl Into<Cow<'static, str>>,
        code: Code,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { pointer: pointer.into(), code, message: message.into() }
    }

    /// An error in the query parameter of that name.
    pub fn in_query(name: &str, code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(format!("query:{name}"), code, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_at_its_place() {
        assert!(Code::ALL.iter().enumerate().all(|(place, code)| *code as usize == place));
    }
}
