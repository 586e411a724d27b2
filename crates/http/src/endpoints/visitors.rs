//! `GET /analytics/visitors`: distinct visitors and views of one page.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use footfall_domain::problem::Code;
use serde::Serialize;

use crate::params::Params;
use crate::problem::Problem;
use crate::{Api, answer};

#[derive(Serialize)]
struct Answer {
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
