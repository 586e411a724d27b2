//! `GET /analytics/summary`: totals by type, user and hour.

use std::collections::BTreeMap;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use footfall_domain::answers::hours_of;
use footfall_domain::problem::Code;
use footfall_domain::time::{HOUR_US, Timestamp};
use footfall_services::Question;
use serde::Serialize;

use crate::params::{Asked, Params};
use crate::problem::Problem;
use crate::{Api, answer};

/// Most hours that one answer lists: more than eleven years of them.
const HOURS_MAX: usize = 100_000;

#[derive(Serialize)]
struct Answer {
    time_window: Option<&'static str>,
    from: Timestamp,
    to: Timestamp,
    total_events: u64,
    events_by_type: BTreeMap<String, u64>,
    unique_users: u64,
    events_per_hour: Vec<Hour>,
}

#[derive(Serialize)]
struct Hour {
    hour: String,
    count: u64,
}

pub(super) async fn handle(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse, Problem> {
    let mut params = Params::of(&request, &["window", "from", "to"]);
    let asked = params.window_or_range(api.clock.now());
    if asked.as_ref().is_some_and(|asked| hours_of(asked.range).1 > HOURS_MAX) {
        params.error("from", Code::OutOfRange, format!("the range spans more than {HOURS_MAX} hours"));
    }
    let asked = params.done(asked)?;
    let question = Question { what: "summary".into(), window: asked.window, range: asked.range };
    Ok(answer::remembered(api.answers.answer(&question, summary(&api, &asked)).await?))
}

async fn summary(api: &Api, asked: &Asked) -> Result<Vec<u8>, Problem> {
    let summary = api.analytics.summary(asked.range).await?;
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

/// Hours alone are written without a fraction.
fn hour_name(first: Timestamp, index: usize) -> String {
    let mut name = first.plus_micros(index as i64 * HOUR_US).to_string();
    name.replace_range("2025-05-26T14:00:00".len().., "Z");
    name
}
