//! With Redis, and without it when it goes: answers are the same, and quick.

use std::time::{Duration, Instant};

use footfall_test_services::Redis;
use serde_json::{Value, json};

use crate::support::{Request, Server};

const RANGE: &str = "from=2025-05-26T00:00:00Z&to=2025-05-27T00:00:00Z";

fn with_redis(redis: &Redis, settings: &[(&str, &str)]) -> Server {
    let url = redis.url();
    let mut all = vec![("REDIS__URL", &*url), ("SEGMENTS__SCHEDULE", "off")];
    all.extend_from_slice(settings);
    Server::start(&all)
}

fn click(user: &str) -> Value {
    json!({ "user_id": user, "event_type": "click", "timestamp": "2025-05-26T14:00:00Z" })
}

fn join(server: &Server, user: &str) {
    let body = json!({ "ID": user, "segment": "RU" }).to_string();
    assert_eq!(server.ask(&Request::post("/users", body)).status, 201);
}

fn refresh(server: &Server) -> Value {
    server.ask(&Request::new("POST", "/segments/refresh")).json_of(200)
}

fn total(server: &Server) -> u64 {
    server.get(&format!("/analytics/summary?{RANGE}"))["total_events"].as_u64().expect("a count")
}

fn state(server: &Server) -> Value {
    let ready = server.get("/health/ready");
    let dependencies = ready["dependencies"].as_array().expect("a list");
    dependencies.iter().find(|dependency| dependency["name"] == "redis").expect("it is named").clone()
}

