//! The built binary on a folder, as a child process that is killed with SIGKILL when the test is done with it.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::client::{Answer, Connection, Request};

/// Longer than any start or stop takes here.
const PATIENCE: Duration = Duration::from_mins(1);

/// How often the service is killed under load.
pub(crate) fn rounds() -> usize {
    std::env::var("FOOTFALL_CRASH_ROUNDS").map_or(6, |rounds| rounds.parse().expect("a number of rounds"))
}

/// The command that serves from that folder on a port of its own, with these settings besides (`SECTION__KEY`) and
/// without those of whoever runs the test.
pub(crate) fn serve(folder: &Path, settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_footfall"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FOOTFALL__"))
    {
        command.env_remove(name);
    }
    command.env("FOOTFALL__SERVER__BIND", "127.0.0.1:0");
    command.env("FOOTFALL__STORAGE__BACKEND", "embedded").env("FOOTFALL__EMBEDDED__DIR", folder);
    for (name, value) in settings {
        command.env(format!("FOOTFALL__{name}"), value);
    }
    // No footfall.toml stands there.
    command.current_dir(env!("CARGO_TARGET_TMPDIR")).arg("serve");
    command
}

/// A running service.
pub(crate) struct Service {
    process: Mutex<Child>,
    address: String,
    errors: Option<JoinHandle<String>>,
}

impl Service {
    /// Serves from that folder.
    pub(crate) fn start(folder: &Path) -> Self {
        Self::start_with(folder, &[])
    }

    pub(crate) fn start_with(folder: &Path, settings: &[(&str, &str)]) -> Self {
        Self::run(serve(folder, settings)).unwrap_or_else(|said| panic!("the service ended: {said}"))
    }

    /// Runs the command until it serves.
    ///
    /// # Errors
    /// What it said, when it ended instead.
    pub(crate) fn run(mut command: Command) -> Result<Self, String> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().expect("the binary starts");
        let mut output = BufReader::new(process.stdout.take().expect("standard output is a pipe"));
        let errors = drain(process.stderr.take().expect("standard error is a pipe"));
        let mut service = Self { process: Mutex::new(process), address: String::new(), errors: Some(errors) };
        let mut line = String::new();
        while output.read_line(&mut line).expect("the service speaks UTF-8") > 0 {
            if let Some(address) = line.trim().strip_prefix("listening on http://") {
                address.clone_into(&mut service.address);
                drain(output.into_inner());
                return Ok(service);
            }
            line.clear();
        }
        let (status, said) = service.wait();
        assert!(!status.success(), "it ended without an error: {said}");
        Err(said)
    }

    /// Starts the service and kills it after that time, wherever it has got to by then.
    pub(crate) fn start_and_kill(folder: &Path, settings: &[(&str, &str)], after: Duration) {
        let mut command = serve(folder, settings);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = command.spawn().expect("the binary starts");
        std::thread::sleep(after);
        assert!(process.try_wait().expect("the process is ours").is_none(), "the service ended by itself");
        process.kill().expect("it is there to be killed");
        process.wait().expect("the process is ours");
    }

    pub(crate) fn connect(&self) -> Connection {
        Connection::open(&self.address)
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

    /// Sends SIGKILL.
    pub(crate) fn kill(&self) {
        self.process.lock().unwrap_or_else(PoisonError::into_inner).kill().expect("it is there to be killed");
    }

    /// Ends the service as it should be, and hands back what it said.
    pub(crate) fn end(self) -> String {
        let id = self.process.lock().unwrap_or_else(PoisonError::into_inner).id().to_string();
        assert!(Command::new("kill").arg(id).status().expect("there is a kill command").success());
        let (status, said) = self.wait();
        assert!(status.success(), "{said}");
        said
    }

    /// Waits until the service has ended by itself.
    fn wait(mut self) -> (ExitStatus, String) {
        let since = Instant::now();
        while since.elapsed() < PATIENCE {
            let process = self.process.get_mut().unwrap_or_else(PoisonError::into_inner);
            if let Some(status) = process.try_wait().expect("the process is ours") {
                let errors = self.errors.take().expect("it is waited for once");
                return (status, errors.join().expect("reading doesn't panic"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the service did not end");
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let process = self.process.get_mut().unwrap_or_else(PoisonError::into_inner);
        // It may have been killed before, or have ended by itself: then the test says so elsewhere.
        let _ = process.kill();
        let _ = process.wait();
        if std::thread::panicking()
            && let Some(errors) = self.errors.take()
        {
            eprintln!("the service said:\n{}", errors.join().unwrap_or_default());
        }
    }
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
