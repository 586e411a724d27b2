//! `footfall export`, `verify` and `import` as an operator runs them: through a server, and where there is none.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;

use crate::support::{Request, Server, footfall};

const HEADER: &str = "event_id,user_id,event_type,timestamp,properties";
const EVENTS: &str = concat!(
    r#"{"event_id":"20000000-0000-4000-8000-000000000001","user_id":"a,b","event_type":"click","timestamp":"2025-05-26T14:00:00.000000Z","properties":{}}"#,
    "\n",
    r#"{"event_id":"20000000-0000-4000-8000-000000000002","user_id":"line\nbreak","event_type":"page_view","timestamp":"2025-05-27T14:00:00.000000Z","properties":{"page":"/x"}}"#,
    "\n",
);

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn run(command: &mut Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().expect("the binary starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (status.code(), text(stdout), text(stderr))
}

/// An address at which nothing answers: bound and let go.
fn nobody() -> String {
    TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address").to_string()
}

fn with_events() -> Server {
    let server = Server::start(&[]);
    assert_eq!(server.ask(&Request::ndjson(EVENTS)).json_of(200)["accepted"], 2);
    server
}

#[test]
fn an_export_goes_to_standard_output_or_into_a_file() {
    let server = with_events();
    let (folder, url) = (folder(), server.url());
    let (code, stdout, stderr) = run(footfall().args(["export", "--server", &url]));
    assert_eq!((code, &*stdout), (Some(0), EVENTS), "{stderr}");
    assert!(stderr.contains("2 events, "), "{stderr}");

    let (code, stdout, _) =
        run(footfall().args(["export", "--server", &url, "--format", "csv", "--output", "-"]));
    assert_eq!((code, stdout.lines().next()), (Some(0), Some(HEADER)));

    // The form follows from the name, as it does for import; what is there already is replaced.
    for (name, first_line) in [("e.csv", HEADER), ("e.ndjson", &EVENTS[..EVENTS.find('\n').expect("a line")])]
    {
        let path = folder.path().join(name);
        std::fs::write(&path, "before").expect("there is room");
        let (code, stdout, stderr) =
            run(footfall().args(["export", "--server", &url, "--output"]).arg(&path));
        assert_eq!((code, &*stdout), (Some(0), ""), "{stderr}");
        let written = std::fs::read_to_string(&path).expect("it is there");
        assert_eq!(written.lines().next(), Some(first_line));
        assert!(stderr.contains("2 events, "), "{stderr}");
    }
    assert_eq!(names(folder.path()), ["e.csv", "e.ndjson"]);
}

#[test]
fn an_export_takes_a_range() {
    let server = with_events();
    let export =
        |arguments: &[&str]| run(footfall().args(["export", "--server", &server.url()]).args(arguments));
    let last = |arguments: &[&str]| {
        let (code, stdout, stderr) = export(arguments);
        assert_eq!(code, Some(0), "{stderr}");
        stdout.lines().map(|line| line[48..49].to_owned()).collect::<String>()
    };
    assert_eq!(last(&["--from", "2025-05-27T16:00:00+02:00"]), "2");
    assert_eq!(last(&["--to", "2025-05-27T14:00:00Z"]), "1");
    assert_eq!(last(&["--from", "2025-05-26T14:00:00.000001Z", "--to", "2025-05-27T14:00:00Z"]), "");
    for wrong in [
        &["--from", "yesterday"][..],
        &["--from", "2025-05-27T14:00:00Z", "--to", "2025-05-27T14:00:00Z"],
        &["--format", "access-log"],
    ] {
        let (code, stdout, stderr) = export(wrong);
        assert!(code != Some(0) && stdout.is_empty() && !stderr.is_empty(), "{wrong:?}: {code:?} {stderr}");
    }
}

/// Answers every health check, and everything else with these bytes, and closes the connection then.
fn server_that_answers(bytes: &'static [u8]) -> String {
    server_that_answers_and(bytes, || {})
}

/// The same, and does something before it closes the connection.
fn server_that_answers_and(bytes: &'static [u8], then: fn()) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                if stream.read_exact(&mut byte).is_err() {
                    break;
                }
                request.push(byte[0]);
            }
            let is_health = request.starts_with(b"GET /health/live ");
            let healthy = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
            // The test is over when no one reads it.
            let _ = stream.write_all(if is_health { healthy } else { bytes });
            if !is_health {
                then();
            }
        }
    });
    format!("http://{address}")
}