/// A figure of `/metrics`, less its fraction.
fn figure(server: &Server, name: &str) -> u64 {
    let text = server.ask(&Request::get("/metrics")).text();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("no {name} in {text}")).parse::<f64>().expect("a number") as u64
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < Duration::from_secs(30), "it never is so: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Everything that Redis has a part in, asked and held to what it must be; none of it may take long.
fn all_is_right(server: &Server, round: u64) {
    let since = Instant::now();
    server.store(&json!([click(&format!("user-{round}"))]));
    assert_eq!(total(server), round);
    assert_eq!(total(server), round);
    join(server, &format!("user-{round}"));
    let counted = json!([{ "title": "RU", "usersCount": round }]);
    assert_eq!(refresh(server), counted);
    assert_eq!(server.get("/segments/count"), counted);
    let took = since.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn it_may_be_killed_paused_flushed_and_started_again() {
    let redis = Redis::start();
    let server = with_redis(&redis, &[]);
    all_is_right(&server, 1);
    assert_eq!(state(&server), json!({ "name": "redis", "required": false, "status": "ok" }));

    assert_eq!(figure(&server, "footfall_redis_up"), 1);
    redis.kill();
    all_is_right(&server, 2);
    until("health says that it is away", || state(&server)["status"] == "down");
    assert_eq!(figure(&server, "footfall_redis_up"), 0);
    assert!(figure(&server, "footfall_redis_circuit_opens_total") >= 1);
    assert_eq!(server.ask(&Request::get("/health/ready")).status, 200);
    all_is_right(&server, 3);

    redis.start_again();
    until("it is used again", || state(&server)["status"] == "ok");
    assert_eq!(figure(&server, "footfall_redis_up"), 1);
    // What it lacks is brought to it by itself.
    until("it has the snapshot", || !redis.command(&["KEYS", "footfall:*:snapshot:*"]).trim().is_empty());
    all_is_right(&server, 4);

    redis.pause();
    all_is_right(&server, 5);
    all_is_right(&server, 6);
    redis.resume();
    until("it is used again", || state(&server)["status"] == "ok");
    all_is_right(&server, 7);

    redis.flush();
    assert_eq!(server.get("/segments/count"), json!([{ "title": "RU", "usersCount": 7 }]));
    all_is_right(&server, 8);
}

#[test]
fn it_may_be_away_from_the_start() {
    let redis = Redis::start();
    let url = redis.url();
    drop(redis);
    let server = Server::start(&[("REDIS__URL", &url), ("SEGMENTS__SCHEDULE", "off")]);
    all_is_right(&server, 1);
    assert_eq!(state(&server)["status"], "down");
}

#[test]
fn a_url_that_is_none_stops_the_start_and_shows_no_password() {
    for url in ["localhost:6379", "http://ann:secret@localhost", "redis://ann:secret@:notaport/0"] {
        let said = Server::refuses_to_start(&[("REDIS__URL", url)]);
        assert!(said.contains("FOOTFALL__REDIS__URL") && !said.contains("secret"), "{said}");
    }
}

#[test]
fn answers_may_be_as_old_as_the_setting_says() {
    let redis = Redis::start();
    for redis in [None, Some(&redis)] {
        let settings = [("CACHE__MAX_STALE", "1h")];
        let server = match redis {
            Some(redis) => with_redis(redis, &settings),
            None => Server::start(&settings),
        };
        let ask = || server.ask(&Request::get(format!("/analytics/summary?{RANGE}")));
        let first = ask();
        assert_eq!(first.json_of(200)["total_events"], 0);
        assert!(first.header("Age").is_some());
        server.store(&json!([click("a")]));
        std::thread::sleep(Duration::from_millis(1_100));
        let second = ask();
        assert_eq!(second.json_of(200)["total_events"], 0);
        let age: u64 = second.header("Age").expect("an age").parse().expect("seconds");
        assert!((1..60).contains(&age), "{age}");
        // What was never asked is worked out.
        let other = server.get("/analytics/summary?from=2025-05-26T00:00:00Z&to=2025-05-26T23:00:00Z");
        assert_eq!(other["total_events"], 1);
    }
}

/// Without the setting nothing is stale, and nothing says an age.
#[test]
fn answers_are_not_stale_otherwise() {
    let redis = Redis::start();
    let server = with_redis(&redis, &[]);
    for round in 1..20 {
        server.store(&json!([click(&format!("user-{round}"))]));
        let answer = server.ask(&Request::get(format!("/analytics/summary?{RANGE}")));
        assert_eq!(answer.json_of(200)["total_events"], round);
        assert_eq!(answer.header("Age"), None);
        for target in [
            format!("/analytics/pages?{RANGE}"),
            format!("/analytics/timeseries?metric=visitors&interval=day&{RANGE}"),
        ] {
            assert_eq!(server.get(&target), server.get(&target));
        }
        let day = server.get(&format!("/analytics/timeseries?metric=visitors&interval=day&{RANGE}"));
        assert_eq!(day["points"][0]["value"], round);
    }
    assert!(!redis.command(&["KEYS", "footfall:*:cache:*"]).trim().is_empty());
}

#[test]
fn what_is_remembered_is_counted() {
    let server = Server::start(&[("SEGMENTS__SCHEDULE", "* * * * * *")]);
    let answer = server.ask(&Request::get("/metrics"));
    assert_eq!(answer.header("Content-Type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    server.store(&json!([click("a")]));
    for _ in 0..3 {
        assert_eq!(total(&server), 1);
    }
    assert_eq!(figure(&server, r#"footfall_answers_total{how="worked_out"}"#), 1);
    assert_eq!(figure(&server, r#"footfall_answers_total{how="remembered"}"#), 2);
    until("the job is counted", || {
        let text = server.ask(&Request::get("/metrics")).text();
        text.contains(r#"footfall_job_runs_total{name="refresh_segments",outcome="success"}"#)
    });
    assert!(figure(&server, "footfall_segments_snapshot_age_seconds") < 30);
    assert!(!server.ask(&Request::get("/metrics")).text().contains("footfall_redis"));
}

/// What another store has left there is not taken for this one's: not a memory store of another life either.
#[test]
fn stores_on_one_redis_do_not_mix() {
    let redis = Redis::start();
    for round in 0..2 {
        let server = with_redis(&redis, &[("CACHE__MAX_STALE", "1h")]);
        assert_eq!(server.get("/segments/count"), json!([]), "round {round}");
        assert_eq!(total(&server), 0);
        server.store(&json!([click("a")]));
        join(&server, "a");
        assert_eq!(refresh(&server), json!([{ "title": "RU", "usersCount": 1 }]));
        assert_eq!(
            server.get("/analytics/summary?from=2025-05-26T00:00:00Z&to=2025-05-26T23:00:00Z")["total_events"],
            1
        );
    }
}

/// Answers show how they were asked for, so those of one range are not all the same.
#[test]
fn a_window_and_its_bounds_are_answered_each_as_asked() {
    let server = Server::start(&[]);
    server.store(&json!([{ "user_id": "a", "event_type": "click" }]));
    for _ in 0..3 {
        let window = server.get("/analytics/summary?window=24h");
        assert_eq!(window["time_window"], "24h");
        let (from, to) = (window["from"].as_str().expect("a time"), window["to"].as_str().expect("a time"));
        let bounds = server.get(&format!("/analytics/summary?from={from}&to={to}"));
        assert_eq!(bounds["time_window"], Value::Null);
    }
}
