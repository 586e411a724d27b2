//! Everything wrong that a client may send, as tables: each is refused with the status, the code and the pointer that
//! the contract promises, as a problem document, and leaves no trace.

mod batches;
mod envelopes;
mod headers;
mod json_texts;
mod properties;
mod queries;
mod sizes;
mod visits;
mod wire;

use serde_json::{Value, json};

use crate::support::{Request, Server};

/// One wrong request and what must come of it.
struct Case {
    name: String,
    request: Request,
    status: u16,
    /// The code and the pointer of one of the `errors`.
    error: Option<(&'static str, String)>,
}

/// A request that is refused for something in it.
fn case(
    name: impl Into<String>,
    request: Request,
    status: u16,
    code: &'static str,
    pointer: impl Into<String>,
) -> Case {
    Case { name: name.into(), request, status, error: Some((code, pointer.into())) }
}

/// A request that is refused as a whole.
fn refused(name: impl Into<String>, request: Request, status: u16) -> Case {
    Case { name: name.into(), request, status, error: None }
}

/// A `POST /events` of this JSON.
fn event(
    name: impl Into<String>,
    body: impl Into<Vec<u8>>,
    status: u16,
    code: &'static str,
    pointer: &str,
) -> Case {
    case(name, Request::post("/events", body), status, code, pointer)
}

impl Case {
    /// What is wrong with the answer; nothing, when it is as it must be.
    fn flaw(&self, server: &Server) -> Option<String> {
        let answer = match server.connect().ask(&self.request) {
            Ok(answer) => answer,
            Err(error) => return Some(format!("no answer: {error}")),
        };
        if answer.status != self.status {
            return Some(format!("status {} instead of {}: {}", answer.status, self.status, answer.text()));
        }
        if let Some(flaw) = answer.flaw_of_problem().filter(|_| self.request.method != "HEAD") {
            return Some(format!("{flaw}: {}", answer.text()));
        }
        let (code, pointer) = self.error.as_ref()?;
        let document = answer.json();
        let found = |error: &Value| error["code"] == **code && error["pointer"] == **pointer;
        if document["errors"].as_array().is_some_and(|errors| errors.iter().any(found)) {
            return None;
        }
        Some(format!("no {code} at {pointer:?} in {document}"))
    }
}

#[test]
fn every_bad_input_is_refused_as_promised_and_leaves_no_trace() {
    let server = Server::start(&[]);
    server.store(&stored());
    let before = figures(&server);

    let tables = [
        json_texts::cases(),
        envelopes::cases(),
        properties::cases(),
        visits::cases(),
        queries::cases(&server),
        headers::cases(),
        sizes::cases(),
    ];
    let cases: Vec<Case> = tables.into_iter().flatten().collect();
    println!("{} cases", cases.len());
    assert!(cases.len() >= 80);
    let flaw = |case: &Case| Some(format!("{}: {}", case.name, shortened(&case.flaw(&server)?)));
    let flaws: Vec<String> = cases.iter().filter_map(flaw).collect();
    assert!(flaws.is_empty(), "{} of {} cases:\n{}", flaws.len(), cases.len(), flaws.join("\n"));

    assert_eq!(figures(&server), before);
    let answer = server.ask(&Request::post("/events", r#"{"user_id":"u","event_type":"click"}"#));
    assert_eq!(answer.status, 201);
}

/// Enough for a report, however long the input was.
fn shortened(text: &str) -> String {
    text.chars().take(600).collect()
}

/// Events of several types, so that every figure has something in it.
fn stored() -> Value {
    json!([
        {"event_type": "page_view", "user_id": "a", "timestamp": "2025-05-26T14:00:00Z", "properties": {"page": "/x"}},
        {"event_type": "page_view", "user_id": "b", "timestamp": "2025-05-26T15:00:00Z", "properties": {"page": "/x"}},
        {"event_type": "click", "user_id": "a", "timestamp": "2025-05-27T15:00:00Z"},
        {"event_type": "bounced", "timestamp": "2025-05-27T16:00:00Z", "properties": {"domain": "example.com"}},
    ])
}

/// All that can be asked of the store, over all of time.
fn figures(server: &Server) -> Vec<Value> {
    const EVER: &str = "from=2020-01-01T00:00:00Z&to=2031-01-01T00:00:00Z";
    let targets = [
        format!("/analytics/summary?{EVER}"),
        format!("/analytics/pages?{EVER}"),
        format!("/analytics/timeseries?metric=visitors&interval=day&{EVER}"),
        "/analytics/visitors?url=/x".to_owned(),
        "/events?limit=1000".to_owned(),
        "/health/ready".to_owned(),
    ];
    targets.iter().map(|target| server.get(target)).collect()
}
