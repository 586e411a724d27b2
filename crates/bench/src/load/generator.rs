//! Sends the load and takes the figures down: connections on one or more threads, each thread with a runtime of its own.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::{
    runtime::{Builder, Runtime},
    task::JoinSet,
    time::{sleep_until, timeout},
};

use super::{
    Failure,
    events::{PAGES, Times, Traffic},
    histogram::Histogram,
    http::{Answer, BlockingConnection, Connection},
    random::Zipf,
    requests::Load,
};

/// A phase that lasts this much longer than it should is broken off and counts as failed.
const OVERTIME: Duration = Duration::from_mins(1);
/// The prober's first requests, which connecting and cold caches slow down, are not among its latencies.
const PROBE_WARM_UP: u64 = 100;

/// What is sent, over how much.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The server.
    pub address: SocketAddr,
    /// Connections, all in use all the time.
    pub connections: usize,
    /// Threads that the connections are spread over.
    pub threads: usize,
    /// What each request carries.
    pub load: Load,
    /// The events' times.
    pub times: Times,
    /// Determines the events.
    pub seed: u64,
}

/// When a phase is over.
#[derive(Clone, Copy, Debug)]
pub enum Length {
    /// After this time, the requests under way still being awaited.
    Time(Duration),
    /// After so many requests over all connections.
    Requests(u64),
}

/// What a phase has shown.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// From the last byte prepared to the last byte of the answer.
    pub latency: Histogram,
    /// Events that the answers call accepted, or questions that were answered.
    pub accepted: u64,
    /// Requests that were not answered as they should be.
    pub unexpected: u64,
    /// What was wrong with the first of them.
    pub first_unexpected: Option<String>,
}

impl Tally {
    /// Requests that were answered.
    pub fn requests(&self) -> u64 {
        self.latency.count()
    }

    /// Adds another's figures.
    pub fn merge(&mut self, other: Self) {
        self.latency.merge(&other.latency);
        self.accepted += other.accepted;
        self.unexpected += other.unexpected;
        self.first_unexpected = self.first_unexpected.take().or(other.first_unexpected);
    }

    fn complain(&mut self, what: String) {
        self.unexpected += 1;
        self.first_unexpected.get_or_insert(what);
    }

    fn check(&mut self, load: Load, answer: Answer<'_>) {
        let accepted = match load {
            Load::Single => u64::from(answer.status == 201 && holds(answer.body, b"\"accepted\"")),
            Load::Batch(..) if answer.status == 200 => number(answer.body, b"\"accepted\":").unwrap_or(0),
            Load::Batch(..) => 0,
            Load::Mail => u64::from(answer.status == 204),
            // That it holds the right counts is seen before: comparing all of it each time would be a part of the figures.
            Load::Counts(bytes) => u64::from(answer.status == 200 && answer.body.len() == bytes),
        };
        self.accepted += accepted;
        if accepted != load.events() {
            let body = String::from_utf8_lossy(&answer.body[..answer.body.len().min(300)]);
            self.complain(format!("status {}: {body}", answer.status));
        }
    }
}

fn holds(body: &[u8], part: &[u8]) -> bool {
    // From the end, where the contract has it.
    body.windows(part.len()).rev().any(|window| window == part)
}

