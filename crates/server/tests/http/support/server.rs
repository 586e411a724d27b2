//! The built binary as a child process, which is killed by its handle when the test is done with it.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, UNIX_EPOCH};

use footfall_domain::time::Timestamp;
use footfall_test_services::Postgres;
use serde_json::Value;
use tempfile::TempDir;

use super::client::{Answer, Connection, Request};

/// Longer than any start or stop takes here.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running server.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: String,
    scheme: String,
    errors: Option<JoinHandle<String>>,
    _folder: Option<TempDir>,
}

/// How a server ended.
pub(crate) struct Stopped {
    pub(crate) status: ExitStatus,
    pub(crate) after: Duration,
    pub(crate) stderr: String,
}

impl Server {
    /// Serves on a port of its own, from memory or what `TEST_BACKEND` names, with these settings besides (`SECTION__KEY`).
    pub(crate) fn start(settings: &[(&str, &str)]) -> Self {
        let (mut command, folder) = serve(settings);
        let mut process = command.spawn().expect("the binary starts");
        let mut output = BufReader::new(process.stdout.take().expect("standard output is a pipe"));
        let errors = Some(drain(process.stderr.take().expect("standard error is a pipe")));
        let (address, scheme) = Default::default();
        let mut server = Self { process, address, scheme, errors, _folder: folder };
        match address_in(&mut output) {
            Some((scheme, address)) => (server.scheme, server.address) = (scheme, address),
            None => panic!("the server ended: {}", server.wait().stderr),
        }
        drain(output.into_inner());
        server
    }

    /// Starts a server that must refuse to, and hands back what it said.
    pub(crate) fn refuses_to_start(settings: &[(&str, &str)]) -> String {
        let (mut command, folder) = serve(settings);
        let mut process = command.spawn().expect("the binary starts");
        let mut output = BufReader::new(process.stdout.take().expect("standard output is a pipe"));
        let errors = Some(drain(process.stderr.take().expect("standard error is a pipe")));
        let address = address_in(&mut output);
        let server = Self { process, address: String::new(), scheme: String::new(), errors, _folder: folder };
        assert_eq!(address, None, "the server started");
        let stopped = server.wait();
        assert!(!stopped.status.success(), "{}", stopped.stderr);
        stopped.stderr
    }

    pub(crate) fn connect(&self) -> Connection {
        Connection::open(&self.address)
    }

    pub(crate) fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Sends a request over a connection of its own.
    #[track_caller]
    pub(crate) fn ask(&self, request: &Request) -> Answer {
        let answer = self.connect().ask(request);
        answer.unwrap_or_else(|error| panic!("{} {}: {error}", request.method, request.target))
    }

    /// The JSON of an answer with status 200.
    #[track_caller]
    pub(crate) fn get(&self, target: &str) -> Value {
        self.ask(&Request::get(target)).json_of(200)
    }

    /// Posts events that must all be taken now.
    #[track_caller]
    pub(crate) fn store(&self, events: &Value) {
        let answer = self.ask(&Request::post("/events", events.to_string())).json_of(200);
        let expected = events.as_array().map_or(1, Vec::len);
        assert_eq!(answer["accepted"], expected, "{answer}");
    }

    /// What a line of `/proc/…/status` says, in bytes: `VmHWM` is the most memory that the process ever held.
    pub(crate) fn memory_bytes(&self, line: &str) -> Option<usize> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).ok()?;
        let value = status.lines().find_map(|found| found.strip_prefix(line)?.strip_prefix(':'))?;
        Some(value.trim().strip_suffix("kB")?.trim().parse::<usize>().ok()? * 1_024)
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        self.signal("TERM");
    }

    /// Sends a signal, by its name less `SIG`.
    pub(crate) fn signal(&self, name: &str) {
        let kill = Command::new("kill").args(["-s", name, &self.process.id().to_string()]).status();
        assert!(kill.expect("there is a kill command").success());
    }

    /// Waits until the server has ended by itself.
    pub(crate) fn wait(mut self) -> Stopped {
        let since = Instant::now();
        while since.elapsed() < PATIENCE {
            if let Some(status) = self.process.try_wait().expect("the process is ours") {
                let errors = self.errors.take().expect("it is waited for once");
                let stderr = errors.join().expect("reading doesn't panic");
                return Stopped { status, after: since.elapsed(), stderr };
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the server did not end");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; then the test says so elsewhere.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The command, and the folder that its store is in, which goes with it.
fn serve(settings: &[(&str, &str)]) -> (Command, Option<TempDir>) {
    let (mut command, mut folder) = (footfall(), None);
    command.env("FOOTFALL__SERVER__BIND", "127.0.0.1:0");
    // What is about one backend says so; all else is true of every backend, and is run on each.
    let chooses = |(name, _): &(&str, &str)| name.starts_with("MEMORY__") || *name == "STORAGE__BACKEND";
    let backend = std::env::var("TEST_BACKEND").ok().filter(|_| !settings.iter().any(chooses));
    let backend = backend.unwrap_or_else(|| "memory".to_owned());
    match &backend[..] {
        "postgres" => {
            command.env("FOOTFALL__POSTGRES__URL", Postgres::shared().database());
            command.env("FOOTFALL__POSTGRES__POOL_SIZE", "3");
        }
        "embedded" => {
            let own = tempfile::tempdir().expect("there is room");
            command.env("FOOTFALL__EMBEDDED__DIR", own.path());
            folder = Some(own);
        }
        _ => {}
    }
    command.env("FOOTFALL__STORAGE__BACKEND", backend);
    for (name, value) in settings {
        command.env(format!("FOOTFALL__{name}"), value);
    }
    command.arg("serve").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    (command, folder)
}

/// Scheme and address that the server says it listens on; `None` when it ends before.
fn address_in(output: &mut BufReader<ChildStdout>) -> Option<(String, String)> {
    let mut line = String::new();
    while output.read_line(&mut line).expect("the server speaks UTF-8") > 0 {
        if let Some((scheme, address)) =
            line.trim().strip_prefix("listening on ").and_then(|url| url.split_once("://"))
        {
            return Some((scheme.to_owned(), address.to_owned()));
        }
        line.clear();
    }
    None
}

/// Reads to the end on another thread, so that no pipe fills up.
fn drain(mut pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read until it broke is all there is.
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// The binary, without the settings of whoever runs the test.
pub(crate) fn footfall() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_footfall"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FOOTFALL__"))
    {
        command.env_remove(name);
    }
    // No footfall.toml stands there.
    command.current_dir(env!("CARGO_TARGET_TMPDIR"));
    command
}

/// A file of the real data that may lie beside the workspace.
pub(crate) fn data_file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name)
}

/// The time of the machine that server and test share.
pub(crate) fn now() -> Timestamp {
    let micros = UNIX_EPOCH.elapsed().expect("it is after 1970").as_micros();
    Timestamp::from_micros_clamped(i64::try_from(micros).expect("and before 9999"))
}
