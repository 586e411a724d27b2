//! `GET /ws/events`.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tungstenite::Message;
use tungstenite::protocol::frame::coding::CloseCode;

use super::{click, figure, post};
use crate::support::{ID, Request, Server, Socket};

#[test]
fn every_accepted_event_comes_once_as_it_is_stored() {
    let server = Server::start(&[]);
    let mut socket = Socket::open(&server, "/ws/events");
    let id = post(
        &server,
        &json!({
            "user_id": "ann", "event_type": "purchase", "timestamp": "2025-05-26T16:00:00+02:00",
            "properties": { "amount": 1.50, "product_id": "é" },
        }),
    );
    assert_eq!(socket.next(), server.get(&format!("/events/{id}")));
    // Not what is there already, nor what is refused.
    let batch = json!([
        { "event_id": id, "user_id": "ann", "event_type": "click" },
        { "event_id": ID, "user_id": "bob", "event_type": "click" },
        { "event_id": ID, "user_id": "bob", "event_type": "click" },
        { "user_id": "bob", "event_type": "clack" },
        { "user_id": "cas", "event_type": "signup" },
    ]);
    assert_eq!(server.ask(&Request::post("/events", batch.to_string())).json_of(200)["accepted"], 2);
    server.ask(&Request::post("/visits", json!({ "visitor_id": "dee", "url": "/home" }).to_string()));
    server.ask(&Request::new("PUT", "/events/mail.example/bounced"));
    let next: Vec<Value> = (0..4).map(|_| socket.next()).collect();
    let types: Vec<_> = next.iter().map(|event| event["event_type"].as_str().expect("a type")).collect();
    assert_eq!(types, ["click", "signup", "page_view", "bounced"]);
    assert_eq!((&next[0]["event_id"], &next[3]["user_id"]), (&json!(ID), &Value::Null));
    socket.has_nothing();
}

#[test]
fn filters_choose_and_combine() {
    let server = Server::start(&[]);
    let open = |query: &str| Socket::open(&server, &format!("/ws/events?{query}"));
    let view = |user: &str, page: &str| json!({ "user_id": user, "event_type": "page_view", "properties": { "page": page } });
    let mut by_type = open("event_type=click");
    let mut by_user = open("user_id=ann");
    let mut by_page = open("page=HTTPS://shop.example:443/hats%3Futm_source=x");
    let mut by_all = open("event_type=page_view&user_id=bob&page=https://shop.example/hats");
    let ids = [
        post(&server, &click("ann")),
        post(&server, &click("bob")),
        post(&server, &view("ann", "https://shop.example/hats")),
        post(&server, &view("bob", "https://shop.example/hats?utm_campaign=y")),
        post(&server, &view("bob", "https://shop.example/shoes")),
    ];
    for (socket, expected) in
        [(&mut by_type, &[0, 1][..]), (&mut by_user, &[0, 2]), (&mut by_page, &[2, 3]), (&mut by_all, &[3])]
    {
        for place in expected {
            assert_eq!(socket.next()["event_id"], ids[*place]);
        }
        socket.has_nothing();
    }
}

#[test]
fn what_is_wrong_with_a_question_is_told_before_the_handshake() {
    let server = Server::start(&[]);
    for (target, status) in [
        ("/ws/events?page=nonsense", 400),
        ("/ws/events?what=ever", 400),
        ("/ws/events?user_id=a&user_id=b", 400),
    ] {
        assert_eq!(Socket::open_as(&server, target, &[]).err(), Some(status), "{target}");
    }
    let plain = server.ask(&Request::get("/ws/events"));
    assert_eq!((plain.status, plain.header("Upgrade")), (426, Some("websocket")));
    assert_eq!(plain.flaw_of_problem(), None);
    let post = server.ask(&Request::post("/ws/events", "{}"));
    assert_eq!(post.status, 405);
    let half = Request::get("/ws/events").header("Upgrade", "websocket").header("Connection", "Upgrade");
    assert_eq!(server.ask(&half).flaw_of_problem(), None);
}

