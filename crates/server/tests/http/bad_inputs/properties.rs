//! Events whose properties are wrong: their size, their depth, what they hold, and what the built-in types ask of them.

use super::{Case, event};

const VIEW: &str = "page_view";
const PURCHASE: &str = "purchase";
const MAIL: &str = "bounced";

/// A type, properties as JSON, and the code and place (below `/properties`) of the error.
const WRONG: &[(&str, &str, &str, &str)] = &[
    ("click", "true", "wrong_type", ""),
    ("click", "1", "wrong_type", ""),
    ("click", r#""{}""#, "wrong_type", ""),
    ("click", "[]", "wrong_type", ""),
    ("click", r#"[{"a":1}]"#, "wrong_type", ""),
    ("click", r#"{"a":"\u0000"}"#, "nul_character", ""),
    ("click", r#"{"a\u0000":1}"#, "nul_character", ""),
    ("click", r#"{"a":[{"b":["\u0000"]}]}"#, "nul_character", ""),
    ("click", r#"{"a":[{"\u0000":1}]}"#, "nul_character", ""),
    ("click", r#""\u0000""#, "nul_character", ""),
    ("click", r#"{"a":"\ud800"}"#, "lone_surrogate", ""),
    ("click", r#"{"a":"\udc00"}"#, "lone_surrogate", ""),
    ("click", r#"{"\udc00":1}"#, "lone_surrogate", ""),
    ("click", r#"{"a":[{"b":["\uD800\uD800"]}]}"#, "lone_surrogate", ""),
    ("click", r#"{"a":[{"\uD83D":1}]}"#, "lone_surrogate", ""),
    (VIEW, "{}", "required", "/page"),
    (VIEW, r#"{"Page":"/"}"#, "required", "/page"),
    (VIEW, r#"{"page":null}"#, "required", "/page"),
    (VIEW, r#"{"page":1}"#, "wrong_type", "/page"),
    (VIEW, r#"{"page":true}"#, "wrong_type", "/page"),
    (VIEW, r#"{"page":["/"]}"#, "wrong_type", "/page"),
    (VIEW, r#"{"page":{"url":"/"}}"#, "wrong_type", "/page"),
    (VIEW, r#"{"page":""}"#, "blank", "/page"),
    (VIEW, r#"{"page":"  "}"#, "blank", "/page"),
    (VIEW, r#"{"page":"home"}"#, "invalid_url", "/page"),
    (VIEW, r#"{"page":"example.com/home"}"#, "invalid_url", "/page"),
    (VIEW, r#"{"page":"?q"}"#, "invalid_url", "/page"),
    (VIEW, r##"{"page":"#top"}"##, "invalid_url", "/page"),
    (VIEW, r#"{"page":"ftp://example.com/"}"#, "invalid_url", "/page"),
    (VIEW, r#"{"page":"file:///etc/passwd"}"#, "invalid_url", "/page"),
    (VIEW, r#"{"page":"javascript:alert(1)"}"#, "invalid_url", "/page"),
    (VIEW, r#"{"page":"data:text/html,x"}"#, "invalid_url", "/page"),
    (VIEW, r#"{"page":"://example.com"}"#, "invalid_url", "/page"),
    (VIEW, r#"{"page":"http:"}"#, "invalid_url", "/page"),
    (VIEW, r#"{"page":"http://"}"#, "invalid_url", "/page"),
    (VIEW, r#"{"page":"http:///path"}"#, "invalid_url", "/page"),
    (VIEW, r#"{"page":"http:example.com"}"#, "invalid_url", "/page"),
    (VIEW, r#"{"page":"http://:80/"}"#, "invalid_url", "/page"),
    (VIEW, r#"{"page":"http://user@/"}"#, "invalid_url", "/page"),
    (VIEW, r#"{"page":"http://exa mple.com/"}"#, "invalid_url", "/page"),
    (VIEW, r#"{"page":"http://example.com:99999/"}"#, "invalid_url", "/page"),
    (VIEW, r#"{"page":"http://example.com:port/"}"#, "invalid_url", "/page"),
    (VIEW, r#"{"page":"http://[::1/"}"#, "invalid_url", "/page"),
    (VIEW, r#"{"page":"http://1.2.3.256/"}"#, "invalid_url", "/page"),
    (VIEW, r#"{"page":"http://a\\b/"}"#, "invalid_url", "/page"),
    (VIEW, r#"{"page":"/a\nb"}"#, "invalid_url", "/page"),
    (VIEW, r#"{"page":"/a\u007fb"}"#, "invalid_url", "/page"),
    (VIEW, r#"{"page":"/a\u0000b"}"#, "nul_character", ""),
    (VIEW, r#"{"page":"/\ud800"}"#, "lone_surrogate", "/page"),
    (VIEW, r#"{"page":"/a","page":"/b"}"#, "duplicate_member", "/page"),
    (VIEW, r#"{"page":"/a","p\u0061ge":"/b"}"#, "duplicate_member", "/page"),
    (PURCHASE, "{}", "required", "/amount"),
    (PURCHASE, "{}", "required", "/product_id"),
    (PURCHASE, r#"{"amount":"10","product_id":"p"}"#, "wrong_type", "/amount"),
    (PURCHASE, r#"{"amount":true,"product_id":"p"}"#, "wrong_type", "/amount"),
    (PURCHASE, r#"{"amount":[10],"product_id":"p"}"#, "wrong_type", "/amount"),
    (PURCHASE, r#"{"amount":{},"product_id":"p"}"#, "wrong_type", "/amount"),
    (PURCHASE, r#"{"amount":-1,"product_id":"p"}"#, "out_of_range", "/amount"),
    (PURCHASE, r#"{"amount":-0.01,"product_id":"p"}"#, "out_of_range", "/amount"),
    (PURCHASE, r#"{"amount":-1e-400,"product_id":"p"}"#, "out_of_range", "/amount"),
    (PURCHASE, r#"{"amount":1e999,"product_id":"p"}"#, "out_of_range", "/amount"),
    (PURCHASE, r#"{"amount":-1e999,"product_id":"p"}"#, "out_of_range", "/amount"),
    (PURCHASE, r#"{"amount":1,"amount":2,"product_id":"p"}"#, "duplicate_member", "/amount"),
    (PURCHASE, r#"{"amount":1}"#, "required", "/product_id"),
    (PURCHASE, r#"{"amount":1,"product_id":""}"#, "blank", "/product_id"),
    (PURCHASE, r#"{"amount":1,"product_id":7}"#, "wrong_type", "/product_id"),
    (PURCHASE, r#"{"amount":1,"product_id":null}"#, "wrong_type", "/product_id"),
    (PURCHASE, r#"{"amount":1,"product_id":["p"]}"#, "wrong_type", "/product_id"),
    (PURCHASE, r#"{"amount":1,"product_id":"a","product_id":"a"}"#, "duplicate_member", "/product_id"),
    (MAIL, "{}", "required", "/domain"),
    (MAIL, r#"{"domain":null}"#, "required", "/domain"),
    (MAIL, r#"{"domain":1}"#, "wrong_type", "/domain"),
    (MAIL, r#"{"domain":["example.com"]}"#, "wrong_type", "/domain"),
    (MAIL, r#"{"domain":""}"#, "invalid_domain", "/domain"),
    (MAIL, r#"{"domain":"."}"#, "invalid_domain", "/domain"),
    (MAIL, r#"{"domain":"a..b"}"#, "invalid_domain", "/domain"),
    (MAIL, r#"{"domain":"-a.example"}"#, "invalid_domain", "/domain"),
    (MAIL, r#"{"domain":"exa mple.com"}"#, "invalid_domain", "/domain"),
    (MAIL, r#"{"domain":" example.com"}"#, "invalid_domain", "/domain"),
    (MAIL, r#"{"domain":"a_b.example"}"#, "invalid_domain", "/domain"),
    (MAIL, r#"{"domain":"user@example.com"}"#, "invalid_domain", "/domain"),
    (MAIL, r#"{"domain":"http://example.com"}"#, "invalid_domain", "/domain"),
    (MAIL, r#"{"domain":"example.com:25"}"#, "invalid_domain", "/domain"),
    (MAIL, r#"{"domain":"192.0.2.1"}"#, "invalid_domain", "/domain"),
    (MAIL, r#"{"domain":"[2001:db8::1]"}"#, "invalid_domain", "/domain"),
    (MAIL, r#"{"domain":"xn--zzzzzzzzz999.example"}"#, "invalid_domain", "/domain"),
    (MAIL, r#"{"domain":"a.example","domain":"a.example"}"#, "duplicate_member", "/domain"),
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (event_type, properties, code, place) in WRONG {
        let pointer = format!("/properties{place}");
        cases.push(event(
            format!("{event_type} {properties}"),
            of(event_type, properties),
            422,
            code,
            &pointer,
        ));
    }
    for levels in [17, 18, 100, 5_000] {
        cases.push(deep(&format!("objects, {levels} levels"), &nested("{\"a\":", "}", levels)));
        let arrays = format!("{{\"a\":{}}}", "[".repeat(levels - 1) + &"]".repeat(levels - 1));
        cases.push(deep(&format!("arrays, {levels} levels"), &arrays));
    }
    let too_large = |name: &str, properties: String| {
        event(name, of("click", &properties), 422, "too_large", "/properties")
    };
    cases.push(too_large("32 KiB and a byte", format!("{{\"a\":\"{}\"}}", "x".repeat(32 * 1_024 - 7))));
    cases.push(too_large("a megabyte", format!("{{\"a\":\"{}\"}}", "x".repeat(1 << 20))));
    cases.push(too_large("a megabyte of digits", format!("{{\"a\":{}}}", "7".repeat(1 << 20))));
    cases.push(too_large("100,000 levels of objects", nested("{\"a\":", "}", 100_000)));
    cases.push(too_large("100,000 levels of arrays", format!("{{\"a\":{}}}", nested("[", "]", 100_000))));
    let long_page = format!("{{\"page\":\"/{}\"}}", "a".repeat(8_192));
    cases.push(event("a page too long", of(VIEW, &long_page), 422, "invalid_url", "/properties/page"));
    let long_when_encoded = format!("{{\"page\":\"/{}\"}}", "ü".repeat(2_000));
    cases.push(event(
        "a page too long once encoded",
        of(VIEW, &long_when_encoded),
        422,
        "invalid_url",
        "/properties/page",
    ));
    let long_label = format!("{{\"domain\":\"{}.example\"}}", "a".repeat(64));
    cases.push(event("a label too long", of(MAIL, &long_label), 422, "invalid_domain", "/properties/domain"));
    let long_domain = format!("{{\"domain\":\"{}example\"}}", "a.".repeat(130));
    cases.push(event(
        "a domain too long",
        of(MAIL, &long_domain),
        422,
        "invalid_domain",
        "/properties/domain",
    ));
    let no_properties = format!(r#"{{"user_id":"u","event_type":"{VIEW}"}}"#);
    cases.push(event("a view without properties", no_properties, 422, "required", "/properties/page"));
    cases
}

/// An event of that type with those properties.
fn of(event_type: &str, properties: &str) -> String {
    format!(r#"{{"user_id":"u","event_type":"{event_type}","properties":{properties}}}"#)
}

fn deep(name: &str, properties: &str) -> Case {
    event(name, of("click", properties), 422, "too_deep", "/properties")
}

/// That many levels around a number.
fn nested(open: &str, close: &str, levels: usize) -> String {
    open.repeat(levels) + "1" + &close.repeat(levels)
}
