//! Newline-delimited JSON: each line is a canonical event (the contract's table) and is sent as it stands; all that is
//! ever added is an `event_id`. Whether the event is valid is the server's to say.

use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::json;
use crate::unreadable::Unreadable;

/// The longest line that is read, in bytes: an event's properties may have 32 KiB, and escapes and white space cost more on
/// the way.
pub const MAX_LINE_BYTES: usize = 1 << 20;

#[derive(Deserialize)]
struct Identity<'a> {
    #[serde(borrow, default, deserialize_with = "json::present")]
    event_id: Option<&'a RawValue>,
}

/// Appends the event of `line` to `out`, with an id of `fresh_id` when it has none or `null`.
///
/// # Errors
/// When the line isn't one JSON object in UTF-8; `out` is as it was then.
pub fn write_event(
    line: &[u8],
    fresh_id: impl FnOnce(&[u8]) -> Uuid,
    out: &mut Vec<u8>,
) -> Result<(), Unreadable> {
    let text = json::text_of(line)?;
    let identity: Identity<'_> = json::object(text).map_err(Unreadable::NotAnObject)?;
    match identity.event_id {
        None => json::write_with_member(text, &format!(r#""event_id":"{}""#, fresh_id(line)), out),
        Some(value) if value.get() == "null" => {
            // The server would give such an event a new id each time it comes.
            let start = value.get().as_ptr() as usize - text.as_ptr() as usize;
            out.extend_from_slice(&text.as_bytes()[..start]);
            out.extend_from_slice(format!(r#""{}""#, fresh_id(line)).as_bytes());
            out.extend_from_slice(&text.as_bytes()[start + "null".len()..]);
        }
        Some(_) => out.extend_from_slice(text.as_bytes()),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(line: &[u8]) -> Result<String, Unreadable> {
        let mut out = Vec::new();
        write_event(line, |_| Uuid::from_u128(7), &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    const ID: &str = "00000000-0000-0000-0000-000000000007";

    #[test]
    fn an_event_with_an_id_is_sent_as_it_stands() {
        for line in [
            r#"{"event_id":"x","event_type":"click","unknown":[1.10,1e400]}"#,
            r#"{ "user_id" : 1 , "\u0065vent_id" : "" }"#,
            r#"{"event_id":5}"#,
        ] {
            assert_eq!(event(line.as_bytes()).unwrap(), line);
        }
    }

    #[test]
    fn an_event_without_an_id_gets_one_and_loses_nothing() {
        let cases = [
            (r"{}", format!(r#"{{"event_id":"{ID}"}}"#)),
            (r" { } ", format!(r#"{{"event_id":"{ID}"}}"#)),
            (
                r#"{ "b": 1.10, "a": {"event_id": 1}}"#,
                format!(r#"{{"event_id":"{ID}","b": 1.10, "a": {{"event_id": 1}}}}"#),
            ),
            (r#"{"a":1, "event_id": null , "b":2}"#, format!(r#"{{"a":1, "event_id": "{ID}" , "b":2}}"#)),
        ];
        for (line, expected) in cases {
            let sent = event(line.as_bytes()).unwrap();
            assert_eq!(sent, expected);
            assert!(serde_json::from_str::<serde_json::Value>(&sent).is_ok(), "{sent}");
        }
    }

    #[test]
    fn what_is_not_one_object_is_unreadable() {
        for line in [
            "[]",
            "[\"x\"]",
            "1",
            "\"{}\"",
            "{",
            "{} {}",
            "{\"a\":}",
            "{\"event_id\":1,\"event_id\":2}",
            "nonsense",
        ] {
            assert!(matches!(event(line.as_bytes()), Err(Unreadable::NotAnObject(_))), "{line}");
        }
        assert_eq!(event(b"{\"a\":\"\xff\"}"), Err(Unreadable::NotUtf8));
    }

    #[test]
    fn the_reason_says_what_is_wrong() {
        let reason = event(b"{\"a\":}").unwrap_err().to_string();
        assert!(reason.starts_with("not a JSON object: expected value"), "{reason}");
    }
}
