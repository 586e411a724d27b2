//! What every request goes through: an id, limits, a guard against panics, errors as problem documents, and headers that tell
//! browsers what not to do.
//!
//! One hand-written middleware instead of four stacked ones: each would box a future for every request.

use std::any::Any;
use std::cell::OnceCell;
use std::future::{Future, Ready, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{self, Context, Poll};
use std::time::Duration;

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{ConnectionType, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Payload;
use actix_web::{Error, FromRequest, HttpRequest, HttpResponse, ResponseError};
use pin_project_lite::pin_project;
use tokio::time::Sleep;

use crate::body::{self, Holding};
use crate::drain::Drain;
use crate::endpoints::{UNCOUNTED, UNTIMED};
use crate::origin;
use crate::problem::{Kind, Problem};
use crate::rate::RateLimit;
use crate::request_ids::{RequestIds, is_sane};
use crate::requests::{self, Counted, Counter};
use crate::security::SecurityHeaders;
use crate::trace::{self, Followed, Traces};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest URL where no other limit is set. Any page that is stored can be asked about, each of its bytes escaped.
const URL_MAX_BYTES: usize = 32 * 1024;

/// The middleware, to be wrapped around the whole app.
#[derive(Clone)]
pub struct RequestScope {
    timeout: Duration,
    ids: Arc<RequestIds>,
    url_bytes: usize,
    rate: Option<RateLimit>,
    security: SecurityHeaders,
    is_local: bool,
    drain: Drain,
    traces: Option<Arc<dyn Traces>>,
}

impl RequestScope {
    /// Requests may take so long, but for those that go through all that is stored. It is the time until the answer
    /// begins: a body that is sent in pieces goes on as long as the client reads it. `process` is a random number that
    /// tells this process's ids from others'.
    pub fn new(timeout: Duration, process: u64) -> Self {
        let ids = Arc::new(RequestIds::of(process));
        let security = SecurityHeaders::default();
        let drain = Drain::default();
        Self {
            timeout,
            ids,
            url_bytes: URL_MAX_BYTES,
            rate: None,
            security,
            is_local: false,
            drain,
            traces: None,
        }
    }

    /// Once that has begun, each answer closes its connection.
    #[must_use]
    pub fn closing_on(mut self, drain: Drain) -> Self {
        self.drain = drain;
        self
    }

    /// URLs, less scheme and host, have at most so many bytes.
    #[must_use]
    pub fn with_url_bytes(mut self, bytes_max: usize) -> Self {
        self.url_bytes = bytes_max;
        self
    }

    /// Requests are counted, but for those about the service's health.
    #[must_use]
    pub fn with_rate(mut self, rate: Option<RateLimit>) -> Self {
        self.rate = rate;
        self
    }

    /// Whether the service itself speaks HTTPS: then browsers are told to come back by nothing else.
    #[must_use]
    pub fn with_https(mut self, is_https: bool) -> Self {
        self.security = SecurityHeaders::over(is_https);
        self
    }

    /// Whether it is for this machine alone: requests by a name that isn't its own are refused then. A page whose own name
    /// is made to lead here (DNS rebinding) is no other origin to a browser.
    #[must_use]
    pub fn for_this_machine(mut self, is_local: bool) -> Self {
        self.is_local = is_local;
        self
    }

    /// Has requests followed.
    #[must_use]
    pub fn followed_by(mut self, traces: Option<Arc<dyn Traces>>) -> Self {
        self.traces = traces;
        self
    }

    /// Completes what a layer around the scope answers by itself, without asking what is inside: CORS preflights and their
    /// refusals. To be wrapped around that layer.
    ///
    /// # Errors
    /// Those of what is inside.
    pub async fn complete<B: MessageBody + 'static>(
        self,
        request: ServiceRequest,
        next: Next<B>,
    ) -> Result<ServiceResponse<EitherBody<B>>, Error> {
        let response = next.call(request).await?;
        if response.headers().contains_key(REQUEST_ID) {
            return Ok(response.map_into_left_body());
        }
        let id = self.id_of(response.request());
        let security = self.security.of(response.request().method());
        let marks = Marks { id: &id, security, trace_id: None };
        let refusal = response.response().error().map(ToString::to_string);
        if let Some(detail) = refusal {
            let problem = Problem::new(Kind::Forbidden, detail);
            return Ok(refuse(response.into_parts().0, &problem, marks));
        }
        Ok(finish(response, marks))
    }

    fn id_of(&self, request: &HttpRequest) -> HeaderValue {
        let given = request.headers().get(REQUEST_ID).filter(|id| is_sane(id)).cloned();
        given.unwrap_or_else(|| self.ids.next())
    }

    /// Looks at what can be told from the head alone.
    fn admit(&self, request: &HttpRequest) -> Result<(), Problem> {
        if request.uri().path_and_query().is_some_and(|url| url.as_str().len() > self.url_bytes) {
            return Err(Problem::url_too_long(self.url_bytes));
        }
        if let Some(rate) = self.rate.as_ref().filter(|_| !UNCOUNTED.contains(&request.path())) {
            rate.count(rate.client(request))?;
        }
        if self.is_local { origin::check_host(request) } else { Ok(()) }
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
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = ScopedService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(ScopedService { service, scope: Rc::new(self.clone()) }))
    }
}

