//! What every request goes through: an id, a limit in time, a guard against panics, and errors as problem documents.
//!
//! One hand-written middleware instead of four stacked ones: each would box a future for every request.

use std::any::Any;
use std::cell::OnceCell;
use std::future::{Future, Ready, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{self, Context, Poll};
use std::time::Duration;

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{Error, HttpMessage, HttpResponse, ResponseError};
use pin_project_lite::pin_project;
use tokio::time::Sleep;

use crate::body::{Holding, Unread};
use crate::endpoints::UNTIMED;
use crate::problem::Problem;
use crate::requests::{self, Counted, Counter};
use crate::streams::{Stream, Streams};
use crate::trace::{self, Followed, Traces};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id that is taken from a caller.
const REQUEST_ID_MAX_BYTES: usize = 128;

/// The middleware, to be wrapped around the whole app.
#[derive(Clone)]
pub struct RequestScope {
    timeout: Duration,
    ids: Arc<RequestIds>,
    traces: Option<Arc<dyn Traces>>,
}

/// Ids for requests whose caller sent none: a part that differs between processes and a number.
struct RequestIds {
    process: u64,
    next: AtomicU64,
}

impl RequestScope {
    /// Requests may take so long, but for those that go through all that is stored. It is the time until the answer
    /// begins: a body that is sent in pieces goes on as long as the client reads it. `process` is a random number that
    /// tells this process's ids from others'.
    pub fn new(timeout: Duration, process: u64) -> Self {
        Self { timeout, ids: Arc::new(RequestIds { process, next: AtomicU64::new(0) }), traces: None }
    }

    /// Has requests followed.
    #[must_use]
    pub fn followed_by(self, traces: Option<Arc<dyn Traces>>) -> Self {
        Self { traces, ..self }
    }
}

/// A request's id, for an answer whose body goes on when the handler is through: the handler puts it into the response's
/// extensions, and the scope fills it.
#[derive(Clone, Default)]
pub(crate) struct LateId(Rc<OnceCell<String>>);

impl LateId {
    pub(crate) fn get(&self) -> &str {
        self.0.get().map_or("", String::as_str)
    }
}

impl<S, B> Transform<S, ServiceRequest> for RequestScope
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = ScopedService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(ScopedService { service, scope: self.clone() }))
    }
}

/// The app inside its scope.
pub struct ScopedService<S> {
    service: S,
    scope: RequestScope,
}

impl<S, B> Service<ServiceRequest> for ScopedService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = ScopedRequest<S::Future>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.service.poll_ready(context)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let id = request.headers().get(REQUEST_ID).filter(|id| is_sane(id)).cloned();
        let id = id.unwrap_or_else(|| self.scope.ids.next());
        let mut counted = request.app_data::<Counter>().map(|counter| counter.begin(request.method()));
        let stream = match Streams::begin(&request) {
            Ok(stream) => stream,
            Err(problem) => return ScopedRequest::refused(problem, id, counted),
        };
        // By its path, and not by a mark that its handler sets: the request is given away here, and a place that both
        // could reach would cost every other request an allocation.
        let timeout = (!UNTIMED.contains(&request.path())).then_some(self.scope.timeout);
        let followed = self.scope.traces.as_deref().and_then(|traces| {
            let method = requests::known(request.method());
            let followed = traces.follow(request.headers(), &|| trace::span(method))?;
            Some((followed, traces, method))
        });
        let entered = followed.as_ref().map(|(followed, ..)| followed.span.enter());
        // Not every panic waits for the future: routing and extraction run here.
        let (inner, refused) = match catch_unwind(AssertUnwindSafe(|| self.service.call(request))) {
            Ok(inner) => (Some(inner), None),
            Err(panic) => (None, Some(problem_of_panic(panic))),
        };
        drop(entered);
        if let Some(counted) = &mut counted {
            counted.routed();
        }
        let followed = followed.map(|(followed, traces, method)| {
            let route = counted.as_ref().and_then(Counted::route);
            followed.routed(traces, method, route, id.to_str().unwrap_or_default());
            Box::new(followed)
        });
        ScopedRequest { inner, refused, id, timeout, timer: None, _stream: stream, counted, followed }
    }
}

pin_project! {
    /// A request on its way.
    pub struct ScopedRequest<F> {
        #[pin]
        inner: Option<F>,
        // Why there is no future.
        refused: Option<Problem>,
        id: HeaderValue,
        timeout: Option<Duration>,
        // Made only when a request has to wait: most never do.
        timer: Option<Pin<Box<Sleep>>>,
        _stream: Option<Stream>,
        counted: Option<Counted>,
        // Boxed, for most requests aren't.
        followed: Option<Box<Followed>>,
    }
}

impl<F> ScopedRequest<F> {
    const fn refused(problem: Problem, id: HeaderValue, counted: Option<Counted>) -> Self {
        let refused = Some(problem);
        Self { inner: None, refused, id, timeout: None, timer: None, _stream: None, counted, followed: None }
    }
}

