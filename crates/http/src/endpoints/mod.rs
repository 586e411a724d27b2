//! The endpoints, one file each, and the paths that lead to them.

mod calculate_metrics;
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

use crate::access::{self, InQuery, Keys, Scopes};
use crate::body;
use crate::problem::{Kind, Problem};
use crate::requests::{Counter, Requests};

/// Paths whose requests may take as long as they need: they go through all that is stored. See [`crate::RequestScope`].
pub(crate) const UNTIMED: &[&str] = &["/verify", "/metrics/calculate"];

const NONE: Scopes = Scopes::NONE;
const INGEST: Scopes = Scopes::INGEST;
const READ: Scopes = Scopes::READ;
const ADMIN: Scopes = Scopes::ADMIN;

/// Every path, what may be asked of it, and what a key must allow for that, any of several. The hottest path first: actix tries
/// them in order.
fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::at("/events")
            .post(INGEST, post_events::handle)
            .get(READ, events::handle)
            .takes_key_in_query("POST"),
        Endpoint::at("/visits").post(INGEST, post_visits::handle),
        Endpoint::at("/events/stream").get(READ, event_stream::handle).takes_key_in_query("GET"),
        Endpoint::at("/ws/events").connect(READ.or(INGEST), event_socket::handle).takes_key_in_query("GET"),
        Endpoint::at("/events/{event_id}").get(READ, event::handle),
        Endpoint::at("/events/{domain}/delivered").put(INGEST, put_mail::delivered),
        Endpoint::at("/events/{domain}/bounced").put(INGEST, put_mail::bounced),
        Endpoint::at("/domains/{domain}").get(READ, domain::handle),
        Endpoint::at("/segments/count").get(READ, segment_counts::handle),
        Endpoint::at("/segments/refresh").post(ADMIN, refresh_segments::handle),
        Endpoint::at("/segments/{title}/count").get(READ, segment_count::handle),
        Endpoint::at("/analytics/visitors").get(READ, visitors::handle),
        Endpoint::at("/analytics/pages").get(READ, pages::handle),
        Endpoint::at("/analytics/summary").get(READ, summary::handle),
        Endpoint::at("/analytics/timeseries").get(READ, timeseries::handle),
        Endpoint::at("/export").get(ADMIN, export::handle),
        Endpoint::at("/verify").post(ADMIN, verify::handle),
        Endpoint::at("/metrics/users").get(READ, user_metrics::handle),
        Endpoint::at("/metrics/calculate").post(ADMIN, calculate_metrics::handle),
        Endpoint::at("/users").post(INGEST, post_users::handle),
        Endpoint::at("/users/{id}").delete(ADMIN, erase_user::handle),
        Endpoint::at("/metrics").get(READ, exposition::handle),
        Endpoint::at("/health").get(NONE, health::live),
        Endpoint::at("/health/live").get(NONE, health::live),
        Endpoint::at("/health/ready").get(NONE, health::ready),
        Endpoint::at("/tracker.js").get(NONE, page::handle),
        Endpoint::at("/").get(NONE, page::handle),
        Endpoint::at("/assets/{name}").get(NONE, page::handle),
        Endpoint::at("/theme.js").get(NONE, page::handle),
        Endpoint::at("/favicon.svg").get(NONE, page::handle),
        Endpoint::at("/favicon.ico").get(NONE, page::favicon),
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
        for (methods, needed, _) in &endpoint.routes {
            routes.extend(methods.split(", ").map(|method| (method, endpoint.path, *needed)));
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

/// What a handler answers that only refuses.
type Refused = Result<&'static str, Problem>;

/// A path, and what may be asked of it.
struct Endpoint {
    path: &'static str,
    /// The method, if any, with which a key may stand in the query.
    in_query: Option<&'static str>,
    /// Methods, as the header `Allow` has them; what a key must allow; who answers.
    routes: Vec<(&'static str, Scopes, Route)>,
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
    fn get<H: Handler<A>, A: FromRequest + 'static>(self, needed: Scopes, handler: H) -> Self
    where
        H::Output: Responder + 'static,
    {
        let route = web::route().guard(guard::Any(guard::Get()).or(guard::Head()));
        self.with("GET, HEAD", needed, route.to(handler))
    }

    /// A `GET` that leads to another protocol.
    fn connect<H: Handler<A>, A: FromRequest + 'static>(self, needed: Scopes, handler: H) -> Self
    where
        H::Output: Responder + 'static,
    {
        self.with("GET", needed, web::get().to(handler))
    }

    fn post<H: Handler<A>, A: FromRequest + 'static>(self, needed: Scopes, handler: H) -> Self
    where
        H::Output: Responder + 'static,
    {
        self.with("POST", needed, web::post().to(handler))
    }

    fn put<H: Handler<A>, A: FromRequest + 'static>(self, needed: Scopes, handler: H) -> Self
    where
        H::Output: Responder + 'static,
    {
        self.with("PUT", needed, web::put().to(handler))
    }

    fn delete<H: Handler<A>, A: FromRequest + 'static>(self, needed: Scopes, handler: H) -> Self
    where
        H::Output: Responder + 'static,
    {
        self.with("DELETE", needed, web::delete().to(handler))
    }

    fn with(mut self, methods: &'static str, needed: Scopes, route: Route) -> Self {
        self.routes.push((methods, needed, route));
        self
    }

    /// Other methods are answered with 405. `noted` passes every request that comes here.
    fn register(self, config: &mut ServiceConfig, keys: Option<&Keys>, noted: impl Guard + 'static) {
        let allowed = self.allowed();
        let mut resource = web::resource(self.path).guard(noted);
        for (methods, needed, route) in self.routes {
            let is_allowed = self.in_query.is_some_and(|method| methods.starts_with(method));
            let in_query = if is_allowed { InQuery::Allowed } else { InQuery::Ignored };
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
        let mut methods: Vec<&str> =
            self.routes.iter().flat_map(|(methods, ..)| methods.split(", ")).collect();
        methods.sort_unstable();
        methods.join(", ")
    }
}
