//! Users in segments: `POST /users`, `GET /segments/count` and what belongs to it.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::support::{Answer, Request, Server, now};

fn join(server: &Server, body: &Value) -> Answer {
    server.ask(&Request::post("/users", body.to_string()))
}

fn seconds_from_now(seconds: i64) -> i64 {
    now().micros() / 1_000_000 + seconds
}

fn refresh(server: &Server) -> Value {
    server.ask(&Request::new("POST", "/segments/refresh")).json_of(200)
}

fn count(server: &Server, title: &str) -> u64 {
    server.get(&format!("/segments/{title}/count"))["usersCount"].as_u64().expect("a count")
}

fn quiet() -> Server {
    Server::start(&[("SEGMENTS__SCHEDULE", "off")])
}

#[test]
fn a_user_is_put_in_a_segment_and_renewed() {
    let server = quiet();
    let until = seconds_from_now(3_600);
    let body = json!({ "ID": "fsas42aa3af", "segment": "1aa1x", "expiredSegment": until });
    assert_eq!(join(&server, &body).json_of(201), body);
    assert_eq!(join(&server, &body).json_of(200), body);
    let later = json!({ "ID": "fsas42aa3af", "segment": "1aa1x", "expiredSegment": until + 1 });
    assert_eq!(join(&server, &later).json_of(200), later);
    assert_eq!(count(&server, "1aa1x"), 1);
    // One that has ended already is taken and counts nowhere.
    let ended = json!({ "ID": "fsas42aa3af", "segment": "1aa1x", "expiredSegment": 1_655_209_411 });
    assert_eq!(join(&server, &ended).json_of(200), ended);
    assert_eq!(count(&server, "1aa1x"), 0);
    assert_eq!(join(&server, &json!({ "ID": "x", "segment": "old", "expiredSegment": 5 })).status, 201);
    // Without an expiry: two weeks.
    let stored = join(&server, &json!({ "ID": 7, "segment": "DE" })).json_of(201);
    let lasts = stored["expiredSegment"].as_i64().expect("a time") - seconds_from_now(0);
    assert!((14 * 86_400 - 60..=14 * 86_400).contains(&lasts), "{stored}");
    assert_eq!(stored["ID"], "7");
}

#[test]
fn the_snapshot_is_what_was_counted() {
    let server = quiet();
    // Before the first refresh it is counted once.
    let first = server.ask(&Request::get("/segments/count"));
    assert_eq!(first.json_of(200), json!([]));
    assert_eq!(first.header("Content-Type"), Some("application/json"));
    let users = json!([
        { "ID": "a", "segment": "RU" }, { "ID": "b", "segment": "RU" }, { "ID": "a", "segment": "EN" },
        { "ID": "a", "segment": "DE" }, { "ID": "c", "segment": "gone", "expiredSegment": 1 },
    ]);
    let report = join(&server, &users).json_of(200);
    assert_eq!(report, json!({ "created": 5, "renewed": 0, "rejected": 0, "errors": [] }));
    assert_eq!(server.get("/segments/count"), json!([]));
    let counted = json!([
        { "title": "RU", "usersCount": 2 }, { "title": "DE", "usersCount": 1 }, { "title": "EN", "usersCount": 1 },
    ]);
    assert_eq!(refresh(&server), counted);
    let answer = server.ask(&Request::get("/segments/count"));
    assert_eq!(answer.json_of(200), counted);
    let taken_at = answer.header("Last-Modified").expect("a time");
    let taken_at = awc_date(taken_at);
    assert!((taken_at - now().micros() / 1_000_000).abs() < 60);
    assert_eq!(server.get("/segments/RU/count"), json!({ "title": "RU", "usersCount": 2 }));
    assert_eq!(server.get("/segments/never/count"), json!({ "title": "never", "usersCount": 0 }));
    assert_eq!(server.ask(&Request::new("HEAD", "/segments/count")).status, 200);
}

/// Seconds since 1970 of a date as HTTP writes it.
fn awc_date(text: &str) -> i64 {
    let date: actix_web::http::header::HttpDate = text.parse().expect("a date");
    let since = std::time::SystemTime::from(date).duration_since(UNIX_EPOCH).expect("after 1970");
    since.as_secs() as i64
}

