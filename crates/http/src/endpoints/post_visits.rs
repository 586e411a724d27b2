//! `POST /visits`: one visit of a page.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::post_events::one;
use crate::Api;
use crate::body::{self, Format};
use crate::problem::Problem;

pub(super) async fn handle(
    request: HttpRequest,
    payload: Payload,
    api: Data<Api>,
) -> Result<HttpResponse, Problem> {
    let (_, body) = body::read(&request, payload, &[Format::Json], api.limits).await?;
    Ok(one(&api.ingest.visit(&body).await?))
}
