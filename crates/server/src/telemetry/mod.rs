//! What is measured, in the text format of Prometheus. Everything is counted where it happens, as plain numbers, and read when
//! it is asked for.

mod families;
mod jobs;
mod memory;

use std::sync::Arc;
use std::time::Duration;

use footfall_domain::time::{SECOND_US, Timestamp};
use footfall_http::{Api, Exposition, RequestStats};
use footfall_ports::{Measured, StoreStats};
use footfall_redis::{RedisStats, RedisStore};
use footfall_services::IngestStats;
use prometheus::TextEncoder;
use prometheus::core::Collector;
use prometheus::process_collector::ProcessCollector;

use families::{Families, MICROS, PIECES};
use jobs::JobRuns;

pub(crate) use jobs::Job;

/// What is counted here, and where to read what is counted elsewhere.
pub(crate) struct Telemetry {
    backend: &'static str,
    store: Arc<dyn Measured>,
    redis: Option<RedisStore>,
    jobs: JobRuns,
    process: ProcessCollector,
    memory_limit_bytes: Option<u64>,
}

impl Telemetry {
    /// Measures a service on that store, with Redis or without.
    pub(crate) fn new(backend: &'static str, store: Arc<dyn Measured>, redis: Option<RedisStore>) -> Self {
        let (jobs, process) = (JobRuns::default(), ProcessCollector::for_self());
        Self { backend, store, redis, jobs, process, memory_limit_bytes: memory::limit_bytes() }
    }

    /// Counts a run of a job, and when it ended if it succeeded.
    pub(crate) fn job(&self, job: Job, took: Duration, succeeded_at: Option<Timestamp>) {
        self.jobs.note(job, took, succeeded_at);
    }
}

impl Exposition for Telemetry {
    fn text(&self, api: &Api) -> String {
        let mut families = Families::default();
        let build = [("version", env!("CARGO_PKG_VERSION")), ("backend", self.backend)];
        families
            .gauge("footfall_build_info", "The version that runs, and its storage backend; always 1.")
            .value(&build, true);
        requests(&mut families, &api.requests.stats());
        events(&mut families, &api.ingest.stats());
        store(&mut families, &self.store.stats());
        served(&mut families, api);
        self.jobs.expose(&mut families);
        if let Some(redis) = &self.redis {
            self::redis(&mut families, &redis.stats());
        }
        if let Some(bytes) = self.memory_limit_bytes {
            families
                .gauge(
                    "footfall_memory_limit_bytes",
                    "The least that a control group or the machine lets the process take.",
                )
                .value(&[], bytes);
        }
        TextEncoder::new().encode_to_string(&families.with(self.process.collect())).unwrap_or_default()
    }
}

fn requests(families: &mut Families, stats: &RequestStats) {
    families
        .gauge("footfall_http_requests_in_flight", "Requests that are not answered yet.")
        .value(&[], stats.in_flight);
    let mut counts = families.counter(
        "footfall_http_requests_total",
        "Answered requests by route, method and status; all paths that lead nowhere are the route `unmatched`.",
    );
    for of in &stats.routes {
        for (code, count) in &of.statuses {
            counts.value(&[("route", of.route), ("method", of.method), ("code", code)], *count);
        }
    }
    let mut times = families.histogram(
        "footfall_http_request_duration_seconds",
        "Time from a request's head to the beginning of its answer.",
    );
    for of in &stats.routes {
        times.distribution(&[("route", of.route), ("method", of.method)], &of.took_us, MICROS);
    }
}

fn events(families: &mut Families, stats: &IngestStats) {
    let rejected = stats.rejected.iter().map(|(_, count)| count).sum::<u64>();
    let mut counts =
        families.counter("footfall_events_total", "Events that came in, by what became of them.");
    for (outcome, count) in
        [("accepted", stats.accepted), ("duplicate", stats.duplicates), ("rejected", rejected)]
    {
        counts.value(&[("outcome", outcome)], count);
    }
    let mut codes = families.counter(
        "footfall_events_rejected_total",
        "Rejected events by the first thing that was wrong with each; a body that is refused as a whole is one.",
    );
    for (code, count) in &stats.rejected {
        codes.value(&[("code", code)], *count);
    }
}

