//! What is wrong below HTTP's meaning: heads that are no HTTP or too large, and bodies that go on after the refusal.

use std::time::{Duration, Instant};

use crate::support::{Request, Server};

/// No HTTP, or HTTP that could be read in two ways.
const GARBAGE: &[(&str, &[u8])] = &[
    ("noise", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n"),
    ("words", b"hello world\r\n\r\n"),
    ("no version", b"GET /health\r\n\r\n"),
    ("a version that is none", b"GET /health HTTP/x\r\nHost: a\r\n\r\n"),
    ("HTTP/3.7", b"GET /health HTTP/3.7\r\nHost: a\r\n\r\n"),
    ("a space in the target", b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a NUL in the target", b"GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a header without a colon", b"GET /health HTTP/1.1\r\nHost a\r\n\r\n"),
    ("a space in a header's name", b"GET /health HTTP/1.1\r\nHo st: a\r\n\r\n"),
    ("a NUL in a header", b"GET /health HTTP/1.1\r\nHost: a\0b\r\n\r\n"),
    ("a folded header", b"GET /health HTTP/1.1\r\nX-A: b\r\n c\r\n\r\n"),
    (
        "two lengths",
        b"POST /events HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n12345",
    ),
    ("a length that is none", b"POST /events HTTP/1.1\r\nHost: a\r\nContent-Length: abc\r\n\r\n"),
    ("a negative length", b"POST /events HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n"),
    ("a length with a plus", b"POST /events HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n12345"),
    (
        "a length beyond 64 bits",
        b"POST /events HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    ),
    ("an unknown transfer coding", b"POST /events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: rot13\r\n\r\n"),
    (
        "a chunk size that is none",
        b"POST /events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
    ),
    (
        "a chunk without its end",
        b"POST /events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n",
    ),
    (
        "a chunk beyond 64 bits",
        b"POST /events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello",
    ),
];

#[test]
fn garbage_is_refused_and_never_a_failure_of_the_server() {
    let server = Server::start(&[]);
    for (name, bytes) in GARBAGE {
        let mut connection = server.connect();
        connection.send(bytes).expect("the server reads");
        connection.end_sending();
        // To close without a word is fair; to answer means to blame the client.
        if let Ok(answer) = connection.receive("GET") {
            assert!((400..500).contains(&answer.status), "{name}: {} {}", answer.status, answer.text());
        }
    }
    server.get("/health");
}

#[test]
fn oversized_heads_are_refused_as_the_clients_doing() {
    let server = Server::start(&[]);
    let long = |bytes: usize| "a".repeat(bytes);
    let many = |count: usize| {
        (0..count)
            .fold(Request::get("/health"), |request, number| request.header(&format!("X-{number}"), "a"))
    };
    let requests = [
        ("a path of 70,000 bytes", Request::get(format!("/{}", long(70_000)))),
        ("a path of 1 MiB", Request::get(format!("/{}", long(1 << 20)))),
        ("a query of 70,000 bytes", Request::get(format!("/analytics/visitors?url=/{}", long(70_000)))),
        ("a query of 20,000 bytes", Request::get(format!("/analytics/visitors?url=/{}", long(20_000)))),
        ("a header of 1 MiB", Request::get("/health").header("X-A", long(1 << 20))),
        ("5,000 headers", many(5_000)),
    ];
    for (name, request) in requests {
        let answer = server.connect().ask(&request).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!((400..500).contains(&answer.status), "{name}: {} {}", answer.status, answer.text());
    }
    server.get("/health");
}

/// The client is still sending when it is refused: it must be able to read why.
#[test]
fn a_refusal_is_readable_while_the_client_is_still_sending() {
    let server = Server::start(&[("LIMITS__BODY_BYTES", "64KiB")]);
    let body = vec![b' '; 4 << 20];
    let requests = [
        ("too large, announced", Request::post("/events", body.clone()), 413),
        ("too large, in chunks", Request::post("/events", body.clone()).chunked(8 << 10), 413),
        ("of a wrong type", Request::post("/events", body.clone()).header("Content-Type", "text/html"), 415),
        (
            "of a wrong type, in chunks",
            Request::post("/events", body.clone()).header("Content-Type", "a/b").chunked(8 << 10),
            415,
        ),
        ("for a path that is not there", Request::post("/nope", body.clone()), 404),
        ("by a wrong method", Request::post("/health", body), 405),
    ];
    for (name, request, status) in requests {
        for _ in 0..5 {
            let answer = server.connect().ask(&request).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(
                (answer.status, answer.flaw_of_problem()),
                (status, None),
                "{name}: {}",
                answer.text()
            );
        }
    }
}

/// What is drained has a bound: a client that never stops is cut off.
#[test]
fn a_client_that_never_stops_sending_is_cut_off() {
    let server = Server::start(&[("LIMITS__BODY_BYTES", "64KiB")]);
    let mut connection = server.connect();
    let head = Request::new("POST", "/events").header("Transfer-Encoding", "chunked").head();
    connection.send(&head).expect("the server reads");
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x1_0000)).into_bytes();
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(15) {
        if connection.send(&chunk).is_err() {
            return;
        }
    }
    panic!("the server still takes what it refused long ago");
}

#[test]
fn a_body_that_breaks_off_leaves_nothing() {
    let server = Server::start(&[]);
    let mut connection = server.connect();
    let request =
        Request::post("/events", r#"{"user_id":"u","event_type":"click"}"#).header("Content-Length", "99");
    connection.send(&request.bytes()).expect("the server reads");
    connection.end_sending();
    if let Ok(answer) = connection.receive("POST") {
        assert!((400..500).contains(&answer.status), "{}", answer.text());
    }
    assert_eq!(server.get("/events")["events"], serde_json::json!([]));
}
