//! `GET /domains/{domain}`: whether a mail domain is catch-all.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use footfall_domain::answers::{DomainCounts, DomainStatus};
use serde::Serialize;

use crate::params::Params;
use crate::problem::Problem;
use crate::{Api, answer, path};

#[derive(Serialize)]
struct Answer {
    domain: String,
    status: &'static str,
    delivered: u64,
    bounced: u64,
}

pub(super) async fn handle(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse, Problem> {
    Params::none(&request)?;
    let domain = path::normal_domain(path::part(&request, 1))?;
    let counts = api.domains.domain(domain.clone()).await?;
    let status = DomainStatus::of(counts, api.catch_all_threshold).as_str();
    let DomainCounts { delivered, bounced } = counts;
    answer::json(&Answer { domain, status, delivered, bounced })
}
