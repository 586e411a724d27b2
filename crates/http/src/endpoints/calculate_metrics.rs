//! `POST /metrics/calculate`: computes users' activity in the windows that are due.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use footfall_domain::time::Timestamp;
use footfall_domain::windows::{Due, WindowTotals};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::openapi::{Operation, Tag, parameters};
use crate::params::Params;
use crate::problem::Problem;
use crate::{Api, answer, body};

/// The windows that were computed.
#[derive(Serialize, ToSchema)]
#[schema(as = CalculatedWindows)]
struct Answer {
    windows: Vec<Row>,
}

/// A window with events.
#[derive(Serialize, ToSchema)]
#[schema(as = CalculatedWindow)]
struct Row {
    #[schema(value_type = String, format = DateTime)]
    window_start_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
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

pub(super) fn describe() -> Operation {
    Operation::new(
        Tag::Metrics,
        "calculateMetrics",
        "Compute the windows that are over",
        "Without parameters the last window that is over, and every earlier one that was not computed yet or to which late events \
         came; with `from` and `to` those that lie wholly inside and are over. Again, or from many places at once, it leaves the \
         same rows. It may take as long as it needs. A body is ignored.",
    )
    .asks(parameters::range_or_none())
    .takes_body()
    .answers::<Answer>(
        200,
        "The windows with events, in order.",
        json!({ "windows": [{
            "window_start_at": "2025-05-26T12:00:00.000000Z", "window_end_at": "2025-05-26T16:00:00.000000Z",
            "users": 3, "events": 6
        }] }),
    )
}
