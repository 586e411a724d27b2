//! `GET /analytics/timeseries`: points at the zone's own minutes, hours and days.

use insta::assert_json_snapshot;
use serde_json::{Value, json};

use super::{click, shape, view, with_events};
use crate::support::{Request, Server};

/// One event in every half hour from that instant on, in UTC.
fn every_half_hour(first_hour: usize, date: &str, next_date: &str) -> Server {
    let server = Server::start(&[]);
    let event = |half: usize| {
        let (hour, minute) = (first_hour + half / 2, half % 2 * 30);
        let (date, hour) = if hour < 24 { (date, hour) } else { (next_date, hour - 24) };
        view(&format!("u{}", half % 3), &format!("{date}T{hour:02}:{minute:02}:00Z"), "/")
    };
    let events: Vec<Value> = (0..52).map(event).collect();
    server.store(&json!(events));
    server
}

fn points(server: &Server, query: &str) -> Vec<(String, u64)> {
    let answer = server.get(&format!("/analytics/timeseries?{query}"));
    let points = answer["points"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let point = |point: &Value| {
        let start = point["start"].as_str().unwrap_or_default().replace(".000000Z", "");
        (start[5..].to_owned(), point["value"].as_u64().unwrap_or(u64::MAX))
    };
    points.iter().map(point).collect()
}

fn expected(points: &[(&str, u64)]) -> Vec<(String, u64)> {
    points.iter().map(|(start, value)| ((*start).to_owned(), *value)).collect()
}

#[test]
fn hours_of_utc_with_empty_ones() {
    let server = with_events();
    let query = "metric=events&interval=hour&from=2025-05-26T13:59:00Z&to=2025-05-26T17:00:00Z";
    assert_json_snapshot!(
        "hours_of_utc",
        shape(&server.ask(&Request::get(format!("/analytics/timeseries?{query}"))), &[])
    );
}

#[test]
fn the_first_and_the_last_point_count_only_what_lies_in_the_range() {
    let server = with_events();
    let query = "metric=events&interval=day&from=2025-05-26T14:00:00.000001Z&to=2025-05-27T08:00:00Z";
    assert_eq!(points(&server, query), expected(&[("05-26T00:00:00", 4), ("05-27T00:00:00", 1)]));
}

#[test]
fn metrics_and_filters() {
    let server = with_events();
    let day = "interval=day&from=2025-05-26T00:00:00Z&to=2025-05-27T00:00:00Z";
    for (query, value) in [
        ("metric=events", 5),
        ("metric=visitors", 3),
        ("metric=page_views", 4),
        ("metric=events&event_type=click", 1),
        ("metric=visitors&event_type=page_view", 3),
        ("metric=visitors&page=/home", 2),
        ("metric=page_views&page=/home", 3),
        ("metric=page_views&event_type=click", 0),
        ("metric=events&page=/home&event_type=click", 0),
        ("metric=events&event_type=nope", 0),
        ("metric=events&page=/nope", 0),
    ] {
        assert_eq!(
            points(&server, &format!("{query}&{day}")),
            expected(&[("05-26T00:00:00", value)]),
            "{query}"
        );
    }
}

#[test]
fn minutes() {
    let server = Server::start(&[]);
    server.store(&json!([click("a", "2025-05-26T14:00:59.999999Z"), click("a", "2025-05-26T14:01:00Z")]));
    let query = "metric=events&interval=minute&from=2025-05-26T14:00:00Z&to=2025-05-26T14:03:00Z";
    let minutes = [("05-26T14:00:00", 1), ("05-26T14:01:00", 1), ("05-26T14:02:00", 0)];
    assert_eq!(points(&server, query), expected(&minutes));
    // Ten thousand points are allowed.
    let most = "metric=events&interval=minute&from=2025-05-26T00:00:00Z&to=2025-06-01T22:40:00Z";
    assert_eq!(points(&server, most).len(), 10_000);
}

#[test]
fn berlin_in_spring_has_a_day_of_23_hours() {
    let server = every_half_hour(22, "2025-03-29", "2025-03-30");
    let range = "from=2025-03-29T23:00:00Z&to=2025-03-30T22:00:00Z&timezone=Europe/Berlin";
    let days = points(&server, &format!("metric=events&interval=day&{range}"));
    assert_eq!(days, expected(&[("03-29T23:00:00", 46)]));
    let hours = points(&server, &format!("metric=events&interval=hour&{range}"));
    assert_eq!(hours.len(), 23);
    assert!(hours.iter().all(|(_, value)| *value == 2));
    let beyond = "from=2025-03-29T22:59:59Z&to=2025-03-30T22:00:01Z&timezone=Europe/Berlin";
    let answer =
        server.ask(&Request::get(format!("/analytics/timeseries?metric=visitors&interval=day&{beyond}")));
    assert_json_snapshot!("days_of_berlin_in_spring", shape(&answer, &[]));
}

#[test]
fn berlin_in_autumn_has_a_day_of_25_hours() {
    let server = every_half_hour(22, "2025-10-25", "2025-10-26");
    let range = "from=2025-10-25T22:00:00Z&to=2025-10-26T23:00:00Z&timezone=Europe/Berlin";
    let days = points(&server, &format!("metric=events&interval=day&{range}"));
    assert_eq!(days, expected(&[("10-25T22:00:00", 50)]));
    let hours = points(&server, &format!("metric=page_views&interval=hour&{range}"));
    assert_eq!(hours.len(), 25);
    // The hour from two to three comes twice, and stands twice in the answer.
    assert_eq!(hours[2..4], expected(&[("10-26T00:00:00", 2), ("10-26T01:00:00", 2)]));
}

#[test]
fn kolkata_is_five_hours_and_a_half_ahead() {
    let server = every_half_hour(0, "2025-05-26", "2025-05-27");
    let range = "from=2025-05-26T00:00:00Z&to=2025-05-26T02:00:00Z&timezone=Asia/Kolkata";
    let hours = points(&server, &format!("metric=events&interval=hour&{range}"));
    assert_eq!(hours, expected(&[("05-25T23:30:00", 1), ("05-26T00:30:00", 2), ("05-26T01:30:00", 1)]));
    let range = "from=2025-05-26T00:00:00Z&to=2025-05-27T00:00:00Z&timezone=Asia/Kolkata";
    let answer =
        server.ask(&Request::get(format!("/analytics/timeseries?metric=events&interval=day&{range}")));
    assert_json_snapshot!("days_of_kolkata", shape(&answer, &[]));
}
