//! `GET /segments/{title}/count`: how many users are in a segment now.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::openapi::{Operation, Tag, parameters};
use crate::params::Params;
use crate::problem::{Kind, Problem};
use crate::{Api, answer, path};

/// A segment and how many users are in it.
#[derive(Serialize, ToSchema)]
#[schema(as = SegmentCount)]
pub(super) struct Answer {
    title: String,
    #[serde(rename = "usersCount")]
    users: u64,
}

pub(super) async fn handle(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse, Problem> {
    Params::none(&request)?;
    let title = path::title(path::part(&request, 1))?;
    let users = api.segments.segment_count(title.clone(), api.clock.now()).await?;
    answer::json(&Answer { title, users })
}

pub(super) fn describe() -> Operation {
    Operation::new(
        Tag::Users,
        "countSegment",
        "How many users are in a segment",
        "As of now, and not of the snapshot. A segment never seen has 0.",
    )
    .takes(parameters::name_in_path("title", "The segment's title, percent-encoded.", "regulars"))
    .asks_nothing()
    .answers::<Answer>(200, "The count.", json!({ "title": "regulars", "usersCount": 2 }))
    .refuses(&[Kind::Invalid])
}
