//! Redis: a server of its own for whoever asks.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::programs::{self, PATIENCE};
use crate::server::{Server, own};
use crate::tls;

/// What tests need: nothing is kept, there is a database for each of many, and processes are told by their arguments,
/// which a title would hide.
const SETTINGS: [(&str, &str); 6] = [
    ("bind", "127.0.0.1"),
    ("protected-mode", "no"),
    ("save", ""),
    ("appendonly", "no"),
    ("databases", "4096"),
    ("set-proc-title", "no"),
];

/// A Redis of its own, without a password unless the settings have one.
#[derive(Debug)]
pub struct Redis {
    server: Server,
    port: u16,
    password: Option<String>,
    takes_tls: bool,
    databases: AtomicU32,
}

impl Redis {
    /// Starts one that keeps nothing beyond its process.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts one with more settings, which override those for tests: `("appendonly", "yes")` has it keep what it is told,
    /// `("requirepass", …)` has it ask for a password, which is then in its [`url`](Self::url).
    pub fn start_with(settings: &[(&str, &str)]) -> Self {
        Self::run(new_server(), settings, false)
    }

    /// Starts one that takes connections with TLS only, with a certificate for 127.0.0.1 and localhost.
    pub fn with_tls() -> Self {
        let server = new_server();
        tls::make_certificate(&server);
        let file = |name: &str| server.home().join(name).to_string_lossy().into_owned();
        let (certificate, key, authority) = (file("server.crt"), file("server.key"), file(tls::AUTHORITY));
        let settings = [
            ("tls-cert-file", certificate.as_str()),
            ("tls-key-file", &key),
            ("tls-ca-cert-file", &authority),
            ("tls-auth-clients", "no"),
        ];
        Self::run(server, &settings, true)
    }

    /// One that all tests of a process share, for those that need only a [`database`](Self::database) of their own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Redis> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    fn run(server: Server, settings: &[(&str, &str)], takes_tls: bool) -> Self {
        let lines = SETTINGS.iter().chain(settings).fold(String::new(), |mut lines, (name, value)| {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"");
            writeln!(lines, "{name} \"{value}\"").expect("a string takes everything");
            lines
        });
        fs::write(configuration(&server), lines).expect("its folder can be written to");
        let password = settings.iter().rfind(|(name, _)| *name == "requirepass");
        let password = password.map(|(_, password)| (*password).to_owned());
        let port = server.start(|port| redis(&server, port, takes_tls), is_ready);
        Self { server, port, password, takes_tls, databases: AtomicU32::new(0) }
    }

    /// The port that it listens on, also after it was started again.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// How to connect to it, with its password where it has one.
    pub fn url(&self) -> String {
        let scheme = if self.takes_tls { "rediss" } else { "redis" };
        let password = self.password.as_ref().map(|password| format!(":{password}@")).unwrap_or_default();
        format!("{scheme}://{password}127.0.0.1:{}", self.port)
    }

    /// How to connect to an empty database of it that nobody else was given.
    pub fn database(&self) -> String {
        format!("{}/{}", self.url(), 1 + self.databases.fetch_add(1, Ordering::Relaxed))
    }

    /// The authority that signed the certificate of one [with TLS](Self::with_tls).
    ///
    /// # Panics
    /// Of one without.
    pub fn ca_file(&self) -> PathBuf {
        assert!(self.takes_tls, "{} is without TLS", self.server.name());
        self.server.home().join(tls::AUTHORITY)
    }

    /// Its settings, its log, and in `data` what it keeps. Goes with it.
    pub fn folder(&self) -> &Path {
        self.server.folder()
    }

    /// What it answers to a command: texts and numbers as they are, elements of lists on a line each, nothing as an empty
    /// text. Of one without TLS.
    ///
    /// # Panics
    /// When it answers with an error, or not within a minute.
    pub fn command(&self, command: &[&str]) -> String {
        self.try_command(command).unwrap_or_else(|error| panic!("{command:?} failed: {error}"))
    }

    /// The same, with the error that it answers.
    ///
    /// # Errors
    /// The answer, where that is an error.
    pub fn try_command(&self, command: &[&str]) -> Result<String, String> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("it takes connections");
        stream.set_read_timeout(Some(PATIENCE)).expect("it can be set");
        let mut stream = BufReader::new(stream);
        if let Some(password) = &self.password {
            ask(&mut stream, &["AUTH", password])?;
        }
        ask(&mut stream, command)
    }

    /// Forgets everything, in all databases.
    pub fn flush(&self) {
        self.command(&["FLUSHALL"]);
    }

    /// Kills it, which is what a crash of it is.
    pub fn kill(&self) {
        self.server.kill();
    }

    /// Starts it again where it was killed, with the port and settings that it had, and what it has kept. Waits until it
    /// takes commands.
    pub fn start_again(&self) {
        self.server.start_again(|| redis(&self.server, self.port, self.takes_tls), is_ready);
    }

    /// Stops it where it is: connections stay, the system even makes new ones, and nothing answers.
    pub fn pause(&self) {
        self.server.pause();
    }

    /// Lets it go on after [`pause`](Self::pause).
    pub fn resume(&self) {
        self.server.resume();
    }
}

fn new_server() -> Server {
    let server = Server::new("redis", "data", None);
    fs::create_dir(server.home()).expect("its folder can be written to");
    own(server.home());
    server
}

fn configuration(server: &Server) -> PathBuf {
    server.folder().join("redis.conf")
}

fn redis(server: &Server, port: u16, takes_tls: bool) -> Command {
    let mut command = server.command(programs::find("redis-server"));
    command.arg(configuration(server)).arg("--dir").arg(server.home());
    let port = port.to_string();
    if takes_tls {
        command.args(["--port", "0", "--tls-port", &port]);
    } else {
        command.args(["--port", &port]);
    }
    command
}

fn is_ready(_: u32, log: &str) -> bool {
    log.contains("Ready to accept connections")
}

fn ask(stream: &mut BufReader<TcpStream>, command: &[&str]) -> Result<String, String> {
    let mut request = format!("*{}\r\n", command.len());
    for part in command {
        write!(request, "${}\r\n{part}\r\n", part.len()).expect("a string takes everything");
    }
    stream.get_mut().write_all(request.as_bytes()).expect("it reads");
    answer(stream)
}

fn answer(stream: &mut BufReader<TcpStream>) -> Result<String, String> {
    let mut line = String::new();
    stream.read_line(&mut line).expect("it answers");
    let (kind, rest) = line.trim_end().split_at_checked(1).expect("it answers before it closes");
    let length = || rest.parse::<i64>().expect("a length");
    match kind {
        "+" | ":" => Ok(rest.to_owned()),
        "-" => Err(rest.to_owned()),
        "$" if length() < 0 => Ok(String::new()),
        "$" => {
            let mut bytes = vec![0; length() as usize + 2];
            stream.read_exact(&mut bytes).expect("as much as it says");
            Ok(String::from_utf8_lossy(&bytes[..bytes.len() - 2]).into_owned())
        }
        "*" => {
            let parts: Result<Vec<_>, _> = (0..length()).map(|_| answer(stream)).collect();
            parts.map(|parts| parts.join("\n"))
        }
        _ => panic!("an answer of an unknown kind: {line}"),
    }
}