/// The app inside its scope.
pub struct ScopedService<S> {
    service: S,
    scope: Rc<RequestScope>,
}

impl<S, B> Service<ServiceRequest> for ScopedService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = ScopedRequest<S::Future>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.service.poll_ready(context)
    }

    fn call(&self, mut request: ServiceRequest) -> Self::Future {
        let (id, security) = (self.scope.id_of(request.request()), self.scope.security.of(request.method()));
        let mut counted = request.app_data::<Counter>().map(|counter| counter.begin(request.method()));
        let scope = Rc::clone(&self.scope);
        if let Err(problem) = scope.admit(request.request()) {
            if let Some(counted) = &mut counted {
                counted.would_lead_to(request.path());
            }
            let (request, mut payload) = request.into_parts();
            if let Ok(payload) = Payload::from_request(&request, &mut payload).into_inner() {
                body::leave_unread(&request, payload);
            }
            let course = Course::Refused { refusal: Some((request, problem)) };
            return ScopedRequest {
                course,
                id,
                scope,
                is_timed: false,
                timer: None,
                security,
                has_stray: false,
                counted,
                followed: None,
            };
        }
        let has_stray = body::leave_stray(&mut request);
        // By its path, and not by a mark that its handler sets: the request is given away here, and a place that both
        // could reach would cost every other request an allocation.
        let is_timed = !UNTIMED.contains(&request.path());
        let followed = self.scope.traces.as_deref().and_then(|traces| {
            let method = requests::known(request.method());
            let followed = traces.follow(request.headers(), &|| trace::span(method))?;
            Some((followed, traces, method))
        });
        let entered = followed.as_ref().map(|(followed, ..)| followed.span.enter());
        // Not every panic waits for the future: routing and extraction run here.
        let course = match catch_unwind(AssertUnwindSafe(|| self.service.call(request))) {
            Ok(inner) => Course::Running { inner },
            Err(panic) => Course::Panicked { panic: Some(panic) },
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
        ScopedRequest { course, id, scope, is_timed, timer: None, security, has_stray, counted, followed }
    }
}

pin_project! {
    /// A request on its way.
    pub struct ScopedRequest<F> {
        #[pin]
        course: Course<F>,
        id: HeaderValue,
        scope: Rc<RequestScope>,
        is_timed: bool,
        // Made only when a request has to wait: most never do.
        timer: Option<Pin<Box<Sleep>>>,
        security: SecurityHeaders,
        // Whether it has a body that has no meaning.
        has_stray: bool,
        counted: Option<Counted>,
        // Boxed, for most requests aren't.
        followed: Option<Box<Followed>>,
    }
}

