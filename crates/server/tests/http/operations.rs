//! Starting, stopping, limits and commands: what an operator relies on.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Request, Server, footfall, now};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn everything_wrong_with_the_configuration_is_told_at_once() {
    let said = Server::refuses_to_start(&[
        ("SERVER__BIND", "localhost"),
        ("SERVER__WORKERS", "0"),
        ("STORAGE__RETENTION", "soon"),
        ("MEMORY__MAX_BYTES", "lots"),
        ("LIMITS__BODY_BYTES", "-1"),
        ("LIMITS__REQUEST_TIMEOUT", "30"),
        ("EVENTS__UNKNOWN_TYPES", "maybe"),
        ("AUTH__KEYS", "me:write:hunter2"),
        ("NO__SUCH", "1"),
    ]);
    for name in [
        "FOOTFALL__SERVER__BIND",
        "FOOTFALL__SERVER__WORKERS",
        "FOOTFALL__STORAGE__RETENTION",
        "FOOTFALL__MEMORY__MAX_BYTES",
        "FOOTFALL__LIMITS__BODY_BYTES",
        "FOOTFALL__LIMITS__REQUEST_TIMEOUT",
        "FOOTFALL__EVENTS__UNKNOWN_TYPES",
        "FOOTFALL__AUTH__KEYS",
        "FOOTFALL__NO__SUCH",
    ] {
        assert!(said.contains(name), "{name} is not in {said}");
    }
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn without_keys_only_a_loopback_address_is_served_unless_permitted() {
    for address in ["0.0.0.0:0", "[::]:0"] {
        let said = Server::refuses_to_start(&[("SERVER__BIND", address)]);
        assert!(said.contains("FOOTFALL__AUTH__ALLOW_ANONYMOUS"), "{said}");
    }
    let server = Server::start(&[("SERVER__BIND", "0.0.0.0:0"), ("AUTH__ALLOW_ANONYMOUS", "true")]);
    assert!(server.address.starts_with("0.0.0.0:"), "{}", server.address);
}

#[test]
fn an_address_in_use_is_told() {
    let server = Server::start(&[]);
    let said = Server::refuses_to_start(&[("SERVER__BIND", &server.address)]);
    assert!(said.contains(&server.address), "{said}");
}

#[test]
fn the_configuration_that_is_shown_can_be_read_again() {
    let show = |file: Option<&str>| {
        let mut command = footfall();
        if let Some(file) = file {
            command.args(["--config", file]);
        } else {
            command
                .env("FOOTFALL__STORAGE__RETENTION", "90d")
                .env("FOOTFALL__LOG__LEVEL", "info,footfall_http=debug");
        }
        let Output { status, stdout, stderr } = command.arg("config").output().expect("the binary starts");
        assert!(status.success(), "{}", text(&stderr));
        text(&stdout)
    };
    let shown = show(None);
    for line in ["[server]", "[storage]", "retention = \"90d\"", "bind = \"127.0.0.1:8080\""] {
        assert!(shown.lines().any(|found| found == line), "{line} is not in {shown}");
    }
    let form = |line: &str| line.is_empty() || line.starts_with(['#', '[']) || line.contains(" = ");
    assert!(shown.lines().all(form), "{shown}");
    let file = tempfile::Builder::new().suffix(".toml").tempfile().expect("a temporary file");
    std::fs::write(file.path(), &shown).expect("there is room");
    assert_eq!(show(file.path().to_str()), shown);
}

