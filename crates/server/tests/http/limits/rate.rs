//! So many requests a second, for each key or address. A second's worth is always free, so nothing here depends on how fast the
//! machine is: who asks on and on is refused at some time, and who asks for the first time never.

use std::time::Duration;

use serde_json::json;

use crate::support::{Answer, Request, Server, Socket};

const RATE: (&str, &str) = ("LIMITS__RATE_PER_SECOND", "2");
const CLICK: &str = r#"{"user_id":"ann","event_type":"click"}"#;
const SUMMARY: &str = "/analytics/summary?window=1h";

/// Asks until it is refused, and hands back the refusal.
#[track_caller]
fn until_refused(mut ask: impl FnMut(usize) -> Answer) -> Answer {
    (0..200).map(&mut ask).find(|answer| answer.status == 429).expect("it is refused at some time")
}

fn behind(forwarded_for: impl Into<String>) -> Request {
    Request::get(SUMMARY).header("X-Forwarded-For", forwarded_for.into())
}

#[test]
fn who_asks_too_often_is_told_when_to_come_back() {
    let server = Server::start(&[RATE]);
    let refused = until_refused(|_| server.ask(&Request::get(SUMMARY).header("X-Request-Id", "mine")));
    assert_eq!(refused.flaw_of_problem(), None);
    assert_eq!((refused.header("Retry-After"), refused.header("X-Request-Id")), (Some("1"), Some("mine")));
    assert_eq!(refused.json()["type"], "urn:footfall:problem:too-many-requests");
    assert_eq!(refused.json()["retry_after"], 1);
    for path in ["/nope", "/", "/tracker.js", "/events"] {
        until_refused(|_| server.ask(&Request::new("PATCH", path)));
    }
    until_refused(|_| server.ask(&Request::post("/events", vec![b' '; 4 << 20])));
    for _ in 0..50 {
        for path in ["/health", "/health/live", "/health/ready"] {
            server.get(path);
        }
    }
    std::thread::sleep(Duration::from_secs(1));
    server.get(SUMMARY);
}

#[test]
fn it_is_off_by_default() {
    let server = Server::start(&[]);
    let mut connection = server.connect();
    for _ in 0..500 {
        let answer = connection.ask(&Request::get("/health/live")).expect("it answers");
        assert_eq!(answer.status, 200);
    }
}

#[test]
fn each_key_counts_for_itself_and_guesses_for_the_address() {
    let keys = "site:ingest:i-secret,site:ingest:next-secret,board:read:r-secret";
    let server = Server::start(&[RATE, ("AUTH__KEYS", keys)]);
    let with = |key: &str| server.ask(&Request::get(SUMMARY).header("X-Api-Key", key));
    until_refused(|number| {
        let answer = with(&format!("guess-{number}"));
        assert!([401, 429].contains(&answer.status), "{}", answer.text());
        answer
    });
    assert_eq!(with("r-secret").status, 200, "a good key doesn't suffer for its neighbours");
    until_refused(|_| with("r-secret"));
    let post = |key: &str| {
        server.ask(&Request::post("/events", CLICK).header("Authorization", format!("Bearer {key}")))
    };
    assert_eq!(post("i-secret").status, 201);
    until_refused(|number| post(["i-secret", "next-secret"][number % 2]));
}

#[test]
fn addresses_are_believed_from_trusted_proxies_only() {
    let open = Server::start(&[RATE]);
    until_refused(|number| open.ask(&behind(format!("203.0.113.{number}"))));
    let server = Server::start(&[RATE, ("SERVER__TRUSTED_PROXIES", "127.0.0.0/8, fd00::/8")]);
    for number in 0..100 {
        assert_eq!(server.ask(&behind(format!("203.0.113.{number}"))).status, 200, "{number}");
    }
    until_refused(|number| server.ask(&behind(format!("198.51.100.{number}, 192.0.2.1"))));
    until_refused(|number| server.ask(&behind(format!("198.51.100.{number}, 192.0.2.2, fd00::1"))));
    until_refused(|number| server.ask(&behind(format!("nonsense {number}"))));
    until_refused(|number| server.ask(&behind(format!("2001:db8:0:1::{number:x}"))));
    let standard = |forwarded: String| Request::get(SUMMARY).header("Forwarded", forwarded);
    until_refused(|number| {
        server.ask(&standard(format!("for=198.51.100.{number}, for=\"[2001:db8:0:2::1]:80\"")))
    });
    let both = |number| behind("192.0.2.3").header("Forwarded", format!("for=198.51.100.{number}"));
    until_refused(|number| server.ask(&both(number)));
    assert_eq!(server.ask(&behind("192.0.2.4")).status, 200);
}

#[test]
fn messages_on_a_socket_are_no_way_around() {
    let server = Server::start(&[RATE, ("SERVER__TRUSTED_PROXIES", "127.0.0.1")]);
    let mut socket =
        Socket::open_as(&server, "/ws/events?event_type=signup", &[("x-forwarded-for", "192.0.2.1")])
            .expect("it is let in");
    let mut send = || {
        socket.send(CLICK);
        socket.next()["ack"].clone()
    };
    let refused =
        (0..200).map(|_| send()).find(|ack| ack["status"] != "accepted").expect("it is refused at some time");
    assert_eq!((&refused["status"], &refused["retry_after"]), (&json!(429), &json!(1)), "{refused}");
    assert!(refused["request_id"].as_str().is_some_and(|id| !id.is_empty()), "{refused}");
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(send()["status"], "accepted", "the connection stays");
    let same = |_| server.ask(&behind("192.0.2.1"));
    until_refused(same);
}

#[test]
fn what_is_no_rate_and_no_network_is_told_at_start() {
    let said = Server::refuses_to_start(&[
        ("LIMITS__RATE_PER_SECOND", "many"),
        ("SERVER__TRUSTED_PROXIES", "10.0.0.0/8,10.0.0.0/64"),
    ]);
    assert!(said.contains("FOOTFALL__LIMITS__RATE_PER_SECOND: `many`"), "{said}");
    assert!(said.contains("FOOTFALL__SERVER__TRUSTED_PROXIES: `10.0.0.0/64`"), "{said}");
}
