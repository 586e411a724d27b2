//! `POST /users`: puts users in segments.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use footfall_domain::membership::Joined;
use footfall_services::{JoinedItem, MembershipReport};
use serde::Serialize;

use crate::body::{self, Format};
use crate::params::Params;
use crate::problem::Problem;
use crate::{Api, answer};

#[derive(Serialize)]
struct Stored<'a> {
    #[serde(rename = "ID")]
    user: &'a str,
    segment: &'a str,
    #[serde(rename = "expiredSegment")]
    expires_at_s: i64,
}

pub(super) async fn handle(
    request: HttpRequest,
    payload: Payload,
    api: Data<Api>,
) -> Result<HttpResponse, Problem> {
    let (_, body) = body::read(&request, payload, &[Format::Json], api.limits).await?;
    Params::none(&request)?;
    match api.memberships.json(&body).await? {
        JoinedItem::One(membership, joined) => {
            let (user, segment) = (&*membership.user, &*membership.segment);
            let stored = Stored { user, segment, expires_at_s: membership.expires_at_s };
            let status = if joined == Joined::Created { StatusCode::CREATED } else { StatusCode::OK };
            answer::json_with(status, &stored)
        }
        JoinedItem::Many(MembershipReport { created: 0, renewed: 0, rejected, errors }) => {
            Err(Problem::no_membership_valid(rejected, errors))
        }
        JoinedItem::Many(report) => answer::json(&report),
    }
}
