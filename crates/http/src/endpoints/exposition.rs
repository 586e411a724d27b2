//! `GET /metrics`: what was measured, for Prometheus.

use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use utoipa::openapi::ResponseBuilder;
use utoipa::openapi::content::ContentBuilder;

use crate::Api;
use crate::openapi::schemas::text;
use crate::openapi::{Operation, Tag};
use crate::params::Params;
use crate::problem::Problem;

const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) async fn handle(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse, Problem> {
    Params::none(&request)?;
    let format = HeaderValue::from_static(FORMAT);
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, format)).body(api.exposition.text(&api)))
}

pub(super) fn describe() -> Operation {
    let lines = "# TYPE footfall_live_listeners gauge\nfootfall_live_listeners 2\n";
    let content =
        ContentBuilder::new().schema(Some(text("A metric on each line."))).example(Some(lines.into()));
    Operation::new(Tag::Operations, "getMetrics", "Metrics for Prometheus", "Of this instance.")
        .asks_nothing()
        .answers_with(
            200,
            ResponseBuilder::new().description("What was measured.").content(FORMAT, content.build()),
        )
}
