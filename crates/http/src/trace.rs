//! The span of a request, for whoever follows requests through the service.

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use footfall_ports::SPANS;
use tracing::Span;
use tracing::field::Empty;

/// Follows requests, by the headers of W3C Trace Context. Not there where nobody collects traces.
pub trait Traces: Send + Sync {
    /// Begins to follow a request that came with these headers, by the span that `begin` makes; or not, as its caller has
    /// decided, or chance.
    fn follow(&self, headers: &HeaderMap, begin: &dyn Fn() -> Span) -> Option<Followed>;

    /// Gives a span that has begun its name: where a request leads is known only then.
    fn rename(&self, span: &Span, name: String);
}

/// A request that is followed.
#[derive(Debug)]
pub struct Followed {
    /// Its span.
    pub span: Span,
    /// The trace that the span belongs to, as 32 hexadecimal digits.
    pub trace_id: String,
}

/// The name of a request's span, by which it is told from those within it.
pub const REQUEST_SPAN: &str = "request";

/// A span with the names of OpenTelemetry's semantic conventions for HTTP servers. They call a method that is not known `_OTHER`,
/// and its span `HTTP`.
pub(crate) fn span(method: Option<&'static str>) -> Span {
    tracing::debug_span!(
        target: SPANS,
        REQUEST_SPAN,
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method.unwrap_or("_OTHER"),
        http.route = Empty,
        http.response.status_code = Empty,
        error.type = Empty,
        request_id = Empty,
    )
}

impl Followed {
    /// Says where it leads: to a route's pattern, for a path may name a user.
    pub(crate) fn routed(
        &self,
        traces: &dyn Traces,
        method: Option<&'static str>,
        route: Option<&'static str>,
        request_id: &str,
    ) {
        let method = method.unwrap_or("HTTP");
        self.span.record("request_id", request_id);
        match route {
            Some(route) => {
                self.span.record("http.route", route);
                traces.rename(&self.span, format!("{method} {route}"));
            }
            None => traces.rename(&self.span, method.to_owned()),
        }
    }

    pub(crate) fn answered(&self, status: StatusCode) {
        self.span.record("http.response.status_code", status.as_u16());
        if status.is_server_error() {
            self.span.record("error.type", status.as_str());
            self.span.record("otel.status_code", "ERROR");
        }
    }
}
