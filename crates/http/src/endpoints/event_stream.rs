//! `GET /events/stream`: accepted events as Server-Sent Events (WHATWG HTML, §9.2).

use std::convert::Infallible;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use footfall_domain::event::EventId;
use footfall_domain::problem::{Code, FieldError};
use footfall_services::live::{Delivery, Frame, Resumed};
use futures_util::stream;
use utoipa::openapi::ResponseBuilder;
use utoipa::openapi::content::ContentBuilder;

use crate::Api;
use crate::live::{self, FILTER, Rests, filter};
use crate::openapi::{Operation, Tag, parameters, schemas};
use crate::params::Params;
use crate::problem::{Kind, Problem};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// For clients that can set no header and reconnect by hand.
const LAST_EVENT_ID_PARAMETER: &str = "last_event_id";
/// Keeps proxies from holding events back.
const NO_BUFFERING: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
/// After so long without an event comes a comment: it shows both sides, and proxies, that the other one is there.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// The first thing that is sent: how long to wait before coming back.
const HELLO: &[u8] = b"retry: 2000\n\n";

pub(super) async fn handle(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse, Problem> {
    let mut params = Params::of(&request, &[&FILTER[..], &[LAST_EVENT_ID_PARAMETER]].concat());
    let filter = filter(&mut params, &api);
    let given = params.take(LAST_EVENT_ID_PARAMETER);
    let given = given.map(|id| {
        EventId::parse(&id).ok_or_else(|| {
            params.error(LAST_EVENT_ID_PARAMETER, Code::NotAUuid, "is the id of an event");
        })
    });
    let filter = params.done(Some(filter))?;
    let after = match request.headers().get(LAST_EVENT_ID) {
        Some(id) if !id.is_empty() => {
            let id = id.to_str().ok().and_then(EventId::parse);
            let wrong = || FieldError::new("header:Last-Event-ID", Code::NotAUuid, "is the id of an event");
            Some(id.ok_or_else(|| Problem::header(wrong()))?)
        }
        _ => given.and_then(Result::ok),
    };
    let mut response = HttpResponse::Ok();
    response
        .insert_header((CONTENT_TYPE, HeaderValue::from_static("text/event-stream")))
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .insert_header(NO_BUFFERING);
    if request.method() == Method::HEAD {
        return Ok(response.streaming(stream::empty::<Result<Bytes, Infallible>>()));
    }
    let listener = api.live.resume(&api.log, filter, after).await?;
    let start = (Some(HELLO), listener, Rests::default());
    Ok(response.streaming(stream::unfold(start, |(hello, mut listener, mut rests)| async move {
        let chunk = match hello {
            Some(hello) => Bytes::from_static(hello),
            None => next_chunk(&mut listener, &mut rests).await?,
        };
        Some((Ok::<_, Infallible>(chunk), (None, listener, rests)))
    })))
}

pub(super) fn describe() -> Operation {
    let id = || schemas::formatted("uuid", "The id of an event.");
    let body = schemas::text("Messages of Server-Sent Events. The body has no end.");
    let lines =
        "retry: 2000\n\nevent: event\nid: 3f0d1c52-6a1e-4f0b-9d65-0c1b7a2e4d11\ndata: {\"event_id\": …}\n\n";
    let content = ContentBuilder::new().schema(Some(body)).example(Some(lines.into())).build();
    Operation::new(
        Tag::Live,
        "streamEvents",
        "Accepted events as Server-Sent Events",
        "`event: event`, `id:` the event's id, `data:` its JSON; `event: lagged`, `data: {\"lagged\": n}` where so many were missed. \
         After 15 s without any a comment. With `Last-Event-ID` it goes on after that event; after one that is not known, from now.",
    )
    .asks(live::parameters())
    .takes(parameters::query(
        LAST_EVENT_ID_PARAMETER,
        "As `Last-Event-ID`, for clients that can't set a header.",
        id(),
    ))
    .takes(parameters::header("Last-Event-ID", "The last event that was seen.", id()))
    .answers_with(
        200,
        ResponseBuilder::new().description("Events, until one side leaves.").content("text/event-stream", content),
    )
    .refuses(&[Kind::InvalidHeader, Kind::TooManyListeners])
}

async fn next_chunk(listener: &mut Resumed, rests: &mut Rests) -> Option<Bytes> {
    let Ok(delivery) = tokio::time::timeout(HEARTBEAT, listener.next(rests.over())).await else {
        return Some(Bytes::from_static(b":\n\n"));
    };
    rests.begin();
    delivery.map(|delivery| write(&delivery))
}

fn write(delivery: &Delivery) -> Bytes {
    let bytes = |frame: &Frame| frame.wrapped(wrap).len();
    let mut text = Vec::with_capacity(delivery.frames.iter().map(bytes).sum::<usize>() + 64);
    for frame in &delivery.frames {
        text.extend_from_slice(frame.wrapped(wrap));
    }
    if delivery.lagged > 0 {
        text.extend_from_slice(
            format!("event: lagged\ndata: {{\"lagged\":{}}}\n\n", delivery.lagged).as_bytes(),
        );
    }
    text.into()
}

/// One event of the stream, for all who get it.
fn wrap(frame: &Frame) -> Bytes {
    let mut text = Vec::with_capacity(frame.json().len() + 80);
    text.extend_from_slice(b"event: event\nid: ");
    text.extend_from_slice(frame.id().to_string().as_bytes());
    // Properties stand as they were sent, line breaks between tokens included: each line is a `data` of its own.
    for line in frame.json().split(|byte| matches!(byte, b'\n' | b'\r')) {
        text.extend_from_slice(b"\ndata: ");
        text.extend_from_slice(line);
    }
    text.extend_from_slice(b"\n\n");
    text.into()
}

#[cfg(test)]
mod tests {
    use footfall_services::live::Frame;

    use super::*;

    #[test]
    fn every_line_of_an_event_is_data() {
        let id = EventId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap();
        let json = Bytes::from_static(b"{\n\"x\":\r\n1}");
        let delivery = Delivery { frames: [Frame::new(id, json)].into(), lagged: 3 };
        assert_eq!(
            write(&delivery),
            "event: event\nid: 01890a5d-ac96-774b-bcce-b302099a8057\ndata: {\ndata: \"x\":\ndata: \ndata: 1}\n\n\
             event: lagged\ndata: {\"lagged\":3}\n\n"
        );
    }
}
