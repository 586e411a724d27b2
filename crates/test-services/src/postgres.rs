//! PostgreSQL: a cluster of its own for whoever asks.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::programs::{self, LONG_PATIENCE, PATIENCE, of_postgres};
use crate::server::Server;
use crate::tls;

pub(crate) const USER: &str = "footfall";
pub(crate) const PASSWORD: &str = "secret-of-tests";

/// What tests need: quick rather than safe from a power failure, and with everything that a replica needs. Shared memory
/// in files: those go with the folder after a crash, and containers have little of the other.
const SETTINGS: [(&str, &str); 10] = [
    ("listen_addresses", "127.0.0.1"),
    ("max_connections", "200"),
    ("shared_buffers", "128MB"),
    ("dynamic_shared_memory_type", "mmap"),
    ("fsync", "off"),
    ("synchronous_commit", "on"),
    ("wal_level", "replica"),
    ("max_wal_senders", "8"),
    ("wal_keep_size", "1GB"),
    ("hot_standby", "on"),
];

/// A PostgreSQL cluster of its own, with the superuser `footfall`.
#[derive(Debug)]
pub struct Postgres {
    server: Server,
    port: u16,
    authority: PathBuf,
    databases: AtomicU32,
}

impl Postgres {
    /// Starts one with settings for tests.
    pub fn start() -> Self {
        Self::start_with(&[], None)
    }

    /// Starts one with more settings, which override those for tests; in a folder that is made in `folder_parent`, for
    /// benchmarks that need a certain disk.
    pub fn start_with(settings: &[(&str, &str)], folder_parent: Option<&Path>) -> Self {
        let server = initialize(folder_parent);
        configure(&server, settings);
        Self::run(server)
    }

    /// Starts one that also takes connections with TLS, with a certificate for 127.0.0.1 and localhost.
    pub fn with_tls() -> Self {
        let server = initialize(None);
        tls::make_certificate(&server);
        let files = [("ssl", "on"), ("ssl_cert_file", "server.crt"), ("ssl_key_file", "server.key")];
        configure(&server, &files);
        Self::run(server)
    }

    /// One that all tests of a process share, for those that need only a database of their own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A replica of it, which follows it by streaming and can be asked; `SELECT pg_promote()` makes it a primary.
    #[must_use]
    pub fn replica(&self) -> Self {
        let server = Server::new("postgres", "data", self.server.folder().parent());
        let mut command = server.command(of_postgres("pg_basebackup"));
        command.args(["--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync"]);
        command
            .args([OsStr::new("-D"), server.home().as_os_str(), OsStr::new("-d")])
            .arg(self.url("postgres"));
        programs::run(command, "", LONG_PATIENCE);
        // The primary's settings came with its data.
        append_settings(&server, &sockets(&server));
        Self::run(server)
    }

    fn run(server: Server) -> Self {
        let port = server.start(|port| postgres(&server, port), is_ready(&server));
        let authority = server.home().join(tls::AUTHORITY);
        Self { server, port, authority, databases: AtomicU32::new(0) }
    }

    /// The port that it listens on, also after it was started again.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// How to connect to a database of it.
    pub fn url(&self, database: &str) -> String {
        url(self.port, database)
    }

    /// The authority that signed the certificate of one [with TLS](Self::with_tls).
    ///
    /// # Panics
    /// Of one without.
    pub fn ca_file(&self) -> &Path {
        assert!(self.authority.exists(), "{} is without TLS", self.server.name());
        &self.authority
    }

    /// Everything it keeps: its data in `data`, its log in `log`. Goes with it.
    pub fn folder(&self) -> &Path {
        self.server.folder()
    }

