//! `GET /analytics/visitors`: distinct visitors and views of one page.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use footfall_domain::problem::Code;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::openapi::{Operation, Tag, parameters};
use crate::params::Params;
use crate::problem::Problem;
use crate::{Api, answer};

/// A page with its figures.
#[derive(Serialize, ToSchema)]
#[schema(as = PageFigures)]
struct Answer {
    /// In its normal form.
    url: String,
    distinct_visitors: u64,
    page_views: u64,
}

pub(super) async fn handle(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse, Problem> {
    let mut params = Params::of(&request, &["url", "from", "to"]);
    if !params.has("url") {
        params.error("url", Code::Required, "is required");
    }
    let url = params.page("url", &api.ingest.rules().pages);
    let range = params.open_range();
    let (url, range) = params.done(url.zip(range))?;
    let counts = api.analytics.page(url.clone(), range).await?;
    answer::json(&Answer { url, distinct_visitors: counts.distinct_visitors, page_views: counts.page_views })
}

pub(super) fn describe() -> Operation {
    let url = parameters::page("url", "The page, in any spelling.");
    Operation::new(
        Tag::Analytics,
        "countVisitors",
        "Distinct visitors and views of a page",
        "A page never seen has 0 and 0.",
    )
    .asks([parameters::required(url, "https://shop.example/shoes")])
    .asks(parameters::open_range())
    .answers::<Answer>(
        200,
        "The figures.",
        json!({ "url": "https://shop.example/shoes", "distinct_visitors": 2, "page_views": 3 }),
    )
}
