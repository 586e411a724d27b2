//! The servers under test, as child processes: started on a port of their own, stopped by SIGTERM, never left behind.

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

use footfall_test_services::Postgres;
use tokio::{
    runtime::Builder,
    signal::unix::{SignalKind, signal},
};

use super::{Failure, machine, memberships, options::Options};

const START_LIMIT: Duration = Duration::from_secs(30);
/// Longer than Footfall's default grace period of 20 s.
const STOP_LIMIT: Duration = Duration::from_secs(30);
const POSTGRES_URL: &str = "FOOTFALL__POSTGRES__URL";
const READY: &str = "listening on http://";

/// Which server, and who listens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The bare actix handler.
    Bare,
    /// The product.
    Footfall,
    /// The product, with listeners that no event is for.
    Idle,
    /// The product, with listeners that get every event.
    Active,
}

impl Side {
    /// The name in tables and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Footfall => "footfall",
            Self::Idle => "idle",
            Self::Active => "active",
        }
    }
}

/// The processes that are running now, so that a signal that ends the benchmark ends them too.
#[derive(Clone, Debug, Default)]
pub struct Children(Arc<Mutex<Vec<u32>>>);

impl Children {
    /// Sends SIGTERM to each.
    pub fn terminate(&self) {
        for process in self.0.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            terminate(process);
        }
    }

    /// From now on a signal that ends the benchmark ends them first. Without this one that is broken off would leave a
    /// server running.
    ///
    /// # Errors
    /// When a runtime can't be built.
    pub fn stop_on_signal(&self) -> Result<(), Failure> {
        let runtime = Builder::new_current_thread().enable_io().build()?;
        let children = self.clone();
        thread::spawn(move || {
            runtime.block_on(async {
                let (Ok(mut terminate), Ok(mut interrupt)) =
                    (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
                else {
                    return;
                };
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                children.terminate();
                std::process::exit(130);
            });
        });
        Ok(())
    }

    pub(crate) fn add(&self, process: u32) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(process);
    }

    pub(crate) fn remove(&self, process: u32) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|other| *other != process);
    }
}

/// The `kill` program spares the unsafe call.
pub(crate) fn terminate(process: u32) {
    let killed = Command::new("kill").args(["-TERM", &process.to_string()]).status();
    if !killed.is_ok_and(|status| status.success()) {
        eprintln!("could not send SIGTERM to process {process}");
    }
}

/// A running server. Dropping it stops it.
#[derive(Debug)]
pub struct Server {
    child: Child,
    children: Children,
    address: SocketAddr,
    /// A store of this process alone, removed with it.
    directory: Option<PathBuf>,
    /// A database server of this process alone, likewise.
    _postgres: Option<Postgres>,
}

