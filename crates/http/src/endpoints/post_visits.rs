//! `POST /visits`: one visit of a page.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::post_events::one;
use crate::Api;
use crate::body::{self, Format};
use crate::problem::{Kind, Problem};

pub(super) async fn handle(
    request: HttpRequest,
    payload: Payload,
    api: Data<Api>,
) -> Result<HttpResponse, Problem> {
    if body::format_of(&request)? == Format::Ndjson {
        return Err(Problem::new(Kind::UnsupportedMediaType, "send one visit as application/json"));
    }
    let body = body::read(&request, payload, api.limits).await?;
    Ok(one(&api.ingest.visit(&body).await?))
}
