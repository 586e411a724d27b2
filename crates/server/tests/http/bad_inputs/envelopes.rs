//! Events whose members are wrong, other than what is in the properties.

use super::{Case, event};
use crate::support::{ID, Request, Server, now};

/// A valid event's members, in order.
const MEMBERS: [(&str, &str); 4] = [
    ("event_id", ""),
    ("user_id", r#""u""#),
    ("event_type", r#""click""#),
    ("timestamp", r#""2025-05-26T14:00:00Z""#),
];

/// A member, its wrong value as JSON, and the code at the member's pointer.
const WRONG: &[(&str, &str, &str)] = &[
    ("event_id", "1", "wrong_type"),
    ("event_id", "true", "wrong_type"),
    ("event_id", "[]", "wrong_type"),
    ("event_id", r#"{"id":1}"#, "wrong_type"),
    ("event_id", r#""""#, "not_a_uuid"),
    ("event_id", r#""42""#, "not_a_uuid"),
    ("event_id", r#""0196fd2c-1111-7000-8000-00000000000""#, "not_a_uuid"),
    ("event_id", r#""0196fd2c-1111-7000-8000-0000000000012""#, "not_a_uuid"),
    ("event_id", r#""0196fd2c-1111-7000-8000-00000000000g""#, "not_a_uuid"),
    ("event_id", r#""0196fd2c_1111_7000_8000_000000000001""#, "not_a_uuid"),
    ("event_id", r#"" 0196fd2c-1111-7000-8000-000000000001""#, "not_a_uuid"),
    ("event_id", r#""0196fd2c-1111-7000-8000-000000000001\n""#, "not_a_uuid"),
    ("event_id", r#""０196fd2c-1111-7000-8000-000000000001""#, "not_a_uuid"),
    ("event_id", r#""0196fd2c-1111-7000-8000-00000000\u0000""#, "nul_character"),
    ("event_id", r#""\ud800""#, "lone_surrogate"),
    ("user_id", "null", "required"),
    ("user_id", "true", "wrong_type"),
    ("user_id", "[]", "wrong_type"),
    ("user_id", r#"["u"]"#, "wrong_type"),
    ("user_id", r#"{"id":"u"}"#, "wrong_type"),
    ("user_id", "-1", "wrong_type"),
    ("user_id", "-0", "wrong_type"),
    ("user_id", "1.5", "wrong_type"),
    ("user_id", "1.0", "wrong_type"),
    ("user_id", "1e3", "wrong_type"),
    ("user_id", "1e999", "wrong_type"),
    ("user_id", r#""""#, "blank"),
    ("user_id", r#""   ""#, "blank"),
    ("user_id", r#""\t\r\n""#, "blank"),
    ("user_id", "\"\u{3000}\u{a0}\"", "blank"),
    ("user_id", r#""a\u0000b""#, "nul_character"),
    ("user_id", r#""\u0000""#, "nul_character"),
    ("user_id", r#""\ud83d""#, "lone_surrogate"),
    ("user_id", r#""\ude00""#, "lone_surrogate"),
    ("user_id", r#""\ude00\ud83d""#, "lone_surrogate"),
    ("user_id", r#""\uD83Dx""#, "lone_surrogate"),
    ("event_type", "null", "required"),
    ("event_type", "1", "wrong_type"),
    ("event_type", "true", "wrong_type"),
    ("event_type", "[]", "wrong_type"),
    ("event_type", "{}", "wrong_type"),
    ("event_type", r#""""#, "blank"),
    ("event_type", r#""video_play""#, "unknown_event_type"),
    ("event_type", r#""Click""#, "unknown_event_type"),
    ("event_type", r#"" click""#, "unknown_event_type"),
    ("event_type", r#""clíck""#, "unknown_event_type"),
    ("event_type", r#"" ""#, "unknown_event_type"),
    ("event_type", r#""click\u0000""#, "nul_character"),
    ("event_type", r#""\udfff""#, "lone_surrogate"),
    ("timestamp", "1748268000", "wrong_type"),
    ("timestamp", "true", "wrong_type"),
    ("timestamp", "[]", "wrong_type"),
    ("timestamp", "{}", "wrong_type"),
    ("timestamp", r#""2025-05-26T14:00:00\u0000Z""#, "nul_character"),
    ("timestamp", r#""\ud800""#, "lone_surrogate"),
    ("timestamp", r#""9999-12-31T23:59:59Z""#, "out_of_range"),
];

const NOT_TIMES: &[&str] = &[
    "",
    " ",
    "now",
    "yesterday",
    "1748268000",
    "2025",
    "2025-05-26",
    "14:00:00Z",
    "2025-05-26T14:00:00",
    "2025-05-26T14:00Z",
    "2025-05-26T14:00:00 UTC",
    "2025-05-26T14:00:00+0200",
    "2025-05-26T14:00:00+02",
    "2025-05-26T14:00:00+25:00",
    "2025-05-26T14:00:00+02:60",
    "2025-13-01T00:00:00Z",
    "2025-00-01T00:00:00Z",
    "2025-05-32T00:00:00Z",
    "2025-02-29T00:00:00Z",
    "2025-04-31T00:00:00Z",
    "2025-05-26T24:00:00Z",
    "2025-05-26T14:60:00Z",
    "2025-05-26T14:00:61Z",
    "2025-05-26T14:00:00,5Z",
    "2025-05-26T14:00:00.Z",
    " 2025-05-26T14:00:00Z",
    "2025-05-26T14:00:00Z ",
    "2025-05-26T14:00:00Zx",
    "2025-5-26T14:00:00Z",
    "25-05-26T14:00:00Z",
    "12025-05-26T14:00:00Z",
    "-2025-05-26T14:00:00Z",
    "+2025-05-26T14:00:00Z",
    "0000-01-01T00:00:00+01:00",
    "9999-12-31T23:59:59-01:00",
    "2025-W22-1T14:00:00Z",
    "2025-146T14:00:00Z",
    "05/26/2025 14:00:00",
    "Mon, 26 May 2025 14:00:00 GMT",
    "２０２５-05-26T14:00:00Z",
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for (member, value, code) in WRONG {
        let name = format!("{member} {value}");
        cases.push(event(name, with(member, value), 422, code, &format!("/{member}")));
    }
    for text in NOT_TIMES {
        let body = with("timestamp", &format!("\"{text}\""));
        cases.push(event(format!("timestamp {text:?}"), body, 422, "not_a_timestamp", "/timestamp"));
    }
    cases.extend(long());
    cases.extend(missing());
    cases.extend(twice());
    cases
}

/// A valid event with one member replaced, its value written as JSON.
fn with(member: &str, value: &str) -> String {
    let members = MEMBERS.iter().map(|(name, valid)| (*name, if *name == member { value } else { *valid }));
    let members = members.filter(|(_, value)| !value.is_empty());
    let members: Vec<String> = members.map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

fn long() -> Vec<Case> {
    let tomorrow = now().plus_micros(25 * 3_600 * 1_000_000);
    vec![
        event(
            "256 characters",
            with("user_id", &format!("\"{}\"", "u".repeat(256))),
            422,
            "too_long",
            "/user_id",
        ),
        event(
            "256 long characters",
            with("user_id", &format!("\"{}\"", "😀".repeat(256))),
            422,
            "too_long",
            "/user_id",
        ),
        event(
            "256 escapes",
            with("user_id", &format!("\"{}\"", "\\u00e9".repeat(256))),
            422,
            "too_long",
            "/user_id",
        ),
        event("256 digits", with("user_id", &"1".repeat(256)), 422, "too_long", "/user_id"),
        event("a megabyte of digits", with("user_id", &"1".repeat(1 << 20)), 422, "too_long", "/user_id"),
        event(
            "a long type",
            with("event_type", &format!("\"{}\"", "t".repeat(10_000))),
            422,
            "unknown_event_type",
            "/event_type",
        ),
        event(
            "a long time",
            with("timestamp", &format!("\"{}\"", "2".repeat(10_000))),
            422,
            "not_a_timestamp",
            "/timestamp",
        ),
        event(
            "a long id",
            with("event_id", &format!("\"{}\"", "a".repeat(10_000))),
            422,
            "not_a_uuid",
            "/event_id",
        ),
        event(
            "25 hours ahead",
            with("timestamp", &format!("\"{tomorrow}\"")),
            422,
            "out_of_range",
            "/timestamp",
        ),
    ]
}

fn missing() -> Vec<Case> {
    let mut cases = vec![
        event("an empty object: the type", "{}", 422, "required", "/event_type"),
        event("no type", r#"{"user_id":"u"}"#, 422, "required", "/event_type"),
        event("no user", r#"{"event_type":"click"}"#, 422, "required", "/user_id"),
        event(
            "another case's type",
            r#"{"user_id":"u","Event_Type":"click"}"#,
            422,
            "required",
            "/event_type",
        ),
        event("everything wrong, the id", everything_wrong(), 422, "not_a_uuid", "/event_id"),
        event("everything wrong, the user", everything_wrong(), 422, "blank", "/user_id"),
        event("everything wrong, the type", everything_wrong(), 422, "unknown_event_type", "/event_type"),
        event("everything wrong, the time", everything_wrong(), 422, "not_a_timestamp", "/timestamp"),
        event("everything wrong, the properties", everything_wrong(), 422, "wrong_type", "/properties"),
    ];
    for value in ["null", "true", "false", "0", "1e999", r#""event""#, r#""\u0000""#, r#""\ud800""#] {
        cases.push(event(format!("{value} as an event"), value, 422, "wrong_type", ""));
    }
    cases
}

fn everything_wrong() -> &'static str {
    r#"{"event_id":"x","user_id":" ","event_type":"x","timestamp":"x","properties":[]}"#
}

fn twice() -> Vec<Case> {
    let mut cases = Vec::new();
    let values = [
        ("event_id", format!("\"{ID}\"")),
        ("user_id", r#""u""#.to_owned()),
        ("event_type", r#""click""#.to_owned()),
        ("timestamp", r#""2025-05-26T14:00:00Z""#.to_owned()),
        ("properties", "{}".to_owned()),
    ];
    for (member, value) in values {
        let base = with("user_id", r#""u""#);
        let body = format!("{},\"{member}\":{value},\"{member}\":{value}}}", base.trim_end_matches('}'));
        cases.push(event(format!("{member} twice"), body, 422, "duplicate_member", &format!("/{member}")));
    }
    let base = with("user_id", r#""u""#);
    let base = base.trim_end_matches('}');
    cases.push(event(
        "user_id twice, once escaped",
        format!(r#"{base},"\u0075ser_id":"v"}}"#),
        422,
        "duplicate_member",
        "/user_id",
    ));
    for (name, extra, code) in [
        ("a NUL in an unknown member", r#""x":"\u0000""#, "nul_character"),
        ("a NUL deep in an unknown member", r#""x":[{"y":"\u0000"}]"#, "nul_character"),
        ("a NUL in an unknown member's name", r#""\u0000":1"#, "nul_character"),
        ("a lone surrogate in an unknown member", r#""x":"\udead""#, "lone_surrogate"),
        ("a lone surrogate in an unknown member's name", r#""\udead":1"#, "lone_surrogate"),
    ] {
        cases.push(event(name, format!("{base},{extra}}}"), 422, code, ""));
    }
    cases
}

/// RFC 3339 §5.6: the sign of an offset is `+` or `-`, and U+2212 is neither.
#[test]
fn the_sign_of_an_offset_is_ascii() {
    let server = Server::start(&[]);
    let body = with("timestamp", "\"2025-05-26T14:00:00\u{2212}02:00\"");
    assert_eq!(server.ask(&Request::post("/events", body)).status, 422);
    let target = "/events?from=2025-05-26T14:00:00%E2%88%9202:00";
    assert_eq!(server.ask(&Request::get(target)).status, 400);
}
