//! The scenarios: what is sent, for how long, to which server in which order, and the check that nothing was lost.

use std::{net::SocketAddr, str::FromStr, thread, time::Duration};

use serde_json::Value;

use super::{
    Failure,
    events::{Times, day_from_today},
    generator::{Generator, Length, Plan, Tally, probe},
    histogram::Histogram,
    http::BlockingConnection,
    listeners::{Audience, Counts, Listeners},
    machine, memberships,
    options::Options,
    requests::{DOMAINS, Events, Load, domain_name},
    servers::{Children, Server, Side},
};

/// Events in a batch.
const BATCH_EVENTS: u32 = 1_000;
/// Events of the scenario `ten_thousand`.
const TEN_THOUSAND: u64 = 10_000;
/// Its rounds, at least: each is a tenth of a second, which one hiccup can double.
const TEN_THOUSAND_ROUNDS: usize = 5;
/// Requests before its clock starts, so that it times neither connecting nor a program's first steps.
const TEN_THOUSAND_WARM_UP: u64 = 1_024;
/// Connections behind the prober.
const PAUSE_CONNECTIONS: u32 = 4;
/// Listeners that no event is for, and that get all.
const IDLE_LISTENERS: u64 = 1_000;
const ACTIVE_LISTENERS: u64 = 200;
/// A measurement with listeners is no longer: a WebSocket that says nothing is closed after a minute.
const LISTENERS_SECONDS_MAX: f64 = 30.0;
/// The prober's stream of events; the generator's connections have the numbers below.
const PROBE_STREAM: u64 = 1 << 32;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// One event a request over 64 connections.
    Single,
    /// A thousand events a request over 8 connections.
    Batch,
    /// Ten thousand events one by one over 16 connections.
    TenThousand,
    /// Single events while batches arrive steadily: the longest wait.
    Pauses,
    /// One mail a request, told by the path, over 64 connections.
    Put,
    /// Questions for the segments' counts over 64 connections.
    Segments,
    /// As `Single`, with nobody, idle and active listeners.
    Listeners,
    /// As `Batch`, likewise.
    ListenersBatch,
}

impl Scenario {
    /// All, in the order in which they run.
    pub const ALL: [Self; 8] = [
        Self::Single,
        Self::Batch,
        Self::TenThousand,
        Self::Pauses,
        Self::Put,
        Self::Segments,
        Self::Listeners,
        Self::ListenersBatch,
    ];

