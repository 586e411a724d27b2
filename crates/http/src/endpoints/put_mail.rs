//! `PUT /events/{domain}/delivered` and `…/bounced`: a mail, told without a body.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use footfall_domain::event::EventId;
use footfall_domain::mail::Mail;
use footfall_domain::problem::{Code, FieldError};
use utoipa::openapi::ResponseBuilder;

use crate::openapi::{Operation, Tag, parameters, schemas};
use crate::params::Params;
use crate::problem::{Kind, Problem};
use crate::{Api, body, path};

const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

pub(super) async fn delivered(
    request: HttpRequest,
    payload: Payload,
    api: Data<Api>,
) -> Result<HttpResponse, Problem> {
    handle(Mail::Delivered, &request, payload, &api).await
}

pub(super) async fn bounced(
    request: HttpRequest,
    payload: Payload,
    api: Data<Api>,
) -> Result<HttpResponse, Problem> {
    handle(Mail::Bounced, &request, payload, &api).await
}

pub(super) fn describe_delivered() -> Operation {
    describe("tellDelivery", "A mail was delivered", "One `delivered` event at this moment.")
}

pub(super) fn describe_bounced() -> Operation {
    describe("tellBounce", "A mail bounced", "One `bounced` event at this moment.")
}

fn describe(id: &str, summary: &str, what: &str) -> Operation {
    let description = format!("{what} A body is ignored. In bulk: `POST /events`.");
    let key = schemas::formatted(
        "uuid",
        "Becomes the event's id. Sent again it counts once; for another event it is refused with 422.",
    );
    Operation::new(Tag::Domains, id, summary, &description)
        .takes(parameters::domain_in_path())
        .takes(parameters::header(IDEMPOTENCY_KEY, "A UUID under which this counts once.", key))
        .asks_nothing()
        .takes_body()
        .answers_with(204, ResponseBuilder::new().description("Stored."))
        .refuses(&[Kind::InvalidHeader, Kind::Invalid])
}

async fn handle(
    mail: Mail,
    request: &HttpRequest,
    payload: Payload,
    api: &Api,
) -> Result<HttpResponse, Problem> {
    body::discard(request, payload, api.limits).await?;
    Params::none(request)?;
    let key = key_of(request)?;
    api.ingest.mail(mail, &path::domain(path::part(request, 1))?, key).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The event's identity, where the client gives one. (As in draft-ietf-httpapi-idempotency-key-header the value may stand in
/// quotes.)
fn key_of(request: &HttpRequest) -> Result<Option<EventId>, Problem> {
    let mut values = request.headers().get_all(IDEMPOTENCY_KEY);
    let Some(value) = values.next() else { return Ok(None) };
    let key = value.to_str().ok().and_then(|key| EventId::parse(key.trim().trim_matches('"')));
    match key {
        Some(key) if values.next().is_none() => Ok(Some(key)),
        _ => Err(Problem::header(FieldError::new("header:Idempotency-Key", Code::NotAUuid, "is one UUID"))),
    }
}
