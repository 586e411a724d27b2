//! Small helpers for what is sent and what is shown.

use serde_json::Value;

/// An identity for an event whose identity doesn't matter beyond being known.
pub(crate) const ID: &str = "0196fd2c-1111-7000-8000-000000000001";

/// Replaces what differs from run to run; every pointer must lead somewhere.
#[track_caller]
pub(crate) fn redact(mut value: Value, pointers: &[&str]) -> Value {
    for pointer in pointers {
        let name = pointer.rsplit('/').next().unwrap_or_default();
        let found = value.pointer(pointer).and_then(Value::as_str).map(str::len);
        let place = value.pointer_mut(pointer).unwrap_or_else(|| panic!("nothing is at {pointer}"));
        // The length stays visible: it is part of the form.
        *place = format!("[{name}, {} characters]", found.unwrap_or_default()).into();
    }
    value
}

/// A text as it stands in a query or path.
pub(crate) fn url_encoded(text: &str) -> String {
    let encoded = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(encoded).collect()
}
