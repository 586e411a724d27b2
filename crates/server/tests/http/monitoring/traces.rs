//! Requests followed down to the store, and a collector that is away.

use std::time::{Duration, Instant};

use footfall_test_services::{Postgres, Redis};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use serde_json::{Value, json};

use super::collector::{Collector, Taken, hex};
use crate::support::{Request, Server};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

fn following(collector: &Collector, settings: &[(&str, &str)]) -> Server {
    let url = collector.url();
    let mut all = vec![("OTLP__ENDPOINT", &*url)];
    all.extend_from_slice(settings);
    Server::start(&all)
}

fn with_parent(request: Request, flags: &str) -> Request {
    request.header("traceparent", format!("00-{TRACE}-{CALLER}-{flags}"))
}

fn click() -> Request {
    Request::post("/events", r#"{"user_id":"u","event_type":"click"}"#)
}

#[track_caller]
fn named<'a>(spans: &'a [Taken], name: &str) -> &'a Taken {
    let found = spans.iter().find(|taken| taken.span.name == name);
    found.unwrap_or_else(|| {
        let names: Vec<_> = spans.iter().map(|taken| &taken.span.name).collect();
        panic!("no span {name} among {names:?}")
    })
}

/// On whichever backend: from the caller's span to the store's operation, each within the one before.
#[test]
fn a_request_goes_on_the_trace_that_its_caller_names() {
    let collector = Collector::start();
    let server = following(&collector, &[]);
    let request = with_parent(click(), "01").header("X-Request-Id", "follow-me");
    assert_eq!(server.ask(&request).status, 201);
    let spans = collector.trace_with(TRACE, "POST /events");
    let request = named(&spans, "POST /events");
    assert_eq!(hex(&request.span.parent_span_id), CALLER);
    assert_eq!(request.span.kind, SpanKind::Server as i32);
    for (name, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/events"),
        ("http.response.status_code", "201"),
        ("request_id", "follow-me"),
    ] {
        assert_eq!(request.attribute(name).as_deref(), Some(value), "{name}");
    }
    let ingest = named(&spans, "ingest");
    assert_eq!(ingest.span.parent_span_id, request.span.span_id);
    assert_eq!(ingest.attribute("events").as_deref(), Some("1"));
    assert_eq!(named(&spans, "EventLog.append").span.parent_span_id, ingest.span.span_id);
    assert_eq!(request.of_resource("service.name").as_deref(), Some("footfall"));
    assert_eq!(request.of_resource("service.version").as_deref(), Some(env!("CARGO_PKG_VERSION")));
    assert_eq!(request.of_resource("service.instance.id").map(|id| id.len()), Some(36));
}

#[test]
fn the_embedded_store_is_followed_to_its_database() {
    let (collector, folder) = (Collector::start(), tempfile::tempdir().expect("there is room"));
    let folder = folder.path().to_str().expect("a path of ours");
    let server = following(&collector, &[("STORAGE__BACKEND", "embedded"), ("EMBEDDED__DIR", folder)]);
    assert_eq!(server.ask(&with_parent(click(), "01")).status, 201);
    let spans = collector.trace_with(TRACE, "POST /events");
    let flush = flush_of(&spans);
    let insert = named(&spans, "INSERT blocks");
    assert_eq!(insert.span.parent_span_id, flush.span.span_id);
    assert_eq!(insert.span.kind, SpanKind::Client as i32);
    assert_eq!(insert.attribute("db.system.name").as_deref(), Some("sqlite"));
}

#[test]
fn the_postgres_store_is_followed_to_its_statements() {
    let (collector, url) = (Collector::start(), Postgres::shared().database());
    let server = following(&collector, &[("STORAGE__BACKEND", "postgres"), ("POSTGRES__URL", &url)]);
    assert_eq!(server.ask(&with_parent(click(), "01")).status, 201);
    let spans = collector.trace_with(TRACE, "POST /events");
    let flush = flush_of(&spans);
    let append = named(&spans, "append");
    assert_eq!(append.span.parent_span_id, flush.span.span_id);
    assert_eq!(append.span.kind, SpanKind::Client as i32);
    assert_eq!(append.attribute("db.system.name").as_deref(), Some("postgresql"));
    assert_eq!(append.attribute("db.query.summary").as_deref(), Some("append"));

    let question =
        Request::get("/events?user_id=u").header("traceparent", format!("00-{}-{CALLER}-01", "7".repeat(32)));
    assert_eq!(server.ask(&question).status, 200);
    let spans = collector.trace_with(&"7".repeat(32), "GET /events");
    let heads = named(&spans, "heads");
    assert_eq!(heads.span.parent_span_id, named(&spans, "EventLog.events").span.span_id);
}

