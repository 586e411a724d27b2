//! `GET /events/{event_id}`: an event comes back as it was sent.

use insta::assert_json_snapshot;
use serde_json::json;

use super::shape;
use crate::support::{ID, Request, Server};

/// Stores an event given as JSON text and hands back how it reads.
fn stored(server: &Server, event: &str) -> String {
    let answer = server.ask(&Request::post("/events", event)).json_of(201);
    let id = answer["event_id"].as_str().expect("an id");
    let answer = server.ask(&Request::get(format!("/events/{id}")));
    assert_eq!(answer.status, 200);
    answer.text()
}

#[test]
fn an_event_is_shown_with_all_its_members() {
    let server = Server::start(&[]);
    let event = json!({
        "event_id": ID, "user_id": "u", "event_type": "purchase", "timestamp": "2025-05-26T16:00:00.25+02:00",
        "properties": { "amount": 9.99, "product_id": "p" }, "unknown": "is dropped",
    });
    stored(&server, &event.to_string());
    assert_json_snapshot!("event", shape(&server.ask(&Request::get(format!("/events/{ID}"))), &[]));
    // In any spelling of its id.
    for spelling in [ID.to_uppercase(), ID.replace('-', "")] {
        assert_eq!(server.get(&format!("/events/{spelling}"))["event_id"], ID);
    }
    let nobodys = json!({ "event_type": "bounced", "timestamp": "2025-05-26T16:00:00Z", "properties": { "domain": "Bücher.example." } });
    let shown: serde_json::Value =
        serde_json::from_str(&stored(&server, &nobodys.to_string())).expect("JSON");
    assert_eq!(
        (&shown["user_id"], &shown["properties"]["domain"]),
        (&json!(null), &json!("Bücher.example."))
    );
}

#[test]
fn an_event_that_is_not_there_is_a_problem() {
    let server = Server::start(&[]);
    let answer = server.ask(&Request::get("/events/0196fd2c-1111-7000-8000-00000000ffff"));
    assert_json_snapshot!("not_found", shape(&answer, &["/request_id"]));
}

#[test]
fn times_are_shown_in_utc_with_six_digits_and_cut_to_the_microsecond() {
    let server = Server::start(&[]);
    for (sent, shown) in [
        ("2025-05-26T14:00:00Z", "2025-05-26T14:00:00.000000Z"),
        ("2025-05-26T16:00:00+02:00", "2025-05-26T14:00:00.000000Z"),
        ("2025-05-26T19:30:00+05:30", "2025-05-26T14:00:00.000000Z"),
        ("2025-05-25T20:15:00-17:45", "2025-05-26T14:00:00.000000Z"),
        ("2025-05-26T14:00:00-00:00", "2025-05-26T14:00:00.000000Z"),
        ("2025-05-26T14:00:00.5Z", "2025-05-26T14:00:00.500000Z"),
        ("2025-05-26T14:00:00.123456789Z", "2025-05-26T14:00:00.123456Z"),
        ("2025-05-26T14:00:00.9999999999Z", "2025-05-26T14:00:00.999999Z"),
        ("1969-12-31T23:59:59.9999999Z", "1969-12-31T23:59:59.999999Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
        ("2025-01-01T00:30:00+01:00", "2024-12-31T23:30:00.000000Z"),
    ] {
        let event = json!({ "user_id": "u", "event_type": "click", "timestamp": sent }).to_string();
        let found = stored(&server, &event);
        assert!(found.contains(&format!("\"timestamp\":\"{shown}\"")), "{sent}: {found}");
    }
}

#[test]
fn properties_come_back_byte_for_byte() {
    let server = Server::start(&[]);
    for properties in [
        "{}",
        "{ }",
        "{\n\t\"b\" : 1 ,\r\n \"a\" : [ ] }",
        r#"{"b":1,"a":2,"b":3}"#,
        r#"{"n":1.0,"m":1e2,"l":-0,"k":0.10,"j":1E+2}"#,
        r#"{"n":123456789012345678901234567890.123456789012345678901234567890}"#,
        r#"{"n":1e999}"#,
        r#"{"s":"é \u00e9 \u00E9 \/ / \" \\ \b\f\n\r\t 😀 \ud83d\ude00"}"#,
        "{\"s\":\"\u{2028}\u{feff}\u{7f}\"}",
        r#"{"":null,"t":true,"f":false}"#,
    ] {
        let found =
            stored(&server, &format!(r#"{{"user_id":"u","event_type":"click","properties":{properties}}}"#));
        let tail = format!("\"properties\":{properties}}}");
        assert!(found.ends_with(&tail), "{found} does not end with {tail}");
    }
}

#[test]
fn integer_user_ids_are_kept_as_their_digits() {
    let server = Server::start(&[]);
    for digits in ["0", "7", "18446744073709551616", "123456789012345678901234567890"] {
        let found = stored(&server, &format!(r#"{{"user_id":{digits},"event_type":"click"}}"#));
        assert!(found.contains(&format!("\"user_id\":\"{digits}\"")), "{found}");
        let listed = server.get(&format!("/events?user_id={digits}"));
        assert_eq!(listed["events"].as_array().map(Vec::len), Some(1), "{listed}");
    }
    // The number and the text are one user.
    stored(&server, r#"{"user_id":"7","event_type":"click"}"#);
    let summary = server.get("/analytics/summary");
    assert_eq!((&summary["unique_users"], &summary["total_events"]), (&json!(4), &json!(5)));
}

#[test]
fn user_ids_come_back_as_text() {
    let server = Server::start(&[]);
    for user in ["a\"b\\c/d", "\u{1}\n\t", " u ", "😀", "ÿ\u{7f}", "</script>"] {
        let event = json!({ "user_id": user, "event_type": "click" });
        let found: serde_json::Value =
            serde_json::from_str(&stored(&server, &event.to_string())).expect("JSON");
        assert_eq!(found["user_id"], user);
    }
}