    /// Makes an empty database, and says how to connect to it.
    pub fn database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql(&self.url("postgres"), &format!("CREATE DATABASE {name} TEMPLATE template0"));
        self.url(&name)
    }

    /// What psql answers to some statements: values separated by `|`, rows by line ends, without the last of those. Each
    /// statement is a transaction, unless they say otherwise.
    ///
    /// # Panics
    /// When a statement fails, with what psql says of it.
    pub fn sql(&self, database_url: &str, sql: &str) -> String {
        let mut command = programs::command(of_postgres("psql"), self.server.folder());
        command.args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-f", "-", database_url]);
        let mut answer = programs::run(command, sql, LONG_PATIENCE);
        if answer.ends_with('\n') {
            answer.pop();
        }
        answer
    }

    /// Kills all of its processes at once, which is what a crash of the server is. What was committed is kept.
    pub fn kill(&self) {
        self.server.kill();
    }

    /// Stops it as an operator does: clients are disconnected, what they have not committed is rolled back.
    pub fn stop(&self) {
        self.server.resume();
        self.server.stop("INT");
    }

    /// Starts it again where it was killed or stopped, with the port and data that it had.
    pub fn start_again(&self) {
        self.server.start_again(|| postgres(&self.server, self.port), is_ready(&self.server));
    }

    /// Stops all of its processes where they are: connections stay and nothing answers.
    pub fn pause(&self) {
        self.server.pause();
    }

    /// Lets it go on after [`pause`](Self::pause).
    pub fn resume(&self) {
        self.server.resume();
    }
}

pub(crate) fn url(port: u16, database: &str) -> String {
    format!("postgres://{USER}:{PASSWORD}@127.0.0.1:{port}/{database}")
}

/// An empty cluster that doesn't run.
fn initialize(folder_parent: Option<&Path>) -> Server {
    let server = Server::new("postgres", "data", folder_parent);
    let mut command = server.command(of_postgres("initdb"));
    command.args(["--no-sync", "--locale=C.UTF-8", "--encoding=UTF8", "-A", "scram-sha-256", "-U", USER]);
    // A file: what root opened, another user can't open again as /dev/stdin.
    let password = server.folder().join("password");
    fs::write(&password, PASSWORD).expect("its folder can be written to");
    command.arg("--pwfile").arg(password).arg("-D").arg(server.home());
    programs::run(command, "", PATIENCE);
    server
}

fn configure(server: &Server, settings: &[(&str, &str)]) {
    append_settings(server, &SETTINGS);
    append_settings(server, &sockets(server));
    append_settings(server, settings);
}

/// In its folder; nowhere, when the path is too long for a socket.
fn sockets(server: &Server) -> [(&'static str, String); 1] {
    let folder = server.folder().to_string_lossy().into_owned();
    [("unix_socket_directories", if folder.len() < 80 { folder } else { String::new() })]
}

/// Later ones count.
fn append_settings(server: &Server, settings: &[(&str, impl AsRef<str>)]) {
    let lines = settings.iter().fold(String::new(), |mut lines, (name, value)| {
        writeln!(lines, "{name} = '{}'", value.as_ref().replace('\'', "''"))
            .expect("a string takes everything");
        lines
    });
    OpenOptions::new()
        .append(true)
        .open(server.home().join("postgresql.conf"))
        .and_then(|mut file| file.write_all(lines.as_bytes()))
        .expect("the settings can be written");
}

fn postgres(server: &Server, port: u16) -> Command {
    let mut command = server.command(of_postgres("postgres"));
    // The name is in the titles of its processes, which are told by it.
    let name = format!("cluster_name={}", server.name());
    command.arg("-D").arg(server.home()).args(["-p", &port.to_string(), "-c", &name]);
    command
}

/// By the file that it keeps for its own tools: the process in the first line, how it does in the eighth. One that
/// crashed has left such a file.
fn is_ready(server: &Server) -> impl Fn(u32, &str) -> bool {
    let file = server.home().join("postmaster.pid");
    move |process, _| {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let mut lines = text.lines().map(str::trim);
        lines.next() == Some(process.to_string().as_str()) && lines.nth(6) == Some("ready")
    }
}
