//! A small HTTP client of a running server, for the commands that work through one. It sends and hands back what came;
//! what an answer means is the command's to decide.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;
use awc::Connector;
use awc::http::{StatusCode, Uri, header};
use rustls::ClientConfig;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use super::download::Download;
use super::reach::Address;

/// Longer than the server's own `FOOTFALL__LIMITS__REQUEST_TIMEOUT` default (30 s), so that its 503 arrives.
const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);
const HEALTH_TIMEOUT: Duration = Duration::from_secs(2);
/// Longer than any dependency is waited for.
const READINESS_TIMEOUT: Duration = Duration::from_secs(3);
/// What goes through all that is stored the server sets no limit to. A day is for a server that is gone.
const LONG_TIMEOUT: Duration = Duration::from_hours(24);
/// A batch of 10,000 events that are all refused is answered with a few megabytes of reasons.
const MAX_ANSWER_BYTES: usize = 32 << 20;

/// Why no answer came, or why nothing could be asked.
#[derive(Debug, Error)]
pub(crate) enum ClientError {
    /// The address isn't an absolute `http` or `https` URL.
    #[error("`{0}` is not a server's address; one looks like http://127.0.0.1:8080")]
    BadAddress(String),
    /// TLS can't be had.
    #[error("{0}")]
    Tls(#[from] rustls::Error),
    /// The key holds characters that no header can carry.
    #[error("the key holds characters that an HTTP header cannot carry")]
    BadKey,
    /// The request or its answer got lost. What became of it is unknown; sending the same event ids again is safe.
    #[error("{server}: {cause}")]
    Lost {
        /// The address that was tried.
        server: String,
        /// What went wrong, in the words of the layer below.
        cause: String,
    },
    /// The server answered, and not with success.
    #[error("{server} refuses: {why}")]
    Refused {
        /// Its address.
        server: String,
        /// Its words.
        why: String,
    },
}

/// An HTTP answer, read to its end.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: StatusCode,
    /// `Retry-After`, when it was given in seconds.
    pub(crate) retry_after: Option<Duration>,
    /// The body.
    pub(crate) body: Bytes,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    title: Option<String>,
    detail: Option<String>,
    request_id: Option<String>,
}

impl Answer {
    /// The status, and what the server said to it, where it is a problem document; in one line.
    pub(crate) fn said(&self) -> String {
        let problem: Problem = serde_json::from_slice(&self.body).unwrap_or_default();
        let said = problem.detail.or(problem.title).map(|said| format!(": {said}")).unwrap_or_default();
        let request = problem.request_id.map(|id| format!(" (request {id})")).unwrap_or_default();
        format!("{}{said}{request}", self.status)
    }
}

/// A client of one server. It lives on one thread (awc's connections do), inside actix's runtime.
pub(crate) struct Client {
    http: awc::Client,
    server: String,
    uri: Uri,
    tls: Arc<ClientConfig>,
    key: Option<String>,
}