#[test]
fn the_configuration_file_is_overridden_and_must_be_readable() {
    let file = tempfile::Builder::new().suffix(".toml").tempfile().expect("a temporary file");
    std::fs::write(file.path(), "[limits]\nbatch_events = 5\nbody_bytes = '2KiB'\n").expect("there is room");
    let config = |path: &std::path::Path, batch_events: Option<&str>| {
        let mut command = footfall();
        command.envs(batch_events.map(|value| ("FOOTFALL__LIMITS__BATCH_EVENTS", value)));
        command.arg("--config").arg(path).arg("config").output().expect("the binary starts")
    };
    let shown = text(&config(file.path(), Some("7")).stdout);
    assert!(shown.contains("batch_events = \"7\"") && shown.contains("body_bytes = \"2KiB\""), "{shown}");
    for content in ["[limits\n", "[limits]\nbach_events = 5\n", "limits = 5\n"] {
        std::fs::write(file.path(), content).expect("there is room");
        let Output { status, stderr, .. } = config(file.path(), None);
        assert!(!status.success() && !stderr.is_empty(), "{content}: {}", text(&stderr));
    }
    let Output { status, stderr, .. } = config(std::path::Path::new("/no/such/footfall.toml"), None);
    assert!(!status.success() && text(&stderr).contains("/no/such/footfall.toml"), "{}", text(&stderr));
}

#[test]
fn healthcheck_tells_by_its_exit_status() {
    let server = Server::start(&[]);
    let check = |url: &str| {
        footfall().args(["healthcheck", "--server", url]).output().expect("the binary starts").status
    };
    assert!(check(&server.url()).success());
    let configured = footfall().env("FOOTFALL__SERVER__BIND", &server.address).arg("healthcheck").output();
    assert!(configured.expect("the binary starts").status.success());
    let url = server.url();
    drop(server);
    assert!(!check(&url).success());
    assert!(!check("nonsense").success());
}

#[test]
fn sigterm_lets_what_is_in_flight_finish() {
    let server = Server::start(&[("SERVER__GRACE_PERIOD", "20s")]);
    let mut connection = server.connect();
    let request = Request::post("/events", r#"{"user_id":"u","event_type":"click"}"#);
    let bytes = request.bytes();
    let (head, tail) = bytes.split_at(bytes.len() - 10);
    connection.send(head).expect("the server reads");
    std::thread::sleep(Duration::from_millis(200));
    server.terminate();
    std::thread::sleep(Duration::from_millis(500));
    connection.send(tail).expect("the server still reads");
    assert_eq!(connection.receive("POST").expect("an answer").status, 201);
    drop(connection);
    let stopped = server.wait();
    assert_eq!(stopped.status.code(), Some(0), "{}", stopped.stderr);
    assert!(stopped.after < Duration::from_secs(20), "it took {:?}", stopped.after);
}

#[test]
fn sigterm_stops_an_idle_server_at_once() {
    let server = Server::start(&[]);
    server.get("/health");
    server.terminate();
    let stopped = server.wait();
    assert_eq!(stopped.status.code(), Some(0), "{}", stopped.stderr);
    assert!(stopped.after < Duration::from_secs(5), "it took {:?}", stopped.after);
}

/// A kept connection has nothing in flight: it must not use up the grace period.
#[test]
fn sigterm_does_not_wait_for_idle_connections() {
    let server = Server::start(&[("SERVER__GRACE_PERIOD", "15s")]);
    let mut connection = server.connect();
    assert_eq!(connection.ask(&Request::get("/health")).expect("an answer").status, 200);
    server.terminate();
    let stopped = server.wait();
    assert_eq!(stopped.status.code(), Some(0), "{}", stopped.stderr);
    assert!(stopped.after < Duration::from_secs(10), "it took {:?}", stopped.after);
}

/// Whoever read its log may have gone.
#[test]
fn sigterm_stops_a_server_that_can_not_log() {
    let mut command = footfall();
    command.envs([("FOOTFALL__SERVER__BIND", "127.0.0.1:0"), ("FOOTFALL__STORAGE__BACKEND", "memory")]);
    command.arg("serve").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().expect("the binary starts");
    drop(process.stderr.take());
    let mut line = String::new();
    let mut output = BufReader::new(process.stdout.take().expect("it is piped"));
    output.read_line(&mut line).expect("the server speaks UTF-8");
    assert!(line.starts_with("listening on"), "{line}");
    assert_eq!(terminate(process), Some(0));
}

/// As the first process of a container it would else not even be ended by the signal.
#[test]
fn sigterm_stops_a_server_whose_store_is_not_open_yet() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let mut command = footfall();
    let url = format!("postgres://footfall@{}/footfall", silent.local_addr().expect("it is bound"));
    command.env("FOOTFALL__STORAGE__BACKEND", "postgres").env("FOOTFALL__POSTGRES__URL", url);
    let process = command.arg("serve").spawn().expect("the binary starts");
    let _asking = silent.accept().expect("the store is being opened");
    assert_eq!(terminate(process), Some(0));
}

