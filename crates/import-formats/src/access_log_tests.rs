//! A table of lines as Apache and nginx write them, and of what isn't one.

use serde_json::{Value, json};

use super::*;

const WHEN: &str = "[17/May/2015:10:05:03 +0000]";

fn event_of(line: &[u8], site: Option<&str>) -> Result<Value, Unreadable> {
    let site = site.map(|site| site.parse().unwrap());
    let mut out = Vec::new();
    let written = write_event(line, site.as_ref(), |_| Uuid::from_u128(7), &mut out);
    assert!(written.is_ok() || out.is_empty());
    written.map(|()| serde_json::from_slice(&out).unwrap())
}

fn page_of(line: &str, site: Option<&str>) -> Result<String, Unreadable> {
    event_of(line.as_bytes(), site).map(|event| event["properties"]["page"].as_str().unwrap().to_owned())
}

#[test]
fn a_combined_line_becomes_a_page_view_with_all_it_says() {
    let line = format!(
        r#"83.149.9.216 - frank {WHEN} "GET /a%20b?c=d HTTP/1.1" 200 203023 "http://semicomplete.com/" "Mozilla/5.0 (X11; \"q\")""#
    );
    let expected = json!({
        "event_id": "00000000-0000-0000-0000-000000000007",
        "user_id": "83.149.9.216",
        "event_type": "page_view",
        "timestamp": "2015-05-17T10:05:03+00:00",
        "properties": {
            "page": "/a%20b?c=d",
            "method": "GET",
            "status": 200,
            "bytes": 203_023,
            "referrer": "http://semicomplete.com/",
            "user_agent": "Mozilla/5.0 (X11; \"q\")",
            "remote_user": "frank",
        },
    });
    assert_eq!(event_of(line.as_bytes(), None).unwrap(), expected);
}

