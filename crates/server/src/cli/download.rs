//! Reading a long answer from a running server, piece by piece, and knowing at its end whether it is whole.
//!
//! The one thing that awc is not asked for: it takes the end of the connection for the end of a body in chunks (awc
//! 3.11, `PlStream` in `client/h1proto.rs`), so that a body that was cut would look whole.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use awc::http::{StatusCode, Uri};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the next piece may take: a server reads some thousand events for it.
const PIECE_TIMEOUT: Duration = Duration::from_mins(5);
/// Most bytes of a line of the head, and of one that announces a chunk.
const LINE_MAX_BYTES: u64 = 16 * 1024;
const HEADERS_MAX: usize = 128;
const PIECE_MAX_BYTES: usize = 64 * 1024;

/// An answer on its way.
pub(crate) struct Download {
    stream: BufReader<Box<dyn Duplex>>,
    status: StatusCode,
    left: Left,
}

/// A connection, encrypted or not.
trait Duplex: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Duplex for S {}

/// What is still to come of the body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Left {
    /// So many bytes of this chunk, and further chunks.
    Chunked(u64),
    /// So many bytes.
    Bytes(u64),
    /// Nothing: it is whole.
    Nothing,
}

impl Download {
    /// Asks the server at `base` (an absolute `http` or `https` URL) for `target`, and reads the answer's head, which must
    /// come within `head_timeout`.
    ///
    /// # Errors
    /// When none came, or it doesn't say where its body ends.
    pub(crate) async fn start(
        base: &Uri,
        tls: &Arc<ClientConfig>,
        target: &str,
        key: Option<&str>,
        head_timeout: Duration,
    ) -> io::Result<Self> {
        let stream = in_time(CONNECT_TIMEOUT, connect(base, tls)).await?;
        let mut download = Self {
            stream: BufReader::with_capacity(PIECE_MAX_BYTES, stream),
            status: StatusCode::OK,
            left: Left::Nothing,
        };
        let authority = base.authority().map_or("", |authority| authority.as_str());
        let host = authority.rsplit('@').next().unwrap_or_default();
        let path = base.path().trim_end_matches('/');
        let key = key.map(|key| format!("Authorization: Bearer {key}\r\n")).unwrap_or_default();
        let request = format!(
            "GET {path}{target} HTTP/1.1\r\nHost: {host}\r\nAccept-Encoding: identity\r\nConnection: close\r\n{key}\r\n"
        );
        download.stream.write_all(request.as_bytes()).await?;
        download.stream.flush().await?;
        in_time(head_timeout, download.read_head()).await?;
        Ok(download)
    }

    pub(crate) const fn status(&self) -> StatusCode {
        self.status
    }

    /// The next piece of the body; `None` when all of it came.
    ///
    /// # Errors
    /// When it was cut, or nothing came for minutes.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        in_time(PIECE_TIMEOUT, self.piece()).await
    }

    async fn piece(&mut self) -> io::Result<Option<Vec<u8>>> {
        if self.left == Left::Chunked(0) {
            self.begin_chunk().await?;
        }
        let (Left::Chunked(left) | Left::Bytes(left)) = self.left else { return Ok(None) };
        let read = self.stream.fill_buf().await?;
        if read.is_empty() {
            return Err(cut());
        }
        let piece = read[..read.len().min(usize::try_from(left).unwrap_or(usize::MAX))].to_vec();
        self.stream.consume(piece.len());
        let left = left - piece.len() as u64;
        self.left = match self.left {
            Left::Bytes(_) if left == 0 => Left::Nothing,
            Left::Bytes(_) => Left::Bytes(left),
            Left::Chunked(_) | Left::Nothing => {
                if left == 0 && !self.line().await?.is_empty() {
                    return Err(malformed("a chunk goes on after its end"));
                }
                Left::Chunked(left)
            }
        };
        Ok(Some(piece))
    }

    /// RFC 9112 §7.1: the size in hexadecimal, perhaps extensions; after the last chunk trailers and a blank line.
    async fn begin_chunk(&mut self) -> io::Result<()> {
        let line = self.line().await?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(size, 16).map_err(|_| malformed("a chunk has no size"))?;
        if size > 0 {
            self.left = Left::Chunked(size);
            return Ok(());
        }
        for _ in 0..HEADERS_MAX {
            if self.line().await?.is_empty() {
                self.left = Left::Nothing;
                return Ok(());
            }
        }
        Err(malformed("the body never ends"))
    }

    async fn read_head(&mut self) -> io::Result<()> {
        loop {
            let line = self.line().await?;
            let status = line.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5));
            let status = status.and_then(|status| StatusCode::from_bytes(status.as_bytes()).ok());
            self.status = status.ok_or_else(|| malformed("it doesn't speak HTTP/1.1"))?;
            let left = self.read_headers().await?;
            // Interim answers have no body.
            if !self.status.is_informational() {
                self.left = left.ok_or_else(|| malformed("it doesn't say where its answer ends"))?;
                return Ok(());
            }
        }
    }

    /// Reads up to the blank line; what is to come, where the headers say so.
    async fn read_headers(&mut self) -> io::Result<Option<Left>> {
        let mut left = None;
        for _ in 0..HEADERS_MAX {
            let line = self.line().await?;
            if line.is_empty() {
                return Ok(left);
            }
            let (name, value) = line.split_once(':').ok_or_else(|| malformed("a header without a colon"))?;
            let value = value.trim();
            if name.eq_ignore_ascii_case("transfer-encoding") {
                if !value.eq_ignore_ascii_case("chunked") {
                    return Err(malformed("a transfer coding that was not asked for"));
                }
                left = Some(Left::Chunked(0));
            } else if name.eq_ignore_ascii_case("content-length") && left.is_none() {
                let length = value.parse().map_err(|_| malformed("a length that is no number"))?;
                left = Some(if length == 0 { Left::Nothing } else { Left::Bytes(length) });
            }
        }
        Err(malformed("too many headers"))
    }

    /// The next line, less its end.
    async fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        (&mut self.stream).take(LINE_MAX_BYTES).read_until(b'\n', &mut line).await?;
        if line.pop() != Some(b'\n') {
            return Err(if line.len() as u64 + 1 < LINE_MAX_BYTES {
                cut()
            } else {
                malformed("a line too long")
            });
        }
        String::from_utf8(line.trim_ascii_end().to_vec()).map_err(|_| malformed("a line that is no text"))
    }
}

