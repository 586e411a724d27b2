//! `GET /analytics/summary`, `/analytics/pages` and `/analytics/visitors`.

use insta::assert_json_snapshot;
use serde_json::{Value, json};

use super::{click, shape, view, with_events};
use crate::support::{Request, Server};

#[test]
fn a_summary_of_a_range_names_its_hours() {
    let server = with_events();
    let answer = server
        .ask(&Request::get("/analytics/summary?from=2025-05-26T13:30:00Z&to=2025-05-26T17:00:00.000001Z"));
    assert_json_snapshot!("summary_of_a_range", shape(&answer, &[]));
    // `to` is exclusive, and an hour that only it touches is not listed.
    let answer = server.get("/analytics/summary?from=2025-05-26T14:00:00Z&to=2025-05-26T16:00:00Z");
    assert_eq!(
        (&answer["total_events"], answer["events_per_hour"].as_array().map(Vec::len)),
        (&json!(2), Some(2))
    );
    let answer =
        server.get("/analytics/summary?from=2025-05-26T14:00:00.000001Z&to=2025-05-26T16:00:00.000001Z");
    assert_eq!((&answer["total_events"], &answer["unique_users"]), (&json!(3), &json!(2)), "{answer}");
}

#[test]
fn a_summary_of_a_window_ends_now() {
    let server = Server::start(&[]);
    let answer = server.ask(&Request::post("/events", r#"{"user_id":"u","event_type":"click"}"#));
    assert_eq!(answer.status, 201);
    for (query, window, hours) in
        [("", "24h", 24), ("?window=1h", "1h", 1), ("?window=24h", "24h", 24), ("?window=7d", "7d", 168)]
    {
        let answer = server.get(&format!("/analytics/summary{query}"));
        assert_eq!(
            (&answer["time_window"], &answer["total_events"]),
            (&json!(window), &json!(1)),
            "{answer}"
        );
        let (from, to) = (answer["from"].as_str().expect("a time"), answer["to"].as_str().expect("a time"));
        assert!(from.ends_with(":00.000000Z") && to.ends_with(".000000Z"), "{from} to {to}");
        let listed = answer["events_per_hour"].as_array().expect("hours");
        // The window seldom begins at a full hour.
        assert!((hours..=hours + 1).contains(&listed.len()), "{window}: {}", listed.len());
        let sum: u64 = listed.iter().filter_map(|hour| hour["count"].as_u64()).sum();
        assert_eq!(sum, 1);
        assert_eq!(listed[0]["hour"].as_str().map(str::len), Some("2025-05-26T14:00:00Z".len()));
    }
    let mut answer = server.get("/analytics/summary?window=1h");
    answer["events_per_hour"] = "[hours]".into();
    let shown = crate::support::redact(answer, &["/from", "/to"]);
    assert_json_snapshot!("summary_of_a_window", shown);
}

#[test]
fn a_summary_of_nothing_is_all_zeros() {
    let server = Server::start(&[]);
    let answer =
        server.ask(&Request::get("/analytics/summary?from=2025-05-26T14:10:00Z&to=2025-05-26T14:20:00Z"));
    assert_json_snapshot!("summary_of_nothing", shape(&answer, &[]));
}

#[test]
fn pages_are_ranked_by_visitors_or_views() {
    let server = Server::start(&[]);
    let at = "2025-05-26T14:00:00Z";
    let many = [view("a", at, "/many-views"), view("a", at, "/many-views"), view("a", at, "/many-views")];
    let others =
        [view("a", at, "/b"), view("b", at, "/b"), view("a", at, "/a"), view("b", at, "/a"), click("c", at)];
    server.store(&json!([&many[..], &others[..]].concat()));
    let range = "from=2025-05-26T00:00:00Z&to=2025-05-27T00:00:00Z";
    let answer = server.ask(&Request::get(format!("/analytics/pages?{range}")));
    assert_json_snapshot!("pages_by_visitors", shape(&answer, &[]));
    let answer = server.ask(&Request::get(format!("/analytics/pages?{range}&order=views&limit=2")));
    assert_json_snapshot!("pages_by_views", shape(&answer, &[]));
    let answer = server.get("/analytics/pages?from=2025-05-27T00:00:00Z&to=2025-05-28T00:00:00Z");
    assert_eq!(answer["pages"], json!([]));
    assert_eq!(server.get("/analytics/pages?window=1h")["pages"], json!([]));
    assert_eq!(server.get("/analytics/pages")["pages"], json!([]));
}

#[test]
fn twenty_pages_are_listed_by_default() {
    let server = Server::start(&[]);
    let views: Vec<Value> =
        (0..30).map(|number| view("a", "2025-05-26T14:00:00Z", &format!("/{number:02}"))).collect();
    server.store(&json!(views));
    let range = "from=2025-05-26T00:00:00Z&to=2025-05-27T00:00:00Z";
    let urls = |query: &str| -> Vec<String> {
        let answer = server.get(&format!("/analytics/pages?{range}{query}"));
        let pages = answer["pages"].as_array().expect("pages");
        pages.iter().filter_map(|page| page["url"].as_str().map(str::to_owned)).collect()
    };
    let all: Vec<String> = (0..30).map(|number| format!("/{number:02}")).collect();
    assert_eq!(urls(""), all[..20]);
    assert_eq!(urls("&limit=1000"), all);
}

#[test]
fn a_page_has_visitors_and_views_also_in_a_range() {
    let server = with_events();
    let answer = server.ask(&Request::get("/analytics/visitors?url=/home"));
    assert_json_snapshot!("visitors", shape(&answer, &[]));
    let answer = server.ask(&Request::get("/analytics/visitors?url=HTTP://Never.Seen:80"));
    assert_json_snapshot!("visitors_of_a_page_never_seen", shape(&answer, &[]));
    for (range, visitors, views) in [
        ("from=2025-05-26T14:00:00.000001Z", 1, 2),
        ("to=2025-05-26T16:00:00Z", 2, 2),
        ("from=2025-05-26T14:00:00Z&to=2025-05-26T14:00:00.000001Z", 1, 1),
        ("from=2025-05-27T00:00:00Z", 0, 0),
    ] {
        let answer = server.get(&format!("/analytics/visitors?url=/home&{range}"));
        assert_eq!(
            answer,
            json!({ "url": "/home", "distinct_visitors": visitors, "page_views": views }),
            "{range}"
        );
    }
}
