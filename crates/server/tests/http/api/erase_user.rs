//! `DELETE /users/{id}`: a user is forgotten everywhere.

use insta::assert_json_snapshot;
use serde_json::{Value, json};

use super::{click, shape, view};
use crate::support::{Answer, ID, Request, Server, url_encoded};

const RANGE: &str = "from=2025-05-26T00:00:00Z&to=2025-05-27T00:00:00Z";
const AT: &str = "2025-05-26T14:00:00Z";

fn erase(server: &Server, id: &str) -> Answer {
    server.ask(&Request::new("DELETE", format!("/users/{id}")))
}

#[test]
fn an_erased_user_is_in_no_answer_and_no_export() {
    let server = Server::start(&[]);
    let mut known = view("gone", AT, "/shared");
    known["event_id"] = ID.into();
    server.store(&json!([
        known,
        view("gone", AT, "/only-gone"),
        click("gone", AT),
        view("stays", AT, "/shared"),
    ]));
    let answer = erase(&server, "gone");
    assert_eq!((answer.status, answer.text()), (204, String::new()));

    assert_eq!(server.get("/events?user_id=gone")["events"], json!([]));
    assert_eq!(server.ask(&Request::get(format!("/events/{ID}"))).status, 404);
    let summary = server.get(&format!("/analytics/summary?{RANGE}"));
    assert_eq!((&summary["total_events"], &summary["unique_users"]), (&json!(1), &json!(1)), "{summary}");
    assert_eq!(summary["events_by_type"], json!({ "page_view": 1 }));
    let pages = server.get(&format!("/analytics/pages?{RANGE}"));
    assert_eq!(pages["pages"], json!([{ "url": "/shared", "distinct_visitors": 1, "page_views": 1 }]));
    for format in ["ndjson", "csv"] {
        let export = server.ask(&Request::get(format!("/export?format={format}"))).text();
        assert!(export.contains("stays") && !export.contains("gone") && !export.contains(ID), "{export}");
    }
    let verified = server.ask(&Request::new("POST", "/verify")).json_of(200);
    assert_eq!(verified, json!({ "consistent": true, "differences": [] }));
}

#[test]
fn a_late_retry_does_not_bring_an_event_back_but_the_user_may_return() {
    let server = Server::start(&[]);
    let mut event = click("u", AT);
    event["event_id"] = ID.into();
    assert_eq!(server.ask(&Request::post("/events", event.to_string())).status, 201);
    assert_eq!(erase(&server, "u").status, 204);
    let retry = server.ask(&Request::post("/events", event.to_string()));
    assert_eq!(retry.json_of(200)["status"], "duplicate");
    assert_eq!(server.get("/events?user_id=u")["events"], json!([]));
    server.store(&json!([click("u", AT)]));
    assert_eq!(server.get("/events?user_id=u")["events"].as_array().map(Vec::len), Some(1));
}

#[test]
fn it_is_204_also_when_there_is_nothing_and_again() {
    let server = Server::start(&[]);
    server.store(&json!([click("u", AT)]));
    for id in ["nobody", "u", "u", "%F0%9F%98%80"] {
        assert_eq!(erase(&server, id).status, 204, "{id}");
    }
}

/// Only the very user that is named goes.
#[test]
fn an_id_is_decoded_from_the_path_as_it_was_meant() {
    let users = [
        "ann", "Ann", "ann ", " ann", "a/b", "a%2Fb", "a+b", "a b", "42", "..", ".", "?", "#", "%",
        "\u{FFFD}", "a\nb", "jörg", "😀", "a;b=c", "null", "\"", "\\",
    ];
    let server = Server::start(&[]);
    let events: Vec<Value> = users.iter().map(|user| click(user, AT)).collect();
    server.store(&json!(events));
    // No path that could be mistaken for one of them.
    for wrong in ["%FF", "%", "%zz", "a%C3", "%00"] {
        assert_eq!(erase(&server, wrong).status, 422, "{wrong}");
    }
    for (erased, user) in users.iter().enumerate() {
        assert_eq!(erase(&server, &url_encoded(user)).status, 204, "{user:?}");
        let left = server.get("/events?limit=1000");
        let left: Vec<&str> = left["events"]
            .as_array()
            .expect("events")
            .iter()
            .filter_map(|event| event["user_id"].as_str())
            .collect();
        assert_eq!(left.len(), users.len() - erased - 1, "after {user:?}: {left:?}");
        assert!(!left.contains(user));
    }
}

#[test]
fn a_number_is_the_user_of_its_digits() {
    let server = Server::start(&[]);
    server
        .store(&json!([{ "user_id": 7, "event_type": "click" }, { "user_id": "7", "event_type": "click" }]));
    assert_eq!(erase(&server, "7").status, 204);
    assert_eq!(server.get("/events")["events"], json!([]));
}

/// A path's id and an event's `user_id` are held to one rule.
#[test]
fn what_is_no_user_of_an_event_is_none_in_a_path() {
    let server = Server::start(&[]);
    let long = |count: usize| "ü".repeat(count);
    for user in ["u", " ", "\u{a0}\t", "\0", "a\0b", " u ", &long(255), &long(256), &"x".repeat(10_000)] {
        let posted = server.ask(&Request::post("/events", click(user, AT).to_string()));
        let erased = erase(&server, &url_encoded(user));
        if posted.status == 201 {
            assert_eq!(erased.status, 204, "{user:?}");
            continue;
        }
        assert_eq!(erased.flaw_of_problem(), None);
        let (posted, erased) = (posted.json_of(422), erased.json_of(422));
        let code = &posted["errors"][0]["code"];
        assert_eq!(
            (code, &json!("path:id")),
            (&erased["errors"][0]["code"], &erased["errors"][0]["pointer"]),
            "{user:?}"
        );
    }
    let answer = erase(&server, "%20");
    assert_json_snapshot!("not_a_user", shape(&answer, &["/request_id", "/errors/0/message"]));
}

/// Whoever asks for a part must not be given the whole.
#[test]
fn a_query_is_refused_and_nothing_is_erased() {
    let server = Server::start(&[]);
    server.store(&json!([click("u", AT)]));
    for query in ["?from=2025-05-26T00:00:00Z", "?dry_run=true", "?event_type=click"] {
        assert_eq!(erase(&server, &format!("u{query}")).status, 400, "{query}");
    }
    assert_eq!(server.get("/events")["events"].as_array().map(Vec::len), Some(1));
    assert_eq!(erase(&server, "u?key=secret").status, 204);
}

#[test]
fn a_log_names_no_user() {
    let server = Server::start(&[("LOG__LEVEL", "debug"), ("SERVER__WORKERS", "1")]);
    server.store(&json!([click("jane-doe", AT)]));
    for target in ["jane-doe", "jane-doe?x=1", "jane-doe/", "jane%2Ddoe%00"] {
        erase(&server, target);
    }
    server.get("/events?user_id=jane-doe");
    server.terminate();
    let stopped = server.wait();
    assert!(stopped.stderr.contains("/users/{id}"), "{}", stopped.stderr);
    assert!(!stopped.stderr.contains("jane"), "{}", stopped.stderr);
}
