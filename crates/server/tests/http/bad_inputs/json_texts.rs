//! Bodies that are not JSON.

use super::{Case, event};

/// Not JSON in some way or other, each with the name of the way.
const NOT_JSON: &[(&str, &[u8])] = &[
    ("nothing", b""),
    ("only white space", b" \r\n\t "),
    ("a bare word", b"hello"),
    ("HTML", b"<html></html>"),
    ("a form", b"user_id=u&event_type=click"),
    ("an object cut short", br#"{"user_id":"u","event_type":"click""#),
    ("a string cut short", br#"{"user_id":"u"#),
    ("a key cut short", br#"{"user"#),
    ("an escape cut short", br#"{"user_id":"\"#),
    ("a unicode escape cut short", br#"{"user_id":"\u00"#),
    ("a literal cut short", br#"{"user_id":tru"#),
    ("a number cut short", br#"{"user_id":1e"#),
    ("an array cut short", br#"[{"user_id":"u","event_type":"click"},"#),
    ("a lone brace", b"{"),
    ("a lone bracket", b"["),
    ("a lone quote", b"\""),
    ("a lone minus", b"-"),
    ("a closing brace first", b"}"),
    ("brackets that cross", br#"{"properties":[{]}}"#),
    ("a brace too many", br#"{"user_id":"u","event_type":"click"}}"#),
    ("a word after the event", br#"{"user_id":"u","event_type":"click"} x"#),
    (
        "two events without an array",
        br#"{"user_id":"u","event_type":"click"}{"user_id":"u","event_type":"click"}"#,
    ),
    ("a NUL after the event", b"{\"user_id\":\"u\",\"event_type\":\"click\"}\0"),
    ("a comma at an object's end", br#"{"user_id":"u","event_type":"click",}"#),
    ("a comma at an array's end", br#"[{"user_id":"u","event_type":"click"},]"#),
    ("a comma first", br#"{,"user_id":"u"}"#),
    ("two commas", br#"{"user_id":"u",,"event_type":"click"}"#),
    ("no comma", br#"{"user_id":"u" "event_type":"click"}"#),
    ("no colon", br#"{"user_id" "u"}"#),
    ("no value", br#"{"user_id":}"#),
    ("no key", br#"{:"u"}"#),
    ("a number as a key", br#"{1:"u"}"#),
    ("a key without quotes", br#"{user_id:"u"}"#),
    ("single quotes", br"{'user_id':'u','event_type':'click'}"),
    ("a comment", br#"{"user_id":"u"/* who */,"event_type":"click"}"#),
    ("NaN", br#"{"user_id":"u","event_type":"purchase","properties":{"amount":NaN,"product_id":"p"}}"#),
    (
        "Infinity",
        br#"{"user_id":"u","event_type":"purchase","properties":{"amount":Infinity,"product_id":"p"}}"#,
    ),
    (
        "minus Infinity",
        br#"{"user_id":"u","event_type":"purchase","properties":{"amount":-Infinity,"product_id":"p"}}"#,
    ),
    ("a plus sign", br#"{"user_id":+1,"event_type":"click"}"#),
    ("a leading zero", br#"{"user_id":007,"event_type":"click"}"#),
    ("no digit before the point", br#"{"user_id":.5,"event_type":"click"}"#),
    ("no digit after the point", br#"{"user_id":1.,"event_type":"click"}"#),
    ("a hexadecimal number", br#"{"user_id":0x1F,"event_type":"click"}"#),
    ("True", br#"{"user_id":True,"event_type":"click"}"#),
    ("undefined", br#"{"user_id":undefined,"event_type":"click"}"#),
    ("an unknown escape", br#"{"user_id":"\x41","event_type":"click"}"#),
    ("a unicode escape without hexadecimal digits", br#"{"user_id":"\u12G4","event_type":"click"}"#),
    ("a unicode escape in braces", br#"{"user_id":"\u{41}","event_type":"click"}"#),
    ("a line break in a string", b"{\"user_id\":\"a\nb\",\"event_type\":\"click\"}"),
    ("a tab in a string", b"{\"user_id\":\"a\tb\",\"event_type\":\"click\"}"),
    ("a NUL in a string", b"{\"user_id\":\"a\0b\",\"event_type\":\"click\"}"),
    ("a control character in a key", b"{\"user\x01_id\":\"u\",\"event_type\":\"click\"}"),
    ("a byte order mark", b"\xEF\xBB\xBF{\"user_id\":\"u\",\"event_type\":\"click\"}"),
    ("UTF-16", b"\xFF\xFE{\0\"\0u\0\"\0:\x001\0}\0"),
    ("a no-break space between tokens", b"{\xC2\xA0\"user_id\":\"u\",\"event_type\":\"click\"}"),
    ("a form feed between tokens", b"{\x0C\"user_id\":\"u\",\"event_type\":\"click\"}"),
    ("a vertical tab between tokens", b"{\x0B\"user_id\":\"u\",\"event_type\":\"click\"}"),
    ("Latin-1", b"{\"user_id\":\"M\xFCller\",\"event_type\":\"click\"}"),
    ("Latin-1 in a key", b"{\"M\xFCller\":1,\"user_id\":\"u\",\"event_type\":\"click\"}"),
    ("a byte that UTF-8 never has", b"{\"user_id\":\"\xFF\",\"event_type\":\"click\"}"),
    ("a character cut short", b"{\"user_id\":\"\xE2\x82\",\"event_type\":\"click\"}"),
    ("an overlong NUL", b"{\"user_id\":\"\xC0\x80\",\"event_type\":\"click\"}"),
    ("a surrogate in UTF-8", b"{\"user_id\":\"\xED\xA0\x80\",\"event_type\":\"click\"}"),
    ("a character beyond Unicode", b"{\"user_id\":\"\xF4\x90\x80\x80\",\"event_type\":\"click\"}"),
    (
        "an array that breaks off in its second event",
        br#"[{"user_id":"u","event_type":"click"},{"user_id":]"#,
    ),
    ("a word after the array", br#"[{"user_id":"u","event_type":"click"}] x"#),
    ("only 0xFF", &[0xFF; 64]),
    ("only NULs", &[0; 64]),
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> =
        NOT_JSON.iter().map(|(name, body)| event(*name, *body, 400, "malformed", "")).collect();
    for (name, piece) in [("brackets", "["), ("objects", r#"{"a":"#)] {
        let body = piece.repeat(100_000);
        cases.push(event(format!("100,000 {name} that never close"), body, 400, "malformed", ""));
    }
    cases
}
