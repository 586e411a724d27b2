//! `GET /analytics/pages`: the pages with the most visitors or views.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use footfall_domain::answers::PageOrder;
use footfall_domain::time::{TimeRange, Timestamp};
use footfall_services::Question;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::openapi::{Operation, Tag, parameters};
use crate::params::Params;
use crate::problem::Problem;
use crate::{Api, answer};

const LIMIT: usize = 20;
const LIMIT_MAX: usize = 1_000;

/// The pages with the most visitors or views.
#[derive(Serialize, ToSchema)]
#[schema(as = Pages)]
struct Answer {
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    to: Timestamp,
    pages: Vec<Ranked>,
}

/// A page with its figures.
#[derive(Serialize, ToSchema)]
#[schema(as = RankedPage)]
struct Ranked {
    /// In its normal form.
    url: String,
    distinct_visitors: u64,
    page_views: u64,
}

pub(super) async fn handle(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse, Problem> {
    let mut params = Params::of(&request, &["window", "from", "to", "limit", "order"]);
    let orders = [("visitors", PageOrder::Visitors), ("views", PageOrder::Views)];
    let order = params.choice("order", &orders).unwrap_or(PageOrder::Visitors);
    let limit = params.limit(LIMIT, LIMIT_MAX);
    let asked = params.window_or_range(api.clock.now());
    let asked = params.done(asked)?;
    let question =
        Question { what: format!("pages|{order:?}|{limit}"), window: asked.window, range: asked.range };
    let pages = pages(&api, asked.range, order, limit);
    Ok(answer::remembered(api.answers.answer(&question, pages).await?))
}

pub(super) fn describe() -> Operation {
    Operation::new(
        Tag::Analytics,
        "listPages",
        "The pages with the most visitors",
        "Most first, ties by `url` in byte order.",
    )
    .asks(parameters::window_or_range())
    .asks([
        parameters::limit(LIMIT, LIMIT_MAX),
        parameters::choice("order", "Most of what first.", ["visitors", "views"], Some("visitors")),
    ])
    .answers::<Answer>(
        200,
        "The pages.",
        json!({
            "from": "2025-05-26T00:00:00.000000Z", "to": "2025-05-27T00:00:00.000000Z",
            "pages": [{ "url": "https://shop.example/shoes", "distinct_visitors": 2, "page_views": 3 }]
        }),
    )
    .with_header(200, "Age", answer::age_header())
}

async fn pages(api: &Api, range: TimeRange, order: PageOrder, limit: usize) -> Result<Vec<u8>, Problem> {
    let pages = api.analytics.top_pages(range, order, limit).await?;
    let pages = pages.into_iter().map(|page| Ranked {
        url: page.url,
        distinct_visitors: page.counts.distinct_visitors,
        page_views: page.counts.page_views,
    });
    answer::to_json(&Answer { from: range.from(), to: range.to(), pages: pages.collect() })
}