#[test]
fn events_are_taken_in_as_by_post() {
    let server = Server::start(&[]);
    let mut socket = Socket::open(&server, "/ws/events?user_id=nobody");
    let event = json!({ "event_id": ID, "user_id": "ann", "event_type": "click" });
    socket.send(event.to_string());
    assert_eq!(socket.next(), json!({ "ack": { "event_id": ID, "status": "accepted" } }));
    socket.send(event.to_string());
    assert_eq!(socket.next(), json!({ "ack": { "event_id": ID, "status": "duplicate" } }));
    socket.send(json!([event, click("bob"), click("")]).to_string());
    let ack = &socket.next()["ack"];
    assert_eq!([&ack["accepted"], &ack["duplicates"], &ack["rejected"]], [1, 1, 1]);
    for (text, status) in [("nonsense", 400), (r#"{"event_type":"click"}"#, 422), ("[]", 422), ("", 400)] {
        socket.send(text);
        let ack = &socket.next()["ack"];
        assert_eq!(ack["status"], status, "{text}: {ack}");
        assert!(ack["request_id"].as_str().is_some_and(|id| !id.is_empty()), "{ack}");
    }
    // Many at once are answered in order, and a message may come in pieces.
    for number in 0..100 {
        socket.send(json!({ "event_id": format!("00000000-0000-4000-8000-{number:012}"), "user_id": "u", "event_type": "click" }).to_string());
    }
    for number in 0..100 {
        assert_eq!(socket.next()["ack"]["event_id"], format!("00000000-0000-4000-8000-{number:012}"));
    }
    assert_eq!(server.get("/analytics/summary")["total_events"], 102);
}

#[test]
fn pings_are_answered_and_what_is_no_text_is_refused() {
    let server = Server::start(&[("LIMITS__BODY_BYTES", "2KiB")]);
    let mut socket = Socket::open(&server, "/ws/events");
    socket.send_message(Message::Ping("there?".into()));
    assert_eq!(socket.next_pong(), b"there?");
    socket.send_message(Message::Binary("{}".into()));
    assert_eq!(socket.close().expect("a reason").code, CloseCode::Unsupported);
    let mut socket = Socket::open(&server, "/ws/events");
    socket.send("x".repeat(3_000));
    assert_eq!(socket.close().expect("a reason").code, CloseCode::Size);
    let mut socket = Socket::open(&server, "/ws/events");
    socket.send_message(Message::Close(None));
    socket.close();
    until("nobody listens", || figure(&server, "footfall_live_listeners") == 0);
}

#[test]
fn a_stop_closes_listeners_and_does_not_wait_for_them() {
    let server = Server::start(&[]);
    let mut socket = Socket::open(&server, "/ws/events");
    let id = post(&server, &click("ann"));
    server.terminate();
    assert_eq!(socket.next()["event_id"], id, "what was accepted is told before the end");
    assert_eq!(socket.close().expect("a reason").code, CloseCode::Away);
    drop(socket);
    let stopped = server.wait();
    assert!(stopped.status.success(), "{}", stopped.stderr);
    assert!(stopped.after < Duration::from_secs(10), "{:?}", stopped.after);
}

#[test]
fn there_are_as_many_listeners_as_there_may_be() {
    let server = Server::start(&[("LIVE__MAX_LISTENERS", "3")]);
    let sockets: Vec<_> = (0..3).map(|_| Socket::open(&server, "/ws/events")).collect();
    assert_eq!(Socket::open_as(&server, "/ws/events", &[]).err(), Some(503));
    let refused = server.ask(&Request::get("/events/stream"));
    assert_eq!((refused.status, refused.header("Retry-After").is_some()), (503, true));
    assert_eq!(refused.flaw_of_problem(), None);
    drop(sockets);
    // It is noticed that they have gone.
    until("there is room again", || Socket::open_as(&server, "/ws/events", &[]).is_ok());
}

#[test]
fn who_does_not_read_misses_some_and_holds_up_nobody() {
    let server = Server::start(&[("LIVE__BUFFER_BYTES", "64KiB"), ("SERVER__WORKERS", "2")]);
    let mut slow = Socket::open(&server, "/ws/events");
    let mut quick = Socket::open(&server, "/ws/events?user_id=last");
    let properties = json!({ "text": "x".repeat(2_000) });
    let batch: Vec<Value> = (0..500)
        .map(|_| json!({ "user_id": "u", "event_type": "click", "properties": properties }))
        .collect();
    let batch = Value::from(batch);
    let since = Instant::now();
    // More than the sockets between them hold.
    let rounds = 40;
    for _ in 0..rounds {
        server.store(&batch);
    }
    let took = since.elapsed();
    assert!(took < Duration::from_secs(30), "{took:?}");
    let last = post(&server, &click("last"));
    assert_eq!(quick.next()["event_id"], last, "others hear at once");
    let (mut events, mut lagged) = (0, 0);
    while events + lagged < rounds * 500 + 1 {
        let next = slow.next();
        match next["lagged"].as_u64() {
            Some(missed) => lagged += missed,
            None => events += 1,
        }
    }
    assert_eq!(events + lagged, rounds * 500 + 1, "each is told or counted");
    assert!(lagged > 0);
    // And it goes on.
    let next = post(&server, &click("next"));
    assert_eq!(slow.next()["event_id"], next);
}

#[test]
fn a_message_may_come_in_pieces() {
    use tungstenite::protocol::frame::Frame;
    use tungstenite::protocol::frame::coding::{Data, OpCode};

    let server = Server::start(&[]);
    let mut socket = Socket::open(&server, "/ws/events?user_id=nobody");
    let text = click("ann").to_string();
    let (first, rest) = text.split_at(7);
    let piece = |text: &str, code, is_last| {
        Message::Frame(Frame::message(text.as_bytes().to_vec(), OpCode::Data(code), is_last))
    };
    socket.send_message(piece(first, Data::Text, false));
    socket.send_message(piece(rest, Data::Continue, true));
    assert_eq!(socket.next()["ack"]["status"], "accepted");
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < Duration::from_secs(30), "it never is so: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
