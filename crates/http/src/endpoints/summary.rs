//! `GET /analytics/summary`: totals by type, user and hour.

use std::collections::BTreeMap;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use footfall_domain::answers::{Metric, SeriesFilter, Summary, hours_of};
use footfall_domain::problem::Code;
use footfall_domain::time::{HOUR_US, TimeRange, Timestamp};
use footfall_domain::types::PAGE_VIEW;
use footfall_services::Question;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::openapi::{Operation, Tag, parameters};
use crate::params::{Asked, Params};
use crate::problem::Problem;
use crate::{Api, answer};

/// Most hours that one answer lists: more than eleven years of them.
const HOURS_MAX: usize = 100_000;

/// Totals of a range.
#[derive(Serialize, ToSchema)]
#[schema(as = Summary)]
struct Answer {
    /// The window that was asked for, or `null` for a range.
    #[schema(required = true)]
    time_window: Option<&'static str>,
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    to: Timestamp,
    total_events: u64,
    /// Types without events are absent.
    events_by_type: BTreeMap<String, u64>,
    /// Distinct users.
    unique_users: u64,
    /// Every UTC hour that the range touches.
    events_per_hour: Vec<Hour>,
}

/// An hour, and the events of it that lie in the range.
#[derive(Serialize, ToSchema)]
struct Hour {
    #[schema(format = DateTime)]
    hour: String,
    count: u64,
}

pub(super) async fn handle(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse, Problem> {
    let mut params = Params::of(&request, &["window", "from", "to", "event_type", "page"]);
    let asked = params.window_or_range(api.clock.now());
    if asked.as_ref().is_some_and(|asked| hours_of(asked.range).1 > HOURS_MAX) {
        params.error("from", Code::OutOfRange, format!("the range spans more than {HOURS_MAX} hours"));
    }
    let page = params.page("page", &api.ingest.rules().pages);
    let filter = SeriesFilter { event_type: params.take("event_type"), page };
    let asked = params.done(asked)?;
    let what = if is_none(&filter) { "summary".to_owned() } else { format!("summary|{filter:?}") };
    let question = Question { what, window: asked.window, range: asked.range };
    Ok(answer::remembered(api.answers.answer(&question, summary(&api, &asked, filter)).await?))
}

pub(super) fn describe() -> Operation {
    Operation::new(
        Tag::Analytics,
        "getSummary",
        "Totals by type, user and hour",
        "A window ends at the next full second and begins so many hours before that, down to the full minute. The figures are \
         exact for `[from, to)`, whatever its bounds. A range may touch at most 100,000 hours.",
    )
    .asks(parameters::window_or_range())
    .asks([parameters::event_type(), parameters::page("page", "Only views of this page.")])
    .answers::<Answer>(
        200,
        "The totals.",
        json!({
            "time_window": null, "from": "2025-05-26T13:30:00.000000Z", "to": "2025-05-26T15:00:00.000000Z",
            "total_events": 3, "events_by_type": { "click": 1, "page_view": 2 }, "unique_users": 2,
            "events_per_hour": [
                { "hour": "2025-05-26T13:00:00Z", "count": 0 }, { "hour": "2025-05-26T14:00:00Z", "count": 3 }
            ]
        }),
    )
    .with_header(200, "Age", answer::age_header())
}

fn is_none(filter: &SeriesFilter) -> bool {
    *filter == SeriesFilter::default()
}

async fn summary(api: &Api, asked: &Asked, filter: SeriesFilter) -> Result<Vec<u8>, Problem> {
    let summary = if is_none(&filter) {
        api.analytics.summary(asked.range).await?
    } else {
        filtered(api, asked.range, filter).await?
    };
    let (first, _) = hours_of(asked.range);
    let hour = |(index, count): (usize, u64)| Hour { hour: hour_name(first, index), count };
    answer::to_json(&Answer {
        time_window: asked.window,
        from: asked.range.from(),
        to: asked.range.to(),
        total_events: summary.total_events,
        events_by_type: summary.events_by_type,
        unique_users: summary.unique_users,
        events_per_hour: summary.events_per_hour.into_iter().enumerate().map(hour).collect(),
    })
}

/// The totals of one type or page.
async fn filtered(api: &Api, range: TimeRange, filter: SeriesFilter) -> Result<Summary, Problem> {
    let (first, hours) = hours_of(range);
    let hour = |index: usize| {
        let start = first.plus_micros(index as i64 * HOUR_US);
        TimeRange::new(start.max(range.from()), start.plus_micros(HOUR_US).min(range.to()))
    };
    let ranges: Vec<TimeRange> = (0..hours).filter_map(hour).collect();
    let events_per_hour = api.analytics.series(Metric::Events, filter.clone(), ranges).await?;
    let users = api.analytics.series(Metric::Visitors, filter.clone(), vec![range]).await?;
    let total_events = events_per_hour.iter().sum();
    // Only page views have a page.
    let event_type = filter.event_type.unwrap_or_else(|| PAGE_VIEW.to_owned());
    let events_by_type = (total_events > 0).then_some((event_type, total_events)).into_iter().collect();
    let unique_users = users.first().copied().unwrap_or_default();
    Ok(Summary { total_events, events_by_type, unique_users, events_per_hour })
}

/// Hours alone are written without a fraction.
fn hour_name(first: Timestamp, index: usize) -> String {
    let mut name = first.plus_micros(index as i64 * HOUR_US).to_string();
    name.replace_range("2025-05-26T14:00:00".len().., "Z");
    name
}
