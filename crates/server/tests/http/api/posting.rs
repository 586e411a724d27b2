//! `POST /events`: one event, arrays, lines, and every way in which a body may be sent.

use std::io::Write;

use insta::assert_json_snapshot;
use serde_json::{Value, json};

use super::{click, shape};
use crate::support::{ID, Request, Server, now};

const CLICK: &str = r#"{"user_id":"u","event_type":"click"}"#;

#[test]
fn one_event_is_accepted_and_then_a_duplicate() {
    let server = Server::start(&[]);
    let event = |user: &str| json!({ "event_id": ID, "user_id": user, "event_type": "click" }).to_string();
    assert_json_snapshot!("accepted", shape(&server.ask(&Request::post("/events", event("a"))), &[]));
    assert_json_snapshot!("duplicate", shape(&server.ask(&Request::post("/events", event("b"))), &[]));
    // The first one stored stays as it was.
    assert_eq!(server.get(&format!("/events/{ID}"))["user_id"], "a");
}

#[test]
fn an_event_without_an_id_is_given_one_of_version_7_of_the_time_of_receipt() {
    let server = Server::start(&[]);
    let before = now().micros() / 1_000;
    let answer = server.ask(&Request::post("/events", CLICK)).json_of(201);
    let after = now().micros() / 1_000;
    let id = answer["event_id"].as_str().expect("an id");
    assert_eq!((id.len(), &id[14..15]), (36, "7"), "{id}");
    assert!("89ab".contains(&id[19..20]), "{id}");
    let millis = i64::from_str_radix(&id[..13].replace('-', ""), 16).expect("hexadecimal digits");
    assert!((before..=after).contains(&millis), "{millis} is not in {before}..={after}");
    let stored = server.get(&format!("/events/{id}"));
    assert_eq!(stored["properties"], json!({}));
    assert!(stored["timestamp"].as_str() >= Some("2025"), "{stored}");
}

#[test]
fn ids_are_known_again_in_any_spelling() {
    let server = Server::start(&[]);
    let upper = ID.to_uppercase();
    let spellings =
        [ID.to_owned(), upper, ID.replace('-', ""), format!("{{{ID}}}"), format!("urn:uuid:{ID}")];
    let statuses = spellings.map(|spelling| {
        let event = json!({ "event_id": spelling, "user_id": "u", "event_type": "click" });
        let answer = server.ask(&Request::post("/events", event.to_string()));
        assert_eq!(answer.json()["event_id"], ID, "{spelling}");
        answer.status
    });
    assert_eq!(statuses, [201, 200, 200, 200, 200]);
}

#[test]
fn batches_report_what_became_of_their_events() {
    let server = Server::start(&[]);
    let batch = json!([
        { "event_id": ID, "user_id": "a", "event_type": "click" },
        { "event_id": ID, "user_id": "a", "event_type": "click" },
        { "event_id": "mine", "user_id": "", "event_type": "click" },
        { "event_type": "purchase", "user_id": "a", "properties": {} },
        click("a", "2025-05-26T14:00:00Z"),
    ]);
    let messages = ["/errors/0/errors/0/message", "/errors/0/errors/1/message", "/errors/1/errors/0/message"];
    let answer = server.ask(&Request::post("/events", batch.to_string()));
    assert_json_snapshot!(
        "batch",
        shape(&answer, &[&messages[..], &["/errors/1/errors/1/message"]].concat())
    );

    let lines: Vec<String> = batch.as_array().into_iter().flatten().map(Value::to_string).collect();
    let answer = server.ask(&Request::ndjson(lines.join("\r\n\r\n") + "\n{"));
    let more = ["/errors/1/errors/1/message", "/errors/2/errors/0/message"];
    assert_json_snapshot!("ndjson", shape(&answer, &[&messages[..], &more].concat()));

    let wrong = json!([{ "event_id": "mine", "user_id": "", "event_type": "click" }, 1]);
    let answer = server.ask(&Request::post("/events", wrong.to_string()));
    let varying = [&messages[..], &["/request_id"]].concat();
    assert_json_snapshot!("nothing_valid", shape(&answer, &varying));
}

#[test]
fn ten_thousand_events_are_a_batch() {
    let server = Server::start(&[]);
    let answer = server.ask(&Request::post("/events", format!("[{}]", vec![CLICK; 10_000].join(","))));
    assert_eq!(answer.json_of(200)["accepted"], 10_000);
    let answer = server.ask(&Request::ndjson(format!("\n{CLICK}\n").repeat(10_000)));
    assert_eq!(answer.json_of(200)["accepted"], 10_000);
}

