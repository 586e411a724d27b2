//! Heads and bodies that are too large or too slow.

use std::time::{Duration, Instant};

use crate::support::{Request, Server};

const PAUSE: Duration = Duration::from_millis(100);
/// Much longer than the limits that are set here, and much shorter than the drips would take.
const SOON: Duration = Duration::from_secs(20);

#[test]
fn a_head_that_drips_in_is_cut_off() {
    let server = Server::start(&[("LIMITS__HEAD_TIMEOUT", "1s")]);
    let mut connection = server.connect();
    connection.send(b"GET /health HTTP/1.1\r\nHost: a\r\nX-Slow: ").expect("the server reads");
    let since = Instant::now();
    while since.elapsed() < SOON && connection.send(b"a").is_ok() && since.elapsed() < Duration::from_secs(3)
    {
        std::thread::sleep(PAUSE);
    }
    assert_eq!(connection.receive("GET").expect("it says why").status, 408);
    assert!(since.elapsed() < SOON);
    server.get("/health");
}

#[test]
fn a_body_that_drips_in_is_cut_off() {
    let server = Server::start(&[("LIMITS__REQUEST_TIMEOUT", "1s")]);
    for chunked in [false, true] {
        let mut connection = server.connect();
        let head: &[u8] = if chunked {
            b"POST /events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        } else {
            b"POST /events HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
        };
        connection.send(head).expect("the server reads");
        let (since, drip): (_, &[u8]) = (Instant::now(), if chunked { b"1\r\n \r\n" } else { b" " });
        while since.elapsed() < Duration::from_secs(3) && connection.send(drip).is_ok() {
            std::thread::sleep(PAUSE);
        }
        let answer = connection.receive("POST").expect("it says why");
        assert_eq!((answer.status, answer.flaw_of_problem()), (408, None), "{}", answer.text());
        assert!(connection.is_closed() && since.elapsed() < SOON, "chunked: {chunked}");
    }
}

/// Whoever is answered before the end of its body doesn't keep the connection by never ending it.
#[test]
fn a_body_that_nobody_wants_is_not_waited_for() {
    let server = Server::start(&[("AUTH__KEYS", "a:read:secret")]);
    for (line, status) in
        [("POST /events", 401), ("GET /health", 200), ("GET /events", 401), ("DELETE /users/x", 401)]
    {
        for announced in ["Transfer-Encoding: chunked", "Content-Length: 100000"] {
            let mut connection = server.connect();
            let head = format!("{line} HTTP/1.1\r\nHost: localhost\r\n{announced}\r\n\r\n");
            connection.send(head.as_bytes()).expect("the server reads");
            connection.send(b"1\r\n \r\n").expect("the server reads");
            let (since, method) = (Instant::now(), line.split(' ').next().unwrap_or_default());
            assert_eq!(connection.receive(method).expect("it says why").status, status, "{line} {announced}");
            assert!(connection.is_closed() && since.elapsed() < SOON, "{line} {announced}");
        }
    }
}

#[test]
fn a_url_has_a_length() {
    let server = Server::start(&[("LIMITS__URL_BYTES", "1KiB")]);
    let url = |bytes: usize| format!("/health?{}", "a".repeat(bytes - "/health?".len()));
    assert_eq!(server.ask(&Request::get(url(1_024))).status, 200);
    let refused = server.ask(&Request::get(url(1_025)));
    assert_eq!((refused.status, refused.flaw_of_problem()), (414, None), "{}", refused.text());
    assert_eq!(refused.json()["type"], "urn:footfall:problem:url-too-long");
    let with_body = Request::post(&url(9_000), vec![b' '; 4 << 20]);
    assert_eq!(server.ask(&with_body).status, 414, "readable while the client is still sending");
    // Any page that is stored can be asked about by default.
    let server = Server::start(&[]);
    let page = format!("/{}", "%20".repeat(2_730));
    let asked = page.replace('%', "%25");
    let visit = serde_json::json!({ "visitor_id": "ann", "url": page }).to_string();
    assert_eq!(server.ask(&Request::post("/visits", visit)).status, 201);
    assert_eq!(server.get(&format!("/analytics/visitors?url={asked}"))["distinct_visitors"], 1);
}

#[test]
fn heads_beyond_the_limits_get_431_or_400_and_hold_nothing() {
    let server = Server::start(&[]);
    let with = |headers: usize, bytes: usize| {
        let add = |request: Request, number| request.header(&format!("X-{number}"), "a".repeat(bytes));
        (0..headers).fold(Request::get("/health"), add)
    };
    // `Host` is one, too.
    for (name, request, status) in [
        ("96 headers", with(95, 1), 200),
        ("97 headers", with(96, 1), 431),
        ("10,000 headers", with(10_000, 1), 431),
        ("a head of 90 KiB", with(90, 1 << 10), 200),
        ("a header of 1 MiB", with(1, 1 << 20), 431),
        ("a URL of 40,000 bytes", Request::get(format!("/{}", "a".repeat(40_000))), 414),
        ("a URL of 70,000 bytes", Request::get(format!("/{}", "a".repeat(70_000))), 400),
        ("a URL of 1 MiB", Request::get(format!("/{}", "a".repeat(1 << 20))), 431),
    ] {
        let answer = server.connect().ask(&request).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(answer.status, status, "{name}: {}", answer.text());
    }
    server.get("/health");
}
