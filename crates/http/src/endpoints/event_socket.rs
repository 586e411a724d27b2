//! `GET /ws/events`: accepted events over a WebSocket (RFC 6455), and events taken in over it.

use std::time::Duration;

use actix_web::http::header::UPGRADE;
use actix_web::web::{Bytes, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use actix_ws::{
    AggregatedMessage, AggregatedMessageStream, CloseCode, CloseReason, Closed, ProtocolError, Session,
};
use footfall_services::live::Listener;
use tokio::time::timeout;

use crate::access::{self, Scopes};
use crate::live::{FILTER, filter};
use crate::params::Params;
use crate::problem::{Kind, Problem};
use crate::scope::LateId;
use crate::{Api, origin};

use super::post_events;

/// How often a peer is asked whether it is there.
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// A peer that says nothing for so long, not even in answer to a ping, is gone.
const SILENCE_MAX: Duration = Duration::from_mins(1);
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
    let bytes_max = api.limits.body_bytes;
    let messages =
        messages.max_frame_size(bytes_max).aggregate_continuations().max_continuation_size(bytes_max);
    let granted = access::granted(&request);
    let listener =
        if granted.has_any(Scopes::READ) { Some(api.live.listen(filter, None).await?) } else { None };
    let id = LateId::default();
    response.extensions_mut().insert(id.clone());
    let may_send = granted.has_any(Scopes::INGEST);
    let socket = Socket { session: session.clone(), api, id, may_send };
    actix_web::rt::spawn(async move {
        // Neither waits for the other: a client that sends much and reads nothing holds up itself.
        let reason = tokio::select! {
            reason = socket.receive(messages) => reason,
            reason = send(session.clone(), listener) => reason,
        };
        if let Some(reason) = reason {
            let _ = timeout(STALL_MAX, session.close(Some(reason))).await;
        }
    });
    Ok(response)
}

/// Why a connection is closed; nothing where there is nobody to say it to.
type End = Option<CloseReason>;

fn because(code: CloseCode, description: &str) -> CloseReason {
    CloseReason { code, description: Some(description.to_owned()) }
}

/// Sends events as they come, to who may listen, and pings.
async fn send(mut session: Session, mut listener: Option<Listener>) -> End {
    loop {
        let next = async {
            match &mut listener {
                Some(listener) => listener.next().await,
                None => std::future::pending().await,
            }
        };
        let sent = match timeout(PING_INTERVAL, next).await {
            Err(_) => in_time(session.ping(b"")).await,
            Ok(None) => return Some(because(CloseCode::Away, "the service stops")),
            Ok(Some(delivery)) => {
                let mut sent = Ok(());
                for frame in delivery.frames {
                    sent = in_time(session.text(text(frame.json))).await;
                    if sent.is_err() {
                        break;
                    }
                }
                if sent.is_ok() && delivery.lagged > 0 {
                    sent = in_time(session.text(format!("{{\"lagged\":{}}}", delivery.lagged))).await;
                }
                sent
            }
        };
        if sent.is_err() {
            return None;
        }
    }
}

/// JSON is written from text.
fn text(json: Bytes) -> bytestring::ByteString {
    json.try_into().unwrap_or_default()
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
        if !self.may_send {
            let problem = Problem::new(Kind::Forbidden, "this key does not allow it: one with ingest does");
            return ack(&problem.document(self.id.get()));
        }
        let answer = timeout(self.api.limits.request_timeout, post_events::json(&self.api, body)).await;
        let json = match answer.unwrap_or_else(|_| Err(Problem::timeout())) {
            Ok((_, json)) => json,
            Err(problem) => problem.document(self.id.get()),
        };
        ack(&json)
    }
}

fn ack(json: &[u8]) -> String {
    format!("{{\"ack\":{}}}", String::from_utf8_lossy(json))
}
