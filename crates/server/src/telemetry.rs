//! What is measured, in the text format of Prometheus.

use std::sync::{Mutex, PoisonError};

use footfall_domain::time::SECOND_US;
use footfall_http::{Api, Exposition};
use footfall_redis::RedisStore;
use prometheus::{Gauge, IntCounter, IntCounterVec, Opts, Registry, TextEncoder};

/// What is counted elsewhere is read when it is asked for, and what happens here is counted as it does.
pub(crate) struct Telemetry {
    registry: Registry,
    redis: Option<(RedisStore, RedisFigures)>,
    answers: IntCounterVec,
    snapshot_age: Gauge,
    jobs: IntCounterVec,
    listeners: Gauge,
    live_events: IntCounterVec,
    /// One at a time brings up what is counted elsewhere.
    reading: Mutex<()>,
}

struct RedisFigures {
    up: Gauge,
    commands: IntCounter,
    opens: IntCounter,
    failures: IntCounterVec,
}

impl Telemetry {
    /// Measures a service, with Redis or without.
    ///
    /// # Errors
    /// Never: the names are valid, and each is given once.
    pub(crate) fn new(redis: Option<RedisStore>) -> prometheus::Result<Self> {
        let registry = Registry::new();
        let answers = Opts::new(
            "footfall_answers_total",
            "Analytics answers by how they were had: remembered, worked out, or shared with another who asked the same.",
        );
        let answers = IntCounterVec::new(answers, &["how"])?;
        let snapshot_age = Gauge::new(
            "footfall_segments_snapshot_age_seconds",
            "Time since the snapshot of the segments' counts that is served was taken.",
        )?;
        let jobs = Opts::new("footfall_job_runs_total", "Scheduled jobs that were run here, by outcome.");
        let jobs = IntCounterVec::new(jobs, &["job", "outcome"])?;
        let listeners = Gauge::new("footfall_live_listeners", "Who listens to the live stream now.")?;
        let live_events = Opts::new(
            "footfall_live_events_total",
            "Events of the live stream: written as JSON once each, delivered to a listener, or left out where one was slow.",
        );
        let live_events = IntCounterVec::new(live_events, &["what"])?;
        registry.register(Box::new(listeners.clone()))?;
        registry.register(Box::new(live_events.clone()))?;
        registry.register(Box::new(answers.clone()))?;
        registry.register(Box::new(snapshot_age.clone()))?;
        registry.register(Box::new(jobs.clone()))?;
        let redis = match redis {
            Some(redis) => Some((redis, RedisFigures::new(&registry)?)),
            None => None,
        };
        Ok(Self {
            registry,
            redis,
            answers,
            snapshot_age,
            jobs,
            listeners,
            live_events,
            reading: Mutex::default(),
        })
    }

    /// Counts a run of a job.
    pub(crate) fn job(&self, job: &str, succeeded: bool) {
        let outcome = if succeeded { "success" } else { "failure" };
        self.jobs.with_label_values(&[job, outcome]).inc();
    }
}

impl RedisFigures {
    fn new(registry: &Registry) -> prometheus::Result<Self> {
        let up = Gauge::new("footfall_redis_up", "Whether Redis is used now (1), or done without (0).")?;
        let commands =
            IntCounter::new("footfall_redis_commands_total", "Operations that Redis was asked for.")?;
        let opens =
            IntCounter::new("footfall_redis_circuit_opens_total", "How often Redis was found to be away.")?;
        let failures = Opts::new("footfall_redis_failures_total", "Operations that failed, by kind.");
        let failures = IntCounterVec::new(failures, &["kind"])?;
        registry.register(Box::new(up.clone()))?;
        registry.register(Box::new(commands.clone()))?;
        registry.register(Box::new(opens.clone()))?;
        registry.register(Box::new(failures.clone()))?;
        Ok(Self { up, commands, opens, failures })
    }

    fn read(&self, redis: &RedisStore) {
        let stats = redis.stats();
        self.up.set(if stats.is_open { 0.0 } else { 1.0 });
        bring_to(&self.commands, stats.commands);
        bring_to(&self.opens, stats.opens);
        for (kind, count) in [
            ("timeout", stats.timeouts),
            ("broken", stats.broken),
            ("error_reply", stats.error_replies),
            ("skipped", stats.skipped),
            ("overflow", stats.overflows),
            ("connect", stats.failed_connects),
        ] {
            bring_to(&self.failures.with_label_values(&[kind]), count);
        }
    }
}

impl Exposition for Telemetry {
    fn text(&self, api: &Api) -> String {
        let _reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let stats = api.answers.stats();
        for (how, count) in
            [("remembered", stats.remembered), ("worked_out", stats.worked_out), ("shared", stats.shared)]
        {
            bring_to(&self.answers.with_label_values(&[how]), count);
        }
        let stats = api.live.stats();
        self.listeners.set(stats.listeners as f64);
        for (what, count) in
            [("written", stats.written), ("delivered", stats.delivered), ("left_out", stats.left_out)]
        {
            bring_to(&self.live_events.with_label_values(&[what]), count);
        }
        if let Some(taken_at) = api.snapshots.taken_at() {
            let age_us = api.clock.now().micros() - taken_at.micros();
            self.snapshot_age.set(age_us as f64 / SECOND_US as f64);
        }
        if let Some((redis, figures)) = &self.redis {
            figures.read(redis);
        }
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_default()
    }
}

/// Counts only grow, here and where they come from.
fn bring_to(counter: &IntCounter, count: u64) {
    counter.inc_by(count.saturating_sub(counter.get()));
}
