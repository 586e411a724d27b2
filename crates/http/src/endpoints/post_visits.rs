//! `POST /visits`: one visit of a page.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::schema::{OneOfBuilder, Schema};
use utoipa::openapi::{Object, ObjectBuilder, Ref, RefOr, Type};
use utoipa::{PartialSchema, ToSchema};

use super::post_events;
use crate::body::{self, Format};
use crate::openapi::schemas;
use crate::openapi::{Operation, Tag};
use crate::params::Params;
use crate::problem::Problem;
use crate::{Api, answer};

/// A visit as it is sent.
struct NewVisit;

impl ToSchema for NewVisit {}

impl PartialSchema for NewVisit {
    fn schema() -> RefOr<Schema> {
        let names = ["visitor_id", "uid", "user_id"];
        let form = |name: &str| {
            let others = names.iter().filter(|other| **other != name);
            others
                .fold(ObjectBuilder::new(), |form, other| {
                    form.property(*other, Object::with_type(Type::Null))
                })
                .property(name, schemas::user_id("The visitor. A number is kept as its decimal text."))
                .property("url", schemas::page())
                .required(name)
                .required("url")
        };
        names
            .into_iter()
            .fold(OneOfBuilder::new(), |forms, name| forms.item(form(name)))
            .description(Some("A visit as it is sent. The visitor stands under one of three names."))
            .into()
    }
}

pub(super) async fn handle(
    request: HttpRequest,
    payload: Payload,
    api: Data<Api>,
) -> Result<HttpResponse, Problem> {
    let (_, body) = body::read(&request, payload, &[Format::Json], api.limits).await?;
    Params::none(&request)?;
    let (status, body) = post_events::one(&api.ingest.visit(&body).await?);
    Ok(answer::json_bytes(status, body))
}

pub(super) fn describe() -> Operation {
    let body = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(NewVisit::name())))
        .example(Some(json!({ "visitor_id": "dee", "url": "https://shop.example/hats" })));
    Operation::new(
        Tag::Events,
        "sendVisit",
        "Send a visit of a page",
        "A `page_view` event of that visitor at this moment, with a new id each time.",
    )
    .asks_nothing()
    .defines::<NewVisit>()
    .reads("The visit. Without a `Content-Type` it is taken for JSON.", [("application/json", body.build())])
    .answers::<post_events::Accepted>(
        201,
        "Stored.",
        json!({ "event_id": "01a20178-51dc-797c-8d5a-4622f06992e1", "status": "accepted" }),
    )
    .leads_to(201, "getEvent", "event_id", "/event_id")
}
