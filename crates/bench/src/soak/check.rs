//! Is everything there that was acknowledged, once, and are the figures those of what is there?

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::atomic::Ordering,
    time::Duration,
};

use serde_json::Value;

use super::{
    ledger::{Bits, Ledger},
    stock::{TYPES, number_of, type_of},
};
use crate::load::Failure;

/// Recomputing everything from the log takes its time.
const PATIENCE: Duration = Duration::from_mins(15);
/// What every exported line begins with, before the identity.
const BEFORE_ID: usize = r#"{"event_id":""#.len();
const ID_BYTES: usize = 36;
const EVER: &str = "from=2020-01-01T00:00:00Z&to=2100-01-01T00:00:00Z";

/// What was found.
#[derive(Clone, Debug, Default)]
pub(super) struct Findings {
    /// Events of the export.
    pub(super) there: u64,
    /// Of them those that have an identity of the server's: visits.
    pub(super) visits: u64,
    /// Of them those that were sent and never acknowledged.
    pub(super) unacknowledged: u64,
    /// Acknowledged, and not there.
    pub(super) missing: u64,
    /// There more than once.
    pub(super) twice: u64,
    /// What else is wrong.
    pub(super) problems: Vec<String>,
}

/// Reads all of the export, and asks for the figures. `first` is the first number that retention leaves alone.
///
/// # Errors
/// When the service doesn't answer.
pub(super) fn check(address: SocketAddr, ledger: &Ledger, first: u64) -> Result<Findings, Failure> {
    let mut found = Findings::default();
    let mut by_type = [0_u64; TYPES.len()];
    let seen = Bits::new(ledger.sent());
    let mut export = Export::open(address)?;
    let mut line = Vec::new();
    while export.next(&mut line)? {
        found.there += 1;
        let id = line.get(BEFORE_ID..BEFORE_ID + ID_BYTES).unwrap_or_default();
        match number_of(id).filter(|number| *number < ledger.sent()) {
            Some(number) => {
                found.twice += u64::from(!seen.insert(number));
                found.unacknowledged += u64::from(!ledger.is_acknowledged(number));
                by_type[type_of(number)] += 1;
            }
            None => found.visits += 1,
        }
    }
    by_type[0] += found.visits;
    found.missing = (first..ledger.sent())
        .filter(|number| ledger.is_acknowledged(*number) && !seen.contains(*number))
        .count() as u64;
    let (visits, uncertain) =
        (ledger.visits.load(Ordering::Relaxed), ledger.visits_uncertain.load(Ordering::Relaxed));
    if found.visits > visits + uncertain || (first == 0 && found.visits < visits) {
        found.problems.push(format!(
            "{} visits are there; {visits} were acknowledged, and {uncertain} may be",
            found.visits
        ));
    }
    let summary = ask(address, "GET", &format!("/analytics/summary?{EVER}"))?;
    let told = |name: &str| summary["events_by_type"][name].as_u64().unwrap_or(0);
    for ((name, _), counted) in TYPES.iter().zip(by_type) {
        // With retention some have gone since the export.
        if first == 0 && told(name) != counted {
            found.problems.push(format!("{counted} of {name} are there, and {} are told", told(name)));
        }
    }
    if first == 0 && summary["total_events"] != found.there {
        found.problems.push(format!("{} are there, and {} are told", found.there, summary["total_events"]));
    }
    let verified = ask(address, "POST", "/verify")?;
    if verified["consistent"] != true {
        found.problems.push(format!("verify: {verified}"));
    }
    Ok(found)
}

fn ask(address: SocketAddr, method: &str, target: &str) -> Result<Value, Failure> {
    let mut stream = connect(address)?;
    write!(
        stream,
        "{method} {target} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let body = answer.windows(4).position(|end| end == b"\r\n\r\n").map_or(&[][..], |at| &answer[at + 4..]);
    if !answer.starts_with(b"HTTP/1.1 200 ") {
        return Err(format!("{method} {target}: {}", String::from_utf8_lossy(&answer)).into());
    }
    Ok(serde_json::from_slice(body)?)
}

fn connect(address: SocketAddr) -> Result<TcpStream, Failure> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// `GET /export` line by line, out of its chunks.
struct Export {
    stream: BufReader<TcpStream>,
    chunk: Vec<u8>,
    at: usize,
    is_over: bool,
}

impl Export {
    fn open(address: SocketAddr) -> Result<Self, Failure> {
        let mut stream = connect(address)?;
        write!(stream, "GET /export?format=ndjson HTTP/1.1\r\nHost: {address}\r\n\r\n")?;
        let mut stream = BufReader::with_capacity(1 << 20, stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head)? == 0 {
                return Err("the export ended within its head".into());
            }
        }
        let is_chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
        if !head.starts_with("HTTP/1.1 200 ") || !is_chunked {
            return Err(format!("the export: {head}").into());
        }
        Ok(Self { stream, chunk: Vec::new(), at: 0, is_over: false })
    }

    /// Reads the next line, less its end; false at the end. An export that breaks off is an error.
    fn next(&mut self, line: &mut Vec<u8>) -> Result<bool, Failure> {
        line.clear();
        loop {
            let rest = &self.chunk[self.at..];
            if let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                line.extend_from_slice(&rest[..end]);
                self.at += end + 1;
                return Ok(true);
            }
            line.extend_from_slice(rest);
            self.read_chunk()?;
            if self.is_over {
                return if line.is_empty() { Ok(false) } else { Err("the export ends within a line".into()) };
            }
        }
    }

    fn read_chunk(&mut self) -> Result<(), Failure> {
        let mut size = String::new();
        self.stream.read_line(&mut size)?;
        let size = usize::from_str_radix(size.trim(), 16).map_err(|_| "the export broke off")?;
        self.chunk.resize(size, 0);
        self.stream.read_exact(&mut self.chunk)?;
        self.at = 0;
        self.is_over = size == 0;
        let mut end = [0; 2];
        self.stream.read_exact(&mut end)?;
        Ok(())
    }
}
