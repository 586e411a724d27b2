//! Several instances with one Redis.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use footfall_test_services::Redis;
use serde_json::{Value, json};

use super::{click, post};
use crate::support::{Server, Socket};

/// Instances whose stores are their own, so that only the stream is shared.
fn instance(redis: &Redis, prefix: &str) -> Server {
    Server::start(&[("STORAGE__BACKEND", "memory"), ("REDIS__URL", &redis.url()), ("REDIS__PREFIX", prefix)])
}

#[test]
fn listeners_hear_every_instance_once_and_in_order_of_each_producer() {
    let redis = Redis::shared();
    let servers: Vec<_> = (0..3).map(|_| instance(redis, "order")).collect();
    let mut sockets: Vec<_> = servers.iter().map(|server| Socket::open(server, "/ws/events")).collect();
    let mut picky = Socket::open(&servers[0], "/ws/events?user_id=producer-2");
    let (producers, each) = (6, 200);
    std::thread::scope(|scope| {
        for producer in 0..producers {
            let server = &servers[producer % servers.len()];
            scope.spawn(move || {
                for number in 0..each {
                    let user = format!("producer-{producer}");
                    let mut event = click(&user);
                    event["properties"] = json!({ "number": number });
                    post(server, &event);
                }
            });
        }
    });
    for socket in &mut sockets {
        let mut next: HashMap<String, u64> = HashMap::new();
        for _ in 0..producers * each {
            let event = socket.next();
            let expected = next.entry(event["user_id"].as_str().expect("a user").to_owned()).or_default();
            assert_eq!(event["properties"]["number"], *expected);
            *expected += 1;
        }
        socket.has_nothing();
    }
    for number in 0..each {
        assert_eq!(picky.next()["properties"]["number"], number);
    }
}

#[test]
fn other_prefixes_are_other_services() {
    let redis = Redis::shared();
    let (one, other) = (instance(redis, "one"), instance(redis, "other"));
    let mut socket = Socket::open(&one, "/ws/events");
    post(&other, &click("other"));
    let id = post(&one, &click("one"));
    assert_eq!(socket.next()["event_id"], id);
    socket.has_nothing();
}

#[test]
fn without_redis_an_instance_hears_itself_and_with_it_again_the_others() {
    let redis = Redis::start();
    let (one, other) = (instance(&redis, "away"), instance(&redis, "away"));
    let mut socket = Socket::open(&one, "/ws/events");
    let id = post(&other, &click("before"));
    assert_eq!(socket.next()["event_id"], id);
    redis.kill();
    let ids: Vec<_> = (0..3).map(|_| post(&one, &click("own"))).collect();
    for id in &ids {
        assert_eq!(socket.next()["event_id"], *id);
    }
    let mut late = Socket::open(&one, "/ws/events?user_id=back");
    let ready = one.get("/health/ready");
    let dependencies = ready["dependencies"].as_array().expect("a list");
    let state = dependencies.iter().find(|dependency| dependency["name"] == "redis").expect("it is named");
    assert_eq!((&state["required"], &state["status"] != "ok"), (&json!(false), true), "{state}");
    post(&other, &click("unheard"));
    redis.start_again();
    // What comes then, comes; how much was missed is told.
    let since = Instant::now();
    let mut posted = 1;
    let mut events: Vec<Value> = Vec::new();
    while events.iter().all(|event| event["user_id"] != "back") {
        assert!(since.elapsed() < Duration::from_secs(30), "it never comes back");
        post(&other, &click("back"));
        posted += 1;
        std::thread::sleep(Duration::from_millis(200));
        while let Some(event) = socket.try_next() {
            events.push(event);
        }
    }
    post(&other, &click("end"));
    posted += 1;
    let mut lagged = 0;
    let mut heard = 0;
    let mut next = events.into_iter();
    loop {
        let event = next.next().unwrap_or_else(|| socket.next());
        lagged += event["lagged"].as_u64().unwrap_or(0);
        heard += u64::from(event["lagged"].is_null());
        if event["user_id"] == "end" {
            break;
        }
    }
    assert_eq!(heard + lagged, posted, "each is told or counted");
    if lagged > 0 {
        // Who wanted none of it may have missed some, as far as anyone knows.
        assert!(late.next()["lagged"].as_u64().is_some());
    }
}
