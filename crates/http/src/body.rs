//! Reading a request's body: how it is encoded, how long it may be, how long it may take.

use std::io::Read;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use actix_web::web::{self, Bytes, BytesMut, Payload};
use actix_web::{HttpMessage, HttpRequest};
use footfall_domain::problem::{Code, FieldError};
use futures_util::{FutureExt, StreamExt};
use pin_project_lite::pin_project;

use crate::HttpLimits;
use crate::problem::{Kind, Problem};

/// Compressed bodies above so many bytes are decoded beside the event loop.
const DECODE_INLINE_MAX: usize = 16 * 1024;
/// The largest window (2²⁵ bytes) that a zstd body may make the service hold.
const ZSTD_WINDOW_LOG_MAX: u32 = 25;

/// Room for so much of a body is made at first: who announces much may send nothing.
const FIRST_ROOM_BYTES: usize = 256 * 1024;

/// What a body says it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Format {
    Json,
    Ndjson,
}

/// The body's format by its `Content-Type`. Browsers' `sendBeacon` sends JSON as `text/plain`; who says nothing is
/// taken to send JSON.
fn format_of(request: &HttpRequest) -> Result<Format, Problem> {
    let Some(value) = request.headers().get(CONTENT_TYPE) else { return Ok(Format::Json) };
    if value.as_bytes() == b"application/json" {
        return Ok(Format::Json);
    }
    let value = value.to_str().unwrap_or("").to_ascii_lowercase();
    let (essence, parameters) = value.split_once(';').unwrap_or((&value, ""));
    let charset = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("charset="));
    let format = match essence.trim() {
        "application/json" | "text/json" | "text/plain" => Some(Format::Json),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Some(Format::Ndjson),
        _ => None,
    };
    let is_utf8 =
        charset.is_none_or(|charset| matches!(charset.trim_matches('"'), "utf-8" | "utf8" | "us-ascii"));
    format.filter(|_| is_utf8).ok_or_else(|| {
        let detail = "send application/json or application/x-ndjson (or text/plain that is JSON), in UTF-8";
        Problem::new(Kind::UnsupportedMediaType, detail)
    })
}

/// The whole body, decoded, and its format, which must be one of those allowed. A body that is refused is left unread.
pub(crate) async fn read(
    request: &HttpRequest,
    mut payload: Payload,
    allowed: &[Format],
    limits: HttpLimits,
) -> Result<(Format, Bytes), Problem> {
    let body = read_from(request, &mut payload, allowed, limits).await;
    if body.is_err() {
        leave_unread(request, payload);
    }
    body
}

async fn read_from(
    request: &HttpRequest,
    payload: &mut Payload,
    allowed: &[Format],
    limits: HttpLimits,
) -> Result<(Format, Bytes), Problem> {
    let format = format_of(request)?;
    if !allowed.contains(&format) {
        return Err(Problem::new(Kind::UnsupportedMediaType, "send one visit as application/json"));
    }
    let coding = coding_of(request)?;
    let announced =
        request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > limits.body_bytes) {
        return Err(too_large(limits));
    }
    let body = receive(payload, announced, limits).await?;
    let Some(coding) = coding else { return Ok((format, body)) };
    if body.len() <= DECODE_INLINE_MAX {
        return Ok((format, decode(&body, coding, limits)?));
    }
    let decoded = web::block(move || decode(&body, coding, limits)).await;
    let decoded = decoded.map_err(|error| Problem::internal(std::sync::Arc::new(error)))?;
    Ok((format, decoded?))
}

/// Reads a body that nobody needs, within the limits of one that is. A body that is refused is left unread.
pub(crate) async fn discard(
    request: &HttpRequest,
    mut payload: Payload,
    limits: HttpLimits,
) -> Result<(), Problem> {
    let announced =
        request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let received = if announced.is_some_and(|length: usize| length > limits.body_bytes) {
        Err(too_large(limits))
    } else {
        receive(&mut payload, announced, limits).await.map(drop)
    };
    if received.is_err() {
        leave_unread(request, payload);
    }
    received
}