#[test]
fn users_leave_at_their_second() {
    let server = quiet();
    assert_eq!(
        join(&server, &json!({ "ID": "a", "segment": "s", "expiredSegment": seconds_from_now(2) })).status,
        201
    );
    let mut counts = Vec::new();
    while counts.last() != Some(&0) {
        let (before, counted, after) = (now(), count(&server, "s"), now());
        assert!(counts.len() < 500);
        if before.micros() / 1_000_000 == after.micros() / 1_000_000 {
            counts.push(counted);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(counts[0], 1);
    assert!(counts.is_sorted_by(|left, right| left >= right));
    assert_eq!(refresh(&server), json!([]));
}

#[test]
fn the_schedule_refreshes_by_itself() {
    let server = Server::start(&[("SEGMENTS__SCHEDULE", "* * * * * *")]);
    assert_eq!(server.get("/segments/count"), json!([]));
    assert_eq!(join(&server, &json!({ "ID": "a", "segment": "s" })).status, 201);
    for _ in 0..200 {
        if server.get("/segments/count") != json!([]) {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("nothing was refreshed");
}

#[test]
fn of_an_array_the_valid_ones_are_stored() {
    let server = quiet();
    let users = json!([
        { "ID": "a", "segment": "s" }, { "segment": "s" }, 7, { "ID": "b", "segment": "" },
        { "ID": "c", "segment": "s", "expiredSegment": "soon" }, { "ID": "a", "segment": "s" },
    ]);
    let report = join(&server, &users).json_of(200);
    let expected = json!({ "created": 1, "renewed": 1, "rejected": 4, "errors": [
        { "index": 1, "ID": null, "errors": [{ "pointer": "/ID", "code": "required", "message": "is required" }] },
        { "index": 2, "ID": null, "errors": [{ "pointer": "", "code": "wrong_type", "message": "a user in a segment is a JSON object" }] },
        { "index": 3, "ID": "b", "errors": [{ "pointer": "/segment", "code": "blank", "message": "must not be blank" }] },
        { "index": 4, "ID": "c", "errors": [{ "pointer": "/expiredSegment", "code": "wrong_type", "message": "is a whole number of seconds since 1970" }] },
    ] });
    assert_eq!(report, expected);
    assert_eq!(count(&server, "s"), 1);
    let none = join(&server, &json!([{ "ID": "" , "segment": "s" }]));
    assert_eq!(none.status, 422);
    assert_eq!(none.flaw_of_problem(), None);
    let (created, rejected) = (&none.json()["created"], &none.json()["rejected"]);
    assert_eq!((created, rejected), (&json!(0), &json!(1)));
    assert_eq!(none.json()["errors"][0]["index"], 0);
}

#[test]
fn what_is_no_user_is_refused() {
    let server = Server::start(&[("SEGMENTS__SCHEDULE", "off"), ("LIMITS__BATCH_EVENTS", "3")]);
    for (body, status) in [
        ("", 400),
        ("{", 400),
        ("[{]", 400),
        ("\u{feff}{}", 400),
        ("3", 422),
        ("[]", 422),
        ("{}", 422),
        (r#"{"ID":null,"segment":"s"}"#, 422),
        (r#"{"ID":"a","segment":"s","expiredSegment":1e99}"#, 422),
        (r#"{"ID":"a","segment":"s","expiredSegment":-5}"#, 422),
        (r#"{"ID":"a\u0000b","segment":"s"}"#, 422),
        (r#"{"ID":"a","segment":"\ud800"}"#, 422),
        (r#"{"ID":"a","ID":"b","segment":"s"}"#, 422),
        (
            r#"[{"ID":1,"segment":"s"},{"ID":2,"segment":"s"},{"ID":3,"segment":"s"},{"ID":4,"segment":"s"}]"#,
            413,
        ),
    ] {
        let answer = server.ask(&Request::post("/users", body));
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
        assert_eq!(answer.flaw_of_problem(), None, "{body}");
    }
    let ndjson = Request::new("POST", "/users").header("Content-Type", "application/x-ndjson").body("{}");
    assert_eq!(server.ask(&ndjson).status, 415);
    assert_eq!(server.ask(&Request::get("/users")).status, 405);
    for (target, status) in
        [("/segments/%20/count", 422), ("/segments/%FF/count", 422), ("/segments/count?x=1", 400)]
    {
        let answer = server.ask(&Request::get(target));
        assert_eq!(answer.status, status, "{target}: {}", answer.text());
    }
    assert_eq!(refresh(&server), json!([]));
}

#[test]
fn an_erased_user_is_in_no_segment() {
    let server = quiet();
    join(
        &server,
        &json!([{ "ID": "a b", "segment": "s" }, { "ID": "b", "segment": "s" }, { "ID": "a b", "segment": "t" }]),
    );
    assert_eq!(server.ask(&Request::new("DELETE", "/users/a%20b")).status, 204);
    assert_eq!((count(&server, "s"), count(&server, "t")), (1, 0));
    assert_eq!(refresh(&server), json!([{ "title": "s", "usersCount": 1 }]));
    assert_eq!(join(&server, &json!({ "ID": "a b", "segment": "t" })).status, 201);
}

#[test]
fn titles_are_told_apart_by_every_character() {
    let server = quiet();
    let titles = ["a/b", "a b", "ä", "a\u{308}", "%", "count", "refresh", "..", "A", "a"];
    let users: Vec<Value> = titles.iter().map(|title| json!({ "ID": "u", "segment": title })).collect();
    assert_eq!(join(&server, &Value::Array(users)).json_of(200)["created"], titles.len());
    for title in titles {
        assert_eq!(count(&server, &crate::support::url_encoded(title)), 1, "{title:?}");
    }
    assert_eq!(refresh(&server).as_array().map(Vec::len), Some(titles.len()));
}

#[test]
fn ten_thousand_users_at_once() {
    let server = quiet();
    let users: Vec<Value> = (0..10_000)
        .map(|number| json!({ "ID": format!("user-{number}"), "segment": format!("segment-{}", number % 100) }))
        .collect();
    let users = Value::Array(users);
    assert_eq!(join(&server, &users).json_of(200)["created"], 10_000);
    assert_eq!(join(&server, &users).json_of(200)["renewed"], 10_000);
    let counted = refresh(&server);
    assert!(counted.as_array().expect("a list").iter().all(|segment| segment["usersCount"] == 100));
}
