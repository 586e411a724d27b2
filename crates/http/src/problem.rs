//! Errors as clients see them: RFC 9457 problem documents. The only place where an error becomes an answer.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, UPGRADE, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use footfall_domain::problem::{Code, FieldError};
use footfall_ports::StoreError;
use footfall_services::{BatchReport, IngestError, RejectedMembership};
use serde::Serialize;

/// What sort of problem it is; `type` and `title` follow from it and never change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    MalformedBody,
    InvalidQuery,
    InvalidHeader,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    SlowBody,
    UrlTooLong,
    TooLarge,
    UnsupportedMediaType,
    UpgradeRequired,
    Invalid,
    TooManyRequests,
    Timeout,
    Unavailable,
    NotReady,
    TooManyListeners,
    Internal,
    /// What actix refuses by itself, before a handler is asked.
    Other(StatusCode),
}

/// An error on its way to a client. Boxed, for every handler's result has room for one.
#[derive(Clone, Debug)]
pub(crate) struct Problem(Box<Details>);

#[derive(Clone, Debug)]
struct Details {
    kind: Kind,
    detail: String,
    errors: Vec<FieldError>,
    report: Option<Arc<Report>>,
    /// Further members of the document.
    dependencies: Option<serde_json::Value>,
    retry_after: Option<Duration>,
    /// Methods that the path takes.
    allowed: Option<String>,
    /// For the log, never for the client.
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

/// What became of a batch of which nothing was taken. Its members stand in the document.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Report {
    Events(BatchReport),
    Memberships { created: usize, renewed: usize, rejected: usize, errors: Vec<RejectedMembership> },
}

#[derive(Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    request_id: &'a str,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    report: Option<&'a Report>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
    #[serde(skip_serializing_if = "Option::is_none")]
    dependencies: Option<&'a serde_json::Value>,
    /// Seconds, as in the header: an ack on a socket has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