/// A body that nobody wants, kept until the answer is sent.
pub(crate) struct Unread(#[expect(dead_code, reason = "held, never read")] Payload);

/// Notes that the request's body is not read to its end. While it is kept, actix reads on for a bounded time only and then
/// closes the connection; a chunked body that is dropped it would read for ever.
pub(crate) fn leave_unread(request: &HttpRequest, payload: Payload) {
    let mut extensions = request.extensions_mut();
    // What is taken a second time is empty.
    if !extensions.contains::<Unread>() {
        extensions.insert(Unread(payload));
    }
}

/// Leaves the body of a request unread for which a body has no meaning. Says whether there is one.
pub(crate) fn leave_stray(request: &mut ServiceRequest) -> bool {
    if !matches!(*request.method(), Method::GET | Method::HEAD | Method::DELETE) {
        return false;
    }
    let headers = request.headers();
    let is_announced = headers.contains_key(TRANSFER_ENCODING)
        || headers.get(CONTENT_LENGTH).is_some_and(|length| length.as_bytes() != b"0");
    if is_announced && let Ok(payload) = request.extract::<Payload>().into_inner() {
        leave_unread(request.request(), payload);
    }
    is_announced
}

pin_project! {
    /// An answer's body that keeps the request's unread one alive until it is sent.
    pub(crate) struct Holding<B> {
        #[pin]
        answer: B,
        unread: Option<Unread>,
    }
}

impl<B> Holding<B> {
    /// The answer to that request, with its body left unread, if there is one.
    pub(crate) fn unread_of(request: &HttpRequest, answer: B) -> Self {
        Self { answer, unread: request.extensions_mut().remove() }
    }
}

impl<B: MessageBody> MessageBody for Holding<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.answer.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.project().answer.poll_next(context)
    }
}

async fn receive(
    payload: &mut Payload,
    announced: Option<usize>,
    limits: HttpLimits,
) -> Result<Bytes, Problem> {
    // The usual case: the body came with the head, and needs neither a copy nor a timer.
    let first = match payload.next().now_or_never() {
        Some(Some(Ok(first))) if announced == Some(first.len()) => return Ok(first),
        Some(None) => return Ok(Bytes::new()),
        Some(Some(Err(error))) => return Err(broke_off(&error)),
        Some(Some(Ok(first))) => first,
        None => Bytes::new(),
    };
    let room = announced.unwrap_or(first.len() * 2).min(limits.body_bytes).min(FIRST_ROOM_BYTES);
    let mut body = BytesMut::with_capacity(room);
    let all = async {
        let mut chunk = Some(first);
        while let Some(bytes) = chunk {
            if body.len() + bytes.len() > limits.body_bytes {
                return Err(too_large(limits));
            }
            if body.len() + bytes.len() > body.capacity() {
                let rest = announced.unwrap_or_default().saturating_sub(body.len());
                body.reserve(rest.max(bytes.len()));
            }
            body.extend_from_slice(&bytes);
            chunk = payload.next().await.transpose().map_err(|error| broke_off(&error))?;
        }
        Ok(())
    };
    let in_time = tokio::time::timeout(limits.request_timeout, all).await;
    let slow = || Problem::new(Kind::SlowBody, "the body did not arrive in time; nothing of it was stored");
    in_time.unwrap_or_else(|_| Err(slow()))?;
    Ok(body.freeze())
}

fn broke_off(error: &actix_web::error::PayloadError) -> Problem {
    Problem::new(Kind::MalformedBody, format!("the body broke off: {error}"))
}

#[derive(Clone, Copy)]
enum Coding {
    Gzip,
    Brotli,
    Zstd,
}

fn coding_of(request: &HttpRequest) -> Result<Option<Coding>, Problem> {
    let Some(value) = request.headers().get(CONTENT_ENCODING) else { return Ok(None) };
    match value.to_str().unwrap_or("").trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(None),
        "gzip" | "x-gzip" => Ok(Some(Coding::Gzip)),
        "br" => Ok(Some(Coding::Brotli)),
        "zstd" => Ok(Some(Coding::Zstd)),
        _ => Err(Problem::new(
            Kind::UnsupportedMediaType,
            "a body may be encoded with one of gzip, br and zstd",
        )),
    }
}

/// Decodes with the limit in sight: a small body can stand for an endless one.
fn decode(body: &[u8], coding: Coding, limits: HttpLimits) -> Result<Bytes, Problem> {
    let mut decoded = Vec::new();
    let limit = limits.body_bytes as u64 + 1;
    let result = match coding {
        Coding::Gzip => flate2::read::MultiGzDecoder::new(body).take(limit).read_to_end(&mut decoded),
        Coding::Brotli => brotli::Decompressor::new(body, 4096).take(limit).read_to_end(&mut decoded),
        Coding::Zstd => zstd::stream::read::Decoder::new(body).and_then(|mut decoder| {
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
            decoder.take(limit).read_to_end(&mut decoded)
        }),
    };
    result.map_err(|error| {
        let message = format!("the body can't be decoded: {error}");
        Problem::malformed(FieldError::new("", Code::Malformed, message))
    })?;
    if decoded.len() > limits.body_bytes { Err(too_large(limits)) } else { Ok(decoded.into()) }
}

fn too_large(limits: HttpLimits) -> Problem {
    Problem::new(
        Kind::TooLarge,
        format!("a body has at most {} bytes, decoded; nothing of it was stored", limits.body_bytes),
    )
}
