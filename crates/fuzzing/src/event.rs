//! A single event, as the service judges it; and what all events that importers make have in common.

use std::sync::LazyLock;

use footfall_domain::event::{EventBatch, EventId};
use footfall_domain::json::Scanner;
use footfall_domain::problem::FieldError;
use footfall_domain::time::Timestamp;
use footfall_domain::types::EventTypes;
use footfall_domain::validate::{Envelope, Receipt, Rules};
use footfall_services::read_types;
use serde_json::Value;

/// When everything is received: 2025-06-01T00:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp::from_micros_clamped(1_748_736_000_000_000);
/// The identity of events that bring none.
pub(crate) const FRESH: EventId = EventId::from_bytes([7; 16]);
/// Besides the built-in types one with a schema, whose errors point at what the client chose the names of.
const TYPES: &str = r#"{"types": [{"name": "form", "user_id": "optional", "schema": {
    "type": "object", "required": ["a"], "properties": {"a": {"type": "array", "items": {"type": "integer"}}},
    "additionalProperties": {"type": "object", "maxProperties": 1}}}]}"#;

/// The rules, for all inputs: compiling the schema anew would be most of the time.
pub(crate) static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let mut types = EventTypes::default();
    read_types(TYPES, &mut types).expect("the types can be used");
    Rules { types, ..Rules::default() }
});

/// What the service makes of one event.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// It is not JSON.
    Malformed,
    /// The words for what is wrong with it.
    Refused(Vec<&'static str>),
    /// The record that would be stored.
    Valid(Vec<u8>),
}

/// Judges one event alone, and holds what is said of it to what it holds.
pub(crate) fn judge(event: &[u8]) -> Verdict {
    let text = std::str::from_utf8(event).expect("an event is UTF-8");
    let mut scanner = Scanner::new(text);
    let envelope = Envelope::read(&mut scanner);
    let Ok(envelope) = envelope.and_then(|envelope| scanner.end().map(|()| envelope)) else {
        return Verdict::Malformed;
    };
    let mut batch = EventBatch::default();
    let mut receipt = Receipt { now: NOW, oldest: Timestamp::MIN, new_id: &mut || FRESH };
    match envelope.validate(&RULES, &mut receipt, &mut batch) {
        Ok(id) => {
            assert_eq!(batch.get(0).id(), id, "another id than was told");
            Verdict::Valid(batch.get(0).record().to_vec())
        }
        Err(errors) => {
            assert!(batch.is_empty(), "a refused event in the batch");
            check_errors(&errors, text);
            Verdict::Refused(errors.iter().map(|error| error.code.as_str()).collect())
        }
    }
}

/// Errors are few, and point into the event: at what is there, or, where something is missing, at what would be.
pub(crate) fn check_errors(errors: &[FieldError], event: &str) {
    assert!((1..=20).contains(&errors.len()), "{} errors", errors.len());
    // A pointer into what stands twice leads to either (RFC 6901, §4), and a value keeps the last.
    let is_ambiguous = errors.iter().any(|error| error.code.as_str() == "duplicate_member");
    let value: Option<Value> = serde_json::from_str(event).ok().filter(|_| !is_ambiguous);
    for error in errors {
        let pointer = &*error.pointer;
        assert!(is_pointer(pointer), "{pointer:?} is no JSON pointer");
        assert!(!error.message.is_empty(), "nothing for people to read");
        let place = if error.code.as_str() == "required" {
            pointer.rsplit_once('/').map_or("", |(parent, _)| parent)
        } else {
            pointer
        };
        if let Some(value) = &value {
            // `required` of something in properties that are not there at all stands for both.
            let is_there = value.pointer(place).is_some() || place == "/properties";
            assert!(is_there, "{pointer:?} ({}) leads nowhere in {event}", error.code.as_str());
        }
    }
}

/// By RFC 6901 §3.
fn is_pointer(text: &str) -> bool {
    let is_escaped = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    (text.is_empty() || text.starts_with('/')) && is_escaped
}

/// An imported event: one line that is a JSON object with an id.
pub(crate) fn one_line(event: &[u8]) -> Value {
    assert!(!event.iter().any(|byte| matches!(byte, b'\n' | b'\r')), "more than a line");
    // Numbers may be beyond what serde_json keeps in a value, so only those that it takes are looked into.
    serde_json::from_slice::<&serde_json::value::RawValue>(event).expect("it is JSON");
    let value: Value = serde_json::from_slice(event).unwrap_or(Value::Null);
    assert!(value.is_null() || value.get("event_id").is_some(), "no id");
    value
}
