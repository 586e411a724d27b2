//! `GET /domains/{domain}`: whether a mail domain is catch-all.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use footfall_domain::answers::{DomainCounts, DomainStatus};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::Object;

use crate::openapi::{Operation, Tag, parameters, schemas};
use crate::params::Params;
use crate::problem::{Kind, Problem};
use crate::{Api, answer, path};

/// What is known of a mail domain.
#[derive(Serialize, ToSchema)]
#[schema(as = Domain)]
struct Answer {
    /// In its normal form.
    domain: String,
    #[schema(schema_with = statuses)]
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

pub(super) fn describe() -> Operation {
    Operation::new(
        Tag::Domains,
        "getDomain",
        "Is a domain catch-all?",
        "`not catch-all` after any bounce; else `catch-all` from 1,000 deliveries on (the service may be set otherwise); else \
         `unknown`, also for a domain never seen.",
    )
    .takes(parameters::domain_in_path())
    .asks_nothing()
    .answers::<Answer>(
        200,
        "What is known of it.",
        json!({ "domain": "mail.example", "status": "not catch-all", "delivered": 12, "bounced": 1 }),
    )
    .refuses(&[Kind::Invalid])
}

fn statuses() -> Object {
    let all = [DomainStatus::CatchAll, DomainStatus::NotCatchAll, DomainStatus::Unknown];
    schemas::words(all.map(DomainStatus::as_str), "What its counts say.").build()
}
