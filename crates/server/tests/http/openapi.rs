//! The API's description as it is served, and what a document can't be held to by a program that knows nothing but it.
//! (`make test-openapi` does the rest.)

use std::collections::BTreeSet;
use std::io::Read as _;

use serde_json::Value;

use crate::support::{Request, Server, Stream};

#[test]
fn the_description_is_for_everyone_and_not_sent_twice() {
    let server = Server::start(&[("AUTH__KEYS", "site:ingest:secret")]);
    let plain = server.ask(&Request::get("/openapi.json"));
    assert_eq!((plain.status, plain.header("Content-Type")), (200, Some("application/json")));
    let document: Value = serde_json::from_slice(&plain.body).expect("it is JSON");
    assert_eq!(document["openapi"], "3.1.0");
    for coding in ["identity", "gzip"] {
        let ask = || Request::get("/openapi.json").header("Accept-Encoding", coding);
        let first = server.ask(&ask());
        let tag = first.header("ETag").expect("it has one").to_owned();
        assert_eq!(first.header("ETag") == plain.header("ETag"), coding == "identity");
        assert_eq!(first.header("Vary"), Some("Accept-Encoding"));
        let again = server.ask(&ask().header("If-None-Match", tag.clone()));
        assert_eq!((again.status, again.body.len(), again.header("ETag")), (304, 0, Some(&*tag)));
        if coding == "gzip" {
            assert_eq!(first.header("Content-Encoding"), Some("gzip"));
            let mut unpacked = Vec::new();
            flate2::read::GzDecoder::new(&first.body[..]).read_to_end(&mut unpacked).expect("it is gzip");
            assert!(unpacked == plain.body);
        }
    }
}

/// The service names the parameters that it knows when it is asked with another one.
#[test]
fn every_parameter_is_described_and_no_other() {
    let server = Server::start(&[]);
    let document = server.get("/openapi.json");
    let mut checked = 0;
    for (path, item) in document["paths"].as_object().expect("there are some") {
        for (method, operation) in item.as_object().expect("there are some") {
            // Probes may write there what they like.
            if path.starts_with("/health") || path == "/openapi.json" {
                continue;
            }
            let target = ["event_id", "domain", "title", "id"]
                .iter()
                .fold(path.clone(), |target, name| target.replace(&format!("{{{name}}}"), "mail.example"));
            let body = if path == "/users" || path == "/visits" || path == "/events" { "{}" } else { "" };
            let request = Request::new(&method.to_uppercase(), format!("{target}?no_such=1"));
            let answer = server.ask(&request.header("Content-Type", "application/json").body(body));
            assert_eq!(
                (answer.status, answer.flaw_of_problem()),
                (400, None),
                "{method} {path}: {}",
                answer.text()
            );
            let problem: Value = serde_json::from_slice(&answer.body).expect("it is JSON");
            let errors = problem["errors"].as_array().expect("there are some");
            let error = errors.iter().find(|error| error["pointer"] == "query:no_such").expect("it is told");
            let (_, known) =
                error["message"].as_str().and_then(|text| text.split_once("these are: ")).expect("it says");
            let known: BTreeSet<&str> = known.split(", ").filter(|name| *name != "none").collect();
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let described = parameters.filter(|parameter| parameter["in"] == "query");
            let described: BTreeSet<&str> =
                described.filter_map(|parameter| parameter["name"].as_str()).collect();
            assert_eq!(described, known, "{method} {path}");
            checked += 1;
        }
    }
    assert!(checked > 20, "{checked}");
}

#[test]
fn the_stream_is_what_is_described() {
    let server = Server::start(&[]);
    let document = server.get("/openapi.json");
    let answer = &document["paths"]["/events/stream"]["get"]["responses"]["200"];
    let described: Vec<&str> =
        answer["content"].as_object().expect("it has some").keys().map(String::as_str).collect();
    let head = server.ask(&Request::new("HEAD", "/events/stream"));
    assert_eq!((head.status, head.header("Content-Type")), (200, Some(described[0])));
    assert!(head.header("X-Request-Id").is_some());
    Stream::open(&server, "/events/stream", None);
}
