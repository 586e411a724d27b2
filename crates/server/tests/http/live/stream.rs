//! `GET /events/stream`.

use serde_json::{Value, json};

use super::{click, post};
use crate::support::{ID, Request, Server, Stream};

#[test]
fn events_come_with_their_ids() {
    let server = Server::start(&[]);
    let mut stream = Stream::open(&server, "/events/stream?user_id=ann", None);
    assert_eq!(stream.head.header("Content-Type"), Some("text/event-stream"));
    assert_eq!(stream.head.header("Cache-Control"), Some("no-store"));
    assert!(stream.head.header("X-Request-Id").is_some());
    post(&server, &click("bob"));
    // Properties are kept as sent, with line breaks between tokens.
    let body = format!(
        "{{\"event_id\":\"{ID}\",\"user_id\":\"ann\",\"event_type\":\"click\",\"properties\":{{\n\r\"a\":\n1}}}}"
    );
    server.ask(&Request::post("/events", body)).json_of(201);
    let sent = stream.next().expect("an event");
    assert_eq!((&sent.event[..], sent.id.as_deref()), ("event", Some(ID)));
    assert_eq!(sent.data, server.get(&format!("/events/{ID}")));
}

#[test]
fn who_comes_back_goes_on_after_the_last_event() {
    let server = Server::start(&[]);
    let mut stream = Stream::open(&server, "/events/stream", None);
    let first: Vec<_> = (0..3).map(|_| post(&server, &click("ann"))).collect();
    assert_eq!(stream.ids(3), first);
    drop(stream);
    // Late ones too, as long as it is among the recent events.
    let late = json!({ "user_id": "ann", "event_type": "click", "timestamp": "2020-01-01T00:00:00Z" });
    let mut missed = vec![post(&server, &late)];
    missed.extend((0..300).map(|_| post(&server, &click("bob"))));
    let mut again = Stream::open(&server, "/events/stream", Some(&first[1]));
    assert_eq!(again.ids(1), first[2..]);
    assert_eq!(again.ids(301), missed);
    let next = post(&server, &click("cas"));
    assert_eq!(again.ids(1), [next]);
    // With a filter, and by a parameter where a client can set no header.
    let target = format!("/events/stream?user_id=ann&last_event_id={}", first[2]);
    assert_eq!(Stream::open(&server, &target, None).ids(1), missed[..1]);
}

#[test]
fn after_longer_it_goes_on_from_the_store() {
    let server = Server::start(&[]);
    // Nobody has listened yet, so nothing recent is kept.
    let at = |number: usize| format!("2025-05-26T14:{:02}:{:02}Z", number / 60, number % 60);
    let event = |number: usize, user: &str| json!({ "event_id": format!("00000000-0000-4000-8000-{number:012}"), "user_id": user, "event_type": "click", "timestamp": at(number) });
    let events: Vec<Value> =
        (0..1_000).map(|number| event(number, if number % 2 == 0 { "even" } else { "odd" })).collect();
    server.store(&Value::from(events.clone()));
    let id = |number: usize| events[number]["event_id"].as_str().expect("an id").to_owned();
    let mut all = Stream::open(&server, "/events/stream", Some(&id(99)));
    assert_eq!(all.ids(900), (100..1_000).map(id).collect::<Vec<_>>());
    let mut odd = Stream::open(&server, "/events/stream?user_id=odd", Some(&id(100)));
    assert_eq!(odd.ids(450), (101..1_000).step_by(2).map(id).collect::<Vec<_>>());
    let next = post(&server, &click("odd"));
    assert_eq!((all.ids(1), odd.ids(1)), (vec![next.clone()], vec![next]));
    // An event that nobody knows: from now on.
    let mut unknown = Stream::open(&server, "/events/stream", Some(ID));
    let next = post(&server, &click("odd"));
    assert_eq!(unknown.ids(1), [next]);
}

#[test]
fn catching_up_beside_those_who_post_tells_each_event_once() {
    let server = Server::start(&[]);
    let first =
        post(&server, &json!({ "user_id": "u", "event_type": "click", "timestamp": "2025-01-01T00:00:00Z" }));
    let count = 3_000;
    let all: std::collections::HashSet<String> = std::thread::scope(|scope| {
        let post = || {
            for _ in 0..count / 40 {
                let batch: Vec<Value> = (0..10).map(|_| click("u")).collect();
                server.store(&Value::from(batch));
            }
        };
        let posters: Vec<_> = (0..4).map(|_| scope.spawn(post)).collect();
        let mut streams: Vec<_> =
            (0..3).map(|_| Stream::open(&server, "/events/stream", Some(&first))).collect();
        for poster in posters {
            poster.join().expect("it posts");
        }
        let told: Vec<Vec<String>> = streams.iter_mut().map(|stream| stream.ids(count)).collect();
        let sets: Vec<std::collections::HashSet<String>> =
            told.iter().map(|ids| ids.iter().cloned().collect()).collect();
        assert!(sets.iter().all(|set| set.len() == count && *set == sets[0]));
        sets.into_iter().next().expect("there are three")
    });
    assert_eq!(all.len(), count);
}

#[test]
fn a_stop_ends_one_that_catches_up() {
    let server = Server::start(&[("SERVER__GRACE_PERIOD", "15s")]);
    let first =
        post(&server, &json!({ "user_id": "u", "event_type": "click", "timestamp": "2025-01-01T00:00:00Z" }));
    let batch: Vec<Value> = (0..5_000).map(|_| click("u")).collect();
    (0..4).for_each(|_| server.store(&Value::from(batch.clone())));
    let mut stream = Stream::open(&server, "/events/stream", Some(&first));
    stream.ids(10);
    server.terminate();
    while stream.next().is_some() {}
    let stopped = server.wait();
    assert!(
        stopped.status.success() && stopped.after < std::time::Duration::from_secs(10),
        "{:?}",
        stopped.after
    );
}

#[test]
fn what_is_wrong_with_a_question_is_told() {
    let server = Server::start(&[]);
    for target in
        ["/events/stream?page=nonsense", "/events/stream?what=ever", "/events/stream?last_event_id=x"]
    {
        let answer = server.ask(&Request::get(target));
        assert_eq!((answer.status, answer.flaw_of_problem()), (400, None), "{target}");
    }
    let answer = server.ask(&Request::get("/events/stream").header("Last-Event-ID", "x"));
    assert_eq!((answer.status, answer.flaw_of_problem()), (400, None));
    assert_eq!(server.ask(&Request::new("HEAD", "/events/stream")).status, 200);
    assert_eq!(server.ask(&Request::new("DELETE", "/events/stream")).status, 405);
}

#[test]
fn a_stop_ends_the_stream_well() {
    let server = Server::start(&[]);
    let mut stream = Stream::open(&server, "/events/stream", None);
    let id = post(&server, &click("ann"));
    server.terminate();
    assert_eq!(stream.ids(1), [id]);
    assert_eq!(stream.next(), None);
    assert!(server.wait().status.success());
}
