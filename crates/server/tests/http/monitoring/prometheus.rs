//! What `deploy` has for Prometheus and Grafana, held to a real Prometheus that reads real services.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use footfall_test_services::{Postgres, Prometheus, Redis, promtool};
use serde_json::{Value, json};

use super::exposition::Exposition;
use crate::support::{Connection, Request, Server, url_encoded};

/// Longer than it takes until everything was read often enough for rates.
const PATIENCE: Duration = Duration::from_mins(1);

fn deploy(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(file)
}

fn text(file: &str) -> String {
    std::fs::read_to_string(deploy(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[test]
fn the_alerts_fire_when_they_must_and_only_then() {
    let folder = deploy("prometheus");
    promtool(&folder, &["check", "rules", "alerts.yml"], "");
    let said = promtool(&folder, &["test", "rules", "alerts_test.yml"], "");
    assert!(said.contains("SUCCESS"), "{said}");
    let named = |text: &str, word: &str| -> BTreeSet<String> {
        let alerts = text.lines().filter_map(|line| line.trim_start_matches([' ', '-']).strip_prefix(word));
        alerts.map(|name| name.trim().to_owned()).collect()
    };
    let alerts = named(&text("prometheus/alerts.yml"), "alert:");
    assert_eq!(alerts, named(&text("prometheus/alerts_test.yml"), "alertname:"), "each is tested");
}

#[test]
fn the_configuration_is_one() {
    let folder = tempfile::tempdir().expect("there is room");
    let (configuration, rules) = (text("prometheus/prometheus.yml"), text("prometheus/alerts.yml"));
    std::fs::write(folder.path().join("alerts.yml"), rules).expect("there is room");
    let here = configuration.replace("/etc/prometheus/", "");
    assert_ne!(here, configuration, "where the rules are");
    std::fs::write(folder.path().join("prometheus.yml"), here).expect("there is room");
    promtool(folder.path(), &["check", "config", "prometheus.yml"], "");
}

/// Every query of the dashboard has an answer, and every alert can be judged.
#[test]
fn the_dashboard_and_the_alerts_find_what_they_ask_for() {
    let (url, redis) = (Postgres::shared().database(), Redis::shared().database());
    let often = [("SEGMENTS__SCHEDULE", "* * * * * *"), ("METRICS__SCHEDULE", "* * * * * *")];
    let on_postgres = [("STORAGE__BACKEND", "postgres"), ("POSTGRES__URL", &url), ("REDIS__URL", &redis)];
    let in_memory = [("STORAGE__BACKEND", "memory")];
    let servers = [
        Server::start(&[&often[..], &on_postgres].concat()),
        Server::start(&[&often[..], &in_memory].concat()),
    ];
    let addresses = servers.each_ref().map(|server| format!("{:?}", server.address)).join(", ");
    let configuration = text("prometheus/prometheus.yml")
        .replace("\"footfall:8080\"", &addresses)
        .replace("/etc/prometheus/", "")
        .replace("15s", "1s");
    let prometheus = Prometheus::start(&configuration, &[("alerts.yml", &text("prometheus/alerts.yml"))]);

    let queries = queries_of_dashboard();
    assert!(queries.len() > 30, "{}", queries.len());
    let (since, mut open) = (Instant::now(), queries);
    while !open.is_empty() {
        servers.iter().for_each(traffic);
        open.retain(|query| answer(&prometheus, query).is_empty());
        assert!(since.elapsed() < PATIENCE, "nothing is found for {open:#?}");
        std::thread::sleep(Duration::from_millis(500));
    }

    let rules = ask(&prometheus, "/api/v1/rules");
    let rules = rules["groups"][0]["rules"].as_array().expect("rules").clone();
    assert!(rules.len() > 10, "{rules:#?}");
    let exposed = servers.each_ref().map(Exposition::of);
    for rule in &rules {
        let query = rule["query"].as_str().expect("an expression");
        answer(&prometheus, query);
        assert!(rule["lastError"].as_str().is_none_or(str::is_empty), "{rule:#}");
        for name in figures_in(query) {
            let is_exposed = exposed.iter().any(|exposed| exposed.has(&name));
            assert!(is_exposed, "{name}, which {} asks for, is not exposed", rule["name"]);
        }
    }
    let firing: Vec<_> = rules.iter().filter(|rule| rule["state"] == "firing").collect();
    assert!(firing.is_empty(), "{firing:#?}");
}

/// Whether Grafana would find its parts: what provides dashboards and data, by the names that they use.
#[test]
fn the_dashboard_uses_what_is_provisioned() {
    let dashboard: Value = serde_json::from_str(&text("grafana/dashboards/footfall.json")).expect("JSON");
    let ids: BTreeSet<_> = panels(&dashboard).map(|panel| panel["id"].as_u64()).collect();
    assert_eq!(ids.len(), panels(&dashboard).count(), "each panel has a number of its own");
    for panel in panels(&dashboard).filter(|panel| panel["type"] != "row") {
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{panel:#}");
        assert!(panel["description"].as_str().is_some_and(|text| !text.is_empty()), "{panel:#}");
    }
    let variables = dashboard["templating"]["list"].as_array().expect("variables");
    let names: Vec<_> = variables.iter().map(|variable| variable["name"].as_str().expect("a name")).collect();
    assert_eq!(names, ["datasource", "instance"]);
    assert!(text("grafana/provisioning/datasources/prometheus.yml").contains("url: http://prometheus:9090"));
    assert!(
        text("grafana/provisioning/dashboards/footfall.yml").contains("path: /var/lib/grafana/dashboards")
    );
}

fn panels(dashboard: &Value) -> impl Iterator<Item = &Value> {
    dashboard["panels"].as_array().expect("panels").iter()
}

/// What the panels ask, with the variables as Grafana would put them for all instances.
fn queries_of_dashboard() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(&text("grafana/dashboards/footfall.json")).expect("JSON");
    let targets = panels(&dashboard).filter_map(|panel| panel["targets"].as_array()).flatten();
    let queries = targets.map(|target| target["expr"].as_str().expect("an expression"));
    let queries: Vec<String> = queries
        .map(|query| query.replace("$instance", ".*").replace("$__rate_interval", "1m"))
        .chain(["footfall_build_info".to_owned()])
        .collect();
    assert!(queries.iter().all(|query| !query.contains('$')), "{queries:#?}");
    queries
}

fn figures_in(query: &str) -> Vec<String> {
    let words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words
        .filter(|word| word.starts_with("footfall_") || word.starts_with("process_"))
        .map(str::to_owned)
        .collect()
}

/// A little of everything.
fn traffic(server: &Server) {
    let event = json!({ "user_id": "u", "event_type": "page_view", "properties": { "page": "/home" } });
    let known =
        json!({ "event_id": "00000000-0000-4000-8000-000000000001", "user_id": "u", "event_type": "click" });
    for event in [&event, &known, &known, &json!({ "user_id": "u" })] {
        server.ask(&Request::post("/events", event.to_string()));
    }
    server.get("/analytics/summary");
    server.get("/segments/count");
}

fn answer(prometheus: &Prometheus, query: &str) -> Vec<Value> {
    let query = url_encoded(query);
    ask(prometheus, &format!("/api/v1/query?query={query}"))["result"].as_array().expect("a list").clone()
}

fn ask(prometheus: &Prometheus, target: &str) -> Value {
    let answer = Connection::open(&prometheus.address()).ask(&Request::get(target)).expect("an answer");
    let answer = answer.json_of(200);
    assert_eq!(answer["status"], "success", "{answer:#}");
    answer["data"].clone()
}