#[test]
fn an_export_that_was_cut_leaves_no_file_and_no_success() {
    let cut = server_that_answers(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{}\n\r\n3\r\n{}\n\r\n",
    );
    let folder = folder();
    let path = folder.path().join("e.ndjson");
    let (code, _, stderr) = run(footfall().args(["export", "--server", &cut, "--output"]).arg(&path));
    assert!(code == Some(1) && stderr.contains("cut before"), "{code:?} {stderr}");
    assert_eq!(names(folder.path()), [""; 0]);
    std::fs::write(&path, "before").expect("there is room");
    assert_eq!(run(footfall().args(["export", "--server", &cut, "--output"]).arg(&path)).0, Some(1));
    assert_eq!(std::fs::read_to_string(&path).expect("it is there"), "before");
    assert_eq!(names(folder.path()), ["e.ndjson"]);
    let (code, stdout, _) = run(footfall().args(["export", "--server", &cut]));
    assert_eq!(
        (code, &*stdout),
        (Some(1), "{}\n{}\n"),
        "what came is there, and the status says that it is not all"
    );

    let refused = server_that_answers(
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 36\r\n\r\n{\"detail\":\"the key lacks the scope\"}\n",
    );
    let (code, _, stderr) = run(footfall().args(["export", "--server", &refused, "--output"]).arg(&path));
    assert!(code == Some(1) && stderr.contains("403 Forbidden: the key lacks"), "{code:?} {stderr}");
    let (code, _, stderr) = run(footfall().args(["verify", "--server", &refused]));
    assert!(code == Some(1) && stderr.contains("403 Forbidden"), "{code:?} {stderr}");
}

#[test]
fn an_interrupted_export_leaves_no_file() {
    let answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{}\n\r\n";
    let stuck = server_that_answers_and(answer, || std::thread::sleep(Duration::from_mins(1)));
    let folder = folder();
    let mut command = footfall();
    command.args(["export", "--server", &stuck, "--output"]).arg(folder.path().join("e.ndjson"));
    let mut export = command.stderr(Stdio::piped()).spawn().expect("the binary starts");
    let since = Instant::now();
    while names(folder.path()) != ["e.ndjson.part"] {
        assert!(since.elapsed() < Duration::from_secs(30), "it writes nothing");
        std::thread::sleep(Duration::from_millis(20));
    }
    // By then it listens for the signal too: it begins to do so before it waits for the next piece.
    std::thread::sleep(Duration::from_millis(300));
    let kill = Command::new("kill").args(["-INT", &export.id().to_string()]).status();
    assert!(kill.expect("there is a kill command").success());
    assert_eq!(export.wait().expect("it ends").code(), Some(130));
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn verify_prints_what_differs_and_tells_by_its_exit_status() {
    let server = with_events();
    let (code, stdout, stderr) = run(footfall().args(["verify", "--server", &server.url()]));
    assert_eq!((code, &*stdout), (Some(0), "consistent: every figure is what the log says\n"), "{stderr}");
    let wrong = server_that_answers(
        b"HTTP/1.1 200 OK\r\nContent-Length: 54\r\n\r\n{\"consistent\":false,\"differences\":[\"one\",\"t\\u001bwo\"]}\n",
    );
    let (code, stdout, _) = run(footfall().args(["verify", "--server", &wrong]));
    assert_eq!((code, &*stdout), (Some(1), "one\nt\u{fffd}wo\nnot consistent: 2 differences\n"));
    let nonsense = server_that_answers(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    assert_eq!(run(footfall().args(["verify", "--server", &nonsense])).0, Some(1));
}

/// The memory backend's events are inside a running server, or nowhere.
#[test]
fn on_memory_there_is_nothing_without_a_server() {
    let (address, folder) = (nobody(), folder());
    let file = folder.path().join("e.ndjson");
    std::fs::write(&file, EVENTS).expect("there is room");
    let file = file.to_str().expect("UTF-8");
    for arguments in [&["export"][..], &["export", "--output", "x.csv"], &["verify"], &["import", file]] {
        let mut command = footfall();
        command.current_dir(folder.path()).args(arguments);
        command.env("FOOTFALL__STORAGE__BACKEND", "memory").env("FOOTFALL__SERVER__BIND", &address);
        let (code, stdout, stderr) = run(&mut command);
        assert_eq!((code, &*stdout), (Some(1), ""), "{arguments:?}");
        assert!(stderr.contains(&address) && stderr.contains("memory"), "{stderr}");
        assert!(stderr.contains("footfall serve") && stderr.contains("--server"), "{stderr}");
    }
    assert_eq!(names(folder.path()), ["e.ndjson"]);
}

/// Import, export and verification open a store that outlives its process, by the same rules as a server would.
#[test]
fn without_a_server_the_configured_store_is_opened() {
    let (address, folder) = (nobody(), folder());
    let file = folder.path().join("e.ndjson");
    std::fs::write(&file, format!("{EVENTS}{{\"user_id\":\"\",\"event_type\":\"click\"}}\n"))
        .expect("there is room");
    let command = |arguments: &[&str]| {
        let mut command = footfall();
        command.env("FOOTFALL__STORAGE__BACKEND", "embedded").env("FOOTFALL__SERVER__BIND", &address);
        command.env("FOOTFALL__EMBEDDED__DIR", folder.path().join("store")).args(arguments);
        run(&mut command)
    };
    for (accepted, duplicates) in [(2, 0), (0, 2)] {
        let (code, stdout, stderr) = command(&["import", file.to_str().expect("UTF-8")]);
        assert!(stdout.contains(&format!("accepted:       {accepted}\n")), "{stdout}{stderr}");
        assert!(stdout.contains(&format!("duplicates:     {duplicates}\n")), "{stdout}{stderr}");
        // The event without a user is refused here as there.
        assert!(code == Some(1) && stdout.contains("rejected:       1\n"), "{stdout}{stderr}");
        assert!(stderr.contains("opening the configured store") && stderr.contains("/user_id"), "{stderr}");
    }
    let (code, stdout, stderr) = command(&["export"]);
    assert_eq!((code, &*stdout), (Some(0), EVENTS), "{stderr}");
    let (code, stdout, stderr) = command(&["verify"]);
    assert_eq!((code, &*stdout), (Some(0), "consistent: every figure is what the log says\n"), "{stderr}");

    let store = folder.path().join("store");
    let settings = [("STORAGE__BACKEND", "embedded"), ("EMBEDDED__DIR", store.to_str().expect("UTF-8"))];
    let server = Server::start(&settings);
    assert_eq!(server.ask(&Request::get("/export")).text(), EVENTS);
    assert_eq!(server.get("/events?user_id=a,b")["events"].as_array().map(Vec::len), Some(1));
    // The server has it now, at another address than the configured one.
    let (code, _, stderr) = command(&["export"]);
    assert!(code == Some(1) && stderr.contains("can't be opened"), "{stderr}");
    assert_eq!(server.get("/health")["status"], json!("ok"));
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("it is a folder");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
    names.sort();
    names
}
