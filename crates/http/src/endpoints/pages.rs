//! `GET /analytics/pages`: the pages with the most visitors or views.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use footfall_domain::answers::PageOrder;
use footfall_domain::time::{TimeRange, Timestamp};
use footfall_services::Question;
use serde::Serialize;

use crate::params::Params;
use crate::problem::Problem;
use crate::{Api, answer};

const LIMIT: usize = 20;
const LIMIT_MAX: usize = 1_000;

#[derive(Serialize)]
struct Answer {
    from: Timestamp,
    to: Timestamp,
    pages: Vec<Ranked>,
}

#[derive(Serialize)]
struct Ranked {
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

async fn pages(api: &Api, range: TimeRange, order: PageOrder, limit: usize) -> Result<Vec<u8>, Problem> {
    let pages = api.analytics.top_pages(range, order, limit).await?;
    let pages = pages.into_iter().map(|page| Ranked {
        url: page.url,
        distinct_visitors: page.counts.distinct_visitors,
        page_views: page.counts.page_views,
    });
    answer::to_json(&Answer { from: range.from(), to: range.to(), pages: pages.collect() })
}
