//! `POST /segments/refresh`: takes the snapshot of the segments' counts now.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::segment_counts::snapshot;
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
