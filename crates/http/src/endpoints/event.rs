//! `GET /events/{event_id}`: one stored event.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use footfall_domain::event::EventId;

use crate::problem::{Kind, Problem};
use crate::{Api, answer};

pub(super) async fn handle(path: Path<String>, api: Data<Api>) -> Result<HttpResponse, Problem> {
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
