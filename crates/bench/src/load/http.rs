//! As much of an HTTP/1.1 client as a load generator needs: it writes prepared bytes and reads answers that carry a
//! `Content-Length` or no content. Kept minimal, because client and server share the cores.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream as BlockingStream},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::Failure;

/// Room for an answer at first; enough for all but refusals and summaries.
const BUFFER_BYTES: usize = 4 << 10;
/// A longer answer than this is an error of the server.
const ANSWER_LIMIT_BYTES: usize = 8 << 20;
/// How long a blocking client waits for a byte.
const BLOCKING_TIMEOUT: Duration = Duration::from_secs(30);

/// One answer, lying in the connection's buffer.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'buffer> {
    /// The status code.
    pub status: u16,
    /// The body, whole.
    pub body: &'buffer [u8],
}

/// Where an answer's parts lie in the buffer.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Frame {
    status: u16,
    head_bytes: usize,
    body_bytes: usize,
}

/// What has been read of the answer under way.
#[derive(Debug)]
struct Buffer {
    bytes: Vec<u8>,
    filled: usize,
}

impl Buffer {
    fn new() -> Self {
        Self { bytes: vec![0; BUFFER_BYTES], filled: 0 }
    }

    /// The free part, never empty.
    fn space(&mut self) -> Result<&mut [u8], Failure> {
        if self.filled == self.bytes.len() {
            if self.filled >= ANSWER_LIMIT_BYTES {
                return Err("the answer is too long".into());
            }
            self.bytes.resize(self.filled * 2, 0);
        }
        Ok(&mut self.bytes[self.filled..])
    }

    /// Takes in `count` more bytes; the frame, once the answer is whole.
    fn took(&mut self, count: usize) -> Result<Option<Frame>, Failure> {
        if count == 0 {
            return Err("the server closed the connection".into());
        }
        self.filled += count;
        let Some(frame) = parse_head(&self.bytes[..self.filled])? else { return Ok(None) };
        match self.filled.cmp(&(frame.head_bytes + frame.body_bytes)) {
            std::cmp::Ordering::Less => Ok(None),
            std::cmp::Ordering::Equal => Ok(Some(frame)),
            // Nothing is pipelined, so nothing may follow.
            std::cmp::Ordering::Greater => Err("bytes after the answer's end".into()),
        }
    }

    fn answer(&self, frame: Frame) -> Answer<'_> {
        let body = &self.bytes[frame.head_bytes..frame.head_bytes + frame.body_bytes];
        Answer { status: frame.status, body }
    }
}

/// The frame that the head announces; nothing while the head is incomplete.
fn parse_head(bytes: &[u8]) -> Result<Option<Frame>, Failure> {
    let Some(status) = bytes.get(..13) else { return Ok(None) };
    let (b"HTTP/1.1 ", &[hundreds, tens, ones, b' ']) = status.split_at(9) else {
        return Err("not an HTTP/1.1 answer".into());
    };
    let status = [hundreds, tens, ones].iter().fold(0, |sum, digit| sum * 10 + u16::from(digit & 15));
    let mut body_bytes = None;
    let mut line_start = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if *byte != b'\n' {
            continue;
        }
        let line = &bytes[line_start..at];
        line_start = at + 1;
        if line.len() <= 1 {
            // No content has no length (RFC 9110 §8.6).
            let body_bytes = if status == 204 { Some(0) } else { body_bytes };
            let body_bytes = body_bytes.ok_or("an answer without Content-Length")?;
            return Ok(Some(Frame { status, head_bytes: line_start, body_bytes }));
        }
        if line.len() > 15 && line[..15].eq_ignore_ascii_case(b"content-length:") {
            body_bytes = Some(str::from_utf8(&line[15..])?.trim().parse()?);
        }
    }
    Ok(None)
}

/// A keep-alive connection on a tokio runtime.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Buffer,
}

impl Connection {
    /// Connects, without Nagle's delay.
    ///
    /// # Errors
    /// When the server can't be reached.
    pub async fn open(address: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Buffer::new() })
    }

    /// Sends one whole request and reads its answer.
    ///
    /// # Errors
    /// When the socket fails or what comes back isn't one HTTP answer; the connection is of no use then.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>, Failure> {
        self.stream.write_all(request).await?;
        self.buffer.filled = 0;
        loop {
            // `read`, not `try_read`: after a short read tokio knows that the socket is empty and asks epoll first,
            // which saves a failing system call a request.
            let count = self.stream.read(self.buffer.space()?).await?;
            if let Some(frame) = self.buffer.took(count)? {
                return Ok(self.buffer.answer(frame));
            }
        }
    }
}

/// A keep-alive connection that blocks its thread: for the prober, whose latency no runtime may colour, and for
/// single questions.
#[derive(Debug)]
pub struct BlockingConnection {
    stream: BlockingStream,
    buffer: Buffer,
}

impl BlockingConnection {
    /// Connects, without Nagle's delay.
    ///
    /// # Errors
    /// When the server can't be reached.
    pub fn open(address: SocketAddr) -> Result<Self, Failure> {
        let stream = BlockingStream::connect_timeout(&address, BLOCKING_TIMEOUT)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(BLOCKING_TIMEOUT))?;
        stream.set_write_timeout(Some(BLOCKING_TIMEOUT))?;
        Ok(Self { stream, buffer: Buffer::new() })
    }

    /// Sends one whole request and reads its answer.
    ///
    /// # Errors
    /// As [`Connection::exchange`], and when 30 seconds pass without a byte.
    pub fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>, Failure> {
        self.stream.write_all(request)?;
        self.buffer.filled = 0;
        loop {
            let count = self.stream.read(self.buffer.space()?)?;
            if let Some(frame) = self.buffer.took(count)? {
                return Ok(self.buffer.answer(frame));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_only_with_its_last_byte() {
        let text = b"HTTP/1.1 201 Created\r\nX-Request-Id: a\r\ncontent-length: 4\r\n\r\nbody";
        for cut in 1..text.len() {
            let mut buffer = Buffer::new();
            buffer.bytes[..text.len()].copy_from_slice(text);
            assert_eq!(buffer.took(cut).unwrap(), None, "{cut}");
            let frame = buffer.took(text.len() - cut).unwrap().unwrap();
            assert_eq!((buffer.answer(frame).status, buffer.answer(frame).body), (201, b"body".as_slice()));
        }
    }

    #[test]
    fn no_content_has_no_length() {
        let text = b"HTTP/1.1 204 No Content\r\nX-Request-Id: a\r\n\r\n";
        let frame = Frame { status: 204, head_bytes: text.len(), body_bytes: 0 };
        assert_eq!(parse_head(text).unwrap(), Some(frame));
    }

    #[test]
    fn nonsense_is_an_error() {
        for text in [
            "SSH-2.0-OpenSSH_9.2\r\n",
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        ] {
            assert!(parse_head(text.as_bytes()).is_err(), "{text}");
        }
        let mut buffer = Buffer::new();
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP";
        buffer.bytes[..text.len()].copy_from_slice(text);
        assert!(buffer.took(text.len()).is_err());
        assert!(Buffer::new().took(0).is_err());
    }
}