/// The flush of the one append: within it, and linked to it.
fn flush_of(spans: &[Taken]) -> &Taken {
    let (flush, append) = (named(spans, "flush"), named(spans, "EventLog.append"));
    assert_eq!(flush.span.parent_span_id, append.span.span_id);
    let links: Vec<_> = flush.span.links.iter().map(|link| &link.span_id).collect();
    assert_eq!(links, [&append.span.span_id]);
    flush
}

/// Many requests at once share flushes: each is linked to all that it is for.
#[test]
fn a_flush_is_linked_to_every_request_that_it_is_for() {
    let (collector, url) = (Collector::start(), Postgres::shared().database());
    let settings = [("STORAGE__BACKEND", "postgres"), ("POSTGRES__URL", &*url), ("POSTGRES__POOL_SIZE", "2")];
    let server = following(&collector, &settings);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..10).for_each(|_| assert_eq!(server.ask(&click()).status, 201)));
        }
    });
    let is = |name: &'static str| move |taken: &Taken| taken.span.name == name;
    let since = Instant::now();
    let spans = loop {
        let spans = collector.taken();
        if spans.iter().filter(|taken| is("POST /events")(taken)).count() == 80 {
            break spans;
        }
        assert!(since.elapsed() < Duration::from_secs(30), "{} spans came", spans.len());
        std::thread::sleep(Duration::from_millis(50));
    };
    let of = |name| spans.iter().filter(move |taken| is(name)(taken));
    let mut linked: Vec<_> =
        of("flush").flat_map(|flush| &flush.span.links).map(|link| &link.span_id).collect();
    let mut appends: Vec<_> = of("EventLog.append").map(|append| &append.span.span_id).collect();
    linked.sort();
    appends.sort();
    assert_eq!(linked, appends);
}

#[test]
fn redis_is_followed_too() {
    let (collector, redis) = (Collector::start(), Redis::shared().database());
    let server = following(&collector, &[("REDIS__URL", &redis)]);
    assert_eq!(server.ask(&with_parent(Request::get("/analytics/summary"), "01")).status, 200);
    let spans = collector.trace_with(TRACE, "GET /analytics/summary");
    let get = named(&spans, "GET");
    assert_eq!(
        (get.span.kind, get.attribute("db.system.name").as_deref()),
        (SpanKind::Client as i32, Some("redis"))
    );
    named(&spans, "SET");
    named(&spans, "Analytics.summary");
}

/// Whoever calls decides; and where nobody does, the ratio.
#[test]
fn what_its_caller_does_not_follow_is_not_followed() {
    let collector = Collector::start();
    let server = following(&collector, &[("OTLP__SAMPLE_RATIO", "0")]);
    assert_eq!(server.ask(&with_parent(click(), "00")).status, 201);
    assert_eq!(server.ask(&click()).status, 201);
    assert_eq!(server.ask(&click().header("traceparent", "nonsense")).status, 201);
    let last = "9".repeat(32);
    let request = click().header("traceparent", format!("00-{last}-{CALLER}-01"));
    assert_eq!(server.ask(&request).status, 201);
    collector.trace_with(&last, "POST /events");
    let others: Vec<_> =
        collector.taken().into_iter().filter(|taken| hex(&taken.span.trace_id) != last).collect();
    assert!(others.is_empty(), "{others:#?}");
}

