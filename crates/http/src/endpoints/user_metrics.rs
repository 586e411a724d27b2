//! `GET /metrics/users`: users' activity by window, page by page.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use footfall_domain::problem::Code;
use footfall_domain::time::Timestamp;
use footfall_domain::windows::MetricFilter;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::openapi::{Operation, Tag, parameters};
use crate::params::Params;
use crate::problem::Problem;
use crate::{Api, answer, cursor};

const LIMIT: usize = 100;
const LIMIT_MAX: usize = 1_000;

/// Users' activity, by window and then by the bytes of `user_id`.
#[derive(Serialize, ToSchema)]
#[schema(as = UserMetrics)]
struct Answer {
    metrics: Vec<Row>,
    /// Where the next answer goes on; `null` at the end.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// What a user did in a window.
#[derive(Serialize, ToSchema)]
#[schema(as = UserMetric)]
struct Row {
    user_id: String,
    event_count: u64,
    #[schema(value_type = String, format = DateTime)]
    window_start_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    window_end_at: Timestamp,
    /// When it was first computed.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

pub(super) async fn handle(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse, Problem> {
    let mut params = Params::of(&request, &["user_id", "from", "to", "limit", "cursor"]);
    let user = params.take("user_id");
    let limit = params.limit(LIMIT, LIMIT_MAX);
    let after = params.take("cursor").map(|word| cursor::read_metric(&word));
    if after == Some(None) {
        params.error("cursor", Code::BadCursor, "is not a cursor of this list");
    }
    let range = params.open_range();
    let filter = params.done(range.map(|range| MetricFilter { user, range }))?;
    // One more than asked for tells whether there is a next page.
    let mut rows = api.metrics.user_metrics(filter, after.flatten(), limit + 1).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| more);
    let next_cursor = last.map(|row| cursor::write_metric(row.window, &row.user));
    let row = |row: footfall_domain::windows::UserMetric| Row {
        user_id: row.user,
        event_count: row.events,
        window_start_at: row.window.start(),
        window_end_at: row.window.end(),
        created_at: row.created_at,
    };
    answer::json(&Answer { metrics: rows.into_iter().map(row).collect(), next_cursor })
}

pub(super) fn describe() -> Operation {
    Operation::new(
        Tag::Metrics,
        "listUserMetrics",
        "What users did in each window",
        "Windows of four hours, `[00,04)` to `[20,24)` UTC. `from` and `to` choose the windows that begin in the range.",
    )
    .asks([parameters::user_id()])
    .asks(parameters::open_range())
    .asks([parameters::limit(LIMIT, LIMIT_MAX), parameters::cursor()])
    .answers::<Answer>(
        200,
        "A page of the list.",
        json!({
            "metrics": [{
                "user_id": "bob", "event_count": 3, "window_start_at": "2025-05-26T12:00:00.000000Z",
                "window_end_at": "2025-05-26T16:00:00.000000Z", "created_at": "2025-05-26T16:01:00.104233Z"
            }],
            "next_cursor": null
        }),
    )
    .leads_to(200, "listUserMetrics", "cursor", "/next_cursor")
}