/// The exit status after SIGTERM; none where another signal was needed.
fn terminate(mut process: Child) -> Option<i32> {
    let kill = Command::new("kill").arg(process.id().to_string()).status();
    assert!(kill.expect("there is a kill command").success());
    let since = Instant::now();
    loop {
        if let Some(status) = process.try_wait().expect("the process is ours") {
            return status.code();
        }
        if since.elapsed() > Duration::from_secs(30) {
            process.kill().expect("the process is ours");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn while_it_drains_it_serves_and_sends_everyone_elsewhere() {
    let server = Server::start(&[("SERVER__DRAIN_PERIOD", "15s")]);
    let mut kept = server.connect();
    let ready = Request::get("/health/ready");
    assert_eq!(kept.ask(&ready).unwrap().header("Connection"), None);
    let event = json!({"user_id": "ann", "event_type": "click"});
    let post = Request::post("/events", event.to_string());
    let (mut slow, bytes) = (server.connect(), post.bytes());
    let (begin, end) = bytes.split_at(bytes.len() - 10);
    slow.send(begin).expect("the server reads");
    server.terminate();
    let since = Instant::now();
    while server.ask(&ready).status == 200 {
        assert!(since.elapsed() < Duration::from_secs(10), "it is still ready");
    }
    let answer = server.ask(&ready);
    assert_eq!(answer.flaw_of_problem(), None);
    let stopping = json!({"name": "server", "required": true, "status": "down", "detail": "stopping"});
    assert!(answer.json()["dependencies"].as_array().unwrap().contains(&stopping), "{}", answer.text());
    let answer = kept.ask(&post).unwrap();
    assert_eq!((answer.status, answer.header("Connection")), (201, Some("close")));
    // Also one that began before.
    slow.send(end).expect("the server reads");
    let answer = slow.receive("POST").unwrap();
    assert_eq!((answer.status, answer.header("Connection")), (201, Some("close")));
    assert!(kept.is_closed() && slow.is_closed());
    assert_eq!(server.ask(&Request::get("/health/live")).status, 200);
    // Whoever has no time for it asks again.
    server.terminate();
    let stopped = server.wait();
    assert!(stopped.status.success() && stopped.after < Duration::from_secs(10), "{}", stopped.stderr);
}

#[test]
fn draining_is_a_part_of_the_grace_period() {
    let said = Server::refuses_to_start(&[("SERVER__GRACE_PERIOD", "5s"), ("SERVER__DRAIN_PERIOD", "5s")]);
    assert!(said.contains("FOOTFALL__SERVER__DRAIN_PERIOD"), "{said}");
}

#[test]
fn the_grace_period_is_the_most_that_a_client_can_hold_it_up() {
    let server = Server::start(&[("SERVER__GRACE_PERIOD", "2s")]);
    let mut connection = server.connect();
    let head = Request::post("/events", "x").header("Content-Length", "99").bytes();
    connection.send(&head).expect("the server reads");
    std::thread::sleep(Duration::from_millis(200));
    server.terminate();
    let stopped = server.wait();
    assert_eq!(stopped.status.code(), Some(0), "{}", stopped.stderr);
    assert!(stopped.after < Duration::from_secs(5), "it took {:?}", stopped.after);
}

#[test]
fn a_body_that_takes_too_long_is_a_408() {
    let server = Server::start(&[("LIMITS__REQUEST_TIMEOUT", "1s")]);
    for request in [Request::post("/events", "{"), Request::post("/visits", "{")] {
        let mut connection = server.connect();
        let since = Instant::now();
        connection.send(&request.header("Content-Length", "99").bytes()).expect("the server reads");
        let answer = connection.receive("POST").expect("an answer");
        assert_eq!((answer.status, answer.flaw_of_problem()), (408, None), "{}", answer.text());
        assert!((1..4).contains(&since.elapsed().as_secs()), "after {:?}", since.elapsed());
    }
    assert_eq!(server.get("/events")["events"], json!([]));
}

#[test]
fn a_head_that_takes_too_long_is_cut_off() {
    let server = Server::start(&[]);
    let mut connection = server.connect();
    let since = Instant::now();
    connection.send(b"GET /health HTTP/1.1\r\nHost: ").expect("the server reads");
    if let Ok(answer) = connection.receive("GET") {
        assert_eq!(answer.status, 408, "{}", answer.text());
    }
    assert!(since.elapsed() < Duration::from_secs(20), "after {:?}", since.elapsed());
}

#[test]
fn a_full_store_refuses_readably_and_its_figures_stay_exact() {
    let server = Server::start(&[("MEMORY__MAX_BYTES", "1MiB")]);
    let event = |number: usize| {
        let id = format!("00000000-0000-4000-8000-{number:012x}");
        json!({ "event_id": id, "user_id": format!("u{number}"), "event_type": "page_view", "properties":
            { "page": format!("/{}", number % 10), "padding": "x".repeat(200) } })
    };
    let mut stored = 0;
    let refused = loop {
        assert!(stored < 100_000, "the bound does not hold");
        let answer = server.ask(&Request::post("/events", event(stored).to_string()));
        if answer.status != 201 {
            break answer;
        }
        stored += 1;
    };
    assert!(stored > 100, "only {stored} events fit into a megabyte");
    assert_eq!((refused.status, refused.flaw_of_problem()), (503, None), "{}", refused.text());
    let retry_after = refused.header("Retry-After").and_then(|value| value.parse::<u64>().ok());
    assert!(retry_after.is_some_and(|seconds| seconds > 0), "{:?}", refused.header("Retry-After"));

    let batch: Vec<Value> = (0..stored).map(event).collect();
    for some in batch.chunks(100) {
        let report = server.ask(&Request::post("/events", json!(some).to_string())).json_of(200);
        assert_eq!((&report["accepted"], &report["duplicates"]), (&json!(0), &json!(some.len())));
    }
    let again = server.ask(&Request::post("/events", event(0).to_string()));
    assert_eq!(again.json_of(200)["status"], "duplicate");
    let summary = server.get("/analytics/summary");
    assert_eq!((&summary["total_events"], &summary["unique_users"]), (&json!(stored), &json!(stored)));
    let views: u64 = (0..10)
        .filter_map(|page| server.get(&format!("/analytics/visitors?url=/{page}"))["page_views"].as_u64())
        .sum();
    assert_eq!(views, stored as u64);
    server.get("/health/ready");
}

#[test]
fn an_event_older_than_the_retention_is_refused() {
    let server = Server::start(&[("STORAGE__RETENTION", "1h")]);
    let post = |age_s: i64| {
        let at = now().plus_micros(-age_s * 1_000_000);
        let event = json!({ "user_id": "u", "event_type": "click", "timestamp": at.to_string() });
        server.ask(&Request::post("/events", event.to_string()))
    };
    assert_eq!(post(3_500).status, 201);
    let document = post(3_700).json_of(422);
    assert_eq!(
        (&document["errors"][0]["code"], &document["errors"][0]["pointer"]),
        (&json!("out_of_range"), &json!("/timestamp"))
    );
}

#[test]
fn logs_come_as_json_when_asked() {
    let server = Server::start(&[("LOG__FORMAT", "json"), ("LOG__LEVEL", "debug"), ("SERVER__WORKERS", "1")]);
    server.ask(&Request::get("/health").header("X-Request-Id", "find-me"));
    server.terminate();
    let stopped = server.wait();
    let lines: Vec<Value> =
        stopped.stderr.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(lines.iter().any(|line| line["request_id"] == "find-me"), "{}", stopped.stderr);
}