impl Problem {
    pub(crate) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self(Box::new(Details {
            kind,
            detail,
            errors: Vec::new(),
            report: None,
            dependencies: None,
            retry_after: None,
            allowed: None,
            cause: None,
        }))
    }

    fn with(mut self, add: impl FnOnce(&mut Details)) -> Self {
        add(&mut self.0);
        self
    }

    /// A query with everything that is wrong in it.
    pub(crate) fn query(errors: Vec<FieldError>) -> Self {
        Self::new(Kind::InvalidQuery, "the query is not valid; `errors` says where")
            .with(|details| details.errors = errors)
    }

    /// A body that can't be read, and where.
    pub(crate) fn malformed(error: FieldError) -> Self {
        let detail = error.message.to_string();
        Self::new(Kind::MalformedBody, detail).with(|details| details.errors = vec![error])
    }

    /// A well-formed body with everything that is wrong in it.
    pub(crate) fn invalid(errors: Vec<FieldError>) -> Self {
        Self::new(Kind::Invalid, "the body is not valid; `errors` says where")
            .with(|details| details.errors = errors)
    }

    /// A path with something wrong in a part of it that the client chose.
    pub(crate) fn path(error: FieldError) -> Self {
        Self::new(Kind::Invalid, "the path is not valid; `errors` says where")
            .with(|details| details.errors = vec![error])
    }

    /// A header that is not what it must be.
    pub(crate) fn header(error: FieldError) -> Self {
        Self::new(Kind::InvalidHeader, "a header is not valid; `errors` says which")
            .with(|details| details.errors = vec![error])
    }

    /// A batch of which no event is valid.
    pub(crate) fn nothing_valid(report: BatchReport) -> Self {
        let detail = "no event of the batch is valid; `errors` says why";
        Self::new(Kind::Invalid, detail)
            .with(|details| details.report = Some(Arc::new(Report::Events(report))))
    }

    /// An array of users of whom none can be taken.
    pub(crate) fn no_membership_valid(rejected: usize, errors: Vec<RejectedMembership>) -> Self {
        let detail = "none of the users is valid; `errors` says why";
        let report = Report::Memberships { created: 0, renewed: 0, rejected, errors };
        Self::new(Kind::Invalid, detail).with(|details| details.report = Some(Arc::new(report)))
    }

    /// A method that the path doesn't take, and those that it does.
    pub(crate) fn method_not_allowed(allowed: &str) -> Self {
        Self::new(Kind::MethodNotAllowed, format!("this path takes {allowed}"))
            .with(|details| details.allowed = Some(allowed.to_owned()))
    }

    /// A request that ran out of its time.
    pub(crate) fn timeout() -> Self {
        let detail = "the request took too long; what became of it is unknown, and sending it again is safe";
        Self::new(Kind::Timeout, detail).with(|details| details.retry_after = Some(Duration::from_secs(1)))
    }

    /// A service whose dependencies are not all there, and which they are.
    pub(crate) fn not_ready(dependencies: serde_json::Value) -> Self {
        let detail = "something that the service needs is down";
        Self::new(Kind::NotReady, detail).with(|details| {
            details.dependencies = Some(dependencies);
            details.retry_after = Some(Duration::from_secs(5));
        })
    }

    /// A URL longer than it may be.
    pub(crate) fn url_too_long(bytes_max: usize) -> Self {
        Self::new(Kind::UrlTooLong, format!("a URL has at most {bytes_max} bytes"))
    }

    /// A request more than the client may make now, and after how long it may make one.
    pub(crate) fn too_many_requests(wait: Duration) -> Self {
        let detail = "this client makes more requests a second than it may; nothing was done";
        Self::new(Kind::TooManyRequests, detail).with(|details| details.retry_after = Some(wait))
    }

    /// One listener more than there may be.
    pub(crate) fn too_many_listeners() -> Self {
        let detail =
            "as many as may listen at a time do; FOOTFALL__LIVE__MAX_LISTENERS says how many that is";
        Self::new(Kind::TooManyListeners, detail)
            .with(|details| details.retry_after = Some(Duration::from_secs(10)))
    }

    /// A failure of the service itself.
    pub(crate) fn internal(cause: Arc<dyn Error + Send + Sync>) -> Self {
        let detail = "the service failed; the request's id leads to the cause in its log";
        Self::new(Kind::Internal, detail).with(|details| details.cause = Some(cause))
    }

    /// What is known of an answer that actix made by itself.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        Self::new(Kind::Other(status), status.canonical_reason().unwrap_or("the request was refused"))
    }

    /// The answer.
    pub(crate) fn respond(&self, request_id: &str, trace_id: Option<&str>) -> HttpResponse {
        let mut response = HttpResponse::build(self.status());
        if let Some(seconds) = self.retry_after_s() {
            response.insert_header((RETRY_AFTER, seconds));
        }
        if let Some(allowed) = &self.0.allowed {
            response.insert_header((ALLOW, allowed.as_str()));
        }
        if self.0.kind == Kind::Unauthorized {
            response.insert_header((WWW_AUTHENTICATE, "Bearer"));
        }
        if self.0.kind == Kind::UpgradeRequired {
            response.insert_header((UPGRADE, "websocket"));
        }
        response
            .insert_header((CONTENT_TYPE, HeaderValue::from_static("application/problem+json")))
            .body(self.document(request_id, trace_id))
    }

    /// The document. Causes are logged here, once.
    pub(crate) fn document(&self, request_id: &str, trace_id: Option<&str>) -> Vec<u8> {
        if let Some(cause) = &self.0.cause {
            let cause = chain(&**cause);
            tracing::error!(
                request_id,
                trace_id,
                status = self.status().as_u16(),
                cause,
                "a request failed: {}",
                self.0.detail
            );
        }
        let (slug, title) = self.names();
        let document = Document {
            r#type: format!("urn:footfall:problem:{slug}"),
            title,
            status: self.status().as_u16(),
            detail: &self.0.detail,
            request_id,
            report: self.0.report.as_deref(),
            errors: &self.0.errors,
            dependencies: self.0.dependencies.as_ref(),
            retry_after: self.retry_after_s(),
        };
        serde_json::to_vec(&document).unwrap_or_default()
    }

    fn retry_after_s(&self) -> Option<u64> {
        self.0.retry_after.map(|retry_after| retry_after.as_secs().max(1))
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self.0.kind {
            Kind::MalformedBody | Kind::InvalidQuery | Kind::InvalidHeader => StatusCode::BAD_REQUEST,
            Kind::Unauthorized => StatusCode::UNAUTHORIZED,
            Kind::Forbidden => StatusCode::FORBIDDEN,
            Kind::NotFound => StatusCode::NOT_FOUND,
            Kind::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Kind::SlowBody => StatusCode::REQUEST_TIMEOUT,
            Kind::UrlTooLong => StatusCode::URI_TOO_LONG,
            Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Kind::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Kind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            Kind::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Kind::UpgradeRequired => StatusCode::UPGRADE_REQUIRED,
            Kind::Timeout | Kind::Unavailable | Kind::NotReady | Kind::TooManyListeners => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Kind::Other(status) => status,
        }
    }

    fn names(&self) -> (&'static str, &'static str) {
        match self.0.kind {
            Kind::MalformedBody => ("malformed-body", "The body can't be read"),
            Kind::InvalidQuery => ("invalid-query", "The query is not valid"),
            Kind::InvalidHeader => ("invalid-header", "A header is not valid"),
            Kind::Unauthorized => ("unauthorized", "A key is needed"),
            Kind::Forbidden => ("forbidden", "This is not allowed"),
            Kind::NotFound => ("not-found", "There is nothing here"),
            Kind::MethodNotAllowed => ("method-not-allowed", "The method is not allowed here"),
            Kind::SlowBody => ("slow-body", "The body took too long to arrive"),
            Kind::UrlTooLong => ("url-too-long", "The URL is too long"),
            Kind::TooLarge => ("too-large", "The request is too large"),
            Kind::UnsupportedMediaType => ("unsupported-media-type", "The content type is not supported"),
            Kind::UpgradeRequired => ("upgrade-required", "Another protocol is needed"),
            Kind::Invalid => ("invalid", "The request is not valid"),
            Kind::TooManyRequests => ("too-many-requests", "Too many requests"),
            Kind::Timeout => ("timeout", "The request ran out of time"),
            Kind::Unavailable => ("unavailable", "The store can't take this now"),
            Kind::NotReady => ("not-ready", "The service is not ready"),
            Kind::TooManyListeners => ("too-many-listeners", "Too many are listening"),
            Kind::Internal => ("internal", "The service failed"),
            Kind::Other(_) => ("refused", "The request was refused"),
        }
    }
}

