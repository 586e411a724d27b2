//! `GET /metrics/users`: users' activity by window, page by page.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use footfall_domain::problem::Code;
use footfall_domain::time::Timestamp;
use footfall_domain::windows::MetricFilter;
use serde::Serialize;

use crate::params::Params;
use crate::problem::Problem;
use crate::{Api, answer, cursor};

const LIMIT: usize = 100;
const LIMIT_MAX: usize = 1_000;

#[derive(Serialize)]
struct Answer {
    metrics: Vec<Row>,
    next_cursor: Option<String>,
}

#[derive(Serialize)]
struct Row {
    user_id: String,
    event_count: u64,
    window_start_at: Timestamp,
    window_end_at: Timestamp,
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
