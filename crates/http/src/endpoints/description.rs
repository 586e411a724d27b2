//! `GET /openapi.json`: the description of the API.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, EntityTag, VARY};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::{ObjectBuilder, ResponseBuilder};

use super::page;
use crate::Api;
use crate::openapi::schemas::{JSON, header, text};
use crate::openapi::{Operation, Tag};

pub(super) async fn handle(request: HttpRequest, api: Data<Api>) -> HttpResponse {
    let description = &api.description;
    let is_gzip = page::coding(&request, &["gzip"]).is_some();
    let suffix = if is_gzip { "-gzip" } else { "" };
    let tag = EntityTag::new_strong(format!("{}{suffix}", description.etag));
    let is_known = page::has(&request, &tag);
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((ETAG, tag)).insert_header((CACHE_CONTROL, "no-cache"));
    response.insert_header((VARY, "Accept-Encoding"));
    if is_known {
        return response.finish();
    }
    response.insert_header((CONTENT_TYPE, JSON));
    if is_gzip {
        response.insert_header((CONTENT_ENCODING, "gzip"));
        return response.body(description.gzip.clone());
    }
    response.body(description.json.clone())
}

pub(super) fn describe() -> Operation {
    let document = ContentBuilder::new().schema(Some(ObjectBuilder::new())).build();
    let etag = || header(text("Changes with the document."), "To ask with `If-None-Match`.");
    Operation::new(
        Tag::Operations,
        "getDescription",
        "This document",
        "The description of the API, OpenAPI 3.1. `/docs` shows it.",
    )
    .answers_with(200, ResponseBuilder::new().description("The document.").content(JSON, document))
    .with_header(200, "ETag", etag())
    .answers_with(304, ResponseBuilder::new().description("It is what `If-None-Match` names."))
    .with_header(304, "ETag", etag())
}
