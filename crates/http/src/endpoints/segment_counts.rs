//! `GET /segments/count`: how many users are in each segment, as of the snapshot.

use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, LAST_MODIFIED};
use actix_web::web::{Bytes, Data};
use footfall_ports::Snapshot;
use serde_json::json;
use utoipa::ToSchema;

use super::segment_count;
use crate::openapi::{Operation, Tag, schemas};
use crate::params::Params;
use crate::problem::Problem;
use crate::{Api, answer};

/// Every segment's count.
#[derive(ToSchema)]
#[schema(as = SegmentCounts)]
#[expect(dead_code, reason = "only its schema is used: snapshots are kept as JSON")]
struct Counts(Vec<segment_count::Answer>);

pub(super) async fn handle(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse, Problem> {
    Params::none(&request)?;
    Ok(snapshot(&api, api.snapshots.current().await?))
}

pub(super) fn describe() -> Operation {
    let operation = Operation::new(
        Tag::Users,
        "listSegments",
        "How many users are in each segment",
        "Largest first, ties by the bytes of `title`; segments without users are absent. It is the snapshot that was taken last, \
         shared by all instances.",
    );
    answers_snapshot(operation.asks_nothing())
}

/// The description of an operation that answers [`snapshot()`].
pub(super) fn answers_snapshot(operation: Operation) -> Operation {
    let taken = schemas::text("As HTTP writes times.");
    operation
        .answers::<Counts>(200, "The counts.", json!([{ "title": "regulars", "usersCount": 2 }]))
        .with_header(200, "Last-Modified", schemas::header(taken, "When the snapshot was taken."))
}

/// The snapshot and its time. Whoever keeps a copy is to ask whether it still stands.
pub(super) fn snapshot(api: &Api, snapshot: Snapshot) -> HttpResponse {
    // Not in the future, whatever another instance's clock says (RFC 9110 §8.8.2.1).
    let modified = snapshot.taken_at.min(api.clock.now());
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, HeaderValue::from_static("application/json")))
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-cache")))
        .insert_header((LAST_MODIFIED, answer::http_date(modified)))
        .body(Bytes::from_owner(snapshot.bytes))
}
