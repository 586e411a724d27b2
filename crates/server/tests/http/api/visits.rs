//! `POST /visits`.

use insta::assert_json_snapshot;
use serde_json::json;

use super::shape;
use crate::support::{Request, Server};

#[test]
fn a_visit_is_a_page_view_by_that_visitor() {
    let server = Server::start(&[]);
    let answer = server.ask(&Request::post("/visits", r#"{"visitor_id":"v","url":"http://Example.com"}"#));
    assert_json_snapshot!("visit", shape(&answer, &["/event_id"]));
    let id = answer.json()["event_id"].as_str().expect("an id").to_owned();
    let event = server.ask(&Request::get(format!("/events/{id}")));
    assert_json_snapshot!("visit_as_an_event", shape(&event, &["/event_id", "/timestamp"]));
}

#[test]
fn a_visitor_goes_by_three_names_and_may_be_a_number() {
    let server = Server::start(&[]);
    let bodies = [
        json!({ "visitor_id": "v", "url": "/p" }),
        json!({ "uid": "v", "url": "/p" }),
        json!({ "user_id": "v", "url": "/p" }),
        json!({ "url": "/p", "uid": 42, "referrer": ["ignored"] }),
        json!({ "url": "/p", "visitor_id": null, "user_id": "42" }),
    ];
    for body in &bodies {
        assert_eq!(server.ask(&Request::post("/visits", body.to_string())).status, 201, "{body}");
    }
    let answer = server.get("/analytics/visitors?url=/p");
    assert_eq!(answer, json!({ "url": "/p", "distinct_visitors": 2, "page_views": 5 }));
}

#[test]
fn every_visit_counts_and_as_a_beacon_too() {
    let server = Server::start(&[]);
    let visit = || Request::post("/visits", r#"{"uid":"v","url":"/a"}"#);
    for request in [visit(), visit(), visit().chunked(3), visit().header("Content-Type", "text/plain")] {
        assert_eq!(server.ask(&request).json_of(201)["status"], "accepted");
    }
    let answer = server.get("/analytics/visitors?url=/a");
    assert_eq!((&answer["distinct_visitors"], &answer["page_views"]), (&json!(1), &json!(4)));
}
