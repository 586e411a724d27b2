//! Many connections, and what they may hold.

use std::time::Duration;

use crate::support::{Request, Server};

/// Longer than an answer takes, where one comes.
const MOMENT: Duration = Duration::from_millis(500);

#[test]
fn those_beyond_the_limit_wait_until_one_is_closed() {
    let server = Server::start(&[("LIMITS__CONNECTIONS", "4"), ("SERVER__WORKERS", "2")]);
    let health = Request::get("/health");
    let mut open: Vec<_> = (0..4).map(|_| server.connect()).collect();
    for connection in &mut open {
        assert_eq!(connection.ask(&health).expect("there is room for it").status, 200);
    }
    let mut waiting = server.connect();
    waiting.send(&health.bytes()).expect("the system takes it");
    assert!(!waiting.has_something_within(MOMENT), "there is no room for it");
    for connection in &mut open {
        assert_eq!(connection.ask(&health).expect("it goes on").status, 200);
    }
    open.pop();
    assert_eq!(waiting.receive("GET").expect("now there is").status, 200);
}

#[test]
fn a_connection_that_asks_nothing_is_closed() {
    let server = Server::start(&[("SERVER__KEEP_ALIVE", "1s"), ("LIMITS__HEAD_TIMEOUT", "1s")]);
    let mut used = server.connect();
    assert_eq!(used.ask(&Request::get("/health")).expect("it answers").status, 200);
    assert!(used.is_closed());
    // One that never asked is told so.
    assert_eq!(server.connect().receive("GET").expect("it says why").status, 408);
}

#[test]
fn idle_and_half_sent_requests_leave_others_their_answers_and_the_memory() {
    let server = Server::start(&[]);
    let before = server.memory_bytes("VmRSS").expect("the system tells");
    let head = b"POST /events HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n[";
    let connections: Vec<_> = (0..400)
        .map(|number| {
            let mut connection = server.connect();
            match number % 3 {
                0 => {}
                1 => connection.send(b"GET /health HT").expect("the server reads"),
                _ => connection.send(head).expect("the server reads"),
            }
            connection
        })
        .collect();
    for _ in 0..20 {
        server.get("/health/ready");
    }
    // What is announced, but not sent, would be 1.3 GB.
    let grown = server.memory_bytes("VmRSS").expect("the system tells").saturating_sub(before);
    assert!(grown < 100 << 20, "{grown} bytes for {} connections", connections.len());
}
