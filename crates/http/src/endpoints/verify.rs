//! `POST /verify`: are the figures what the log says?

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::openapi::{Operation, Tag};
use crate::params::Params;
use crate::problem::Problem;
use crate::{Api, answer, body};

/// Whether the figures are what the log says.
#[derive(Serialize, ToSchema)]
#[schema(as = Verdict)]
struct Answer {
    consistent: bool,
    /// At most 100 sentences for people; none if and only if it is consistent.
    differences: Vec<String>,
}

pub(super) async fn handle(
    request: HttpRequest,
    payload: Payload,
    api: Data<Api>,
) -> Result<HttpResponse, Problem> {
    body::discard(&request, payload, api.limits).await?;
    Params::none(&request)?;
    let differences = api.analytics.verify().await?;
    answer::json(&Answer { consistent: differences.is_empty(), differences })
}

pub(super) fn describe() -> Operation {
    Operation::new(
        Tag::Operations,
        "verify",
        "Hold all figures to the log",
        "Recomputes them and compares. It takes as long as reading the whole log; one runs at a time. A body is ignored.",
    )
    .asks_nothing()
    .takes_body()
    .answers::<Answer>(200, "What was found.", json!({ "consistent": true, "differences": [] }))
}
