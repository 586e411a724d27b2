//! `POST /metrics/calculate`: computes users' activity in the windows that are due.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use footfall_domain::time::Timestamp;
use footfall_domain::windows::{Due, WindowTotals};
use serde::Serialize;

use crate::params::Params;
use crate::problem::Problem;
use crate::{Api, answer, body};

#[derive(Serialize)]
struct Answer {
    windows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    window_start_at: Timestamp,
    window_end_at: Timestamp,
    users: u64,
    events: u64,
}

pub(super) async fn handle(
    request: HttpRequest,
    payload: Payload,
    api: Data<Api>,
) -> Result<HttpResponse, Problem> {
    body::discard(&request, payload, api.limits).await?;
    let mut params = Params::of(&request, &["from", "to"]);
    let due = if params.has("from") || params.has("to") {
        params.closed_range().map(Due::Within)
    } else {
        Some(Due::Latest)
    };
    let due = params.done(due)?;
    let totals = api.metrics.calculate_metrics(due, api.clock.now()).await?;
    let window = |WindowTotals { window, users, events }| Row {
        window_start_at: window.start(),
        window_end_at: window.end(),
        users,
        events,
    };
    answer::json(&Answer { windows: totals.into_iter().map(window).collect() })
}
