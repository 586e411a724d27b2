//! `GET /segments/{title}/count`: how many users are in a segment now.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use crate::params::Params;
use crate::problem::Problem;
use crate::{Api, answer, path};

#[derive(Serialize)]
struct Answer {
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
