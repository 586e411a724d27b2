//! The endpoints, one file each, and the paths that lead to them.

mod calculate_metrics;
mod description;
mod domain;
mod erase_user;
mod event;
mod event_socket;
mod event_stream;
mod events;
mod export;
mod exposition;
mod health;
mod page;
mod pages;
mod post_events;
mod post_users;
mod post_visits;
mod put_mail;
mod refresh_segments;
mod segment_count;
mod segment_counts;
mod summary;
mod timeseries;
mod user_metrics;
mod verify;
mod visitors;

use actix_web::guard::{self, Guard};
use actix_web::middleware::from_fn;
use actix_web::web::{self, Payload, ServiceConfig};
use actix_web::{FromRequest, Handler, HttpRequest, Responder, Route};
use utoipa::openapi::HttpMethod;

use crate::access::{self, InQuery, Keys, Scopes};
use crate::body;
use crate::openapi::{Described, Operation};
use crate::problem::{Kind, Problem};
use crate::requests::{Counter, Requests};

/// Paths whose requests may take as long as they need: they go through all that is stored. See [`crate::RequestScope`].
pub(crate) const UNTIMED: &[&str] = &["/verify", "/metrics/calculate"];

/// Paths whose requests aren't counted: who asks whether the service is well must get an answer. See [`crate::RateLimit`].
pub(crate) const UNCOUNTED: &[&str] = &["/health", "/health/live", "/health/ready"];

const NONE: Scopes = Scopes::NONE;
const INGEST: Scopes = Scopes::INGEST;
const READ: Scopes = Scopes::READ;
const ADMIN: Scopes = Scopes::ADMIN;

/// Every path, what may be asked of it, and what a key must allow for that, any of several. The hottest path first: actix tries
/// them in order.
fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::at("/events")
            .post(INGEST, post_events::handle, post_events::describe)
            .get(READ, events::handle, events::describe)
            .takes_key_in_query("POST"),
        Endpoint::at("/visits").post(INGEST, post_visits::handle, post_visits::describe),
        Endpoint::at("/events/stream")
            .get(READ, event_stream::handle, event_stream::describe)
            .takes_key_in_query("GET"),
        Endpoint::at("/ws/events")
            .connect(READ.or(INGEST), event_socket::handle, event_socket::describe)
            .takes_key_in_query("GET"),
        Endpoint::at("/events/{event_id}").get(READ, event::handle, event::describe),
        Endpoint::at("/events/{domain}/delivered").put(
            INGEST,
            put_mail::delivered,
            put_mail::describe_delivered,
        ),
        Endpoint::at("/events/{domain}/bounced").put(INGEST, put_mail::bounced, put_mail::describe_bounced),
        Endpoint::at("/domains/{domain}").get(READ, domain::handle, domain::describe),
        Endpoint::at("/segments/count").get(READ, segment_counts::handle, segment_counts::describe),
        Endpoint::at("/segments/refresh").post(ADMIN, refresh_segments::handle, refresh_segments::describe),
        Endpoint::at("/segments/{title}/count").get(READ, segment_count::handle, segment_count::describe),
        Endpoint::at("/analytics/visitors").get(READ, visitors::handle, visitors::describe),
        Endpoint::at("/analytics/pages").get(READ, pages::handle, pages::describe),
        Endpoint::at("/analytics/summary").get(READ, summary::handle, summary::describe),
        Endpoint::at("/analytics/timeseries").get(READ, timeseries::handle, timeseries::describe),
        Endpoint::at("/export").get(ADMIN, export::handle, export::describe),
        Endpoint::at("/verify").post(ADMIN, verify::handle, verify::describe),
        Endpoint::at("/metrics/users").get(READ, user_metrics::handle, user_metrics::describe),
        Endpoint::at("/metrics/calculate").post(
            ADMIN,
            calculate_metrics::handle,
            calculate_metrics::describe,
        ),
        Endpoint::at("/users").post(INGEST, post_users::handle, post_users::describe),
        Endpoint::at("/users/{id}").delete(ADMIN, erase_user::handle, erase_user::describe),
        Endpoint::at("/metrics").get(READ, exposition::handle, exposition::describe),
        Endpoint::at("/health").get(NONE, health::live, health::describe_alive),
        Endpoint::at("/health/live").get(NONE, health::live, health::describe_live),
        Endpoint::at("/health/ready").get(NONE, health::ready, health::describe_ready),
        Endpoint::at("/openapi.json").get(NONE, description::handle, description::describe),
        Endpoint::at("/tracker.js").file(page::handle),
        Endpoint::at("/docs").file(page::handle),
        Endpoint::at("/").file(page::handle),
        Endpoint::at("/assets/{name}").file(page::handle),
        Endpoint::at("/theme.js").file(page::handle),
        Endpoint::at("/favicon.svg").file(page::handle),
        Endpoint::at("/favicon.ico").file(page::favicon),
    ]
}