#[test]
fn bodies_come_compressed_or_not() {
    let server = Server::start(&[]);
    let body = CLICK.as_bytes();
    let gzip = |body: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(body).expect("writing to memory");
        encoder.finish().expect("writing to memory")
    };
    let mut brotli = brotli::CompressorWriter::new(Vec::new(), 4_096, 5, 20);
    brotli.write_all(body).expect("writing to memory");
    let in_two_members = [gzip(&body[..9]), gzip(&body[9..])].concat();
    for (encoding, body) in [
        ("gzip", gzip(body)),
        ("GZIP", gzip(body)),
        ("x-gzip", gzip(body)),
        ("gzip", in_two_members),
        ("br", brotli.into_inner()),
        ("zstd", zstd::encode_all(body, 3).expect("writing to memory")),
        ("identity", body.to_vec()),
    ] {
        for request in [Request::post("/events", body.clone()), Request::post("/events", body).chunked(5)] {
            let answer = server.ask(&request.header("Content-Encoding", encoding));
            assert_eq!(answer.status, 201, "{encoding}: {}", answer.text());
        }
    }
    // More than what is decoded beside the event loop, and as lines.
    let lines = gzip(format!("{CLICK}\n").repeat(10_000).as_bytes());
    let large = Request::ndjson(lines).header("Content-Encoding", "gzip");
    assert_eq!(server.ask(&large).json_of(200)["accepted"], 10_000);
}

#[test]
fn json_comes_under_several_names() {
    let server = Server::start(&[]);
    for content_type in [
        "application/json",
        "application/json; charset=utf-8",
        "application/json;charset=\"UTF-8\"",
        "Application/JSON ; Charset=utf-8",
        "text/json",
        "text/plain",
        "text/plain;charset=UTF-8",
        "application/json; charset=us-ascii",
    ] {
        let answer = server.ask(&Request::post("/events", CLICK).header("Content-Type", content_type));
        assert_eq!(answer.status, 201, "{content_type}: {}", answer.text());
    }
    assert_eq!(server.ask(&Request::post("/events", CLICK).without("Content-Type")).status, 201);
    // As browsers' sendBeacon sends it, with the key in the query.
    let beacon =
        Request::post("/events?key=secret", format!("[{CLICK}]")).header("Content-Type", "text/plain");
    assert_eq!(server.ask(&beacon).json_of(200)["accepted"], 1);
    for content_type in ["application/x-ndjson", "application/ndjson", "application/jsonl"] {
        let answer = server.ask(&Request::ndjson(CLICK).header("Content-Type", content_type));
        assert_eq!(answer.json_of(200)["accepted"], 1, "{content_type}");
    }
}

#[test]
fn bodies_come_in_chunks_of_any_size() {
    let server = Server::start(&[]);
    for bytes in [1, 7, 36, 1_000] {
        assert_eq!(server.ask(&Request::post("/events", CLICK).chunked(bytes)).status, 201);
    }
    let padded = format!("{}{CLICK}\r\n\t", " ".repeat(200_000));
    assert_eq!(server.ask(&Request::post("/events", padded).chunked(4_096)).status, 201);
}

#[test]
fn what_is_just_within_the_limits_is_taken() {
    let server = Server::start(&[]);
    let event =
        |member: &str, value: &str| format!(r#"{{"event_type":"click","user_id":"u","{member}":{value}}}"#);
    let user = |value: &str| format!(r#"{{"event_type":"click","user_id":{value}}}"#);
    let purchase = |amount: &str| {
        format!(
            r#"{{"event_type":"purchase","user_id":"u","properties":{{"amount":{amount},"product_id":" "}}}}"#
        )
    };
    let soon = now().plus_micros((24 * 3_600 - 5) * 1_000_000);
    for body in [
        user(&format!("\"{}\"", "x".repeat(255))),
        user(&format!("\"{}\"", "😀".repeat(255))),
        user(&format!("\"{}\"", "\\ud83d\\ude00".repeat(255))),
        user(&"9".repeat(255)),
        user("0"),
        user("\" a \""),
        event("timestamp", &format!("\"{soon}\"")),
        event("timestamp", "\"0000-01-01T00:00:00Z\""),
        event("timestamp", "\"2025-05-26t14:00:00z\""),
        event("timestamp", "\"2024-02-29T00:00:00.123456789+14:00\""),
        event("timestamp", "null"),
        event("event_id", "null"),
        event("properties", "null"),
        event("properties", &format!("{{\"a\":\"{}\"}}", "x".repeat(32 * 1_024 - 8))),
        event("properties", &format!("{}1{}", "{\"a\":".repeat(16), "}".repeat(16))),
        event("properties", &format!("{{\"a\":{}{}}}", "[".repeat(15), "]".repeat(15))),
        event("properties", "{\"page\":1,\"amount\":\"x\",\"domain\":null}"),
        event("properties", "{\"huge\":1e999,\"a\":1,\"a\":2}"),
        event("something_else", "[{\"a\":null}]"),
        purchase("0"),
        purchase("-0"),
        purchase("-0.0e5"),
        purchase("1e308"),
        purchase("1e-999"),
        purchase("0.1000000000000000055511151231257827"),
        r#"{"event_type":"bounced","properties":{"domain":"example.com"}}"#.to_owned(),
        r#"{"event_type":"delivered","user_id":null,"properties":{"domain":"localhost"}}"#.to_owned(),
        r#"{"event_type":"delivered","user_id":"u","properties":{"domain":"EXAMPLE.com."}}"#.to_owned(),
        format!(" \r\n\t{CLICK} \n"),
    ] {
        let answer = server.ask(&Request::post("/events", body.clone()));
        assert_eq!(answer.status, 201, "{}: {}", &body[..body.len().min(200)], answer.text());
    }
}
