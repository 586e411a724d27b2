//! What is counted of requests: by route and never by path, so that what is counted stays within bounds whatever is asked.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use actix_web::dev::ResourceDef;
use actix_web::http::{Method, StatusCode};
use footfall_ports::{Distribution, Histogram, TIME_BOUNDS_US};

/// The route of requests that lead nowhere.
const UNMATCHED: &str = "unmatched";
/// Methods that are told apart.
const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", OTHER];
/// Statuses that are told apart: those that the service answers with.
const STATUSES: [&str; 22] = [
    "101", "200", "201", "204", "206", "304", "400", "401", "403", "404", "405", "408", "413", "414", "415",
    "417", "422", "426", "429", "500", "503", OTHER,
];
const OTHER: &str = "other";
/// Each status' place in [`STATUSES`]. There is none of four digits (RFC 9110, §15).
static PLACES: [u8; 1000] = places();

const fn places() -> [u8; 1000] {
    let other = STATUSES.len() - 1;
    let mut places = [other as u8; 1000];
    let mut place = 0;
    while place < other {
        let [hundreds, tens, ones] = *STATUSES[place].as_bytes() else { panic!("a status has three digits") };
        let status = (hundreds - b'0') as usize * 100 + (tens - b'0') as usize * 10 + (ones - b'0') as usize;
        places[status] = place as u8;
        place += 1;
    }
    places
}

/// Counts requests, without a lock and without memory for each.
#[derive(Debug)]
pub struct Requests {
    routes: Vec<Route>,
    in_flight: AtomicU64,
}

#[derive(Debug)]
struct Route {
    path: &'static str,
    pattern: ResourceDef,
    methods: [Counts; METHODS.len()],
}

#[derive(Debug)]
struct Counts {
    statuses: [AtomicU64; STATUSES.len()],
    took_us: Histogram,
}

/// What was counted so far.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RequestStats {
    /// Requests that are not answered yet.
    pub in_flight: u64,
    /// Each route and method that was asked for.
    pub routes: Vec<RouteStats>,
}

/// A route and a method.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RouteStats {
    /// The route's pattern, such as `/events/{event_id}`; `unmatched` for all paths that there aren't.
    pub route: &'static str,
    /// The method; `other` for all that are seldom seen.
    pub method: &'static str,
    /// Answers by status, less those of which there was none.
    pub statuses: Vec<(&'static str, u64)>,
    /// The time to the beginning of the answer, in microseconds.
    pub took_us: Distribution,
}

impl Requests {
    /// For these routes, in this order.
    pub(crate) fn of(paths: impl Iterator<Item = &'static str>) -> Self {
        let methods = || std::array::from_fn(|_| Counts::new());
        let route = |path| Route { path, pattern: ResourceDef::new(path), methods: methods() };
        Self { routes: paths.chain([UNMATCHED]).map(route).collect(), in_flight: AtomicU64::new(0) }
    }

    /// What was counted so far.
    pub fn stats(&self) -> RequestStats {
        let asked = |route: &Route| {
            let stats =
                METHODS.iter().zip(&route.methods).map(|(method, counts)| counts.read(route.path, method));
            stats.filter(|stats| !stats.statuses.is_empty()).collect::<Vec<_>>()
        };
        let in_flight = self.in_flight.load(Ordering::Relaxed);
        RequestStats { in_flight, routes: self.routes.iter().flat_map(asked).collect() }
    }
}

impl Counts {
    fn new() -> Self {
        Self {
            statuses: [const { AtomicU64::new(0) }; STATUSES.len()],
            took_us: Histogram::new(TIME_BOUNDS_US),
        }
    }

    fn read(&self, route: &'static str, method: &'static str) -> RouteStats {
        let counted =
            STATUSES.iter().zip(&self.statuses).map(|(name, count)| (*name, count.load(Ordering::Relaxed)));
        let statuses = counted.filter(|(_, count)| *count > 0).collect();
        RouteStats { route, method, statuses, took_us: self.took_us.read() }
    }
}

/// The method, where it is one that is told from others.
pub(crate) fn known(method: &Method) -> Option<&'static str> {
    METHODS.iter().find(|known| **known == method.as_str()).copied()
}

/// One worker's way to count, which the scope of a request and the routes share.
#[derive(Clone, Debug)]
pub(crate) struct Counter(Rc<Shared>);

#[derive(Debug)]
struct Shared {
    requests: Arc<Requests>,
    /// Where the request leads that is being routed. Routing isn't interrupted, so there is one at a time.
    route: Cell<usize>,
}

impl Counter {
    pub(crate) fn new(requests: Arc<Requests>) -> Self {
        Self(Rc::new(Shared { requests, route: Cell::new(0) }))
    }

    /// Says that the request that is being routed leads to that route.
    pub(crate) fn leads_to(&self, route: usize) {
        self.0.route.set(route);
    }

    /// Begins to count a request, which is routed next.
    pub(crate) fn begin(&self, method: &Method) -> Counted {
        let unmatched = self.0.requests.routes.len() - 1;
        self.0.route.set(unmatched);
        self.0.requests.in_flight.fetch_add(1, Ordering::Relaxed);
        let known = METHODS.iter().position(|known| *known == method.as_str());
        let method = known.unwrap_or(METHODS.len() - 1);
        Counted { counter: self.clone(), route: unmatched, method, began: Instant::now() }
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(crate) struct Counted {
    counter: Counter,
    route: usize,
    method: usize,
    began: Instant,
}

impl Counted {
    /// It was routed.
    pub(crate) fn routed(&mut self) {
        self.route = self.counter.0.route.get();
    }

    /// It is refused before it was routed: says where it would have led.
    pub(crate) fn would_lead_to(&mut self, path: &str) {
        let routes = &self.counter.0.requests.routes;
        let found = routes.iter().position(|route| route.pattern.is_match(path));
        self.route = found.unwrap_or(routes.len() - 1);
    }

    /// Its route's pattern; none where it leads nowhere.
    pub(crate) fn route(&self) -> Option<&'static str> {
        let path = self.counter.0.requests.routes[self.route].path;
        (path != UNMATCHED).then_some(path)
    }

    /// It is answered.
    pub(crate) fn answered(&self, status: StatusCode) {
        let counts = &self.counter.0.requests.routes[self.route].methods[self.method];
        counts.statuses[usize::from(PLACES[usize::from(status.as_u16())])].fetch_add(1, Ordering::Relaxed);
        counts.took_us.add(self.began.elapsed().as_micros() as u64);
    }
}

impl Drop for Counted {
    /// Answered, or given up by whoever asked.
    fn drop(&mut self) {
        self.counter.0.requests.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
