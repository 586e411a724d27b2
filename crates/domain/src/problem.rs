//! What can be wrong with something a client sent: a stable code, where it stands, and a sentence for people.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $code:ident = $word:literal,)+) => {
        /// The stable, lower-case words by which programs tell errors apart. Never renamed, only added to.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        pub enum Code {
            $($(#[doc = $doc])+ $code,)+
        }

        impl Code {
            /// Every one there is.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$code),+];

            /// The word as clients see it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$code => $word,)+
                }
            }
        }
    };
}

codes! {
    /// A cursor that this service did not make, or made for another query.
    BadCursor = "bad_cursor",
    /// Text that is empty or holds only white space where a value is needed.
    Blank = "blank",
    /// The same member twice in one object, where only one can be meant.
    DuplicateMember = "duplicate_member",
    /// A batch without a single event.
    EmptyBatch = "empty_batch",
    /// Not a mail domain or host name.
    InvalidDomain = "invalid_domain",
    /// Not a page: neither an absolute http(s) URL nor a path.
    InvalidUrl = "invalid_url",
    /// A key for idempotency that was used before, for something else.
    KeyReused = "key_reused",
    /// Half of a UTF-16 surrogate pair: no character, and no text that could be stored.
    LoneSurrogate = "lone_surrogate",
    /// Not JSON, or not the text that the place calls for.
    Malformed = "malformed",
    /// Not a timestamp as RFC 3339 writes it.
    NotATimestamp = "not_a_timestamp",
    /// Not a UUID.
    NotAUuid = "not_a_uuid",
    /// Not one of the values that the place knows.
    NotOneOf = "not_one_of",
    /// A NUL character, which not every store can keep.
    NulCharacter = "nul_character",
    /// A number, time or range outside what is allowed.
    OutOfRange = "out_of_range",
    /// Something that must be there is missing.
    Required = "required",
    /// The properties break the JSON Schema of their event type.
    SchemaViolation = "schema_violation",
    /// Nested deeper than allowed.
    TooDeep = "too_deep",
    /// More bytes than allowed.
    TooLarge = "too_large",
    /// More characters than allowed.
    TooLong = "too_long",
    /// More events in one request than allowed.
    TooManyEvents = "too_many_events",
    /// An event type that is not registered.
    UnknownEventType = "unknown_event_type",
    /// A query parameter that the endpoint does not know.
    UnknownParameter = "unknown_parameter",
    /// Not a time zone of the IANA database.
    UnknownTimeZone = "unknown_time_zone",
    /// A JSON value of another type than the one expected.
    WrongType = "wrong_type",
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
