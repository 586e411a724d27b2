//! `GET /ws/events`: accepted events over a WebSocket (RFC 6455), and events taken in over it.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::header::UPGRADE;
use actix_web::web::{Bytes, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use actix_ws::{
    AggregatedMessage, AggregatedMessageStream, CloseCode, CloseReason, Closed, ProtocolError, Session,
};
use footfall_services::live::{Delivery, Listener, LiveFilter};
use futures_util::stream::{self, LocalBoxStream, StreamExt as _};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use utoipa::openapi::ResponseBuilder;

use crate::access::{self, Scopes};
use crate::live::{self, FILTER, Rests, filter};
use crate::openapi::{Operation, Tag, schemas};
use crate::params::Params;
use crate::problem::{Kind, Problem};
use crate::rate::Client;
use crate::scope::LateId;
use crate::{Api, origin};

use super::post_events;

/// How often a peer is asked whether it is there.
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// A peer that says nothing for so long, not even in answer to a ping, is gone.
const SILENCE_MAX: Duration = Duration::from_mins(1);
/// Messages of who may not send are read only to be refused.
const REFUSED_BYTES_MAX: usize = 4_096;
/// A peer that takes nothing for so long is gone, too.
const STALL_MAX: Duration = Duration::from_mins(1);

pub(super) async fn handle(
    request: HttpRequest,
    payload: Payload,
    api: Data<Api>,
) -> Result<HttpResponse, Problem> {
    let mut params = Params::of(&request, &FILTER);
    let filter = filter(&mut params, &api);
    let filter = params.done(Some(filter))?;
    if !request.headers().contains_key(UPGRADE) {
        return Err(Problem::new(Kind::UpgradeRequired, "this path speaks WebSocket: ask with an Upgrade"));
    }
    origin::check(&request, &api.origins)?;
    let (mut response, session, messages) = actix_ws::handle(&request, payload)
        .map_err(|error| Problem::new(Kind::InvalidHeader, format!("the handshake is not valid: {error}")))?;
    let granted = access::granted(&request, api.keys.as_ref());
    let may_send = granted.has_any(Scopes::INGEST);
    let bytes_max = if may_send { api.limits.body_bytes } else { REFUSED_BYTES_MAX };
    let messages =
        messages.max_frame_size(bytes_max).aggregate_continuations().max_continuation_size(bytes_max);
    // Who only sends counts as a listener, too: one that hears nothing, until the service stops.
    let filter = if granted.has_any(Scopes::READ) { filter } else { LiveFilter::nothing() };
    let listener = api.live.listen(filter, None).await?;
    let id = LateId::default();
    response.extensions_mut().insert(id.clone());
    let client = api.rate.as_ref().map(|rate| rate.client(&request));
    let socket = Socket { session: session.clone(), api, id, may_send, client };
    let (told, end) = tell(listener);
    let sent = Rc::new(Sent { told: RefCell::new(Some(told)), is_taken: Cell::new(false) });
    let body = sent.clone();
    actix_web::rt::spawn(async move {
        // Neither waits for the other: a client that sends much and reads nothing holds up itself.
        let reason = tokio::select! {
            reason = socket.receive(messages) => reason,
            () = ping(session.clone(), &sent) => None,
            _ = end => Some(because(CloseCode::Away, "the service stops")),
        };
        // The connection may stay, but nobody listens any more.
        sent.told.take();
        if let Some(reason) = reason {
            let _ = timeout(STALL_MAX, session.close(Some(reason))).await;
        }
    });
    Ok(response.map_body(|_, session| Body { session, sent: body }.boxed()))
}

pub(super) fn describe() -> Operation {
    let upgrade = schemas::header(schemas::words(["websocket"], "To what."), "To what.");
    Operation::new(
        Tag::Live,
        "connect",
        "Accepted events over a WebSocket",
        "Asked with a WebSocket's handshake (RFC 6455). Each text message is an event's JSON, or `{\"lagged\": n}` where so many \
         were missed. A client may send an event or an array of events as a text message: it is handled as `POST /events` would, \
         and answered, in order, with `{\"ack\": …}`, which holds the body of that answer or a problem document.\n\nListening \
         needs `read` and sending `ingest`; a key with one of them may connect and do that. Close codes: 1001 the service stops, \
         1003 a binary message, 1008 silent for a minute, 1009 too large.",
    )
    .asks(live::parameters())
    .answers_with(101, ResponseBuilder::new().description("Events follow.").header("Upgrade", upgrade))
    .refuses(&[Kind::InvalidHeader, Kind::Forbidden, Kind::UpgradeRequired, Kind::TooManyListeners])
}

/// Why a connection is closed; nothing where there is nobody to say it to.
type End = Option<CloseReason>;

fn because(code: CloseCode, description: &str) -> CloseReason {
    CloseReason { code, description: Some(description.to_owned()) }
}

/// What is written to a connection beside the session's messages: the events. They don't go through the session, whose queue
/// would be waited for and woken up for with each of them.
struct Sent {
    /// Messages, until nobody listens any more.
    told: RefCell<Option<LocalBoxStream<'static, Bytes>>>,
    /// Whether more was asked for since this was last looked at.
    is_taken: Cell<bool>,
}

/// All that is written to a connection.
struct Body {
    session: BoxBody,
    sent: Rc<Sent>,
}

impl MessageBody for Body {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.sent.is_taken.set(true);
        // First, and it ends when the connection is closed.
        if let Poll::Ready(message) = Pin::new(&mut self.session).poll_next(context) {
            return Poll::Ready(message);
        }
        let mut told = self.sent.told.borrow_mut();
        if let Some(stream) = &mut *told {
            match ready!(stream.poll_next_unpin(context)) {
                Some(events) => return Poll::Ready(Some(Ok(events))),
                // Whoever waits for the end closes the session.
                None => *told = None,
            }
        }
        Poll::Pending
    }
}

