//! `GET /events`: filters, order, and cursors that stay right.

use insta::assert_json_snapshot;
use serde_json::{Value, json};

use super::{click, shape, with_events};
use crate::support::{Request, Server, url_encoded};

/// The times of the events that a query lists.
fn times(server: &Server, query: &str) -> Vec<String> {
    let answer = server.get(&format!("/events?{query}"));
    let events = answer["events"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let time = |event: &Value| event["timestamp"].as_str().unwrap_or_default()[5..16].to_owned();
    events.iter().map(time).collect()
}

#[test]
fn a_list_of_events_and_its_end() {
    let server = with_events();
    let answer = server.ask(&Request::get("/events?limit=2"));
    assert_json_snapshot!(
        "list",
        shape(&answer, &["/events/0/event_id", "/events/1/event_id", "/next_cursor"])
    );
    let answer = server.ask(&Request::get("/events?user_id=nobody"));
    assert_json_snapshot!("empty_list", shape(&answer, &[]));
}

#[test]
fn filters_say_which_events() {
    let server = with_events();
    for (query, expected) in [
        ("user_id=a", vec!["05-26T14:00", "05-26T16:30"]),
        ("user_id=b&event_type=page_view", vec!["05-26T14:59", "05-26T16:00"]),
        ("event_type=purchase", vec!["05-27T00:00"]),
        ("event_type=nope", vec![]),
        ("page=/home", vec!["05-26T14:00", "05-26T14:59", "05-26T16:00"]),
        ("page=HTTPS://Example.com:443/shop%3Fitem%3D1%26utm_source%3Dx", vec!["05-26T16:00"]),
        ("domain=EXAMPLE.com.", vec!["05-27T08:00"]),
        ("domain=xn--bcher-kva.example", vec!["05-28T08:00"]),
        ("domain=other.example", vec![]),
        ("from=2025-05-28T08:00:00Z", vec!["05-28T08:00"]),
        ("to=2025-05-26T14:59:59.999999Z", vec!["05-26T14:00"]),
        ("from=2025-05-26T14:59:59.999999Z&to=2025-05-26T16:00:00Z", vec!["05-26T14:59"]),
        // A plus sign left unescaped is read as what was meant.
        ("from=2025-05-28T10:00:00+02:00", vec!["05-28T08:00"]),
        ("page=/home&user_id=a&event_type=page_view&from=2025-05-26T14:00:00Z", vec!["05-26T14:00"]),
        ("order=desc&limit=2", vec!["05-28T08:00", "05-27T08:00"]),
        ("order=asc&limit=1&key=secret", vec!["05-26T14:00"]),
    ] {
        assert_eq!(times(&server, query), expected, "{query}");
    }
}

/// All ids that a list gives, page by page; `between` runs after each page.
fn walk(server: &Server, query: &str, mut between: impl FnMut()) -> Vec<String> {
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    loop {
        let answer = server.get(&format!("/events?{query}{cursor}"));
        let events = answer["events"].as_array().unwrap_or_else(|| panic!("{answer}"));
        ids.extend(events.iter().filter_map(|event| event["event_id"].as_str().map(str::to_owned)));
        let Some(next) = answer["next_cursor"].as_str() else { return ids };
        assert_eq!(
            url_encoded(&next.replace(['-', '_'], "")),
            next.replace(['-', '_'], ""),
            "it needs no escaping"
        );
        cursor = format!("&cursor={next}");
        between();
    }
}

/// Events of few instants, so that identities decide about much of the order.
fn at_few_instants(count: usize) -> (Vec<Value>, Vec<String>) {
    let mut keys = Vec::new();
    let mut events = Vec::new();
    for number in 0..count {
        let (second, word) = (number * 7 % 5, number * 7_919 % 65_536);
        let id = format!("{word:04x}0000-0000-4000-8000-{number:012x}");
        let mut event = click("u", &format!("2025-05-26T14:00:{second:02}Z"));
        event["event_id"] = id.clone().into();
        keys.push((second, id));
        events.push(event);
    }
    keys.sort();
    (events, keys.into_iter().map(|(_, id)| id).collect())
}

#[test]
fn cursors_walk_through_everything_in_order_both_ways() {
    let server = Server::start(&[]);
    let (events, expected) = at_few_instants(60);
    server.store(&json!(events));
    let reversed: Vec<String> = expected.iter().rev().cloned().collect();
    for limit in [1, 7, 59, 60, 61, 1_000] {
        assert_eq!(walk(&server, &format!("limit={limit}"), || ()), expected, "limit={limit}");
        assert_eq!(
            walk(&server, &format!("limit={limit}&order=desc"), || ()),
            reversed,
            "limit={limit} desc"
        );
    }
    let filtered = walk(&server, "limit=3&user_id=u&event_type=click&from=2025-05-26T14:00:01Z", || ());
    assert_eq!(filtered, expected[12..]);
}

#[test]
fn cursors_stay_right_while_events_arrive() {
    let server = Server::start(&[]);
    let (events, expected) = at_few_instants(40);
    server.store(&json!(events));
    let mut number = 0;
    let ids = walk(&server, "limit=5&order=desc", || {
        number += 1;
        // One newer than all, and one older than all: the walk passes the one and comes to the other.
        server.store(&json!([click("new", "2025-05-27T00:00:00Z"), click("old", "2025-05-25T00:00:00Z")]));
    });
    let (known, others): (Vec<String>, Vec<String>) = ids.into_iter().partition(|id| expected.contains(id));
    assert_eq!(known, expected.iter().rev().cloned().collect::<Vec<_>>());
    assert!(!others.is_empty() && others.len() <= number, "{} of {number}", others.len());
}

#[test]
fn the_default_limit_is_a_hundred() {
    let server = Server::start(&[]);
    let events: Vec<Value> = (0..150).map(|_| click("u", "2025-05-26T14:00:00Z")).collect();
    server.store(&json!(events));
    let answer = server.get("/events");
    assert_eq!(answer["events"].as_array().map(Vec::len), Some(100));
    assert!(answer["next_cursor"].is_string());
    assert_eq!(server.get("/events?limit=1000")["events"].as_array().map(Vec::len), Some(150));
}
