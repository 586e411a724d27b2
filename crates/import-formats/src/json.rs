//! Adding a member to the text of a JSON object without touching the rest of it, so that nothing a line said is lost:
//! unknown members, the digits of a number, the order.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::unreadable::Unreadable;

/// `serde(deserialize_with)` for a member whose mere presence matters: `null` is `Some`, absence (with `default`) `None`.
pub(crate) fn present<'de: 'a, 'a, D>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error>
where
    D: Deserializer<'de>,
{
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// Reads the members that `T` names from the text of a JSON object; the whole text is checked.
///
/// # Errors
/// The reason, when the text isn't one JSON object.
pub(crate) fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, String> {
    // serde would take an array for a struct too.
    if !text.starts_with('{') {
        return Err("it does not start with {".to_owned());
    }
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// Appends the object `text` (checked by [`object`]) to `out` with `member`, such as `"a":1`, as its first member; without
/// one just as it stands.
pub(crate) fn write_with_member(text: &str, member: &str, out: &mut Vec<u8>) {
    if member.is_empty() {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    let rest = text[1..].trim_ascii_start();
    out.push(b'{');
    out.extend_from_slice(member.as_bytes());
    if !rest.starts_with('}') {
        out.push(b',');
    }
    out.extend_from_slice(rest.as_bytes());
}

/// The text of a line, less white space at its ends.
pub(crate) fn text_of(line: &[u8]) -> Result<&str, Unreadable> {
    std::str::from_utf8(line).map(str::trim_ascii).map_err(|_| Unreadable::NotUtf8)
}
