//! Event types beyond the built-in ones.

use std::io::Write;

use insta::assert_json_snapshot;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::shape;
use crate::support::{Request, Server};

fn types_file(content: &Value) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("a temporary file");
    file.write_all(content.to_string().as_bytes()).expect("there is room");
    file
}

fn path_of(file: &NamedTempFile) -> &str {
    file.path().to_str().expect("a path in UTF-8")
}

#[test]
fn an_operators_type_is_held_to_its_schema() {
    let schema = json!({
        "type": "object",
        "required": ["video", "seconds"],
        "properties": {
            "video": { "type": "string", "format": "page" },
            "seconds": { "type": "integer", "minimum": 0 },
            "host": { "type": "string", "format": "domain" },
        },
    });
    let file = types_file(&json!({ "types": [
        { "name": "video_play", "schema": schema },
        { "name": "heartbeat", "user_id": "optional" },
    ] }));
    let server = Server::start(&[("EVENTS__TYPES_FILE", path_of(&file))]);
    let post = |event: &Value| server.ask(&Request::post("/events", event.to_string()));
    let play =
        |properties: Value| json!({ "event_type": "video_play", "user_id": "u", "properties": properties });

    assert_eq!(post(&play(json!({ "video": "/v/1", "seconds": 0, "host": "Example.com" }))).status, 201);
    assert_eq!(post(&json!({ "event_type": "heartbeat" })).status, 201);
    assert_eq!(
        post(&json!({ "event_type": "heartbeat", "user_id": "u", "properties": { "any": [1] } })).status,
        201
    );

    for (properties, pointer) in [
        (json!({}), "/properties"),
        (json!({ "video": "/v", "seconds": -1 }), "/properties/seconds"),
        (json!({ "video": "/v", "seconds": 1.5 }), "/properties/seconds"),
        (json!({ "video": "v", "seconds": 1 }), "/properties/video"),
        (json!({ "video": "/v", "seconds": 1, "host": "a b" }), "/properties/host"),
        (json!({ "video": 1, "seconds": 1 }), "/properties/video"),
    ] {
        let answer = post(&play(properties.clone()));
        let document = answer.json_of(422);
        let first = &document["errors"][0];
        assert_eq!(
            (&first["code"], &first["pointer"]),
            (&json!("schema_violation"), &json!(pointer)),
            "{properties}"
        );
    }
    let answer = post(&play(json!({ "video": "v", "seconds": "1" })));
    let varying = ["/request_id", "/errors/0/message", "/errors/1/message"];
    assert_json_snapshot!("schema_violation", shape(&answer, &varying));
    assert_eq!(post(&json!({ "event_type": "video_play", "properties": {} })).status, 422, "it needs a user");
    assert_eq!(post(&json!({ "event_type": "video_stop", "user_id": "u" })).status, 422);
    // JSON that no double can hold is no number that a schema could judge: the client's doing.
    let huge = r#"{"event_type":"video_play","user_id":"u","properties":{"video":"/v","seconds":1e999}}"#;
    assert_eq!(server.ask(&Request::post("/events", huge)).status, 422);
    let summary = server.get("/analytics/summary");
    assert_eq!(summary["events_by_type"], json!({ "heartbeat": 2, "video_play": 1 }));
}

#[test]
fn a_bad_types_file_stops_the_start_and_tells_everything() {
    let file = types_file(&json!({ "types": [
        { "name": "click" },
        { "name": "good" },
        { "name": "good" },
        { "name": "has space" },
        { "name": "" },
        { "name": "broken", "schema": { "type": "no such type" } },
        { "name": "also_broken", "schema": { "minimum": "x" } },
    ] }));
    let said = Server::refuses_to_start(&[("EVENTS__TYPES_FILE", path_of(&file))]);
    for word in [path_of(&file), "`click`", "`good`", "`has space`", "``", "`broken`", "`also_broken`"] {
        assert!(said.contains(word), "{word} is not in {said}");
    }

    let other_json = types_file(&json!({ "typs": [] }));
    let said = Server::refuses_to_start(&[("EVENTS__TYPES_FILE", path_of(&other_json))]);
    assert!(said.contains("typs"), "{said}");
    let said = Server::refuses_to_start(&[("EVENTS__TYPES_FILE", "/no/such/file.json")]);
    assert!(said.contains("/no/such/file.json"), "{said}");
}

#[test]
fn unknown_types_can_be_accepted() {
    let server = Server::start(&[("EVENTS__UNKNOWN_TYPES", "accept")]);
    let post = |event: Value| server.ask(&Request::post("/events", event.to_string())).status;
    assert_eq!(post(json!({ "event_type": "video_play", "user_id": "u", "properties": { "a": 1 } })), 201);
    assert_eq!(post(json!({ "event_type": "video_play" })), 422, "it needs a user");
    assert_eq!(post(json!({ "event_type": "video play", "user_id": "u" })), 422, "that is no name");
    assert_eq!(
        post(json!({ "event_type": "page_view", "user_id": "u" })),
        422,
        "a known type keeps its rules"
    );
    assert_eq!(server.get("/analytics/summary")["events_by_type"], json!({ "video_play": 1 }));
}
