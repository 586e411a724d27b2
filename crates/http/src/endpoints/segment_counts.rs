//! `GET /segments/count`: how many users are in each segment, as of the snapshot.

use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, LAST_MODIFIED};
use actix_web::web::{Bytes, Data};
use footfall_ports::Snapshot;

use crate::params::Params;
use crate::problem::Problem;
use crate::{Api, answer};

pub(super) async fn handle(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse, Problem> {
    Params::none(&request)?;
    Ok(snapshot(api.snapshots.current().await?))
}

/// The snapshot and its time. Whoever keeps a copy is to ask whether it still stands.
pub(super) fn snapshot(snapshot: Snapshot) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, HeaderValue::from_static("application/json")))
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-cache")))
        .insert_header((LAST_MODIFIED, answer::http_date(snapshot.taken_at)))
        .body(Bytes::from_owner(snapshot.bytes))
}