/// No path, user or query gets there.
#[test]
fn spans_hold_nothing_personal() {
    let collector = Collector::start();
    let server = following(&collector, &[]);
    server.ask(&Request::post("/events", r#"{"user_id":"anna-secret","event_type":"click"}"#));
    server.ask(&Request::get("/events?user_id=anna-secret"));
    server.ask(&Request::new("DELETE", "/users/anna-secret"));
    server.ask(&with_parent(Request::get("/no/anna-secret"), "01"));
    let unmatched = collector.trace_with(TRACE, "GET");
    assert_eq!(named(&unmatched, "GET").attribute("http.route"), None);
    let all = format!("{:?}", collector.taken());
    assert!(all.contains("DELETE /users/{id}") && !all.contains("anna-secret"), "{all}");
}

#[test]
fn the_last_spans_are_sent_when_the_service_stops() {
    let collector = Collector::start();
    let server = following(&collector, &[]);
    assert_eq!(server.ask(&with_parent(click(), "01")).status, 201);
    server.terminate();
    let stopped = server.wait();
    assert_eq!(stopped.status.code(), Some(0), "{}", stopped.stderr);
    let spans = collector.taken();
    named(&spans, "POST /events");
}

/// Neither one that refuses nor one that never answers holds anything up, nor the stop beyond the grace period.
#[test]
fn a_collector_that_is_away_costs_nothing() {
    let stuck = Collector::that_is_stuck();
    for url in ["http://127.0.0.1:9", &stuck.url()] {
        let server = Server::start(&[("OTLP__ENDPOINT", url), ("SERVER__GRACE_PERIOD", "3s")]);
        let since = Instant::now();
        let mut connection = server.connect();
        for _ in 0..3_000 {
            assert_eq!(connection.ask(&click()).expect("an answer").status, 201);
        }
        assert!(since.elapsed() < Duration::from_secs(20), "{:?}", since.elapsed());
        drop(connection);
        server.terminate();
        let stopped = server.wait();
        assert_eq!(stopped.status.code(), Some(0), "{}", stopped.stderr);
        assert!(stopped.after < Duration::from_secs(6), "{:?}", stopped.after);
        let complaints = stopped.stderr.lines().filter(|line| line.contains("traces can't be sent")).count();
        assert!(complaints <= 1, "{}", stopped.stderr);
    }
}

#[test]
fn an_endpoint_that_is_none_stops_the_start() {
    for url in ["collector:4318", "https://collector.example", "ftp://collector.example"] {
        let said = Server::refuses_to_start(&[("OTLP__ENDPOINT", url)]);
        assert!(said.contains("FOOTFALL__OTLP__ENDPOINT"), "{said}");
    }
    let said = Server::refuses_to_start(&[("OTLP__SAMPLE_RATIO", "2")]);
    assert!(said.contains("FOOTFALL__OTLP__SAMPLE_RATIO"), "{said}");
}

/// Every line is JSON by itself, whatever is logged, and leads to its request and trace.
#[test]
fn logs_lead_to_the_trace() {
    let collector = Collector::start();
    let settings = [("LOG__FORMAT", "json"), ("LOG__LEVEL", "debug"), ("STORAGE__BACKEND", "memory")];
    let server = following(&collector, &settings);
    server.ask(&with_parent(click(), "01").header("X-Request-Id", "find-me"));
    server.ask(&Request::post("/events", "{\n\"a\u{1}"));
    server.ask(&Request::get("/events?user_id=anna-secret%0A%22"));
    server.terminate();
    let stopped = server.wait();
    let lines: Vec<Value> = stopped
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let found = lines.iter().find(|line| line["request_id"] == "find-me").expect("it is logged");
    assert_eq!((&found["trace_id"], &found["status"]), (&json!(TRACE), &json!(201)));
    assert!(!stopped.stderr.contains("anna-secret"), "{}", stopped.stderr);
}

/// At the default level a request that went well leaves nothing; at `error` not even the stop does.
#[test]
fn the_level_says_how_much_is_logged() {
    let logged = |level: &str| {
        let server = Server::start(&[("LOG__FORMAT", "json"), ("LOG__LEVEL", level)]);
        server.ask(&click().header("X-Request-Id", "find-me"));
        server.terminate();
        server.wait().stderr
    };
    assert_eq!(logged("error"), "");
    let info = logged("info");
    assert!(info.contains("stopping") && !info.contains("find-me"), "{info}");
    assert!(logged("debug").contains("find-me"));
}
