//! `POST /segments/refresh`: takes the snapshot of the segments' counts now.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::segment_counts::{self, snapshot};
use crate::openapi::{Operation, Tag};
use crate::params::Params;
use crate::problem::Problem;
use crate::{Api, body};

pub(super) async fn handle(
    request: HttpRequest,
    payload: Payload,
    api: Data<Api>,
) -> Result<HttpResponse, Problem> {
    body::discard(&request, payload, api.limits).await?;
    Params::none(&request)?;
    Ok(snapshot(&api, api.snapshots.refresh().await?))
}

pub(super) fn describe() -> Operation {
    let operation = Operation::new(
        Tag::Users,
        "refreshSegments",
        "Take the snapshot of the counts now",
        "A body is ignored.",
    );
    segment_counts::answers_snapshot(operation.asks_nothing().takes_body())
}
