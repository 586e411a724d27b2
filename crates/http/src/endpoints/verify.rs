//! `POST /verify`: are the figures what the log says?

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use crate::params::Params;
use crate::problem::Problem;
use crate::{Api, answer};

#[derive(Serialize)]
struct Answer {
    consistent: bool,
    differences: Vec<String>,
}

pub(super) async fn handle(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse, Problem> {
    Params::none(&request)?;
    let differences = api.analytics.verify().await?;
    answer::json(&Answer { consistent: differences.is_empty(), differences })
}