pin_project! {
    #[project = CourseProjection]
    enum Course<F> {
        Running { #[pin] inner: F },
        // Never let in.
        Refused { refusal: Option<(HttpRequest, Problem)> },
        Panicked { panic: Option<Box<dyn Any + Send>> },
    }
}

impl<F, B> Future for ScopedRequest<F>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
    B: MessageBody + 'static,
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
    B: MessageBody + 'static,
{
    fn advance(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<ServiceResponse<EitherBody<B>>, Error>> {
        let this = self.project();
        let trace_id = this.followed.as_ref().map(|followed| &*followed.trace_id);
        let _entered = this.followed.as_ref().map(|followed| followed.span.enter());
        let marks = Marks { id: this.id, security: *this.security, trace_id };
        let fail = |problem| Poll::Ready(Err(Refusal::new(problem, marks).into()));
        let inner = match this.course.project() {
            CourseProjection::Running { inner } => inner,
            CourseProjection::Panicked { panic } => return fail(of_panic(panic.take())),
            CourseProjection::Refused { refusal } => {
                return match refusal.take() {
                    Some((request, problem)) => Poll::Ready(Ok(refuse(request, &problem, marks))),
                    None => fail(of_panic(None)),
                };
            }
        };
        match catch_unwind(AssertUnwindSafe(|| inner.poll(context))) {
            Err(panic) => fail(of_panic(Some(panic))),
            Ok(Poll::Ready(Ok(response))) => {
                let response = finish(response, marks);
                let mut response = if *this.has_stray { holding(response) } else { response };
                // Asked now, and not when the request came: it may have taken long.
                if this.scope.drain.has_begun() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
                    response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
                }
                Poll::Ready(Ok(response))
            }
            Ok(Poll::Ready(Err(error))) => fail(problem_of(&error.error_response())),
            Ok(Poll::Pending) => {
                if !*this.is_timed {
                    return Poll::Pending;
                }
                let timeout = this.scope.timeout;
                let timer = this.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
                match timer.as_mut().poll(context) {
                    Poll::Pending => Poll::Pending,
                    Poll::Ready(()) => {
                        tracing::warn!(request_id = marks.id(), trace_id, "a request ran out of its time");
                        fail(Problem::timeout())
                    }
                }
            }
        }
    }
}

/// What every answer carries, and what its log lines name.
#[derive(Clone, Copy)]
struct Marks<'a> {
    id: &'a HeaderValue,
    security: SecurityHeaders,
    trace_id: Option<&'a str>,
}

impl<'a> Marks<'a> {
    fn id(self) -> &'a str {
        self.id.to_str().unwrap_or_default()
    }

    fn put_on(self, headers: &mut HeaderMap) {
        headers.insert(REQUEST_ID, self.id.clone());
        self.security.complete(headers);
    }
}

/// Gives the answer its id, its headers and, where it is an error, its document.
fn finish<B: MessageBody + 'static>(
    mut response: ServiceResponse<B>,
    marks: Marks<'_>,
) -> ServiceResponse<EitherBody<B>> {
    let status = response.status();
    tracing::debug!(
        request_id = marks.id(),
        trace_id = marks.trace_id,
        method = %response.request().method(),
        // Its pattern, and none where it leads nowhere: a path may name a user.
        path = response.request().match_pattern(),
        status = status.as_u16(),
        "answered a request"
    );
    if status.is_client_error() || status.is_server_error() {
        let problem = problem_of(response.response());
        return refuse(response.into_parts().0, &problem, marks);
    }
    if let Some(late) = response.response().extensions().get::<LateId>() {
        late.0.get_or_init(|| marks.id().to_owned());
    }
    marks.put_on(response.headers_mut());
    response.map_into_left_body()
}

/// Answers with a problem. What the client still sends is read on, within a bound.
fn refuse<B: MessageBody + 'static>(
    request: HttpRequest,
    problem: &Problem,
    marks: Marks<'_>,
) -> ServiceResponse<EitherBody<B>> {
    let document = document(problem, marks);
    holding(ServiceResponse::new(request, document).map_into_right_body())
}

/// Keeps what is left unread of the request until its answer is sent.
fn holding<B: MessageBody + 'static>(
    response: ServiceResponse<EitherBody<B>>,
) -> ServiceResponse<EitherBody<B>> {
    let (request, response) = response.into_parts();
    let response =
        response.map_body(|_, body| EitherBody::right(BoxBody::new(Holding::unread_of(&request, body))));
    ServiceResponse::new(request, response)
}

fn document(problem: &Problem, marks: Marks<'_>) -> HttpResponse {
    let mut document = problem.respond(marks.id(), marks.trace_id);
    marks.put_on(document.headers_mut());
    document
}

fn problem_of<B>(response: &HttpResponse<B>) -> Problem {
    response.extensions().get::<Problem>().cloned().unwrap_or_else(|| Problem::of_status(response.status()))
}

fn of_panic(panic: Option<Box<dyn Any + Send>>) -> Problem {
    let panic = panic.unwrap_or_else(|| Box::new("polled after its end"));
    let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    let cause: Box<dyn std::error::Error + Send + Sync> = format!("a handler panicked: {text}").into();
    Problem::internal(cause.into())
}

/// A problem outside any response that could carry it.
#[derive(Debug)]
struct Refusal {
    problem: Problem,
    id: HeaderValue,
    security: SecurityHeaders,
    trace_id: Option<String>,
}

impl Refusal {
    fn new(problem: Problem, marks: Marks<'_>) -> Self {
        let Marks { id, security, trace_id } = marks;
        Self { problem, id: id.clone(), security, trace_id: trace_id.map(str::to_owned) }
    }
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
        let trace_id = self.trace_id.as_deref();
        document(&self.problem, Marks { id: &self.id, security: self.security, trace_id })
    }
}
