//! `POST /events`: one event, an array, or newline-delimited JSON.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use footfall_ports::Outcome;
use footfall_services::{BatchReport, Item, Verdict};

use crate::Api;
use crate::answer;
use crate::body::{self, Format};
use crate::problem::Problem;

/// A status and a body of JSON.
type Answer = (StatusCode, Vec<u8>);

pub(super) async fn handle(
    request: HttpRequest,
    payload: Payload,
    api: Data<Api>,
) -> Result<HttpResponse, Problem> {
    let formats = [Format::Json, Format::Ndjson];
    let (format, body) = body::read(&request, payload, &formats, api.limits).await?;
    let (status, body) = match format {
        Format::Ndjson => batch(api.ingest.ndjson(&body).await?)?,
        Format::Json => json(&api, &body).await?,
    };
    Ok(answer::json_bytes(status, body))
}

/// Takes in one event or an array of them.
pub(super) async fn json(api: &Api, body: &[u8]) -> Result<Answer, Problem> {
    match api.ingest.json(body).await? {
        Item::One(verdict) => Ok(one(&verdict)),
        Item::Batch(report) => batch(report),
    }
}

/// 201 for a new event, 200 for one that was there before.
pub(super) fn one(verdict: &Verdict) -> Answer {
    let (status, word) = match verdict.outcome {
        Outcome::Stored => (StatusCode::CREATED, "accepted"),
        Outcome::Duplicate => (StatusCode::OK, "duplicate"),
    };
    let body = format!(r#"{{"event_id":"{}","status":"{word}"}}"#, verdict.event_id);
    (status, body.into_bytes())
}

fn batch(report: BatchReport) -> Result<Answer, Problem> {
    if report.accepted + report.duplicates == 0 {
        return Err(Problem::nothing_valid(report));
    }
    Ok((StatusCode::OK, answer::to_json(&report)?))
}