/// Adds them all. Keys are asked for where there are any.
pub(crate) fn configure(config: &mut ServiceConfig, keys: Option<&Keys>, counter: &Counter) {
    for (number, endpoint) in endpoints().into_iter().enumerate() {
        let counter = counter.clone();
        let noted = guard::fn_guard(move |_| {
            counter.leads_to(number);
            true
        });
        endpoint.register(config, keys, noted);
    }
    config.default_service(web::to(async |request: HttpRequest, payload: Payload| -> Refused {
        body::leave_unread(&request, payload);
        Err(Problem::new(Kind::NotFound, "there is no such path"))
    }));
}

/// Every method and path with what a key must allow, any of several.
pub fn routes() -> Vec<(&'static str, &'static str, Scopes)> {
    let mut routes = Vec::new();
    for endpoint in endpoints() {
        for asked in &endpoint.routes {
            routes.extend(asked.methods.split(", ").map(|method| (method, endpoint.path, asked.needed)));
        }
    }
    routes
}

/// Counts requests by the paths of all endpoints, and those that lead to none.
impl Default for Requests {
    fn default() -> Self {
        Self::of(endpoints().into_iter().map(|endpoint| endpoint.path))
    }
}

/// Every operation that is part of the API, as its endpoint describes it.
pub(crate) fn described() -> Vec<Described> {
    let mut described = Vec::new();
    for endpoint in endpoints() {
        for asked in &endpoint.routes {
            let Some(describe) = asked.describe else { continue };
            let operation = describe().needs(asked.needed, endpoint.in_query_of(asked));
            described.push(Described { method: asked.method.clone(), path: endpoint.path, operation });
        }
    }
    described
}

/// What a handler answers that only refuses.
type Refused = Result<&'static str, Problem>;

impl Asked {
    fn get<H: Handler<A>, A: FromRequest + 'static>(
        needed: Scopes,
        handler: H,
        describe: Option<fn() -> Operation>,
    ) -> Self
    where
        H::Output: Responder + 'static,
    {
        let route = web::route().guard(guard::Any(guard::Get()).or(guard::Head())).to(handler);
        Self { method: HttpMethod::Get, methods: "GET, HEAD", needed, route, describe }
    }
}

/// A path, and what may be asked of it.
struct Endpoint {
    path: &'static str,
    /// The method, if any, with which a key may stand in the query.
    in_query: Option<&'static str>,
    routes: Vec<Asked>,
}

/// What may be asked of a path.
struct Asked {
    /// As the document has it.
    method: HttpMethod,
    /// All methods, as the header `Allow` has them.
    methods: &'static str,
    /// What a key must allow.
    needed: Scopes,
    /// Who answers.
    route: Route,
    /// What is said of it in the document; nothing of what is not part of the API.
    describe: Option<fn() -> Operation>,
}

impl Endpoint {
    const fn at(path: &'static str) -> Self {
        Self { path, in_query: None, routes: Vec::new() }
    }

    /// For browsers, which can't always set a header.
    const fn takes_key_in_query(mut self, method: &'static str) -> Self {
        self.in_query = Some(method);
        self
    }