    /// The name in options and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Batch => "batch",
            Self::TenThousand => "ten_thousand",
            Self::Pauses => "pauses",
            Self::Put => "put",
            Self::Segments => "segments",
            Self::Listeners => "listeners",
            Self::ListenersBatch => "listeners_batch",
        }
    }

    /// What it does, in words.
    pub fn title(self, options: &Options) -> String {
        let seconds = options.seconds;
        match self {
            Self::Single => format!("one event a request, 64 connections, {seconds} s"),
            Self::Batch => {
                let what = match options.events {
                    Events::Mixed => "events",
                    Events::Mails => "mails, each to a domain of its own,",
                };
                format!("{BATCH_EVENTS} {what} a request, 8 connections, {seconds} s")
            }
            Self::TenThousand => {
                format!(
                    "{TEN_THOUSAND} events one by one, 16 connections, after {TEN_THOUSAND_WARM_UP} to warm up"
                )
            }
            Self::Pauses => format!(
                "single events back to back on one connection, {} s, behind them batches on {PAUSE_CONNECTIONS} at {} events/s",
                2.0 * seconds,
                options.pause_rate
            ),
            Self::Put => format!("PUT of a mail to one of {DOMAINS} domains, 64 connections, {seconds} s"),
            Self::Segments => {
                format!("GET of the counts of 500 segments, 64 connections, {seconds} s")
            }
            Self::Listeners | Self::ListenersBatch => {
                let like = if self == Self::Listeners { Self::Single } else { Self::Batch };
                let seconds = seconds.min(LISTENERS_SECONDS_MAX);
                let like = like.title(&Options { seconds, ..options.clone() });
                format!(
                    "{like}, with no listeners, {IDLE_LISTENERS} idle ones and {ACTIVE_LISTENERS} active ones"
                )
            }
        }
    }

    /// What is measured, in the order in which each round does; ratios are to the first.
    pub fn sides(self) -> &'static [Side] {
        match self {
            Self::Listeners | Self::ListenersBatch => &[Side::Footfall, Side::Idle, Side::Active],
            _ => &[Side::Bare, Side::Footfall],
        }
    }

    /// How often each server is measured.
    pub fn rounds(self, options: &Options) -> usize {
        if self == Self::TenThousand && !options.quick {
            options.rounds.max(TEN_THOUSAND_ROUNDS)
        } else {
            options.rounds
        }
    }

    fn plan(self, side: Side, address: SocketAddr, round: usize, options: &Options) -> Plan {
        let (connections, load) = match self {
            Self::Single | Self::Listeners => (64, Load::Single),
            Self::Batch | Self::ListenersBatch => (8, Load::Batch(BATCH_EVENTS, options.events)),
            Self::TenThousand => (16, Load::Single),
            Self::Pauses => (PAUSE_CONNECTIONS as usize, Load::Batch(BATCH_EVENTS, options.events)),
            Self::Put => (64, Load::Mail),
            Self::Segments => (64, Load::Counts(memberships::counts().len())),
        };
        // A store may persist over the rounds: each has events of its own, and each time that Footfall is measured in it. The
        // bare handler gets the same.
        let time = if side == Side::Bare { Side::Footfall } else { side } as u64;
        let seed =
            options.seed.wrapping_mul(1_000_003) ^ ((self as u64) << 32 | (round as u64) << 40 | time << 48);
        Plan { address, connections, threads: options.threads, load, times: options.times, seed }
    }

    /// How many events Footfall says it has.
    fn stored(self, plan: &Plan) -> Result<u64, Failure> {
        if self == Self::Put { mails(plan) } else { total_events(plan) }
    }
}

impl FromStr for Scenario {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let letter = |index: usize| ["a", "b", "c", "d", "e", "f", "g", "h"][index];
        let named = |(index, scenario): &(usize, &Self)| text == letter(*index) || text == scenario.name();
        let found = Self::ALL.iter().enumerate().find(named);
        found.map(|(_, scenario)| *scenario).ok_or_else(|| format!("unknown scenario {text}").into())
    }
}

/// One measurement of one server.
#[derive(Clone, Debug)]
pub struct Run {
    /// The server.
    pub side: Side,
    /// Counted from 1.
    pub round: usize,
    /// Answers and latencies; in `pauses` the prober's.
    pub tally: Tally,
    /// Events sent, all connections together.
    pub events: u64,
    /// From the first request to the last answer.
    pub elapsed: Duration,
    /// Processor time of the server in that time.
    pub server_cpu: Duration,
    /// Processor time of this program in that time.
    pub generator_cpu: Duration,
    /// Processor time of everyone else in that time, the hypervisor's theft included: the noise.
    pub others_cpu: Duration,
    /// The most memory the server has had.
    pub peak_memory_bytes: u64,
    /// Events that were put into listeners' buffers in that time.
    pub delivered: u64,
}

/// Footfall's own count against the answers.
#[derive(Clone, Copy, Debug)]
pub struct Verification {
    /// Counted from 1.
    pub round: usize,
    /// Events whose acceptance was answered, warm-up included.
    pub accepted: u64,
    /// By how much `total_events` of the summary has grown, or the mails of all domains.
    pub counted: u64,
}

/// All that a scenario has shown.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Which.
    pub scenario: Scenario,
    /// In the order in which they were made.
    pub runs: Vec<Run>,
    /// One a round, unless switched off or nothing is stored.
    pub verifications: Vec<Verification>,
    /// What active listeners were told of in all: a round's accepted events, and the server's figures.
    pub told: Vec<(u64, Counts)>,
    /// What was not as it must be. With any, the figures don't count.
    pub problems: Vec<String>,
}

