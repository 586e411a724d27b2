//! Those who listen: over a WebSocket, and to Server-Sent Events.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;
use tungstenite::client::IntoClientRequest;
use tungstenite::protocol::CloseFrame;
use tungstenite::{HandshakeError, Message, WebSocket};

use super::client::{Answer, Connection, Request};
use super::server::Server;

const PATIENCE: Duration = Duration::from_secs(30);
/// For what must not come.
const MOMENT: Duration = Duration::from_millis(300);

/// A WebSocket.
pub(crate) struct Socket(WebSocket<TcpStream>);

impl Socket {
    pub(crate) fn open(server: &Server, target: &str) -> Self {
        Self::open_as(server, target, &[]).unwrap_or_else(|status| panic!("refused with {status}"))
    }

    /// The status, when the handshake is refused.
    pub(crate) fn open_as(
        server: &Server,
        target: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, u16> {
        let mut request = format!("ws://{}{target}", server.address).into_client_request().expect("a URL");
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("a header's value"));
        }
        let stream = TcpStream::connect(&server.address).expect("the server takes connections");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time above zero");
        stream.set_write_timeout(Some(PATIENCE)).expect("a time above zero");
        match tungstenite::client(request, stream) {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(HandshakeError::Failure(tungstenite::Error::Http(answer))) => Err(answer.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) fn send(&mut self, text: impl Into<String>) {
        self.0.send(Message::text(text.into())).expect("the server reads");
    }

    pub(crate) fn send_message(&mut self, message: Message) {
        self.0.send(message).expect("the server reads");
    }

    /// The next text, as JSON; pings are answered on the way.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Value {
        loop {
            match self.0.read().expect("something comes") {
                Message::Text(text) => return serde_json::from_str(&text).expect("it is JSON"),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The next message that is neither text nor a ping.
    pub(crate) fn next_pong(&mut self) -> Vec<u8> {
        match self.0.read().expect("something comes") {
            Message::Pong(bytes) => bytes.to_vec(),
            other => panic!("{other:?}"),
        }
    }

    /// Reads until the server closes, and hands back how.
    pub(crate) fn close(&mut self) -> Option<CloseFrame> {
        loop {
            match self.0.read() {
                Ok(Message::Close(frame)) => return frame,
                Ok(_) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    #[track_caller]
    pub(crate) fn has_nothing(&mut self) {
        let next = self.try_next();
        assert_eq!(next, None);
    }

    /// The next text, if one comes within a moment.
    pub(crate) fn try_next(&mut self) -> Option<Value> {
        self.0.get_ref().set_read_timeout(Some(MOMENT)).expect("a time above zero");
        let read = self.0.read();
        self.0.get_ref().set_read_timeout(Some(PATIENCE)).expect("a time above zero");
        match read {
            Ok(Message::Text(text)) => Some(serde_json::from_str(&text).expect("it is JSON")),
            Err(tungstenite::Error::Io(error))
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
            {
                None
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Server-Sent Events.
pub(crate) struct Stream {
    connection: Connection,
    pub(crate) head: Answer,
    text: String,
}

/// One of them.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Sent {
    pub(crate) event: String,
    pub(crate) id: Option<String>,
    pub(crate) data: Value,
}

impl Stream {
    pub(crate) fn open(server: &Server, target: &str, last: Option<&str>) -> Self {
        let mut request = Request::get(target).header("Accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        let mut connection = server.connect();
        connection.send(&request.bytes()).expect("the server reads");
        let head = connection.receive_head().expect("it answers");
        assert_eq!(head.status, 200);
        Self { connection, head, text: String::new() }
    }

    /// The next event; comments and what else is between is passed over. `None` at the end.
    pub(crate) fn next(&mut self) -> Option<Sent> {
        loop {
            while let Some((block, rest)) =
                self.text.split_once("\n\n").map(|(a, b)| (a.to_owned(), b.to_owned()))
            {
                self.text = rest;
                if let Some(sent) = parse(&block) {
                    return Some(sent);
                }
            }
            let chunk = self.connection.receive_chunk().expect("it goes on, or ends well")?;
            self.text.push_str(std::str::from_utf8(&chunk).expect("it is text"));
        }
    }

    /// The ids of the next so many events.
    pub(crate) fn ids(&mut self, events: usize) -> Vec<String> {
        let id = |_| self.next().expect("there are more").id.expect("events have ids");
        (0..events).map(id).collect()
    }
}

fn parse(block: &str) -> Option<Sent> {
    let (mut event, mut id, mut data) = (None, None, Vec::new());
    for line in block.lines() {
        match line.split_once(": ") {
            Some(("event", value)) => event = Some(value.to_owned()),
            Some(("id", value)) => id = Some(value.to_owned()),
            Some(("data", value)) => data.push(value),
            _ => {}
        }
    }
    let data = serde_json::from_str(&data.join("\n")).ok()?;
    Some(Sent { event: event?, id, data })
}
