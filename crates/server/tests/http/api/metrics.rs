//! Users' activity by window: `POST /metrics/calculate` and `GET /metrics/users`.

use insta::assert_json_snapshot;
use serde_json::{Value, json};

use super::{click, shape};
use crate::support::{Request, Server};

fn calculate(server: &Server, query: &str) -> Value {
    server.ask(&Request::new("POST", format!("/metrics/calculate{query}"))).json_of(200)["windows"].clone()
}

fn list(server: &Server, query: &str) -> Vec<(String, String, u64)> {
    let mut rows = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = server.get(&format!("/metrics/users?{query}{cursor}"));
        for row in page["metrics"].as_array().expect("a list") {
            let text = |name: &str| row[name].as_str().expect("text").to_owned();
            let start = text("window_start_at");
            rows.push((
                start[..13].to_owned(),
                text("user_id"),
                row["event_count"].as_u64().expect("a count"),
            ));
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return rows,
        }
    }
}

fn row(hour: &str, user: &str, count: u64) -> (String, String, u64) {
    (hour.to_owned(), user.to_owned(), count)
}

fn with_events() -> Server {
    let server = Server::start(&[("METRICS__SCHEDULE", "off")]);
    server.store(&json!([
        click("ann", "2025-05-26T00:00:00Z"),
        click("ann", "2025-05-26T03:59:59.999999Z"),
        click("ann", "2025-05-26T04:00:00Z"),
        click("bob", "2025-05-26T23:30:00-02:00"),
        { "event_type": "delivered", "timestamp": "2025-05-26T09:00:00Z", "properties": { "domain": "a.example" } },
    ]));
    server
}

#[test]
fn windows_are_computed_and_listed() {
    let server = with_events();
    assert_eq!(list(&server, ""), []);
    let windows = server.ask(&Request::new("POST", "/metrics/calculate"));
    assert_json_snapshot!(shape(&windows, &[]));
    let metrics = server.ask(&Request::get("/metrics/users"));
    let created = ["/body/metrics/0/created_at", "/body/metrics/1/created_at", "/body/metrics/2/created_at"];
    let created = created.map(|pointer| &pointer["/body".len()..]);
    assert_json_snapshot!(shape(&metrics, &created));
    let expected =
        [row("2025-05-26T00", "ann", 2), row("2025-05-26T04", "ann", 1), row("2025-05-27T00", "bob", 1)];
    assert_eq!(list(&server, ""), expected);
    assert_eq!(list(&server, "limit=1"), expected);
    assert_eq!(list(&server, "user_id=ann&limit=1"), expected[..2]);
    assert_eq!(list(&server, "user_id=nobody"), []);
    assert_eq!(list(&server, "user_id=a%00b"), [], "which is nobody's name");
    assert_eq!(list(&server, "from=2025-05-26T00:00:00.000001Z"), expected[1..]);
    assert_eq!(list(&server, "to=2025-05-26T04:00:00Z"), expected[..1]);
}

#[test]
fn computing_again_changes_nothing_and_late_events_are_found() {
    let server = with_events();
    assert_eq!(calculate(&server, "").as_array().map(Vec::len), Some(3));
    let rows = server.get("/metrics/users");
    assert_eq!(calculate(&server, ""), json!([]));
    assert_eq!(server.get("/metrics/users"), rows);
    server.store(&json!([click("ann", "2025-05-26T01:00:00Z"), click("cid", "2024-01-01T00:00:00Z")]));
    assert_eq!(server.get("/metrics/users"), rows);
    let windows = calculate(&server, "");
    let events: Vec<&Value> =
        windows.as_array().expect("a list").iter().map(|window| &window["events"]).collect();
    assert_eq!(events, [&json!(1), &json!(3)]);
    assert_eq!(list(&server, "user_id=ann")[0], row("2025-05-26T00", "ann", 3));
    // The row that was there keeps its time.
    assert_eq!(server.get("/metrics/users?user_id=bob")["metrics"][0], rows["metrics"][2]);
}

#[test]
fn a_range_computes_the_windows_wholly_inside() {
    let server = with_events();
    let range = "?from=2025-05-26T00:00:00Z&to=2025-05-26T07:59:59Z";
    assert_eq!(calculate(&server, range).as_array().map(Vec::len), Some(1));
    assert_eq!(calculate(&server, range).as_array().map(Vec::len), Some(1));
    assert_eq!(list(&server, ""), [row("2025-05-26T00", "ann", 2)]);
    assert_eq!(calculate(&server, "?from=2030-01-01T00:00:00Z&to=2031-01-01T00:00:00Z"), json!([]));
}

#[test]
fn the_window_that_is_running_is_not_computed() {
    let server = Server::start(&[("METRICS__SCHEDULE", "off")]);
    server.store(&json!([{ "user_id": "now", "event_type": "click" }]));
    let windows = calculate(&server, "");
    // But for the moment in which a window ends.
    assert!(windows == json!([]) || windows[0]["events"] == 1, "{windows}");
}

#[test]
fn wrong_questions_are_400() {
    let server = Server::start(&[]);
    for (method, target) in [
        ("POST", "/metrics/calculate?from=2025-05-26T00:00:00Z"),
        ("POST", "/metrics/calculate?to=2025-05-26T00:00:00Z"),
        ("POST", "/metrics/calculate?from=2025-05-26T00:00:00Z&to=2025-05-26T00:00:00Z"),
        ("POST", "/metrics/calculate?window=1h"),
        ("GET", "/metrics/users?limit=0"),
        ("GET", "/metrics/users?limit=1001"),
        ("GET", "/metrics/users?cursor=abc"),
        ("GET", "/metrics/users?from=yesterday"),
        ("GET", "/metrics/users?segment=x"),
        ("GET", "/metrics/users?cursor=IAABhqBhAGIBv9SL"),
    ] {
        let answer = server.ask(&Request::new(method, target));
        assert_eq!(answer.status, 400, "{target}: {}", answer.text());
        assert_eq!(answer.flaw_of_problem(), None);
    }
    assert_eq!(server.ask(&Request::get("/metrics/calculate")).status, 405);
}

#[test]
fn the_schedule_computes_by_itself() {
    let server = Server::start(&[("METRICS__SCHEDULE", "* * * * * *")]);
    server.store(&json!([click("ann", "2025-05-26T00:00:00Z")]));
    for _ in 0..200 {
        if !list(&server, "").is_empty() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("nothing was computed");
}

#[test]
fn an_erased_user_has_no_rows() {
    let server = with_events();
    calculate(&server, "");
    assert_eq!(server.ask(&Request::new("DELETE", "/users/ann")).status, 204);
    assert_eq!(list(&server, ""), [row("2025-05-27T00", "bob", 1)]);
    calculate(&server, "?from=2025-05-26T00:00:00Z&to=2025-06-01T00:00:00Z");
    assert_eq!(list(&server, ""), [row("2025-05-27T00", "bob", 1)]);
}
