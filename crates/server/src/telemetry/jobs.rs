//! What is counted of jobs.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use footfall_domain::time::{SECOND_US, Timestamp};
use footfall_ports::{Histogram, TIME_BOUNDS_US};

use super::families::{Families, MICROS};

/// A job that is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Job {
    CalculateMetrics,
    RefreshSegments,
    ForgetEndedMemberships,
}

impl Job {
    const ALL: [Self; 3] = [Self::CalculateMetrics, Self::RefreshSegments, Self::ForgetEndedMemberships];

    const fn name(self) -> &'static str {
        match self {
            Self::CalculateMetrics => "calculate_metrics",
            Self::RefreshSegments => "refresh_segments",
            Self::ForgetEndedMemberships => "forget_ended_memberships",
        }
    }
}

/// The runs of all jobs.
pub(super) struct JobRuns([Runs; Job::ALL.len()]);

struct Runs {
    succeeded: AtomicU64,
    failed: AtomicU64,
    took_us: Histogram,
    /// When the last one ended that succeeded; 0: none has.
    succeeded_at_us: AtomicI64,
}

impl Default for JobRuns {
    fn default() -> Self {
        Self(Job::ALL.map(|_| Runs {
            succeeded: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            took_us: Histogram::new(TIME_BOUNDS_US),
            succeeded_at_us: AtomicI64::new(0),
        }))
    }
}

impl JobRuns {
    pub(super) fn note(&self, job: Job, took: Duration, succeeded_at: Option<Timestamp>) {
        let runs = &self.0[job as usize];
        runs.took_us.add(took.as_micros() as u64);
        match succeeded_at {
            Some(at) => {
                runs.succeeded.fetch_add(1, Ordering::Relaxed);
                runs.succeeded_at_us.store(at.micros(), Ordering::Relaxed);
            }
            None => {
                runs.failed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    pub(super) fn expose(&self, families: &mut Families) {
        let all = || Job::ALL.iter().map(|job| (job.name(), &self.0[*job as usize]));
        let mut counts =
            families.counter("footfall_job_runs_total", "Scheduled jobs that were run here, by outcome.");
        for (job, runs) in all() {
            for (outcome, count) in [("success", &runs.succeeded), ("failure", &runs.failed)] {
                counts.value(&[("name", job), ("outcome", outcome)], count.load(Ordering::Relaxed));
            }
        }
        let mut times =
            families.histogram("footfall_job_duration_seconds", "How long runs of scheduled jobs took.");
        for (job, runs) in all() {
            times.distribution(&[("name", job)], &runs.took_us.read(), MICROS);
        }
        let mut last = families.gauge(
            "footfall_job_last_success_timestamp_seconds",
            "When the last run of a scheduled job ended here that succeeded, in Unix time; absent before.",
        );
        for (job, runs) in all() {
            let at_us = runs.succeeded_at_us.load(Ordering::Relaxed);
            if at_us != 0 {
                last.value(&[("name", job)], at_us as f64 / SECOND_US as f64);
            }
        }
    }
}