fn store(families: &mut Families, stats: &StoreStats) {
    let waiting = stats.waiting;
    families
        .gauge("footfall_store_queue_events", "Events that were appended and wait to be flushed.")
        .value(&[], waiting.events);
    families
        .gauge(
            "footfall_store_queue_events_max",
            "How many events may wait before appends wait or are refused.",
        )
        .value(&[], waiting.events_max);
    if waiting.bytes_max > 0 {
        families
            .gauge("footfall_store_queue_bytes", "Bytes of the events that wait to be flushed.")
            .value(&[], waiting.bytes);
        families
            .gauge("footfall_store_queue_bytes_max", "How many bytes may wait before appends are refused.")
            .value(&[], waiting.bytes_max);
    }
    families
        .histogram(
            "footfall_store_flush_events",
            "Events of each flush: a group commit, or in memory a folding.",
        )
        .distribution(&[], &stats.flush_events, PIECES);
    families.histogram("footfall_store_flush_duration_seconds", "How long flushes took.").distribution(
        &[],
        &stats.flush_us,
        MICROS,
    );
    let mut errors =
        families.counter("footfall_store_errors_total", "Operations of the store that failed, by kind.");
    for (kind, count) in stats.errors {
        errors.value(&[("kind", kind)], count);
    }
    if let Some((used, max)) = stats.memory_bytes {
        families
            .gauge("footfall_store_memory_bytes", "Bytes that the store counts against its bound.")
            .value(&[], used);
        families.gauge("footfall_store_memory_bytes_max", "That bound.").value(&[], max);
    }
    for (name, help, read) in [
        ("footfall_store_connections_max", "Connections that a pool may have.", 0),
        ("footfall_store_connections_in_use", "Connections of a pool that are in use.", 1),
        ("footfall_store_connections_waiting", "Operations that wait for a connection of a pool.", 2),
    ] {
        let mut family = families.gauge(name, help);
        for pool in &stats.pools {
            let value = [pool.max, pool.in_use, pool.waiting][read];
            family.value(&[("pool", pool.name)], value);
        }
    }
}

/// What is told to those who ask and listen.
fn served(families: &mut Families, api: &Api) {
    let stats = api.answers.stats();
    let mut answers = families.counter(
        "footfall_answers_total",
        "Analytics answers by how they were had: remembered, worked out, or shared with another who asked the same.",
    );
    for (how, count) in
        [("remembered", stats.remembered), ("worked_out", stats.worked_out), ("shared", stats.shared)]
    {
        answers.value(&[("how", how)], count);
    }
    let stats = api.live.stats();
    families
        .gauge("footfall_live_listeners", "Who listens to the live stream now.")
        .value(&[], stats.listeners);
    let mut events = families.counter(
        "footfall_live_events_total",
        "Events of the live stream: written as JSON once each, delivered to a listener, or left out where one was slow.",
    );
    for (what, count) in
        [("written", stats.written), ("delivered", stats.delivered), ("left_out", stats.left_out)]
    {
        events.value(&[("what", what)], count);
    }
    let age_us = api.snapshots.taken_at().map_or(0, |taken_at| api.clock.now().micros() - taken_at.micros());
    families
        .gauge(
            "footfall_segments_snapshot_age_seconds",
            "Time since the snapshot of the segments' counts that is served was taken; 0 before the first.",
        )
        .value(&[], age_us as f64 / SECOND_US as f64);
}

fn redis(families: &mut Families, stats: &RedisStats) {
    families
        .gauge("footfall_redis_up", "Whether Redis is used now (1), or done without (0).")
        .value(&[], !stats.is_open);
    families
        .counter("footfall_redis_commands_total", "Operations that Redis was asked for.")
        .value(&[], stats.commands);
    families
        .counter("footfall_redis_circuit_opens_total", "How often Redis was found to be away.")
        .value(&[], stats.opens);
    let mut failures =
        families.counter("footfall_redis_failures_total", "Operations on Redis that failed, by kind.");
    for (kind, count) in [
        ("timeout", stats.timeouts),
        ("broken", stats.broken),
        ("error_reply", stats.error_replies),
        ("skipped", stats.skipped),
        ("overflow", stats.overflows),
        ("connect", stats.failed_connects),
    ] {
        failures.value(&[("kind", kind)], count);
    }
}