impl Server {
    /// Starts one and waits until it is listening.
    ///
    /// # Errors
    /// When the program can't be started or doesn't listen on loopback within 30 seconds.
    pub fn start(side: Side, options: &Options, children: &Children) -> Result<Self, Failure> {
        let (mut command, directory) = match side {
            Side::Bare => (bare(options), None),
            Side::Footfall | Side::Idle | Side::Active => footfall(options)?,
        };
        let mut postgres = None;
        if side != Side::Bare && options.backend == "postgres" && env::var_os(POSTGRES_URL).is_none() {
            let own = database_server(&options.footfall);
            command.env(POSTGRES_URL, own.database());
            postgres = Some(own);
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}", command.get_program().display()))?;
        children.add(child.id());
        let output = child.stdout.take();
        let unspecified = SocketAddr::from(([0, 0, 0, 0], 0));
        // From here on dropping it stops the child.
        let mut server =
            Self { child, children: children.clone(), address: unspecified, directory, _postgres: postgres };
        server.address = listening(output.ok_or("no standard output")?)
            .map_err(|error| format!("{} did not start: {error}", side.name()))?;
        Ok(server)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Processor time it has used so far.
    pub fn cpu_time(&self) -> Duration {
        machine::cpu_time(self.child.id())
    }

    /// The most memory it has had, in bytes.
    pub fn peak_memory_bytes(&self) -> u64 {
        machine::peak_memory_bytes(self.child.id())
    }

    /// Stops it as an operator would.
    ///
    /// # Errors
    /// When it doesn't end within 30 seconds of SIGTERM (it is killed then).
    pub fn stop(mut self) -> Result<(), Failure> {
        self.end()
    }

    fn end(&mut self) -> Result<(), Failure> {
        if self.child.try_wait()?.is_none() {
            terminate(self.child.id());
        }
        let begin = Instant::now();
        let stopped = loop {
            if self.child.try_wait()?.is_some() {
                break true;
            }
            if begin.elapsed() > STOP_LIMIT {
                self.child.kill()?;
                self.child.wait()?;
                break false;
            }
            thread::sleep(Duration::from_millis(5));
        };
        self.children.remove(self.child.id());
        if let Some(directory) = self.directory.take() {
            fs::remove_dir_all(directory)?;
        }
        if stopped { Ok(()) } else { Err(format!("still running {STOP_LIMIT:?} after SIGTERM").into()) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After `stop` this finds the child gone and does nothing.
        if let Err(error) = self.end() {
            eprintln!("stopping a server: {error}");
        }
    }
}

fn bare(options: &Options) -> Command {
    let mut command = Command::new(&options.bare);
    command.args(["--workers", &options.workers.to_string()]);
    command.env("BARE_COUNTS", memberships::counts());
    command
}

/// Footfall's command; its environment passes through, but for the address.
fn footfall(options: &Options) -> Result<(Command, Option<PathBuf>), Failure> {
    let mut command = Command::new(&options.footfall);
    command.arg("serve").env("FOOTFALL__SERVER__BIND", "127.0.0.1:0");
    command.env("FOOTFALL__STORAGE__BACKEND", &options.backend);
    command.env("FOOTFALL__SERVER__WORKERS", options.workers.to_string());
    for (name, value) in [("FOOTFALL__MEMORY__MAX_BYTES", "12GiB"), ("FOOTFALL__LOG__LEVEL", "warn")] {
        if env::var_os(name).is_none() {
            command.env(name, value);
        }
    }
    let mut directory = None;
    if options.backend == "embedded" && env::var_os("FOOTFALL__EMBEDDED__DIR").is_none() {
        let fresh = fresh_directory(&options.footfall)?;
        command.env("FOOTFALL__EMBEDDED__DIR", &fresh);
        directory = Some(fresh);
    }
    Ok((command, directory))
}

/// A database server as it comes, but for room that a machine of this size would be given, on the build's disk. It syncs.
pub fn database_server(program: &Path) -> Postgres {
    let settings = [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("shared_buffers", "2GB"),
        ("max_wal_size", "8GB"),
        ("checkpoint_timeout", "15min"),
    ];
    Postgres::start_with(&settings, program.parent())
}

/// An empty directory beside the program: on the build's disk, because `/tmp` may be memory, which syncs for nothing.
pub(crate) fn fresh_directory(program: &Path) -> Result<PathBuf, Failure> {
    let folder = program.parent().unwrap_or(Path::new("."));
    let fresh = (0..1_000)
        .map(|number| folder.join(format!("bench-data-{}-{number}", std::process::id())))
        .find(|path| !path.exists())
        .ok_or("no name left for a data directory")?;
    fs::create_dir_all(&fresh)?;
    Ok(fresh)
}

/// Reads the line that tells the address. A thread reads on to the end, so that the server never blocks on its output.
pub(crate) fn listening(output: impl std::io::Read + Send + 'static) -> Result<SocketAddr, Failure> {
    let (found, address) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Some((_, url)) = line.split_once(READY) {
                // The benchmark may be past waiting.
                let _ = found.send(url.trim().to_owned());
            }
        }
    });
    let url = address.recv_timeout(START_LIMIT).map_err(|_| "no line `listening on`")?;
    let address: SocketAddr = url.parse().map_err(|_| format!("not an address: {url}"))?;
    if !address.ip().is_loopback() {
        return Err(format!("{address} is not a loopback address").into());
    }
    Ok(address)
}
