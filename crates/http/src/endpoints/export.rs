//! `GET /export`: all events of a range as one long body, in the form that import takes.

use std::convert::Infallible;
use std::fmt;

use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::http::{Method, StatusCode, Version};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use footfall_ports::StoreError;
use footfall_services::export::{Export, Format};
use futures_util::stream;
use utoipa::openapi::ResponseBuilder;
use utoipa::openapi::content::ContentBuilder;

use crate::Api;
use crate::openapi::{Operation, Tag, parameters, schemas};
use crate::params::Params;
use crate::problem::{Kind, Problem, chain};
use crate::scope::LateId;

pub(super) async fn handle(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse, Problem> {
    let mut params = Params::of(&request, &["format", "from", "to"]);
    let formats = [Format::Ndjson, Format::Csv].map(|format| (format.as_str(), format));
    let format = params.choice("format", &formats).unwrap_or(Format::Ndjson);
    let range = params.open_range();
    let range = params.done(range)?;
    if request.version() < Version::HTTP_11 {
        let detail = "ask with HTTP/1.1: only there can an export that was cut be told from a whole one";
        return Err(Problem::new(Kind::Other(StatusCode::HTTP_VERSION_NOT_SUPPORTED), detail));
    }
    let mut export = Export::new(api.log.clone(), format, range);
    // Here an error can still be told by a status, and the request's time still runs. It doesn't run for the rest of
    // the body, which takes as long as the client does.
    let first = export.next().await?;

    let id = LateId::default();
    let name = format!("attachment; filename=\"footfall-events.{}\"", format.as_str());
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, content_type(format))).insert_header((CONTENT_DISPOSITION, name));
    let mut response = if request.method() == Method::HEAD {
        // Actix would read the whole body only to send nothing of it.
        response.streaming(stream::empty::<Result<Bytes, Infallible>>())
    } else {
        response.streaming(body(first, export, id.clone()))
    };
    response.extensions_mut().insert(id);
    Ok(response)
}

pub(super) fn describe() -> Operation {
    let content = |what: &str| ContentBuilder::new().schema(Some(schemas::text(what))).build();
    let name = schemas::header(schemas::text("`attachment` and a file's name."), "A name for the file.");
    Operation::new(
        Tag::Operations,
        "exportEvents",
        "All events of a range",
        "Oldest first, by time and then by id, in the form that `footfall import` takes. A whole export ends as a chunked body \
         does; if the store fails on the way the connection is cut before that end.",
    )
    .asks([parameters::choice("format", "How events are written.", ["ndjson", "csv"], Some("ndjson"))])
    .asks(parameters::open_range())
    .answers_with(
        200,
        ResponseBuilder::new()
            .description("The events.")
            .content(content_type(Format::Ndjson), content("An event on each line."))
            .content(content_type(Format::Csv), content("A header row, and an event in each row (RFC 4180).")),
    )
    .with_header(200, "Content-Disposition", name)
    .refuses(&[Kind::Other(StatusCode::HTTP_VERSION_NOT_SUPPORTED)])
}

const fn content_type(format: Format) -> &'static str {
    match format {
        Format::Ndjson => "application/x-ndjson",
        Format::Csv => "text/csv; charset=utf-8",
    }
}

/// The chunks as the connection takes them: the next slice is read when the one before is on its way.
fn body(
    first: Option<Vec<u8>>,
    export: Export,
    id: LateId,
) -> impl stream::Stream<Item = Result<Bytes, CutShort>> {
    stream::try_unfold((first, export), move |(first, mut export)| {
        let id = id.clone();
        async move {
            let chunk = match first {
                Some(first) => Some(first),
                None => export.next().await.map_err(|error| CutShort::by(&error, &id))?,
            };
            Ok(chunk.map(|chunk| (Bytes::from(chunk), (None, export))))
        }
    })
}

/// An export that can't go on. The status is out already: all that is left is to cut the connection before the body's
/// end, which is what actix does with a body's error.
#[derive(Debug)]
struct CutShort;

impl CutShort {
    fn by(error: &StoreError, id: &LateId) -> Self {
        let (request_id, cause) = (id.get(), chain(error));
        tracing::error!(request_id, cause, "an export was cut short");
        Self
    }
}

impl fmt::Display for CutShort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the export was cut short")
    }
}

impl std::error::Error for CutShort {}
