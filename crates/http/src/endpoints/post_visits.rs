//! `POST /visits`: one visit of a page.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::post_events;
use crate::body::{self, Format};
use crate::problem::Problem;
use crate::{Api, answer};

pub(super) async fn handle(
    request: HttpRequest,
    payload: Payload,
    api: Data<Api>,
) -> Result<HttpResponse, Problem> {
    let (_, body) = body::read(&request, payload, &[Format::Json], api.limits).await?;
    let (status, body) = post_events::one(&api.ingest.visit(&body).await?);
    Ok(answer::json_bytes(status, body))
}