async fn connect(base: &Uri, tls: &Arc<ClientConfig>) -> io::Result<Box<dyn Duplex>> {
    let host = base.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    if base.scheme_str() != Some("https") {
        return Ok(Box::new(TcpStream::connect((host, base.port_u16().unwrap_or(80))).await?));
    }
    let name =
        ServerName::try_from(host.to_owned()).map_err(|_| malformed("a name that no certificate has"))?;
    let stream = TcpStream::connect((host, base.port_u16().unwrap_or(443))).await?;
    Ok(Box::new(TlsConnector::from(Arc::clone(tls)).connect(name, stream).await?))
}

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the connection was cut before the answer's end")
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("that is no answer: {what}"))
}

async fn in_time<T>(limit: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let late = || io::Error::new(io::ErrorKind::TimedOut, format!("nothing came for {} s", limit.as_secs()));
    timeout(limit, work).await.unwrap_or_else(|_| Err(late()))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::super::trust::Trust;
    use super::*;

    /// Downloads from a server that answers with exactly these bytes and closes the connection.
    async fn download(answer: &[u8]) -> io::Result<(u16, String)> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base: Uri = format!("http://{}/base/", listener.local_addr().unwrap()).parse().unwrap();
        let answer = answer.to_vec();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                request.push(byte[0]);
            }
            stream.write_all(&answer).unwrap();
            String::from_utf8(request).unwrap()
        });
        let tls = Arc::new(Trust::Authorities.client_config().unwrap());
        let outcome = async {
            let mut download =
                Download::start(&base, &tls, "/export?a=b", Some("s3cret"), Duration::from_secs(10)).await?;
            let mut body = Vec::new();
            while let Some(piece) = download.next().await? {
                body.extend(piece);
            }
            assert!(download.next().await?.is_none());
            Ok((download.status().as_u16(), String::from_utf8(body).unwrap()))
        };
        let outcome = outcome.await;
        let request = server.join().unwrap();
        assert!(request.starts_with("GET /base/export?a=b HTTP/1.1\r\nHost: 127.0.0.1:"), "{request}");
        assert!(request.contains("\r\nAuthorization: Bearer s3cret\r\n"), "{request}");
        outcome
    }

    const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

    #[actix_web::test]
    async fn a_whole_body_comes_whole() {
        for (body, expected) in [
            ("0\r\n\r\n", ""),
            ("3\r\nabc\r\n0\r\n\r\n", "abc"),
            ("3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n", "abc0123456789"),
        ] {
            let answer = download(format!("{CHUNKED}{body}").as_bytes()).await;
            assert_eq!(answer.unwrap(), (200, expected.to_owned()), "{body}");
        }
        let sized = b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno and more";
        assert_eq!(download(sized).await.unwrap(), (404, "no".to_owned()));
        let interim =
            b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        assert_eq!(download(interim).await.unwrap(), (200, String::new()));
        let long = "x".repeat(300_000);
        let answer = download(format!("{CHUNKED}{:x}\r\n{long}\r\n0\r\n\r\n", long.len()).as_bytes()).await;
        assert_eq!(answer.unwrap().1, long);
    }

    #[actix_web::test]
    async fn a_body_that_was_cut_is_an_error_wherever_it_was_cut() {
        let whole = format!("{CHUNKED}3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n");
        for end in 0..whole.len() {
            let error = download(&whole.as_bytes()[..end]).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{end}: {error}");
        }
        let short = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcd";
        assert_eq!(download(short).await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[actix_web::test]
    async fn what_is_no_answer_is_refused() {
        for answer in [
            "SSH-2.0-x\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\nuntil the connection ends",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n",
        ] {
            let error = download(answer.as_bytes()).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{answer}: {error}");
        }
        let endless = format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "x".repeat(20_000));
        assert!(download(endless.as_bytes()).await.unwrap_err().to_string().contains("too long"));
    }
}
