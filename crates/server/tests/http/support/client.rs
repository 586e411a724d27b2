//! A blocking HTTP/1.1 client over a plain socket. It sends exactly what it is told, right or wrong, so that no library
//! mends a request before the server sees it.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// Longer than anything that these tests wait for.
const PATIENCE: Duration = Duration::from_mins(1);

/// A request, to be sent as it stands.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Option<Vec<u8>>,
    /// Sizes of chunks; empty: the body has a `Content-Length`.
    chunk_bytes: Option<usize>,
}

impl Request {
    pub(crate) fn new(method: &str, target: impl Into<String>) -> Self {
        let (method, target) = (method.to_owned(), target.into());
        Self { method, target, headers: Vec::new(), body: None, chunk_bytes: None }
    }

    pub(crate) fn get(target: impl Into<String>) -> Self {
        Self::new("GET", target)
    }

    /// A `POST` of JSON.
    pub(crate) fn post(target: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::new("POST", target).header("Content-Type", "application/json").body(body)
    }

    /// A `POST /events` of newline-delimited JSON.
    pub(crate) fn ndjson(body: impl Into<Vec<u8>>) -> Self {
        Self::new("POST", "/events").header("Content-Type", "application/x-ndjson").body(body)
    }

    /// Adds a header, in place of one of that name if there is one.
    pub(crate) fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self = self.without(name);
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sends the body in chunks of that many bytes.
    pub(crate) fn chunked(mut self, chunk_bytes: usize) -> Self {
        self.chunk_bytes = Some(chunk_bytes);
        self
    }

    /// The request line and the headers, up to the blank line.
    pub(crate) fn head(&self) -> Vec<u8> {
        let has = |wanted: &str| self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted));
        let has_length = has("content-length");
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target).into_bytes();
        if !has("host") {
            head.extend_from_slice(b"Host: footfall.test\r\n");
        }
        match (&self.body, self.chunk_bytes) {
            (Some(_), Some(_)) => head.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
            (Some(body), None) if !has_length => {
                head.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
            }
            _ => {}
        }
        for (name, value) in &self.headers {
            head.extend_from_slice(name.as_bytes());
            head.extend_from_slice(b": ");
            head.extend_from_slice(value);
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(b"\r\n");
        head
    }

    /// All of it, as it goes over the wire.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head();
        let Some(body) = &self.body else { return bytes };
        let Some(chunk_bytes) = self.chunk_bytes else {
            bytes.extend_from_slice(body);
            return bytes;
        };
        for chunk in body.chunks(chunk_bytes) {
            bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            bytes.extend_from_slice(chunk);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n\r\n");
        bytes
    }
}

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| &**value)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The JSON of an answer that must have this status.
    #[track_caller]
    pub(crate) fn json_of(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        self.json()
    }

    /// What keeps this from being a problem document as the contract has it: nothing, when it is one.
    pub(crate) fn flaw_of_problem(&self) -> Option<String> {
        if self.header("Content-Type") != Some("application/problem+json") {
            return Some(format!("content-type {:?}", self.header("Content-Type")));
        }
        let Ok(document) = serde_json::from_slice::<Value>(&self.body) else {
            return Some("the document is not JSON".to_owned());
        };
        if document["status"] != self.status {
            return Some(format!("`status` is {}", document["status"]));
        }
        for name in ["type", "title", "detail", "request_id"] {
            if document[name].as_str().is_none_or(str::is_empty) {
                return Some(format!("`{name}` is {}", document[name]));
            }
        }
        if document["request_id"].as_str() != self.header("X-Request-Id") {
            return Some(format!("`request_id` {} is not the header's", document["request_id"]));
        }
        None
    }
}

/// An open connection.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    pub(crate) fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("the server takes connections");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout above zero");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout above zero");
        stream.set_nodelay(true).expect("a TCP socket");
        Self { stream: BufReader::new(stream) }
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Says that nothing more will be sent.
    pub(crate) fn end_sending(&mut self) {
        // Closed by the other side already: then it knows.
        let _ = self.stream.get_mut().shutdown(Shutdown::Write);
    }

    /// Sends a request and reads its answer. That the server stopped reading is no error if it answered.
    pub(crate) fn ask(&mut self, request: &Request) -> Result<Answer> {
        let sent = self.send(&request.bytes());
        self.receive(&request.method).map_err(|error| match sent {
            Ok(()) => error,
            Err(sent) => Error::new(error.kind(), format!("sending: {sent}; receiving: {error}")),
        })
    }

    /// Reads the answer to a request of that method; interim answers are passed over.
    pub(crate) fn receive(&mut self, method: &str) -> Result<Answer> {
        loop {
            let mut answer = self.receive_head()?;
            if answer.status / 100 != 1 {
                if method != "HEAD" && ![204, 304].contains(&answer.status) {
                    answer.body = self.receive_body(&answer)?;
                }
                return Ok(answer);
            }
        }
    }

    /// Whether the server closes the connection without another byte.
    pub(crate) fn is_closed(&mut self) -> bool {
        matches!(self.stream.read(&mut [0]), Ok(0))
    }

    /// Whether anything comes, or the server closes, within that time.
    pub(crate) fn has_something_within(&mut self, time: Duration) -> bool {
        self.stream.get_ref().set_read_timeout(Some(time)).expect("a timeout above zero");
        let has_something = self.stream.fill_buf().is_ok();
        self.stream.get_ref().set_read_timeout(Some(PATIENCE)).expect("a timeout above zero");
        has_something
    }

    /// Reads the head of an answer, and leaves its body.
    pub(crate) fn receive_head(&mut self) -> Result<Answer> {
        let status = self.line()?;
        let status = status.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)?.parse().ok());
        let status = status.ok_or_else(|| Error::new(ErrorKind::InvalidData, "not an HTTP answer"))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        Ok(Answer { status, headers, body: Vec::new() })
    }

    fn receive_body(&mut self, answer: &Answer) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        if answer.header("Transfer-Encoding") == Some("chunked") {
            while let Some(chunk) = self.receive_chunk()? {
                body.extend_from_slice(&chunk);
            }
            return Ok(body);
        }
        match answer.header("Content-Length").and_then(|length| length.parse().ok()) {
            Some(length) => {
                body.resize(length, 0);
                self.stream.read_exact(&mut body)?;
            }
            None => {
                self.stream.read_to_end(&mut body)?;
            }
        }
        Ok(body)
    }

    /// Reads the next chunk of a chunked body; nothing at its end.
    pub(crate) fn receive_chunk(&mut self) -> Result<Option<Vec<u8>>> {
        let length = usize::from_str_radix(&self.line()?, 16)
            .map_err(|error| Error::new(ErrorKind::InvalidData, error))?;
        let mut chunk = vec![0; length];
        self.stream.read_exact(&mut chunk)?;
        self.line()?;
        Ok((length > 0).then_some(chunk))
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(Error::new(ErrorKind::UnexpectedEof, "closed without an answer"));
        }
        Ok(line.trim_end().to_owned())
    }
}