impl<F, B> Future for ScopedRequest<F>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
    B: MessageBody,
{
    type Output = Result<ServiceResponse<EitherBody<B>>, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answered = task::ready!(self.as_mut().advance(context));
        let status = match &answered {
            Ok(response) => response.status(),
            Err(error) => error.as_response_error().status_code(),
        };
        if let Some(counted) = &self.counted {
            counted.answered(status);
        }
        if let Some(followed) = &self.followed {
            followed.answered(status);
        }
        Poll::Ready(answered)
    }
}

impl<F, B> ScopedRequest<F>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
    B: MessageBody,
{
    fn advance(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<ServiceResponse<EitherBody<B>>, Error>> {
        let this = self.project();
        let trace_id = this.followed.as_ref().map(|followed| &*followed.trace_id);
        let _entered = this.followed.as_ref().map(|followed| followed.span.enter());
        let id = this.id.to_str().unwrap_or_default();
        let Some(inner) = this.inner.as_pin_mut() else {
            let problem =
                this.refused.take().unwrap_or_else(|| problem_of_panic(Box::new("polled after its end")));
            return Poll::Ready(Err(Refusal::new(problem, this.id, trace_id).into()));
        };
        match catch_unwind(AssertUnwindSafe(|| inner.poll(context))) {
            Err(panic) => Poll::Ready(Err(Refusal::new(problem_of_panic(panic), this.id, trace_id).into())),
            Ok(Poll::Ready(Ok(response))) => Poll::Ready(Ok(finish(response, id, this.id, trace_id))),
            Ok(Poll::Ready(Err(error))) => {
                let response = error.error_response();
                let problem = problem_of(&response);
                Poll::Ready(Err(Refusal::new(problem, this.id, trace_id).into()))
            }
            Ok(Poll::Pending) => {
                let Some(timeout) = *this.timeout else { return Poll::Pending };
                let timer = this.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
                match timer.as_mut().poll(context) {
                    Poll::Pending => Poll::Pending,
                    Poll::Ready(()) => {
                        tracing::warn!(request_id = id, trace_id, "a request ran out of its time");
                        Poll::Ready(Err(Refusal::new(Problem::timeout(), this.id, trace_id).into()))
                    }
                }
            }
        }
    }
}

/// Gives the answer its id and, where it is an error, its document.
fn finish<B: MessageBody>(
    mut response: ServiceResponse<B>,
    id: &str,
    header: &HeaderValue,
    trace_id: Option<&str>,
) -> ServiceResponse<EitherBody<B>> {
    let status = response.status();
    tracing::debug!(
        request_id = id,
        trace_id,
        method = %response.request().method(),
        // Its pattern, and none where it leads nowhere: a path may name a user.
        path = response.request().match_pattern(),
        status = status.as_u16(),
        "answered a request"
    );
    if status.is_client_error() || status.is_server_error() {
        let problem = problem_of(response.response());
        let mut document = problem.respond(id, trace_id);
        document.headers_mut().insert(REQUEST_ID, header.clone());
        let unread = response.request().extensions_mut().remove::<Unread>();
        if let Some(unread) = unread {
            let holding =
                |body: BoxBody| BoxBody::new(Holding::new(body.try_into_bytes().unwrap_or_default(), unread));
            document = document.map_body(|_, body| holding(body));
        }
        return response.into_response(document).map_into_right_body();
    }
    if let Some(late) = response.response().extensions().get::<LateId>() {
        late.0.get_or_init(|| id.to_owned());
    }
    response.headers_mut().insert(REQUEST_ID, header.clone());
    response.map_into_left_body()
}

fn problem_of<B>(response: &HttpResponse<B>) -> Problem {
    response.extensions().get::<Problem>().cloned().unwrap_or_else(|| Problem::of_status(response.status()))
}

/// A problem outside any response that could carry it.
#[derive(Debug)]
struct Refusal {
    problem: Problem,
    id: HeaderValue,
    trace_id: Option<String>,
}

impl Refusal {
    fn new(problem: Problem, id: &HeaderValue, trace_id: Option<&str>) -> Self {
        Self { problem, id: id.clone(), trace_id: trace_id.map(str::to_owned) }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it ends here")]
fn problem_of_panic(panic: Box<dyn Any + Send>) -> Problem {
    let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    let cause: Box<dyn std::error::Error + Send + Sync> = format!("a handler panicked: {text}").into();
    Problem::internal(cause.into())
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.problem.fmt(f)
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        self.problem.status()
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut response =
            self.problem.respond(self.id.to_str().unwrap_or_default(), self.trace_id.as_deref());
        response.headers_mut().insert(REQUEST_ID, self.id.clone());
        response
    }
}

impl RequestIds {
    fn next(&self) -> HeaderValue {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut id = [0; 32];
        for (place, byte) in id.iter_mut().enumerate() {
            let half = if place < 16 { self.process } else { number };
            let digit = (half >> (60 - place % 16 * 4)) & 0xF;
            *byte = b"0123456789abcdef"[digit as usize];
        }
        HeaderValue::from_bytes(&id).unwrap_or_else(|_| HeaderValue::from_static("0"))
    }
}

/// Short, printable and free of what could break a log line or a header.
fn is_sane(id: &HeaderValue) -> bool {
    (1..=REQUEST_ID_MAX_BYTES).contains(&id.len())
        && id.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/+=~@".contains(byte))
}
