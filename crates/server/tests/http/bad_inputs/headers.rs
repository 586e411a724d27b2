//! What is wrong before anything of the body is read: paths, methods, content types and encodings.

use super::{Case, refused};
use crate::support::{Request, Server};

const CLICK: &str = r#"{"user_id":"u","event_type":"click"}"#;

const NOT_FOUND: &[(&str, &str)] = &[
    ("GET", "/nope"),
    ("GET", "/analytics"),
    ("GET", "/analytics/"),
    ("GET", "/analytics/summary/"),
    ("GET", "/EVENTS"),
    ("GET", "/events/"),
    ("GET", "/events/a/b/c"),
    ("GET", "//events"),
    ("GET", "/./events"),
    ("GET", "/events/%ff"),
    ("GET", "/events/%00"),
    ("GET", "/events/%"),
    ("GET", "/events/not-a-uuid"),
    ("GET", "/events/0196fd2c-1111-7000-8000-00000000ffff"),
    ("HEAD", "/events/0196fd2c-1111-7000-8000-00000000ffff"),
    ("GET", "/%65vents/../etc/passwd"),
    ("GET", "/..%2f..%2fetc%2fpasswd"),
    ("POST", "/event"),
    ("POST", "/visits/"),
    ("GET", "/export/"),
    ("GET", "/export/csv"),
    ("POST", "/verify/"),
    ("DELETE", "/users/"),
    ("DELETE", "/users/a/b"),
    ("DELETE", "/users/a/"),
    ("DELETE", "/Users/a"),
    ("DELETE", "/nope"),
    ("OPTIONS", "/nope"),
    ("FOO", "/nope"),
];

const CONTENT_TYPES: &[&str] = &[
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=utf-8",
    "multipart/form-data; boundary=x",
    "application/xml",
    "text/html",
    "text/csv",
    "application/octet-stream",
    "application/problem+json",
    "application/jsonp",
    "application/json, application/json",
    "application/json; charset=latin1",
    "application/json; charset=iso-8859-1",
    "application/json; charset=utf-16",
    "application/json; charset=\"utf-16\"",
    "application/json;version=1;charset=latin1",
    "application/x-ndjson; charset=latin1",
    "text/plain; charset=windows-1252",
    "json",
    "/",
    ";",
    "*/*",
];

const ENCODINGS: &[&str] =
    &["deflate", "compress", "lzma", "gzip, br", "gzip,gzip", "gzip;q=1", "utf-8", "*", "gzip br"];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (method, target) in NOT_FOUND {
        cases.push(refused(format!("{method} {target}"), Request::new(method, *target), 404));
    }
    for content_type in CONTENT_TYPES {
        let request = Request::post("/events", CLICK).header("Content-Type", *content_type);
        cases.push(refused(format!("content-type {content_type}"), request, 415));
    }
    let not_text = Request::post("/events", CLICK).header("Content-Type", &b"application/js\xFFn"[..]);
    cases.push(refused("a content type that is not ASCII", not_text, 415));
    for content_type in
        ["application/x-ndjson", "application/x-www-form-urlencoded", "application/json; charset=latin1"]
    {
        let body = r#"{"visitor_id":"v","url":"/"}"#;
        let request = Request::post("/visits", body).header("Content-Type", content_type);
        cases.push(refused(format!("a visit as {content_type}"), request, 415));
    }
    for encoding in ENCODINGS {
        let request = Request::post("/events", CLICK).header("Content-Encoding", *encoding);
        cases.push(refused(format!("content-encoding {encoding}"), request, 415));
    }
    cases
}

#[test]
fn every_resource_answers_other_methods_with_405_and_says_which_it_takes() {
    let server = Server::start(&[]);
    let resources = [
        ("/events", "GET, HEAD, POST"),
        ("/events/0196fd2c-1111-7000-8000-00000000ffff", "GET, HEAD"),
        ("/visits", "POST"),
        ("/analytics/visitors", "GET, HEAD"),
        ("/analytics/pages", "GET, HEAD"),
        ("/analytics/summary", "GET, HEAD"),
        ("/analytics/timeseries", "GET, HEAD"),
        ("/export", "GET, HEAD"),
        ("/verify", "POST"),
        ("/users/ann", "DELETE"),
        ("/health", "GET, HEAD"),
        ("/health/live", "GET, HEAD"),
        ("/health/ready", "GET, HEAD"),
    ];
    for (path, allowed) in resources {
        let all = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get"];
        for method in all.into_iter().filter(|method| !allowed.split(", ").any(|known| known == *method)) {
            let answer = server.ask(&Request::new(method, path));
            assert_eq!(answer.status, 405, "{method} {path}: {}", answer.text());
            assert_eq!(answer.header("Allow"), Some(allowed), "{method} {path}");
            if method != "HEAD" {
                assert_eq!(answer.flaw_of_problem(), None, "{method} {path}: {}", answer.text());
            }
        }
    }
}
