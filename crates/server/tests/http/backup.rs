//! Copies of the embedded store, made and served from as docs/operations.md says.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Request, Server, footfall};

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn serve(folder: &Path) -> Server {
    let folder = folder.to_str().expect("UTF-8");
    Server::start(&[("STORAGE__BACKEND", "embedded"), ("EMBEDDED__DIR", folder)])
}

fn run(store: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = footfall();
    command.env("FOOTFALL__STORAGE__BACKEND", "embedded").env("FOOTFALL__EMBEDDED__DIR", store);
    // Nothing answers there, so commands open the store.
    command.env("FOOTFALL__SERVER__BIND", "127.0.0.1:1").args(arguments);
    let Output { status, stdout, stderr } = command.output().expect("the binary starts");
    (status.code(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

fn events(from: u32, to: u32) -> Value {
    let event = |number: u32| {
        json!({
            "event_id": format!("40000000-0000-4000-8000-{number:012}"), "user_id": number % 50,
            "event_type": "page_view", "timestamp": format!("2025-05-26T14:{:02}:00Z", number % 60),
            "properties": {"page": format!("/{}", number % 7)}
        })
    };
    (from..to).map(event).collect()
}

fn answers(server: &Server) -> Vec<Value> {
    let range = "from=2025-05-26T14:00:00Z&to=2025-05-26T15:00:00Z";
    [
        format!("/analytics/summary?{range}"),
        format!("/analytics/pages?{range}"),
        "/analytics/visitors?url=/3".to_owned(),
        format!("/events?limit=1000&{range}"),
    ]
    .iter()
    .map(|target| server.get(target))
    .collect()
}

#[test]
fn a_backup_of_a_store_in_use_is_a_store_of_what_was_acknowledged() {
    let (store, elsewhere) = (folder(), folder());
    let copy = elsewhere.path().join("copy");
    let server = serve(store.path());
    server.store(&events(0, 3_000));
    server.store(&events(3_000, 3_001));
    let before = answers(&server);
    let (code, said) = run(store.path(), &["backup", copy.to_str().expect("UTF-8")]);
    assert_eq!(code, Some(0), "{said}");
    server.store(&events(3_001, 3_100));
    assert_ne!(answers(&server), before);

    let restored = serve(&copy);
    assert_eq!(answers(&restored), before);
    let again = restored.ask(&Request::post("/events", events(0, 3_001).to_string())).json_of(200);
    assert_eq!(again["duplicates"], 3_001);
    assert_eq!(restored.ask(&Request::post("/verify", "")).json_of(200)["consistent"], true);
}

#[test]
fn a_copy_of_a_stopped_store_is_the_store() {
    for kill in [false, true] {
        let (store, copy) = (folder(), folder());
        let server = serve(store.path());
        server.store(&events(0, 700));
        let before = answers(&server);
        if kill {
            drop(server);
        } else {
            server.terminate();
            assert!(server.wait().status.success());
        }
        let copied = Command::new("cp").arg("-a").arg(store.path().join(".")).arg(copy.path()).status();
        assert!(copied.expect("there is a cp command").success());
        let restored = serve(copy.path());
        assert_eq!(answers(&restored), before);
        drop(restored);
        let (code, said) = run(copy.path(), &["verify"]);
        assert!(code == Some(0) && said.contains("consistent: "), "{said}");
    }
}

#[test]
fn a_backup_overwrites_nothing_and_needs_a_store() {
    let (store, occupied) = (folder(), folder());
    std::fs::write(occupied.path().join("other"), "kept").expect("there is room");
    let backup = |to: &Path| run(store.path(), &["backup", to.to_str().expect("UTF-8")]);
    let (code, said) = backup(&store.path().join("copy"));
    assert!(code == Some(1) && said.contains("holds no store"), "{said}");
    drop(serve(store.path()));
    let (code, said) = backup(occupied.path());
    assert!(code == Some(1) && said.contains("there already"), "{said}");
    assert_eq!(std::fs::read_to_string(occupied.path().join("other")).expect("it is there"), "kept");
    let output = footfall().args(["backup", "x"]).env("FOOTFALL__STORAGE__BACKEND", "memory").output();
    let output = output.expect("the binary starts");
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("export"));
}