fn number(body: &[u8], name: &[u8]) -> Option<u64> {
    let at = body.windows(name.len()).position(|window| window == name)? + name.len();
    let rest = str::from_utf8(&body[at..]).ok()?.trim_start();
    let end = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

/// A connection and what goes over it.
#[derive(Debug)]
struct Client {
    connection: Connection,
    traffic: Traffic,
}

#[derive(Clone, Debug)]
enum Stop {
    At(Instant),
    Spent(Arc<AtomicU64>),
}

impl Stop {
    fn reached(&self, now: Instant) -> bool {
        match self {
            Self::At(end) => now >= *end,
            // Every client takes one from what is left, so none idles while another still has a share to send.
            Self::Spent(left) => {
                left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_err()
            }
        }
    }
}

/// One thread's part: its connections live on its runtime.
#[derive(Debug)]
struct Lane {
    runtime: Runtime,
    clients: Vec<Client>,
}

/// Open connections, ready to send.
#[derive(Debug)]
pub struct Generator {
    lanes: Vec<Lane>,
}

impl Generator {
    /// Opens the connections and prepares their requests.
    ///
    /// # Errors
    /// When a runtime can't be built or the server can't be reached.
    pub fn connect(plan: &Plan) -> Result<Self, Failure> {
        let pages = Arc::new(Zipf::new(PAGES));
        let mut lanes = Vec::new();
        for first in 0..plan.threads.min(plan.connections) {
            let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
            let mut clients = Vec::new();
            for stream in (first..plan.connections).step_by(plan.threads) {
                let connection = runtime.block_on(Connection::open(plan.address))?;
                let traffic = Traffic::new(
                    plan.address,
                    plan.load,
                    plan.times,
                    plan.seed,
                    stream as u64,
                    Arc::clone(&pages),
                );
                clients.push(Client { connection, traffic });
            }
            lanes.push(Lane { runtime, clients });
        }
        Ok(Self { lanes })
    }

    /// Sends for the `length`, each connection a request every `interval` at most (zero: as fast as it is answered).
    /// Returns what it has shown and how long it took to the last answer.
    pub fn run(&mut self, length: Length, interval: Duration) -> (Tally, Duration) {
        let begin = Instant::now();
        let (stop, limit) = match length {
            Length::Time(time) => (Stop::At(begin + time), time + OVERTIME),
            Length::Requests(count) => (Stop::Spent(Arc::new(AtomicU64::new(count))), OVERTIME),
        };
        let mut total = Tally::default();
        thread::scope(|scope| {
            let running: Vec<_> = self
                .lanes
                .iter_mut()
                .map(|lane| {
                    let stop = stop.clone();
                    scope.spawn(move || lane.run(&stop, interval, limit))
                })
                .collect();
            for lane in running {
                match lane.join() {
                    Ok(tally) => total.merge(tally),
                    Err(_) => total.complain("a generator thread panicked".to_owned()),
                }
            }
        });
        (total, begin.elapsed())
    }
}

impl Lane {
    fn run(&mut self, stop: &Stop, interval: Duration, limit: Duration) -> Tally {
        let Self { runtime, clients } = self;
        runtime.block_on(async {
            let mut tasks = JoinSet::new();
            let count = clients.len() as u32;
            for (index, client) in clients.drain(..).enumerate() {
                // Paced connections take turns.
                tasks.spawn(drive(client, stop.clone(), interval, interval * index as u32 / count));
            }
            let mut total = Tally::default();
            let collect = async {
                while let Some(done) = tasks.join_next().await {
                    match done {
                        Ok((client, tally)) => {
                            clients.extend(client);
                            total.merge(tally);
                        }
                        Err(error) => total.complain(error.to_string()),
                    }
                }
            };
            if timeout(limit, collect).await.is_err() {
                total.complain(format!("{} connections unanswered after {limit:?}", tasks.len()));
            }
            total
        })
    }
}

/// Sends until the stop. The client comes back unless its connection broke.
async fn drive(
    mut client: Client,
    stop: Stop,
    interval: Duration,
    offset: Duration,
) -> (Option<Client>, Tally) {
    let mut tally = Tally::default();
    let load = client.traffic.load();
    let mut now = Instant::now();
    let mut due = now + offset;
    while !stop.reached(now) {
        if !interval.is_zero() {
            sleep_until(due.into()).await;
            // A late connection doesn't catch up: this is a steady load, not a backlog.
            due = (due + interval).max(Instant::now());
        }
        let request = client.traffic.next_request(now);
        let sent = Instant::now();
        match client.connection.exchange(request).await {
            Ok(answer) => {
                now = Instant::now();
                tally.latency.record(now - sent);
                tally.check(load, answer);
            }
            Err(error) => {
                tally.complain(error.to_string());
                return (None, tally);
            }
        }
    }
    (Some(client), tally)
}

/// Posts single events back to back for a time, from this thread, and notes how long each took, after a few that open
/// the way.
///
/// # Errors
/// When the server can't be reached or the connection breaks.
pub fn probe(plan: &Plan, stream: u64, time: Duration) -> Result<Tally, Failure> {
    let mut connection = BlockingConnection::open(plan.address)?;
    let pages = Arc::new(Zipf::new(PAGES));
    let mut traffic = Traffic::new(plan.address, Load::Single, plan.times, plan.seed, stream, pages);
    let mut tally = Tally::default();
    let mut now = Instant::now();
    let end = now + time;
    for sent_before in 0_u64.. {
        let request = traffic.next_request(now);
        let sent = Instant::now();
        if sent >= end {
            break;
        }
        let answer = connection.exchange(request)?;
        now = Instant::now();
        if sent_before >= PROBE_WARM_UP {
            tally.latency.record(now - sent);
        }
        tally.check(Load::Single, answer);
    }
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use super::super::requests::Events;
    use super::*;

    #[test]
    fn answers_are_judged_by_status_and_count() {
        let mut tally = Tally::default();
        let single = br#"{"event_id":"0","status":"accepted"}"#;
        tally.check(Load::Single, Answer { status: 201, body: single });
        let batch = br#"{"accepted": 1000, "duplicates": 0, "rejected": 0, "errors": []}"#;
        tally.check(Load::Batch(1000, Events::Mixed), Answer { status: 200, body: batch });
        tally.check(Load::Mail, Answer { status: 204, body: b"" });
        tally.check(Load::Counts(2), Answer { status: 200, body: b"[]" });
        assert_eq!((tally.accepted, tally.unexpected), (1003, 0));
        for (load, status, body) in [
            (Load::Single, 200, br#"{"event_id":"0","status":"duplicate"}"#.as_slice()),
            (Load::Single, 503, b"{}"),
            (Load::Batch(1000, Events::Mixed), 200, br#"{"accepted":999,"duplicates":1}"#),
            (Load::Batch(1000, Events::Mixed), 422, br#"{"accepted":0}"#),
            (Load::Mail, 200, b""),
            (Load::Counts(2), 200, b"[{}]"),
        ] {
            tally.check(load, Answer { status, body });
        }
        assert_eq!((tally.accepted, tally.unexpected), (2002, 6));
        assert!(tally.first_unexpected.unwrap().starts_with("status 200: {\"event_id\""));
    }
}
