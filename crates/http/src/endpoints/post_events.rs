//! `POST /events`: one event, an array, or newline-delimited JSON.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use footfall_ports::Outcome;
use footfall_services::{BatchReport, Item, Verdict};
use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::Object;
use utoipa::openapi::content::{Content, ContentBuilder};

use crate::Api;
use crate::answer;
use crate::body::{self, Format};
use crate::openapi::schemas::{self, BatchReport as Report, EventsProblem};
use crate::openapi::{NewEvent, Operation, Tag};
use crate::params::Params;
use crate::problem::{Kind, Problem};

/// A status and a body of JSON.
type Answer = (StatusCode, Vec<u8>);

/// What became of one event.
#[derive(ToSchema)]
#[schema(as = Accepted)]
#[expect(dead_code, reason = "only its schema is used: the answer is written by hand")]
pub(super) struct Accepted {
    /// Its id: the one that was sent, or a new one.
    #[schema(format = "uuid")]
    event_id: String,
    #[schema(schema_with = statuses)]
    status: String,
}

fn statuses() -> Object {
    schemas::words(["accepted", "duplicate"], "`duplicate`: it was stored before, and counts no more.")
        .build()
}

pub(super) async fn handle(
    request: HttpRequest,
    payload: Payload,
    api: Data<Api>,
) -> Result<HttpResponse, Problem> {
    let formats = [Format::Json, Format::Ndjson];
    let (format, body) = body::read(&request, payload, &formats, api.limits).await?;
    Params::none(&request)?;
    let (status, body) = match format {
        Format::Ndjson => batch(api.ingest.ndjson(&body).await?)?,
        Format::Json => json(&api, &body).await?,
    };
    Ok(answer::json_bytes(status, body))
}

pub(super) fn describe() -> Operation {
    let id = "3f0d1c52-6a1e-4f0b-9d65-0c1b7a2e4d10";
    Operation::new(
        Tag::Events,
        "sendEvents",
        "Send events",
        "One event, an array of 1 to 10,000, or newline-delimited JSON. Success means stored, and in the answer to the next \
         question.\n\n- **One event**: 201; stored before: 200 with `duplicate`; not valid: 422.\n- **A batch**: 200 and a \
         report. Valid events are stored though others are not; if none is valid, 422 with the report's members. Over the limits \
         it is refused whole.\n- **An `event_id` counts once**, whoever sends it, however often.",
    )
    .asks_nothing()
    .defines::<NewEvent>()
    .reads("The events. Without a `Content-Type` it is taken for JSON.", bodies())
    .answers::<Accepted>(201, "One event, stored now.", json!({ "event_id": id, "status": "accepted" }))
    .leads_to(201, "getEvent", "event_id", "/event_id")
    .answers_either::<Accepted, Report>(
        200,
        "A batch of which some were taken; or one event that was stored before.",
        [
            ("one", json!({ "event_id": id, "status": "duplicate" })),
            ("batch", json!({ "accepted": 3, "duplicates": 0, "rejected": 0, "errors": [] })),
        ],
    )
    .refuses_with::<EventsProblem>(Kind::Invalid, "Not valid, and nothing was stored (`invalid`).")
}

fn bodies() -> [(&'static str, Content); 3] {
    let one = json!({
        "user_id": "ann", "event_type": "page_view", "properties": { "page": "https://shop.example/shoes" }
    });
    let other = json!({ "user_id": "bob", "event_type": "purchase", "properties": { "amount": 59.9, "product_id": "shoe-42" } });
    let text = |format: &str, what: &str, example: String| {
        ContentBuilder::new()
            .schema(Some(schemas::formatted(format, what)))
            .example(Some(example.into()))
            .build()
    };
    [
        (
            "application/json",
            schemas::one_or_many::<NewEvent>(10_000, [("one", one.clone()), ("batch", json!([one, other]))]),
        ),
        (
            "application/x-ndjson",
            text("ndjson", "An event on each line; blank lines do not count.", format!("{one}\n{other}\n")),
        ),
        (
            "text/plain",
            text("json", "The same JSON as `application/json`, for browsers' `sendBeacon`.", one.to_string()),
        ),
    ]
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
