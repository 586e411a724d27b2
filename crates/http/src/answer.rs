//! Successful answers.

use std::time::{Duration, UNIX_EPOCH};

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{AGE, CONTENT_TYPE, HeaderValue, HttpDate};
use actix_web::web::Bytes;
use footfall_domain::time::Timestamp;
use footfall_services::Answer;
use serde::Serialize;
use utoipa::openapi::Header;

use crate::openapi::schemas;
use crate::problem::Problem;

/// A JSON answer with status 200.
pub(crate) fn json(value: &impl Serialize) -> Result<HttpResponse, Problem> {
    json_with(StatusCode::OK, value)
}

/// A JSON answer.
pub(crate) fn json_with(status: StatusCode, value: &impl Serialize) -> Result<HttpResponse, Problem> {
    Ok(json_bytes(status, to_json(value)?))
}

/// A value as JSON.
pub(crate) fn to_json(value: &impl Serialize) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(value).map_err(|error| Problem::internal(std::sync::Arc::new(error)))
}

/// An answer that may have been worked out before: `Age` says how long ago, where it may have been at all.
pub(crate) fn remembered(answer: Answer) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, HeaderValue::from_static("application/json")));
    if let Some(age) = answer.age {
        response.insert_header((AGE, age.as_secs()));
    }
    response.body(Bytes::from_owner(answer.bytes))
}

/// The same header, as the document has it.
pub(crate) fn age_header() -> Header {
    let description = "How old the answer is, in seconds; only where answers may be remembered for a while.";
    schemas::optional_header(schemas::integer(0, None, "Seconds."), description)
}

/// An instant as HTTP headers write it, to the second (RFC 9110 §5.6.7).
pub(crate) fn http_date(at: Timestamp) -> HttpDate {
    let micros = at.micros().max(0).unsigned_abs();
    HttpDate::from(UNIX_EPOCH + Duration::from_micros(micros))
}

/// An answer that is JSON already.
pub(crate) fn json_bytes(status: StatusCode, body: Vec<u8>) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((CONTENT_TYPE, HeaderValue::from_static("application/json")))
        .body(body)
}