/// Measures both servers alternately.
///
/// # Errors
/// When a server can't be started or reached.
pub fn measure(scenario: Scenario, options: &Options, children: &Children) -> Result<Outcome, Failure> {
    let mut outcome = Outcome {
        scenario,
        runs: Vec::new(),
        verifications: Vec::new(),
        told: Vec::new(),
        problems: Vec::new(),
    };
    for round in 1..=scenario.rounds(options) {
        for &side in scenario.sides() {
            let place = format!("{} round {round}, {}", scenario.name(), side.name());
            outcome
                .measure_one(side, round, options, children)
                .map_err(|error| format!("{place}: {error}"))?;
        }
    }
    Ok(outcome)
}

impl Outcome {
    fn measure_one(
        &mut self,
        side: Side,
        round: usize,
        options: &Options,
        children: &Children,
    ) -> Result<(), Failure> {
        let server = Server::start(side, options, children)?;
        let plan = self.scenario.plan(side, server.address(), round, options);
        let verify = options.verify && side != Side::Bare && self.scenario != Scenario::Segments;
        let before = if verify { self.scenario.stored(&plan)? } else { 0 };
        if self.scenario == Scenario::Segments && side == Side::Footfall {
            memberships::fill(plan.address)?;
        }

        let listeners = match side {
            Side::Bare | Side::Footfall => None,
            Side::Idle => Some(Listeners::connect(plan.address, Audience::Idle(IDLE_LISTENERS))?),
            Side::Active => Some(Listeners::connect(plan.address, Audience::Active(ACTIVE_LISTENERS))?),
        };
        let (run, accepted) = drive(self.scenario, side, round, &plan, options, &server)?;
        if let Some(first) = &run.tally.first_unexpected {
            let (count, side) = (run.tally.unexpected, side.name());
            self.problems.push(format!("{side}, round {round}: {count} unexpected, the first: {first}"));
        }
        self.runs.push(run);
        if let Some(listeners) = listeners {
            let (counts, problems) = listeners.conclude(plan.address, accepted)?;
            let name = side.name();
            self.problems.extend(problems.iter().map(|what| format!("{name}, round {round}: {what}")));
            if side == Side::Active {
                self.told.push((accepted, counts));
            }
        }

        if verify {
            let counted = self.scenario.stored(&plan)?.saturating_sub(before);
            if counted != accepted {
                self.problems.push(format!(
                    "{}, round {round}: {accepted} events were accepted, {counted} are counted",
                    side.name()
                ));
            }
            self.verifications.push(Verification { round, accepted, counted });
        }
        if let Err(error) = server.stop() {
            self.problems.push(format!("{}, round {round}: {error}", side.name()));
        }
        Ok(())
    }
}