impl Client {
    /// A client of the server at that address (`http://HOST:PORT` or `https://…`, a path before the endpoints is allowed),
    /// that sends `key` as a bearer token.
    ///
    /// # Errors
    /// When the address isn't an absolute `http` or `https` URL or the key can't stand in a header.
    pub(crate) fn new(address: &Address, key: Option<&str>) -> Result<Self, ClientError> {
        let server = address.url.trim_end_matches('/').to_owned();
        let uri: Uri = server.parse().map_err(|_| ClientError::BadAddress(address.url.clone()))?;
        if !matches!(
            (uri.scheme_str(), uri.authority(), uri.query()),
            (Some("http" | "https"), Some(_), None)
        ) {
            return Err(ClientError::BadAddress(address.url.clone()));
        }
        let tls = Arc::new(address.trust.client_config()?);
        // A redirected POST would lose its body or its key; the answer 3xx says more.
        let mut builder = awc::Client::builder()
            .connector(Connector::new().rustls_0_23(Arc::clone(&tls)))
            .timeout(REQUEST_TIMEOUT)
            .disable_redirects();
        if let Some(key) = key {
            let mut value =
                header::HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| ClientError::BadKey)?;
            value.set_sensitive(true);
            builder = builder.add_default_header((header::AUTHORIZATION, value));
        }
        Ok(Self { http: builder.finish(), server, uri, tls, key: key.map(str::to_owned) })
    }

    /// The address, without a slash at its end.
    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    /// Whether a server answers there: `GET /health/live` with success, within two seconds.
    pub(crate) async fn is_up(&self) -> bool {
        let request = self.http.get(format!("{}/health/live", self.server)).timeout(HEALTH_TIMEOUT);
        request.send().await.is_ok_and(|response| response.status().is_success())
    }

    /// What `GET /health/ready` answers within three seconds.
    ///
    /// # Errors
    /// [`ClientError::Lost`] when no answer came.
    pub(crate) async fn readiness(&self) -> Result<StatusCode, ClientError> {
        let request = self.http.get(format!("{}/health/ready", self.server)).timeout(READINESS_TIMEOUT);
        Ok(request.send().await.map_err(|error| self.lost(&error))?.status())
    }

    /// `POST /events` with a body of newline-delimited events.
    ///
    /// # Errors
    /// [`ClientError::Lost`] when no whole answer came.
    pub(crate) async fn post_events(&self, ndjson: Bytes) -> Result<Answer, ClientError> {
        self.post("/events", "application/x-ndjson", ndjson).await
    }

    /// `POST` of a body to that path.
    ///
    /// # Errors
    /// [`ClientError::Lost`] when no whole answer came.
    pub(crate) async fn post(
        &self,
        path: &str,
        content_type: &str,
        body: Bytes,
    ) -> Result<Answer, ClientError> {
        let request = self.http.post(format!("{}{path}", self.server));
        self.send(request.insert_header((header::CONTENT_TYPE, content_type)), body).await
    }

    /// `PUT` of nothing to that path, under an idempotency key.
    ///
    /// # Errors
    /// [`ClientError::Lost`] when no whole answer came.
    pub(crate) async fn put(&self, path: &str, idempotency_key: &str) -> Result<Answer, ClientError> {
        let request = self.http.put(format!("{}{path}", self.server));
        self.send(request.insert_header(("Idempotency-Key", idempotency_key)), Bytes::new()).await
    }

    /// `POST` of that path and query without a body, however long it takes, and the JSON of an answer with status 200.
    ///
    /// # Errors
    /// [`ClientError::Lost`] when no whole answer came, [`ClientError::Refused`] when it was one without success.
    pub(crate) async fn run<T: DeserializeOwned>(&self, target: &str) -> Result<T, ClientError> {
        let request = self.http.post(format!("{}{target}", self.server)).timeout(LONG_TIMEOUT);
        let answer = self.send(request, Bytes::new()).await?;
        if answer.status != StatusCode::OK {
            return Err(self.refused(&answer));
        }
        serde_json::from_slice(&answer.body)
            .map_err(|error| self.lost(&format!("its answer is none: {error}")))
    }

    /// `GET` of that path and query, as a body to be read piece by piece. An answer without success is read here.
    ///
    /// # Errors
    /// [`ClientError::Lost`] when no answer came, [`ClientError::Refused`] when it was one without success.
    pub(crate) async fn download(&self, target: &str) -> Result<Download, ClientError> {
        let start = Download::start(&self.uri, &self.tls, target, self.key.as_deref(), REQUEST_TIMEOUT);
        let mut download = start.await.map_err(|error| self.lost(&error))?;
        let status = download.status();
        if status.is_success() {
            return Ok(download);
        }
        let mut body = Vec::new();
        // A refusal that breaks off is a refusal all the same.
        while let Ok(Some(piece)) = download.next().await
            && body.len() < MAX_ANSWER_BYTES
        {
            body.extend(piece);
        }
        Err(self.refused(&Answer { status, retry_after: None, body: body.into() }))
    }

    /// An answer that is no success, as an error.
    pub(crate) fn refused(&self, answer: &Answer) -> ClientError {
        ClientError::Refused { server: self.server.clone(), why: answer.said() }
    }

    async fn send(&self, request: awc::ClientRequest, body: Bytes) -> Result<Answer, ClientError> {
        let mut response = request.send_body(body).await.map_err(|error| self.lost(&error))?;
        let retry_after = response
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok())
            .map(Duration::from_secs);
        let body = response.body().limit(MAX_ANSWER_BYTES).await.map_err(|error| self.lost(&error))?;
        Ok(Answer { status: response.status(), retry_after, body })
    }

    /// A body that broke off, or an answer that never came.
    pub(crate) fn lost(&self, cause: &impl std::fmt::Display) -> ClientError {
        ClientError::Lost { server: self.server.clone(), cause: cause.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(url: &str, key: Option<&str>) -> Result<Client, ClientError> {
        Client::new(&Address::named(url), key)
    }

    #[actix_web::test]
    async fn only_absolute_http_addresses_are_taken() {
        for good in ["http://127.0.0.1:8080", "http://localhost/", "http://[::1]:1/footfall", "https://x"] {
            assert!(client(good, None).is_ok(), "{good}");
        }
        for bad in ["", "localhost", "127.0.0.1:8080", "ftp://x", "http://", "http://x/?q", "http://a b"] {
            assert!(matches!(client(bad, None), Err(ClientError::BadAddress(_))), "{bad}");
        }
        assert!(matches!(client("http://localhost", Some("a\nb")), Err(ClientError::BadKey)));
    }

    #[actix_web::test]
    async fn nobody_there_is_not_up_and_a_lost_request() {
        // Bound and dropped: nothing listens there now.
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let client = client(&format!("http://{address}"), None).unwrap();
        assert!(!client.is_up().await);
        let lost = client.post_events(Bytes::from_static(b"{}\n")).await.unwrap_err();
        assert!(lost.to_string().contains(&address.to_string()), "{lost}");
    }
}
