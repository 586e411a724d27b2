//! The actix shell: it turns requests into calls of services and ports, and what comes back into answers. Decisions
//! about events are not made here.

mod access;
mod answer;
mod body;
pub mod cursor;
mod drain;
mod endpoints;
mod live;
mod openapi;
mod origin;
mod params;
mod path;
mod problem;
mod proxies;
mod rate;
mod request_ids;
mod requests;
mod scope;
mod security;
mod trace;

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{self, ServiceConfig};
use footfall_ports::{Analytics, Clock, Domains, EventLog, Health, Segments, UserMetrics};
use footfall_services::live::Live;
use footfall_services::{Answers, Ingest, Memberships, SegmentSnapshots};

use requests::Counter;

pub use access::{Keys, Scopes};
pub use drain::Drain;
pub use endpoints::routes;
pub use openapi::Description;
pub use origin::Origins;
pub use proxies::TrustedProxies;
pub use rate::RateLimit;
pub use requests::{RequestStats, Requests, RouteStats};
pub use scope::RequestScope;
pub use trace::{Followed, REQUEST_SPAN, Traces};

/// Limits of the shell.
#[derive(Clone, Copy, Debug)]
pub struct HttpLimits {
    /// Most bytes of a body, decoded.
    pub body_bytes: usize,
    /// How long a request may take, its body included.
    pub request_timeout: Duration,
}

/// Writes down what was measured so far, in the text format of Prometheus (version 0.0.4).
pub trait Exposition: Send + Sync {
    /// All of it, as it is now.
    fn text(&self, api: &Api) -> String;
}

/// Everything that handlers need, wired by the composition root.
pub struct Api {
    /// Takes events in.
    pub ingest: Ingest,
    /// Finds events again.
    pub log: Arc<dyn EventLog>,
    /// Answers with figures.
    pub analytics: Arc<dyn Analytics>,
    /// Remembers the figures that cost most.
    pub answers: Answers,
    /// Knows about mail domains.
    pub domains: Arc<dyn Domains>,
    /// So many deliveries without a bounce make a domain catch-all.
    pub catch_all_threshold: u64,
    /// Computes and lists users' activity.
    pub metrics: Arc<dyn UserMetrics>,
    /// Takes users into segments.
    pub memberships: Memberships,
    /// Counts a segment's users.
    pub segments: Arc<dyn Segments>,
    /// Serves and takes the snapshot of all segments' counts.
    pub snapshots: SegmentSnapshots,
    /// The live stream of accepted events.
    pub live: Arc<Live>,
    /// Keys that are asked for; without any, everyone may do everything.
    pub keys: Option<Keys>,
    /// Pages of which other origins may use the service.
    pub origins: Origins,
    /// How much each client may ask; without it, as much as it likes.
    pub rate: Option<RateLimit>,
    /// Counts requests.
    pub requests: Arc<Requests>,
    /// Knows whether what is needed is there.
    pub health: Arc<dyn Health>,
    /// What `/openapi.json` answers.
    pub description: Description,
    /// What operators' monitoring reads.
    pub exposition: Arc<dyn Exposition>,
    /// Tells the time for windows that end now.
    pub clock: Arc<dyn Clock>,
    /// Limits of the shell.
    pub limits: HttpLimits,
}

/// Adds every route. `api` is made outside the workers, which share it.
pub fn configure(config: &mut ServiceConfig, api: web::Data<Api>) {
    let counter = Counter::new(api.requests.clone());
    endpoints::configure(config, api.keys.as_ref(), &counter);
    config.app_data(counter);
    config.app_data(api);
}
