//! Visits that are wrong.

use super::{Case, case};
use crate::support::Request;

/// A visit, its status, and the code and pointer of the error.
const WRONG: &[(&str, u16, &str, &str)] = &[
    ("", 400, "malformed", ""),
    ("hello", 400, "malformed", ""),
    (r#"{"visitor_id":"v","url":"/""#, 400, "malformed", ""),
    (r#"{"visitor_id":"v","url":"/"}x"#, 400, "malformed", ""),
    (r"{'visitor_id':'v','url':'/'}", 400, "malformed", ""),
    (r#"{"visitor_id":"v","url":NaN}"#, 400, "malformed", ""),
    ("\u{feff}{}", 400, "malformed", ""),
    ("[[", 400, "malformed", ""),
    ("1", 422, "wrong_type", ""),
    ("null", 422, "wrong_type", ""),
    (r#""v""#, 422, "wrong_type", ""),
    ("[]", 422, "wrong_type", ""),
    (r#"[{"visitor_id":"v","url":"/"}]"#, 422, "wrong_type", ""),
    ("{}", 422, "required", "/visitor_id"),
    ("{}", 422, "required", "/url"),
    (r#"{"url":"/"}"#, 422, "required", "/visitor_id"),
    (r#"{"visitor_id":null,"url":"/"}"#, 422, "required", "/visitor_id"),
    (r#"{"visitor_id":"v"}"#, 422, "required", "/url"),
    (r#"{"visitor_id":"v","url":null}"#, 422, "required", "/url"),
    (r#"{"visitor_id":"","url":"/"}"#, 422, "blank", "/visitor_id"),
    (r#"{"visitor_id":" \t","url":"/"}"#, 422, "blank", "/visitor_id"),
    (r#"{"uid":"","url":"/"}"#, 422, "blank", "/uid"),
    (r#"{"user_id":"  ","url":"/"}"#, 422, "blank", "/user_id"),
    (r#"{"visitor_id":true,"url":"/"}"#, 422, "wrong_type", "/visitor_id"),
    (r#"{"visitor_id":["v"],"url":"/"}"#, 422, "wrong_type", "/visitor_id"),
    (r#"{"uid":{},"url":"/"}"#, 422, "wrong_type", "/uid"),
    (r#"{"user_id":-1,"url":"/"}"#, 422, "wrong_type", "/user_id"),
    (r#"{"user_id":1.5,"url":"/"}"#, 422, "wrong_type", "/user_id"),
    (r#"{"visitor_id":"v\u0000","url":"/"}"#, 422, "nul_character", "/visitor_id"),
    (r#"{"visitor_id":"v","url":"/\u0000"}"#, 422, "nul_character", "/url"),
    (r#"{"visitor_id":"v","url":"/","x":"\u0000"}"#, 422, "nul_character", ""),
    (r#"{"visitor_id":"v","url":"/","\u0000":1}"#, 422, "nul_character", ""),
    (r#"{"visitor_id":"\ud800","url":"/"}"#, 422, "lone_surrogate", "/visitor_id"),
    (r#"{"visitor_id":"v","url":"/\udc00"}"#, 422, "lone_surrogate", "/url"),
    (r#"{"visitor_id":"v","url":"/","\udc00":1}"#, 422, "lone_surrogate", ""),
    (r#"{"visitor_id":"v","visitor_id":"v","url":"/"}"#, 422, "duplicate_member", "/visitor_id"),
    (r#"{"visitor_id":"v","uid":"w","url":"/"}"#, 422, "duplicate_member", "/uid"),
    (r#"{"visitor_id":"v","url":"/","url":"/a"}"#, 422, "duplicate_member", "/url"),
    (r#"{"visitor_id":"v","url":""}"#, 422, "blank", "/url"),
    (r#"{"visitor_id":"v","url":"   "}"#, 422, "blank", "/url"),
    (r#"{"visitor_id":"v","url":1}"#, 422, "wrong_type", "/url"),
    (r#"{"visitor_id":"v","url":["/"]}"#, 422, "wrong_type", "/url"),
    (r#"{"visitor_id":"v","url":"home"}"#, 422, "invalid_url", "/url"),
    (r#"{"visitor_id":"v","url":"http://"}"#, 422, "invalid_url", "/url"),
    (r#"{"visitor_id":"v","url":"http://exa mple/"}"#, 422, "invalid_url", "/url"),
    (r#"{"visitor_id":"v","url":"ftp://example.com/"}"#, 422, "invalid_url", "/url"),
    (r#"{"visitor_id":"v","url":"mailto:a@example.com"}"#, 422, "invalid_url", "/url"),
    (r#"{"visitor_id":"v","url":"/a\r\nb"}"#, 422, "invalid_url", "/url"),
];

pub(super) fn cases() -> Vec<Case> {
    let post = |body: &str| Request::post("/visits", body);
    let wrong = |(body, status, code, pointer): &(&str, u16, &'static str, &str)| {
        case(format!("visit {body}"), post(body), *status, code, *pointer)
    };
    let mut cases: Vec<Case> = WRONG.iter().map(wrong).collect();
    let visitor = format!(r#"{{"visitor_id":"{}","url":"/"}}"#, "é".repeat(256));
    cases.push(case("a visitor too long", post(&visitor), 422, "too_long", "/visitor_id"));
    let url = format!(r#"{{"visitor_id":"v","url":"http://example.com/{}"}}"#, "a".repeat(8_192));
    cases.push(case("a url too long", post(&url), 422, "invalid_url", "/url"));
    let not_utf8 = Request::post("/visits", &b"{\"visitor_id\":\"\xFF\",\"url\":\"/\"}"[..]);
    cases.push(case("a visit that is not UTF-8", not_utf8, 400, "malformed", ""));
    let open = post(&"[".repeat(100_000));
    cases.push(case("a visit of 100,000 brackets", open, 400, "malformed", ""));
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    cases.push(case("a visit of 100,000 levels", post(&deep), 422, "wrong_type", ""));
    cases
}