#[test]
fn what_is_a_dash_or_missing_is_left_out() {
    for tail in ["- -", "- - \"-\" \"-\"", "- - \"\" \"\""] {
        let line = format!(r#"1.2.3.4 - - {WHEN} "HEAD / HTTP/1.1" {tail}"#);
        let event = event_of(line.as_bytes(), None).unwrap();
        assert_eq!(event["properties"], json!({"page": "/", "method": "HEAD"}), "{line}");
    }
}

#[test]
fn requests_and_their_pages() {
    // The request as logged, then the page.
    let cases = [
        ("GET / HTTP/1.1", "/"),
        ("GET /", "/"),
        ("POST //favicon.ico HTTP/1.0", "//favicon.ico"),
        ("GET /a b c HTTP/1.1", "/a%20b%20c"),
        ("GET /a HTTP/1.1 HTTP/1.1", "/a%20HTTP/1.1"),
        (r#"GET /say/\"hi\"\\ HTTP/1.1"#, r#"/say/"hi"\"#),
        (r"GET /\xc3\xa9\xff\x00 HTTP/1.1", "/%C3%A9%FF%00"),
        (r"GET /\x22\x5C HTTP/2.0", "/\"\\"),
        (r"GET /a\tb\q\x4 HTTP/1.1", r"/a%09b\q\x4"),
        ("GET /é HTTP/1.1", "/%C3%A9"),
        ("GET /%7Euser/%zz?q=%2f#top HTTP/1.1", "/%7Euser/%zz?q=%2f#top"),
        ("GET http://Example.com/x HTTP/1.1", "http://Example.com/x"),
        ("GET HTTPS://example.com HTTP/1.1", "HTTPS://example.com"),
        ("PROPFIND /dav HTTP/1.1", "/dav"),
        ("GET /[x] HTTP/1.1", "/[x]"),
    ];
    for (request, page) in cases {
        let line = format!(r#"::1 - - {WHEN} "{request}" 200 1"#);
        assert_eq!(page_of(&line, None).as_deref(), Ok(page), "{request}");
    }
}

#[test]
fn the_site_and_the_virtual_host_go_before_a_path() {
    let tail = format!(r#"1.2.3.4 - - {WHEN} "GET /p HTTP/1.1" 200 1 "-" "-""#);
    let site = Some("https://example.com/");
    let cases = [
        (tail.clone(), None, "/p"),
        (tail.clone(), site, "https://example.com/p"),
        (tail.replace("/p", "//p"), site, "https://example.com//p"),
        (tail.replace("/p", "http://other.org/p"), site, "http://other.org/p"),
        (format!("www.example.org:443 {tail}"), None, "https://www.example.org/p"),
        (format!("www.example.org:80 {tail}"), site, "http://www.example.org/p"),
        (format!("www.example.org:8080 {tail}"), None, "http://www.example.org:8080/p"),
        (format!("[2001:db8::1]:443 {tail}"), None, "https://[2001:db8::1]/p"),
        (
            format!("www.example.org:443 {}", tail.replace("/p", "http://other.org/p")),
            None,
            "http://other.org/p",
        ),
    ];
    for (line, site, page) in cases {
        assert_eq!(page_of(&line, site).as_deref(), Ok(page), "{line}");
        assert_eq!(event_of(line.as_bytes(), None).unwrap()["user_id"], "1.2.3.4", "{line}");
    }
}

#[test]
fn clients_and_users() {
    // What stands before the time, then the client and the user.
    let cases = [
        ("::1 - -", "::1", None),
        ("2001:db8::8080 - -", "2001:db8::8080", None),
        ("2001:db8::8080 - john smith", "2001:db8::8080", Some("john smith")),
        ("crawler.example.com - -", "crawler.example.com", None),
        ("1.2.3.4 - john [x] smith", "1.2.3.4", Some("john [x] smith")),
        ("1.2.3.4 - [17/May/2015", "1.2.3.4", Some("[17/May/2015")),
        ("unix: - -", "unix:", None),
        (r"1.2.3.4 - j\xc3\xb6rg", "1.2.3.4", Some("jörg")),
        ("1.2.3.4:5678 - -", "1.2.3.4:5678", None),
        ("h:80 1.2.3.4 id john smith", "1.2.3.4", Some("john smith")),
    ];
    for (prefix, client, user) in cases {
        let line = format!(r#"{prefix} {WHEN} "GET / HTTP/1.1" 200 1"#);
        let event = event_of(line.as_bytes(), None).unwrap();
        assert_eq!(event["user_id"], client, "{line}");
        assert_eq!(event["properties"].get("remote_user").and_then(Value::as_str), user, "{line}");
    }
}

#[test]
fn times_keep_their_offset() {
    let cases = [
        ("17/May/2015:10:05:03 +0000", Some("2015-05-17T10:05:03+00:00")),
        ("01/Jan/2024:23:59:59 -0730", Some("2024-01-01T23:59:59-07:30")),
        ("29/feb/2024:00:00:00 +0530", Some("2024-02-29T00:00:00+05:30")),
        ("29/Feb/2023:00:00:00 +0000", None),
        ("31/Apr/2024:00:00:00 +0000", None),
        ("17/Mai/2015:10:05:03 +0000", None),
        ("17/May/2015:24:05:03 +0000", None),
        ("17/May/2015:10:60:03 +0000", None),
        ("17/May/2015:10:05:03 +2400", None),
        ("17/May/2015:10:05:03 00000", None),
        ("+7/May/2015:10:05:03 +0000", None),
        ("17-May-2015:10:05:03 +0000", None),
        ("2015-05-17T10:05:03+00:000", None),
        ("17/M\u{e4}y/2015:10:05:03 +000", None),
    ];
    for (time, expected) in cases {
        assert_eq!(rfc3339(time.as_bytes()).as_deref(), expected, "{time}");
    }
}

#[test]
fn readable_fields_are_unescaped_and_made_utf8() {
    let line = [
        format!(r#"1.2.3.4 - - {WHEN} "GET / HTTP/1.1" 200 1 "http://\xe4/\\" "a\"b\x00c\nd "#).as_bytes(),
        b"\xff\xc3\xa9\" \"10.0.0.1\" 0.004",
    ]
    .concat();
    let event = event_of(&line, None).unwrap();
    assert_eq!(event["properties"]["referrer"], "http://\u{fffd}/\\");
    assert_eq!(event["properties"]["user_agent"], "a\"b\u{fffd}c\nd \u{fffd}\u{e9}");
}

#[test]
fn a_line_cut_short_after_the_request_still_counts() {
    for (tail, agent) in
        [(r#" "-" "Mozilla/5.0 (comp"#, Some("Mozilla/5.0 (comp")), (r#" "http://x"#, None), (" ", None)]
    {
        let line = format!(r#"1.2.3.4 - - {WHEN} "GET / HTTP/1.1" 200 1{tail}"#);
        let event = event_of(line.as_bytes(), None).unwrap();
        assert_eq!(event["properties"].get("user_agent").and_then(Value::as_str), agent, "{line}");
    }
}

#[test]
fn what_names_no_page_is_unreadable() {
    let line = |request: &str| format!(r#"1.2.3.4 - - {WHEN} "{request}" 400 0 "-" "-""#);
    let cases = [
        (line("-"), Unreadable::NotHttp),
        (line(""), Unreadable::NotHttp),
        (line(r"\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03"), Unreadable::NotHttp),
        (line(r"\x03\x00\x00/*\xE0 Cookie: mstshash=Administr"), Unreadable::NotHttp),
        (line("OPTIONS * HTTP/1.1"), Unreadable::NoPath),
        (line("CONNECT example.com:443 HTTP/1.1"), Unreadable::NoPath),
        (line("GET HTTP/1.1"), Unreadable::NoPath),
        (line("GET  HTTP/1.1"), Unreadable::NoPath),
        (line("GET http:// HTTP/1.1"), Unreadable::NoPath),
        (line("GET ftp://example.com/ HTTP/1.1"), Unreadable::NoPath),
        (line("quit"), Unreadable::NoPath),
        (format!(r#"1.2.3.4 - - {WHEN} "GET / HTTP/1.1"#), Unreadable::NoRequest),
        (format!(r#"1.2.3.4 - - {WHEN} "GET /\" HTTP/1.1"#), Unreadable::NoRequest),
        (format!("1.2.3.4 - - {WHEN}"), Unreadable::NoRequest),
        (format!("1.2.3.4 - - {WHEN} GET / 200 1"), Unreadable::NoRequest),
        (format!(r#"1.2.3.4 - - {WHEN} "GET / HTTP/1.1""#), Unreadable::NoStatus),
        (format!(r#"1.2.3.4 - - {WHEN} "GET / HTTP/1.1" OK 1"#), Unreadable::NoStatus),
        (format!(r#"1.2.3.4 - - {WHEN} "GET / HTTP/1.1" +200 1"#), Unreadable::NoStatus),
        (format!(r#"1.2.3.4 - - {WHEN} "GET / HTTP/1.1" 200"#), Unreadable::BadSize),
        (format!(r#"1.2.3.4 - - {WHEN} "GET / HTTP/1.1" 200 many"#), Unreadable::BadSize),
        (format!(r#"- - - {WHEN} "GET / HTTP/1.1" 200 1"#), Unreadable::NoClient),
        (format!(r#"1.2.3.4 {WHEN} "GET / HTTP/1.1" 200 1"#), Unreadable::TooFewFields),
        (r#"1.2.3.4 - - [17/May/2015:10:05:03] "GET / HTTP/1.1" 200 1"#.to_owned(), Unreadable::NoTime),
        (r#"1.2.3.4 - - [not a time] "GET / HTTP/1.1" 200 1"#.to_owned(), Unreadable::NoTime),
        ("[".repeat(60), Unreadable::NoTime),
        ("nonsense".to_owned(), Unreadable::NoTime),
        ("[17/May/2015:10:05:03 +0000".to_owned(), Unreadable::NoTime),
    ];
    for (line, why) in cases {
        assert_eq!(event_of(line.as_bytes(), None), Err(why), "{line}");
    }
}

#[test]
fn no_prefix_of_a_line_makes_it_panic() {
    let line = format!(r#"h:443 1.2.3.4 - j [x] {WHEN} "GET /\x4\" HTTP/1.1" 200 1 "\xe4\\" "a\"b\""#);
    for end in 0..=line.len() {
        for start in [0, 6, end / 2] {
            let _ = event_of(&line.as_bytes()[start.min(end)..end], Some("https://example.com"));
        }
    }
}
