//! The figures of `/metrics`: they move as what they count does, on every backend, and the manual knows them all.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use footfall_test_services::{Redis, promtool};
use serde_json::json;

use super::exposition::Exposition;
use crate::support::{Request, Server};

const REQUESTS: &str = "footfall_http_requests_total";

/// A figure once it is what it must become: what happens beside an answer may come a moment after it.
fn eventually(server: &Server, what: &str, is_so: impl Fn(&Exposition) -> bool) -> Exposition {
    let since = Instant::now();
    loop {
        let exposed = Exposition::of(server);
        if is_so(&exposed) {
            return exposed;
        }
        assert!(since.elapsed() < Duration::from_secs(30), "it never is so: {what}\n{}", exposed.text);
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn requests_are_counted_by_route_method_and_status() {
    let server = Server::start(&[]);
    let before = Exposition::of(&server);
    let asked = [
        (Request::post("/events", r#"{"user_id":"u","event_type":"click"}"#), 201),
        (Request::post("/events", "{"), 400),
        (Request::post("/events", r#"{"user_id":"u"}"#), 422),
        (Request::get("/events/00000000-0000-4000-8000-000000000000"), 404),
        (Request::get("/events/6f1c0f2a-8a3e-4a61-9f34-0d6d2f2c7c11"), 404),
        (Request::get("/events?limit=none"), 400),
        (Request::new("PUT", "/events/shop.example/delivered"), 204),
        (Request::new("DELETE", "/events"), 405),
        (Request::new("BREW", "/events"), 405),
        (Request::get("/no/such/path"), 404),
        (Request::get("/another"), 404),
        (Request::new("HEAD", "/health"), 200),
    ];
    for (request, status) in &asked {
        assert_eq!(server.ask(request).status, *status, "{request:?}");
    }
    let after = Exposition::of(&server);
    let moved = |labels: &[(&str, &str)]| after.sum(REQUESTS, labels) - before.sum(REQUESTS, labels);
    for (route, method, code, count) in [
        ("/events", "POST", "201", 1.0),
        ("/events", "POST", "400", 1.0),
        ("/events", "POST", "422", 1.0),
        ("/events", "GET", "400", 1.0),
        ("/events", "DELETE", "405", 1.0),
        ("/events", "other", "405", 1.0),
        ("/events/{event_id}", "GET", "404", 2.0),
        ("/events/{domain}/delivered", "PUT", "204", 1.0),
        ("unmatched", "GET", "404", 2.0),
        ("/health", "HEAD", "200", 1.0),
    ] {
        let labels = [("route", route), ("method", method), ("code", code)];
        assert!((moved(&labels) - count).abs() < 0.5, "{labels:?}: {}\n{}", moved(&labels), after.text);
    }
    // These, and the first look at the figures.
    assert!((moved(&[]) - (asked.len() + 1) as f64).abs() < 0.5, "{}", after.text);
    let times = "footfall_http_request_duration_seconds_count";
    let of_events = [("route", "/events"), ("method", "POST")];
    assert!((after.sum(times, &of_events) - 3.0).abs() < 0.5, "{}", after.text);
    // The one that asks.
    assert!((after.sum("footfall_http_requests_in_flight", &[]) - 1.0).abs() < 0.5, "{}", after.text);
    assert!(!after.text.contains("such") && !after.text.contains("shop.example"), "{}", after.text);
}

#[test]
fn refusals_of_keys_are_counted_at_their_route() {
    let server =
        Server::start(&[("AUTH__KEYS", "site:ingest:secret-of-the-site,board:read:secret-of-the-board")]);
    let summary = Request::get("/analytics/summary");
    assert_eq!(server.ask(&summary).status, 401);
    assert_eq!(server.ask(&summary.clone().header("X-Api-Key", "secret-of-the-site")).status, 403);
    let metrics = Request::get("/metrics").header("X-Api-Key", "secret-of-the-board");
    let text = server.ask(&metrics).text();
    for code in ["401", "403"] {
        let line = format!("{REQUESTS}{{code=\"{code}\",method=\"GET\",route=\"/analytics/summary\"}} 1");
        let line_too = format!("{REQUESTS}{{route=\"/analytics/summary\",method=\"GET\",code=\"{code}\"}} 1");
        assert!(text.contains(&line) || text.contains(&line_too), "{text}");
    }
}

/// Though they are refused before they are routed.
#[test]
fn what_is_over_the_rate_is_counted_at_its_route() {
    let server =
        Server::start(&[("LIMITS__RATE_PER_SECOND", "1"), ("SERVER__TRUSTED_PROXIES", "127.0.0.0/8")]);
    let ask = |target: &str, from: &str| server.ask(&Request::get(target).header("X-Forwarded-For", from));
    let statuses: Vec<u16> = (0..5).map(|_| ask("/events/no-such", "192.0.2.1").status).collect();
    let over = statuses.iter().filter(|status| **status == 429).count();
    assert!(over > 0, "{statuses:?}");
    let exposed = Exposition::read(ask("/metrics", "192.0.2.2").text());
    let labels = [("route", "/events/{event_id}"), ("method", "GET"), ("code", "429")];
    assert_eq!(exposed.sum(REQUESTS, &labels) as usize, over, "{}", exposed.text);
}

#[test]
fn events_and_flushes_are_counted_exactly() {
    let server = Server::start(&[]);
    let event = |id: usize| json!({ "event_id": format!("00000000-0000-4000-8000-{id:012x}"), "user_id": "u", "event_type": "click" });
    let batch: Vec<_> = (0..100).map(event).collect();
    server.store(&json!(batch));
    assert_eq!(server.ask(&Request::post("/events", event(7).to_string())).status, 200);
    let mixed = json!([event(100), event(8), { "user_id": "u" }, { "event_type": "no_such" }, 5]);
    assert_eq!(server.ask(&Request::post("/events", mixed.to_string())).status, 200);
    assert_eq!(server.ask(&Request::ndjson("{\n{}\n")).status, 422);
    assert_eq!(server.ask(&Request::post("/visits", r#"{"visitor_id":"v","url":"not a page"}"#)).status, 422);
    assert_eq!(server.ask(&Request::post("/visits", r#"{"visitor_id":"v","url":"/home"}"#)).status, 201);
    assert_eq!(server.ask(&Request::new("PUT", "/events/not..a.domain/bounced")).status, 422);

    let flushed = |exposed: &Exposition| exposed.sum("footfall_store_flush_events_sum", &[]) > 101.5;
    let exposed = eventually(&server, "everything is flushed", flushed);
    let of = |outcome| exposed.sum("footfall_events_total", &[("outcome", outcome)]);
    assert_eq!([of("accepted"), of("duplicate"), of("rejected")].map(|count| count as u64), [102, 2, 7]);
    let rejected = |code| exposed.sum("footfall_events_rejected_total", &[("code", code)]) as u64;
    assert_eq!(["malformed", "invalid_url", "invalid_domain"].map(rejected), [1, 1, 1], "{}", exposed.text);
    assert_eq!(exposed.sum("footfall_events_rejected_total", &[]) as u64, 7);
    assert_eq!(exposed.sum("footfall_store_flush_events_sum", &[]) as u64, 102, "{}", exposed.text);
    let count = exposed.sum("footfall_store_flush_events_count", &[]);
    assert!((1.0..=102.0).contains(&count), "{count}");
    assert!((exposed.sum("footfall_store_flush_duration_seconds_count", &[]) - count).abs() < 0.5);
    assert!(exposed.sum("footfall_store_errors_total", &[]) < 0.5, "{}", exposed.text);
    assert!(exposed.sum("footfall_store_queue_events", &[]) < 0.5, "{}", exposed.text);
}

#[test]
fn what_a_full_store_refuses_is_counted_as_its_errors() {
    let server = Server::start(&[("MEMORY__MAX_BYTES", "64KiB")]);
    let mut refused = 0;
    for number in 0..2_000 {
        let event = json!({ "user_id": format!("u{number}"), "event_type": "click", "properties": { "a": "x".repeat(500) } });
        refused += u64::from(server.ask(&Request::post("/events", event.to_string())).status == 503);
        if refused == 3 {
            break;
        }
    }
    let exposed = Exposition::of(&server);
    assert_eq!(exposed.sum("footfall_store_errors_total", &[("kind", "full")]) as u64, 3);
    let (used, max) = ["footfall_store_memory_bytes", "footfall_store_memory_bytes_max"]
        .map(|name| exposed.sum(name, &[]))
        .into();
    assert!(max > 0.0 && used / max > 0.5 && used <= max, "{used} of {max}");
}

#[test]
fn jobs_are_timed_and_their_successes_dated() {
    let server =
        Server::start(&[("SEGMENTS__SCHEDULE", "* * * * * *"), ("METRICS__SCHEDULE", "* * * * * *")]);
    for name in ["refresh_segments", "calculate_metrics"] {
        let job = [("name", name)];
        let has_run = |exposed: &Exposition| exposed.sum("footfall_job_duration_seconds_count", &job) > 0.5;
        let exposed = eventually(&server, name, has_run);
        assert!(exposed.sum("footfall_job_runs_total", &[("name", name), ("outcome", "success")]) > 0.5);
        let now = std::time::UNIX_EPOCH.elapsed().expect("it is after 1970").as_secs_f64();
        let age = now - exposed.sum("footfall_job_last_success_timestamp_seconds", &job);
        assert!((-1.0..60.0).contains(&age), "{age}");
    }
    let exposed = eventually(&server, "the snapshot is there", |exposed| {
        exposed.has("footfall_segments_snapshot_age_seconds")
    });
    assert!(exposed.sum("footfall_segments_snapshot_age_seconds", &[]) < 60.0);
}

#[test]
fn promtool_finds_nothing_to_complain_about() {
    let server = busy(&[]);
    let said = promtool(Path::new("/"), &["check", "metrics"], &Exposition::of(&server).text);
    assert_eq!(said, "");
}

/// The table in the manual is what is exposed, over all backends: names, kinds and labels.
#[test]
fn the_manual_names_every_figure() {
    let redis = Redis::shared().database();
    let servers = [busy(&[("STORAGE__BACKEND", "memory"), ("REDIS__URL", &redis)]), on_postgres()];
    let mut exposed = BTreeSet::new();
    for server in &servers {
        let all = Exposition::of(server);
        for (name, kind) in &all.kinds {
            let labels: Vec<String> =
                all.label_names(name).iter().map(|label| format!("`{label}` ")).collect();
            exposed.insert(format!("| `{name}` | {kind} | {}|", labels.concat()));
        }
    }
    let manual = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operations.md"));
    let manual = manual.expect("the manual is there");
    let row =
        |line: &str| Some(format!("{}|", line.rsplit_once("| ")?.0)).filter(|_| line.starts_with("| `"));
    let is_figure =
        |row: &String| ["| counter |", "| gauge |", "| histogram |"].iter().any(|kind| row.contains(kind));
    let written: BTreeSet<String> = manual.lines().filter_map(row).filter(is_figure).collect();
    let missing: Vec<_> = exposed.difference(&written).collect();
    let made_up: Vec<_> = written.difference(&exposed).collect();
    assert!(
        missing.is_empty() && made_up.is_empty(),
        "not in the manual: {missing:#?}\nonly there: {made_up:#?}"
    );
}

/// What there is of labels doesn't grow with what is asked.
#[test]
fn labels_stay_few_whatever_is_asked() {
    let server = Server::start(&[]);
    for number in 0..300 {
        server.ask(&Request::get(format!("/no/{number}")));
        server.ask(&Request::get(format!("/events/{number}")));
        server.ask(&Request::new(&format!("M{number}"), "/events"));
    }
    let exposed = Exposition::of(&server);
    let routes = exposed.values_of("route");
    assert!(routes.len() < 10, "{routes:?}");
    assert!(exposed.values_of("method").len() < 5, "{:?}", exposed.values_of("method"));
}

/// A server of which every figure has a value.
fn busy(settings: &[(&str, &str)]) -> Server {
    let mut all = vec![("SEGMENTS__SCHEDULE", "* * * * * *"), ("METRICS__SCHEDULE", "* * * * * *")];
    all.extend_from_slice(settings);
    let server = Server::start(&all);
    server.store(&json!([{ "user_id": "u", "event_type": "click" }]));
    server.ask(&Request::post("/events", "{"));
    server.get("/segments/count");
    let job = "footfall_job_last_success_timestamp_seconds";
    eventually(&server, "jobs have run", |exposed| exposed.has(job));
    server
}

fn on_postgres() -> Server {
    let url = footfall_test_services::Postgres::shared().database();
    busy(&[("STORAGE__BACKEND", "postgres"), ("POSTGRES__URL", &url), ("POSTGRES__POOL_SIZE", "3")])
}
