//! What the server does by itself at its times. Each instance does it: the store sees to it that doing it at once is safe, and
//! that who comes second finds little to do.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::web::Data;
use footfall_domain::windows::Due;
use footfall_http::Api;
use footfall_services::Schedule;
use futures_util::FutureExt;
use tokio::sync::watch;

use crate::cli::chain;
use crate::config::Config;
use crate::telemetry::{Job, Telemetry};

/// How often memberships that ended are looked for.
const FORGET_INTERVAL: Duration = Duration::from_hours(1);
/// How often it is looked whether anyone still listens.
const REST_INTERVAL: Duration = Duration::from_secs(10);
/// After how long a job is tried again that failed and wouldn't come again soon.
const RETRY_AFTER: Duration = Duration::from_secs(30);
/// How long a job sleeps at a time: a clock that is set is noticed then.
const NAP: Duration = Duration::from_mins(1);

/// Starts the jobs that the configuration asks for. They end with the runtime.
pub(crate) fn start(
    config: &Config,
    api: &Data<Api>,
    telemetry: &Arc<Telemetry>,
    redis_returns: Option<watch::Receiver<u64>>,
) {
    if let Some(schedule) = config.metrics.schedule.clone() {
        actix_web::rt::spawn(calculate_metrics(schedule, api.clone(), telemetry.clone()));
    }
    if let Some(schedule) = config.segments.schedule.clone() {
        actix_web::rt::spawn(refresh_segments(schedule, api.clone(), telemetry.clone()));
    }
    actix_web::rt::spawn(forget_ended(api.clone(), telemetry.clone()));
    actix_web::rt::spawn(fan_out(api.clone()));
    actix_web::rt::spawn(rest(api.clone()));
    if let Some(returns) = redis_returns {
        actix_web::rt::spawn(share_again(returns, api.clone()));
    }
}

async fn calculate_metrics(schedule: Schedule, api: Data<Api>, telemetry: Arc<Telemetry>) {
    let mut is_due = wait(&schedule, &api).await;
    while is_due {
        let calculate = api.metrics.calculate_metrics(Due::Latest, api.clock.now());
        let computed = counted(&telemetry, &api, Job::CalculateMetrics, calculate).await;
        let failed = computed.is_err();
        match computed {
            Ok(windows) => tracing::info!(windows = windows.len(), "computed users' activity"),
            Err(error) => tracing::error!(error = chain(&error), "users' activity can't be computed now"),
        }
        is_due = if failed {
            // The next time may be hours away.
            tokio::time::sleep(RETRY_AFTER).await;
            true
        } else {
            wait(&schedule, &api).await
        };
    }
}

async fn refresh_segments(schedule: Schedule, api: Data<Api>, telemetry: Arc<Telemetry>) {
    while wait(&schedule, &api).await {
        let refreshed = counted(&telemetry, &api, Job::RefreshSegments, api.snapshots.refresh()).await;
        match refreshed {
            Ok(snapshot) => tracing::debug!(taken_at = %snapshot.taken_at, "counted the segments"),
            Err(error) => tracing::error!(error = chain(&error), "the segments can't be counted now"),
        }
    }
}

async fn forget_ended(api: Data<Api>, telemetry: Arc<Telemetry>) {
    loop {
        tokio::time::sleep(FORGET_INTERVAL).await;
        let forget = api.segments.forget_ended(api.clock.now());
        let forgotten = counted(&telemetry, &api, Job::ForgetEndedMemberships, forget).await;
        match forgotten {
            Ok(0) => {}
            Ok(forgotten) => tracing::info!(forgotten, "forgot memberships that ended"),
            Err(error) => {
                tracing::warn!(error = chain(&error), "memberships that ended can't be forgotten now");
            }
        }
    }
}

/// Runs a job, and counts the run.
async fn counted<T, E>(
    telemetry: &Telemetry,
    api: &Api,
    job: Job,
    run: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let began = Instant::now();
    let result = run.await;
    telemetry.job(job, began.elapsed(), result.is_ok().then(|| api.clock.now()));
    result
}

/// Gives events to listeners, whatever one of them holds.
async fn fan_out(api: Data<Api>) {
    loop {
        // What it was about is a gap for nobody knows whom: all that listen come back and go on where they were.
        if AssertUnwindSafe(api.live.clone().run()).catch_unwind().await.is_err() {
            tracing::error!("giving events to listeners failed; they are disconnected, and it begins anew");
            api.live.disconnect();
        }
    }
}

async fn rest(api: Data<Api>) {
    loop {
        tokio::time::sleep(REST_INTERVAL).await;
        api.live.rest().await;
    }
}

async fn share_again(mut returns: watch::Receiver<u64>, api: Data<Api>) {
    while returns.changed().await.is_ok() {
        if let Err(error) = api.snapshots.share_again().await {
            tracing::debug!(error = chain(&error), "the snapshot is not shared again");
        }
    }
}

/// Waits until it is due; false when it never is again.
async fn wait(schedule: &Schedule, api: &Api) -> bool {
    let Some(mut due) = schedule.next_after(api.clock.now()) else { return false };
    loop {
        let now = api.clock.now();
        // A clock that was set back: sooner than was thought.
        if let Some(next) = schedule.next_after(now) {
            due = due.min(next);
        }
        let left_us = due.micros() - now.micros();
        if left_us <= 0 {
            return true;
        }
        tokio::time::sleep(NAP.min(Duration::from_micros(left_us.unsigned_abs()))).await;
    }
}