/// Warms up, then measures. Returns the run and how many events were accepted in both phases.
fn drive(
    scenario: Scenario,
    side: Side,
    round: usize,
    plan: &Plan,
    options: &Options,
    server: &Server,
) -> Result<(Run, u64), Failure> {
    let time = Duration::from_secs_f64(options.seconds);
    let warm_up = Length::Time((time / 10).min(Duration::from_millis(500)));
    let (warm_up, length, interval) = match scenario {
        Scenario::Single | Scenario::Batch | Scenario::Put | Scenario::Segments => {
            (warm_up, Length::Time(time), Duration::ZERO)
        }
        Scenario::Listeners | Scenario::ListenersBatch => {
            let time = time.min(Duration::from_secs_f64(LISTENERS_SECONDS_MAX));
            (warm_up, Length::Time(time), Duration::ZERO)
        }
        Scenario::TenThousand => {
            (Length::Requests(TEN_THOUSAND_WARM_UP), Length::Requests(TEN_THOUSAND), Duration::ZERO)
        }
        Scenario::Pauses => {
            let interval = Duration::from_secs(1) * (BATCH_EVENTS * PAUSE_CONNECTIONS) / options.pause_rate;
            (warm_up, Length::Time(time * 2), interval)
        }
    };
    let mut generator = Generator::connect(plan)?;
    let (warm, _) = generator.run(warm_up, interval);

    let delivered = || match side {
        Side::Active => Counts::ask(plan.address).map(|counts| counts.delivered),
        _ => Ok(0),
    };
    let delivered_before = delivered()?;
    let this = std::process::id();
    let cpu_before = [server.cpu_time(), machine::cpu_time(this), machine::busy_time()];
    let (mut tally, elapsed, probes) = if scenario == Scenario::Pauses {
        run_with_probe(&mut generator, length, interval, plan, time * 2)?
    } else {
        let (tally, elapsed) = generator.run(length, interval);
        (tally, elapsed, None)
    };
    let cpu_after = [server.cpu_time(), machine::cpu_time(this), machine::busy_time()];
    let delivered = delivered()?.saturating_sub(delivered_before);
    let [server_cpu, generator_cpu, busy] =
        std::array::from_fn(|one| cpu_after[one].saturating_sub(cpu_before[one]));

    let mut accepted = warm.accepted + tally.accepted;
    let mut events = tally.requests() * plan.load.events();
    if let Some(probes) = probes {
        accepted += probes.accepted;
        events += probes.accepted;
        // The prober's latencies are the figures; what went wrong behind it counts all the same.
        tally.latency = Histogram::default();
        tally.merge(probes);
    }
    tally.unexpected += warm.unexpected;
    tally.first_unexpected = warm.first_unexpected.or(tally.first_unexpected);
    let peak_memory_bytes = server.peak_memory_bytes();
    let others_cpu = busy.saturating_sub(server_cpu + generator_cpu);
    let run = Run {
        side,
        round,
        tally,
        events,
        elapsed,
        server_cpu,
        generator_cpu,
        others_cpu,
        peak_memory_bytes,
        delivered,
    };
    Ok((run, accepted))
}

/// The batches from the generator's thread, the prober on one of its own: what the generator does meanwhile must not
/// look like a pause of the server.
fn run_with_probe(
    generator: &mut Generator,
    length: Length,
    interval: Duration,
    plan: &Plan,
    time: Duration,
) -> Result<(Tally, Duration, Option<Tally>), Failure> {
    thread::scope(|scope| {
        let thread = scope.spawn(|| probe(plan, PROBE_STREAM, time));
        let (tally, elapsed) = generator.run(length, interval);
        let probes = thread.join().map_err(|_| "the prober panicked")?;
        Ok((tally, elapsed, Some(probes?)))
    })
}

/// What Footfall counts over a range that holds every event of this benchmark.
fn total_events(plan: &Plan) -> Result<u64, Failure> {
    let days = match plan.times {
        Times::Present => 2,
        Times::LastDays(days) => i64::from(days) + 2,
    };
    let path = format!("/analytics/summary?from={}&to={}", day_from_today(-days), day_from_today(3));
    let summary = ask(&mut BlockingConnection::open(plan.address)?, plan, &path)?;
    summary["total_events"]
        .as_u64()
        .ok_or_else(|| format!("a summary without total_events: {summary}").into())
}

/// What Footfall counts over all domains that single mails go to.
fn mails(plan: &Plan) -> Result<u64, Failure> {
    let mut connection = BlockingConnection::open(plan.address)?;
    let mut sum = 0;
    for number in 0..DOMAINS {
        let counts = ask(&mut connection, plan, &format!("/domains/{}", domain_name(number)))?;
        let mails = counts["delivered"].as_u64().zip(counts["bounced"].as_u64());
        let (delivered, bounced) = mails.ok_or_else(|| format!("a domain without counts: {counts}"))?;
        sum += delivered + bounced;
    }
    Ok(sum)
}

fn ask(connection: &mut BlockingConnection, plan: &Plan, path: &str) -> Result<Value, Failure> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", plan.address);
    let answer = connection.exchange(request.as_bytes())?;
    let text = String::from_utf8_lossy(answer.body);
    if answer.status != 200 {
        return Err(format!("GET {path}: status {}: {text}", answer.status).into());
    }
    Ok(serde_json::from_str(&text)?)
}