/// Events as messages. The receiver learns of the end.
fn tell(listener: Listener) -> (LocalBoxStream<'static, Bytes>, oneshot::Receiver<Infallible>) {
    let (is_there, end) = oneshot::channel();
    let start = (listener, Rests::default(), is_there);
    let told = stream::unfold(start, |(mut listener, mut rests, is_there)| async move {
        let delivery = listener.next(rests.over()).await?;
        rests.begin();
        Some((write(&delivery), (listener, rests, is_there)))
    });
    (told.boxed_local(), end)
}

fn write(delivery: &Delivery) -> Bytes {
    let bytes = delivery.frames.iter().map(|frame| HEAD_BYTES_MAX + frame.json().len()).sum::<usize>();
    let mut messages = Vec::with_capacity(bytes + 64);
    for frame in &delivery.frames {
        write_text(&mut messages, frame.json());
    }
    if delivery.lagged > 0 {
        write_text(&mut messages, format!("{{\"lagged\":{}}}", delivery.lagged).as_bytes());
    }
    messages.into()
}

const HEAD_BYTES_MAX: usize = 10;

/// Writes a text message, unmasked and in one frame (RFC 6455 §5.2).
fn write_text(out: &mut Vec<u8>, text: &[u8]) {
    const TEXT: u8 = 0x81;
    match text.len() {
        short @ ..126 => out.extend([TEXT, short as u8]),
        medium @ ..=0xffff => {
            out.extend([TEXT, 126]);
            out.extend((medium as u16).to_be_bytes());
        }
        long => {
            out.extend([TEXT, 127]);
            out.extend((long as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(text);
}

/// Asks now and then whether the peer is there, also while it gets events: it need not say anything else. Returns when it has
/// taken nothing for long.
async fn ping(mut session: Session, sent: &Sent) {
    let mut stalled = Duration::ZERO;
    while stalled < STALL_MAX {
        sleep(PING_INTERVAL).await;
        // What is sent makes the connection ask for more, unless it is full.
        stalled = if sent.is_taken.replace(false) { Duration::ZERO } else { stalled + PING_INTERVAL };
        if in_time(session.ping(b"")).await.is_err() {
            break;
        }
    }
}

async fn in_time(sending: impl Future<Output = Result<(), Closed>>) -> Result<(), Closed> {
    timeout(STALL_MAX, sending).await.unwrap_or(Err(Closed))
}

/// The side of a connection that takes events in.
struct Socket {
    session: Session,
    api: Data<Api>,
    id: LateId,
    may_send: bool,
    /// Whom each message counts for, as a request would; nobody where requests aren't counted.
    client: Option<Client>,
}

impl Socket {
    /// Answers what the client sends, one after the other.
    async fn receive(mut self, mut messages: AggregatedMessageStream) -> End {
        loop {
            let Ok(message) = timeout(SILENCE_MAX, messages.recv()).await else {
                return Some(because(CloseCode::Policy, "nothing came, not even an answer to a ping"));
            };
            let answered = match message? {
                Ok(AggregatedMessage::Text(text)) => {
                    let ack = self.take_in(text.as_bytes()).await;
                    in_time(self.session.text(ack)).await
                }
                Ok(AggregatedMessage::Ping(bytes)) => in_time(self.session.pong(&bytes)).await,
                Ok(AggregatedMessage::Pong(_)) => Ok(()),
                Ok(AggregatedMessage::Binary(_)) => {
                    return Some(because(CloseCode::Unsupported, "events are sent as text"));
                }
                Ok(AggregatedMessage::Close(reason)) => {
                    return Some(reason.unwrap_or_else(|| CloseCode::Normal.into()));
                }
                Err(ProtocolError::Overflow) => {
                    return Some(because(CloseCode::Size, "a message is larger than a body may be"));
                }
                Err(error) => return Some(because(CloseCode::Protocol, &error.to_string())),
            };
            if answered.is_err() {
                return None;
            }
        }
    }

    /// What `POST /events` would answer, as an ack.
    async fn take_in(&self, body: &[u8]) -> String {
        if let (Some(rate), Some(client)) = (&self.api.rate, self.client)
            && let Err(problem) = rate.count(client)
        {
            return ack(&problem.document(self.id.get(), None));
        }
        if !self.may_send {
            let problem = Problem::new(Kind::Forbidden, "this key does not allow it: one with ingest does");
            return ack(&problem.document(self.id.get(), None));
        }
        let answer = timeout(self.api.limits.request_timeout, post_events::json(&self.api, body)).await;
        let json = match answer.unwrap_or_else(|_| Err(Problem::timeout())) {
            Ok((_, json)) => json,
            Err(problem) => problem.document(self.id.get(), None),
        };
        ack(&json)
    }
}

fn ack(json: &[u8]) -> String {
    format!("{{\"ack\":{}}}", String::from_utf8_lossy(json))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_tells_its_length() {
        for (bytes, head) in [
            (0, &[0x81, 0][..]),
            (125, &[0x81, 125]),
            (126, &[0x81, 126, 0, 126]),
            (65_535, &[0x81, 126, 255, 255]),
            (65_536, &[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let (mut out, text) = (Vec::new(), vec![b'x'; bytes]);
            write_text(&mut out, &text);
            assert_eq!(out, [head, &text].concat());
        }
    }
}
