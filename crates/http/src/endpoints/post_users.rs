//! `POST /users`: puts users in segments.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use footfall_domain::membership::Joined;
use footfall_services::{JoinedItem, MembershipReport};
use serde::Serialize;
use serde_json::json;
use utoipa::openapi::schema::{Schema, SchemaType};
use utoipa::openapi::{ObjectBuilder, RefOr, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::body::{self, Format};
use crate::openapi::schemas::{self, MembershipReport as Report, MembershipsProblem};
use crate::openapi::{Operation, Tag};
use crate::params::Params;
use crate::problem::{Kind, Problem};
use crate::{Api, answer};

/// The last second of the year 9999.
const EXPIRY_MAX_S: i64 = 253_402_300_799;

/// A user in a segment, as it is sent.
struct NewMembership;

impl ToSchema for NewMembership {}

impl PartialSchema for NewMembership {
    fn schema() -> RefOr<Schema> {
        let segment = schemas::text("The segment's title.").min_length(Some(1)).max_length(Some(255));
        let expiry = "From this second on, counted from 1970, the user is in the segment no more. By default two weeks from now.";
        ObjectBuilder::new()
            .property("ID", schemas::user_id("The user. A number is kept as its decimal text."))
            .property("segment", segment.pattern(Some(schemas::NOT_BLANK)))
            .property(
                "expiredSegment",
                schemas::integer(0, Some(EXPIRY_MAX_S), expiry)
                    .schema_type(SchemaType::from_iter([Type::Integer, Type::Null])),
            )
            .required("ID")
            .required("segment")
            .description(Some("A user in a segment, as it is sent."))
            .build()
            .into()
    }
}

/// A user in a segment, as it is stored.
#[derive(Serialize, ToSchema)]
#[schema(as = Membership)]
struct Stored<'a> {
    #[serde(rename = "ID")]
    user: &'a str,
    segment: &'a str,
    /// From this second on, counted from 1970, the user is in the segment no more.
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

pub(super) fn describe() -> Operation {
    let one = json!({ "ID": "ann", "segment": "regulars", "expiredSegment": 4_102_444_800_i64 });
    let many = json!([one, { "ID": "bob", "segment": "regulars" }]);
    Operation::new(
        Tag::Users,
        "putUsersInSegments",
        "Put users in segments",
        "One, or an array of 1 to 10,000. Valid ones are stored though others are not; of several for one user and segment the last \
         one counts. An expiry may lie in the past.",
    )
    .asks_nothing()
    .defines::<NewMembership>()
    .reads(
        "The users. Without a `Content-Type` it is taken for JSON.",
        [("application/json", schemas::one_or_many::<NewMembership>(10_000, [("one", one.clone()), ("many", many)]))],
    )
    .answers::<Stored<'_>>(201, "One user, who was not known in that segment.", one.clone())
    .leads_to(201, "countSegment", "title", "/segment")
    .leads_to(201, "eraseUser", "id", "/ID")
    .answers_either::<Stored<'_>, Report>(
        200,
        "An array of which some were taken; or one user who was known in that segment.",
        [("one", one), ("many", json!({ "created": 1, "renewed": 1, "rejected": 0, "errors": [] }))],
    )
    .refuses_with::<MembershipsProblem>(Kind::Invalid, "Not valid, and nothing was stored (`invalid`).")
}