/// An error and what lies beneath it, in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text = format!("{text}: {source}");
        next = source.source();
    }
    text
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let full = "the store is full; nothing of the request was stored, and sending it again is safe";
        let unavailable = "the store can't be used now; sending the request again is safe";
        let retry =
            |retry_after: Duration| move |details: &mut Details| details.retry_after = Some(retry_after);
        match error {
            StoreError::Full { retry_after } => Self::new(Kind::Unavailable, full).with(retry(retry_after)),
            StoreError::Unavailable { retry_after, .. } => Self::new(Kind::Unavailable, unavailable)
                .with(retry(retry_after))
                .with(|details| details.cause = Some(Arc::new(error))),
            StoreError::Failed(_) => Self::internal(Arc::new(error)),
        }
    }
}

impl From<IngestError> for Problem {
    fn from(error: IngestError) -> Self {
        let text = error.to_string();
        match error {
            IngestError::Malformed(_) | IngestError::NotUtf8(_) => {
                Self::malformed(FieldError::new("", Code::Malformed, text))
            }
            IngestError::Invalid(errors) => Self::invalid(errors),
            IngestError::TooManyEvents(_) => {
                Self::new(Kind::TooLarge, format!("{text}; nothing of it was stored"))
                    .with(|details| details.errors = vec![FieldError::new("", Code::TooManyEvents, text)])
            }
            IngestError::Path(error) => Self::path(error),
            IngestError::KeyReused => {
                let error = FieldError::new("header:Idempotency-Key", Code::KeyReused, text);
                Self::new(Kind::Invalid, "the key was used before, for another event; nothing was stored")
                    .with(|details| details.errors = vec![error])
            }
            IngestError::Store(error) => error.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.detail)
    }
}

/// A handler's error carries itself in its response; [`crate::RequestScope`], which knows the request's id, writes it.
impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::new(self.status());
        response.extensions_mut().insert(self.clone());
        response
    }
}
