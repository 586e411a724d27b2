//! `GET /events/{event_id}`: one stored event.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use footfall_domain::event::EventId;
use serde_json::{Value, json};

use crate::openapi::{Operation, StoredEvent, Tag, parameters, schemas};
use crate::params::Params;
use crate::problem::{Kind, Problem};
use crate::{Api, answer};

pub(super) async fn handle(
    request: HttpRequest,
    path: Path<String>,
    api: Data<Api>,
) -> Result<HttpResponse, Problem> {
    Params::none(&request)?;
    // What is no UUID is no event's: not found, as any other that isn't there.
    let event = match EventId::parse(&path) {
        Some(id) => api.log.event(id).await?,
        None => None,
    };
    let Some(event) = event else {
        return Err(Problem::new(Kind::NotFound, "no event of this id is stored"));
    };
    let mut body = Vec::new();
    event.get().write_json(&mut body);
    Ok(answer::json_bytes(StatusCode::OK, body))
}

pub(super) fn describe() -> Operation {
    let id = schemas::formatted("uuid", "In any common spelling of a UUID.");
    let id = parameters::path("event_id", "The event's id.", id, "3f0d1c52-6a1e-4f0b-9d65-0c1b7a2e4d10");
    Operation::new(Tag::Events, "getEvent", "One event", "Also 404 for what is no UUID.")
        .takes(id)
        .asks_nothing()
        .answers::<StoredEvent>(200, "The event.", example())
        .refuses(&[Kind::NotFound])
}

/// An event as it is answered.
pub(super) fn example() -> Value {
    json!({
        "event_id": "3f0d1c52-6a1e-4f0b-9d65-0c1b7a2e4d10",
        "user_id": "ann",
        "event_type": "page_view",
        "timestamp": "2025-05-26T14:03:11.000000Z",
        "properties": { "page": "https://shop.example/shoes" }
    })
}