    /// `HEAD` is answered as `GET`, less the body.
    fn get<H: Handler<A>, A: FromRequest + 'static>(
        self,
        needed: Scopes,
        handler: H,
        describe: fn() -> Operation,
    ) -> Self
    where
        H::Output: Responder + 'static,
    {
        self.with(Asked::get(needed, handler, Some(describe)))
    }

    /// A file of the page: for everyone, and not part of the API.
    fn file<H: Handler<A>, A: FromRequest + 'static>(self, handler: H) -> Self
    where
        H::Output: Responder + 'static,
    {
        self.with(Asked::get(NONE, handler, None))
    }

    /// A `GET` that leads to another protocol.
    fn connect<H: Handler<A>, A: FromRequest + 'static>(
        self,
        needed: Scopes,
        handler: H,
        describe: fn() -> Operation,
    ) -> Self
    where
        H::Output: Responder + 'static,
    {
        let route = web::get().to(handler);
        self.with(Asked { method: HttpMethod::Get, methods: "GET", needed, route, describe: Some(describe) })
    }

    fn post<H: Handler<A>, A: FromRequest + 'static>(
        self,
        needed: Scopes,
        handler: H,
        describe: fn() -> Operation,
    ) -> Self
    where
        H::Output: Responder + 'static,
    {
        let route = web::post().to(handler);
        self.with(Asked {
            method: HttpMethod::Post,
            methods: "POST",
            needed,
            route,
            describe: Some(describe),
        })
    }

    fn put<H: Handler<A>, A: FromRequest + 'static>(
        self,
        needed: Scopes,
        handler: H,
        describe: fn() -> Operation,
    ) -> Self
    where
        H::Output: Responder + 'static,
    {
        let route = web::put().to(handler);
        self.with(Asked { method: HttpMethod::Put, methods: "PUT", needed, route, describe: Some(describe) })
    }

    fn delete<H: Handler<A>, A: FromRequest + 'static>(
        self,
        needed: Scopes,
        handler: H,
        describe: fn() -> Operation,
    ) -> Self
    where
        H::Output: Responder + 'static,
    {
        let route = web::delete().to(handler);
        self.with(Asked {
            method: HttpMethod::Delete,
            methods: "DELETE",
            needed,
            route,
            describe: Some(describe),
        })
    }

    fn with(mut self, asked: Asked) -> Self {
        self.routes.push(asked);
        self
    }

    fn in_query_of(&self, asked: &Asked) -> InQuery {
        let is_allowed = self.in_query.is_some_and(|method| asked.methods.starts_with(method));
        if is_allowed { InQuery::Allowed } else { InQuery::Ignored }
    }

    /// Other methods are answered with 405. `noted` passes every request that comes here.
    fn register(self, config: &mut ServiceConfig, keys: Option<&Keys>, noted: impl Guard + 'static) {
        let allowed = self.allowed();
        let mut resource = web::resource(self.path).guard(noted);
        let in_query: Vec<InQuery> = self.routes.iter().map(|asked| self.in_query_of(asked)).collect();
        for (Asked { needed, route, .. }, in_query) in self.routes.into_iter().zip(in_query) {
            resource = match keys.filter(|_| needed != Scopes::NONE) {
                Some(keys) => {
                    let keys = keys.clone();
                    let pass =
                        move |request, next| access::pass(keys.clone(), needed, in_query, request, next);
                    resource.route(route.wrap(from_fn(pass)))
                }
                None => resource.route(route),
            };
        }
        config.service(resource.default_service(web::to(move |request: HttpRequest, payload: Payload| {
            let allowed = allowed.clone();
            async move {
                body::leave_unread(&request, payload);
                Refused::Err(Problem::method_not_allowed(&allowed))
            }
        })));
    }

    /// The methods, as the header `Allow` has them.
    fn allowed(&self) -> String {
        let mut methods: Vec<&str> = self.routes.iter().flat_map(|asked| asked.methods.split(", ")).collect();
        methods.sort_unstable();
        methods.join(", ")
    }
}
