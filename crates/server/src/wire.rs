//! The composition root: which adapter fills which port, and how the parts are put together.

use std::error::Error;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use actix_cors::Cors;
use actix_web::App;
use actix_web::middleware::{Condition, from_fn};
use actix_web::web::Data;
use footfall_domain::page::PageRules;
use footfall_domain::types::EventTypes;
use footfall_domain::validate::Rules;
use footfall_embedded::{EmbeddedOptions, EmbeddedStore};
use footfall_http::{Api, Description, Drain, HttpLimits, Origins, RateLimit, RequestScope, configure};
use footfall_memory::{InProcessCache, MemoryOptions, MemoryStore};
use footfall_ports::{
    Analytics, Cache, Domains, EventLog, Health, LiveFeed, Measured, Segments, SnapshotStore, Store,
    UserMetrics,
};
use footfall_postgres::{PostgresOptions, PostgresStore};
use footfall_redis::{RedisFeed, RedisOptions, RedisStore};
use footfall_services::live::Live;
use footfall_services::{
    Answers, Ingest, Limits, Memberships, SegmentSnapshots, TieredSnapshots, read_types,
};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::{Backend, Config};
use crate::health::Together;
use crate::jobs;
use crate::listen::{Connections, listen};
use crate::open_files;
use crate::runtime::{RandomIds, SystemClock};
use crate::stop::Stop;
use crate::telemetry::Telemetry;
use crate::tls::Certificate;
use crate::traces::{Collected, FollowedStore};

/// How long a browser may remember what pages of another origin are allowed, in seconds: as long as any does.
const PREFLIGHT_S: usize = 7_200;

/// Serves until SIGTERM or SIGINT, then finishes what is in flight.
pub(crate) async fn serve(config: &Config, traces: Option<Collected>) -> Result<(), Box<dyn Error>> {
    let (mut stop, hangup) = (Stop::listen()?, signal(SignalKind::hangup())?);
    let mut opening = pin!(open_store(config));
    let stores = tokio::select! {
        stores = &mut opening => stores?,
        () = stop.signal() => {
            tracing::info!("stopped before the store was open");
            // Whatever opens it may be stopped at any moment, and isn't waited for.
            std::process::exit(0);
        }
    };
    let redis = redis(config, &stores)?;
    let feed = live_feed(config, &stores, redis.as_ref())?;
    let backend = config.storage.backend.name();
    let telemetry = Arc::new(Telemetry::new(backend, stores.measured.clone(), redis.clone()));
    let drain = Drain::default();
    let api = Data::new(api(config, stores, redis.as_ref(), feed, telemetry.clone(), drain.clone())?);
    jobs::start(config, &api, &telemetry, redis.map(|redis| redis.on_return()));
    let scope = RequestScope::new(config.limits.request_timeout, rand::random())
        .with_url_bytes(config.limits.url_bytes)
        .with_rate(api.rate.clone())
        .with_https(config.tls.is_some())
        .for_this_machine(config.is_local)
        .closing_on(drain.clone())
        .followed_by(traces.as_ref().map(Collected::requests));
    let connections = Connections {
        workers: config.server.workers,
        max: open_files::allow(config.limits.connections, config.server.workers),
        keep_alive: config.server.keep_alive,
        head_timeout: config.limits.head_timeout,
        time_to_finish: config.server.time_to_finish(),
    };
    let (live, origins) = (api.live.clone(), config.server.cors_origins.clone());
    let certificate = config.tls.clone().map(Certificate::read).transpose()?;
    let tls = certificate.clone().map(Certificate::server_config).transpose()?;
    let app = move || {
        let outer = scope.clone();
        App::new()
            .wrap(scope.clone())
            // Outside the scope, for pages of other origins read problems too.
            .wrap(Condition::new(!origins.is_none(), cors(&origins)))
            .wrap(Condition::new(
                !origins.is_none(),
                from_fn(move |request, next| outer.clone().complete(request, next)),
            ))
            .configure(|routes| configure(routes, api.clone()))
    };
    let bind = config.server.bind;
    let listening = listen(bind, tls, connections, app);
    let (server, address) = listening.map_err(|error| format!("{bind} can't be bound: {error}"))?;
    let scheme = if certificate.is_some() { "https" } else { "http" };
    let handle = server.handle();
    let drain_period = config.server.drain_period;
    actix_web::rt::spawn(reload_on_hangup(hangup, certificate));
    let stopping = actix_web::rt::spawn(async move {
        stop.asked(&drain, drain_period).await;
        let since = Instant::now();
        tracing::info!("stopping: no new connections, finishing what is in flight");
        // Those who listen would stay for as long as they are let.
        live.close();
        handle.stop(true).await;
        since
    });
    println!("listening on {scheme}://{address}");
    server.await?;
    if let Some(traces) = traces {
        let stopping = stopping.await?.elapsed();
        traces.finish(config.server.time_to_finish().saturating_sub(stopping)).await;
    }
    tracing::info!("stopped");
    Ok(())
}

/// Reads the certificate again on each SIGHUP, so that a renewed one needs no restart. Without HTTPS there is nothing to read, and
/// the signal, which would end the process, does no harm.
async fn reload_on_hangup(mut hangup: Signal, certificate: Option<Arc<Certificate>>) {
    while hangup.recv().await.is_some() {
        match certificate.as_ref().map(|certificate| certificate.reload()) {
            Some(Ok(())) => tracing::info!("the certificate was read again"),
            Some(Err(error)) => tracing::error!("the certificate stays as it was: {error}"),
            None => tracing::info!("SIGHUP: there is no certificate to read again"),
        }
    }
}

/// A store, as the ports show it.
pub(crate) struct Stores {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) analytics: Arc<dyn Analytics>,
    pub(crate) domains: Arc<dyn Domains>,
    pub(crate) metrics: Arc<dyn UserMetrics>,
    pub(crate) segments: Arc<dyn Segments>,
    pub(crate) snapshots: Arc<dyn SnapshotStore>,
    pub(crate) health: Arc<dyn Health>,
    measured: Arc<dyn Measured>,
    /// Tells this store from others.
    identity: u64,
}

impl Stores {
    /// A store that fills all the ports by itself. Where traces are collected, its operations are followed.
    fn of<S: Store + Measured + 'static>(config: &Config, store: S, identity: u64) -> Self {
        let store = Arc::new(store);
        let measured: Arc<dyn Measured> = store.clone();
        if config.otlp.is_some() {
            Self::filled_by(Arc::new(FollowedStore(store)), measured, identity)
        } else {
            Self::filled_by(store, measured, identity)
        }
    }

    fn filled_by<S: Store + 'static>(store: Arc<S>, measured: Arc<dyn Measured>, identity: u64) -> Self {
        Self {
            log: store.clone(),
            analytics: store.clone(),
            domains: store.clone(),
            metrics: store.clone(),
            segments: store.clone(),
            snapshots: store.clone(),
            health: store,
            measured,
            identity,
        }
    }
}

/// Opens the configured store, for the server and for the commands that find none. The only place that knows which
/// adapter it is.
pub(crate) async fn open_store(config: &Config) -> Result<Stores, Box<dyn Error>> {
    Ok(match config.storage.backend {
        Backend::Embedded => {
            let options = EmbeddedOptions {
                folder: config.embedded.folder.clone(),
                sync: config.embedded.sync,
                retention: config.storage.retention,
                clock: Arc::new(SystemClock),
            };
            // A large one takes seconds.
            let store = tokio::task::spawn_blocking(|| EmbeddedStore::open(options)).await??;
            let identity = store.identity();
            Stores::of(config, store, identity)
        }
        Backend::Memory => {
            let store = MemoryStore::start(MemoryOptions {
                max_bytes: config.memory.max_bytes,
                retention: config.storage.retention,
                clock: Arc::new(SystemClock),
            })?;
            let identity = store.identity();
            Stores::of(config, store, identity)
        }
        Backend::Postgres => {
            let store = PostgresStore::open(PostgresOptions {
                connect: config.postgres.connect.clone(),
                migrate_on_start: config.postgres.migrate_on_start,
                retention: config.storage.retention,
                clock: Arc::new(SystemClock),
                random: rand::random,
            })
            .await?;
            let identity = store.identity();
            Stores::of(config, store, identity)
        }
    })
}

/// Brings the database's schema up. Says how many migrations were applied; `None` where the backend has no schema.
pub(crate) async fn migrate(config: &Config) -> Result<Option<usize>, Box<dyn Error>> {
    match config.storage.backend {
        Backend::Postgres => Ok(Some(PostgresStore::migrate(&config.postgres.connect).await?)),
        Backend::Embedded | Backend::Memory => Ok(None),
    }
}

/// Copies the embedded store's folder.
pub(crate) fn back_up(config: &Config, to: &Path) -> Result<(), Box<dyn Error>> {
    Ok(footfall_embedded::back_up(&config.embedded.folder, to)?)
}

/// What takes events into that log, by the configured rules, where nobody listens.
pub(crate) fn ingest(config: &Config, log: Arc<dyn EventLog>) -> Result<Ingest, Box<dyn Error>> {
    ingest_to(config, log, Live::new(None, Arc::new(SystemClock), config.live))
}

fn ingest_to(config: &Config, log: Arc<dyn EventLog>, live: Arc<Live>) -> Result<Ingest, Box<dyn Error>> {
    let (clock, ids) = (Arc::new(SystemClock), Arc::new(RandomIds));
    Ok(Ingest::new(log, live, clock, ids, rules(config)?, limits(config), config.storage.retention))
}

/// What web pages of those origins may do: all that the API's clients may. Credentials of the browser's own are never part of it.
fn cors(origins: &Origins) -> Cors {
    let cors = match origins {
        Origins::Any => Cors::default().allow_any_origin().send_wildcard(),
        Origins::These(_) => {
            let origins = origins.clone();
            let is_allowed = move |origin: &str| origins.allow(origin);
            Cors::default().allowed_origin_fn(move |origin, _| origin.to_str().is_ok_and(&is_allowed))
        }
    };
    cors.allowed_methods(["GET", "HEAD", "POST", "PUT", "DELETE"])
        .allowed_headers(["authorization", "x-api-key", "content-type", "content-encoding"])
        .allowed_headers(["idempotency-key", "last-event-id", "x-request-id"])
        .expose_headers(["x-request-id", "retry-after", "age", "last-modified"])
        .block_on_origin_mismatch(false)
        .max_age(PREFLIGHT_S)
}

/// Redis, where it is configured, for what is worked out from that store: what another one has left there is never taken for it.
fn redis(config: &Config, stores: &Stores) -> Result<Option<RedisStore>, Box<dyn Error>> {
    let prefix = format!("{}:{:016x}", config.redis.prefix, stores.identity);
    let Some(options) = redis_options(config, prefix) else { return Ok(None) };
    Ok(Some(RedisStore::new(options).map_err(|error| format!("FOOTFALL__REDIS__URL: {error}"))?))
}

fn redis_options(config: &Config, prefix: String) -> Option<RedisOptions> {
    let url = config.redis.url.clone()?;
    Some(RedisOptions { url, prefix, random: rand::random })
}

/// What carries live events between instances, over Redis where it is configured. Those on one database hear each other; what
/// makes instances with a store of their own belong together is only that they are given one Redis and prefix.
fn live_feed(
    config: &Config,
    stores: &Stores,
    redis: Option<&RedisStore>,
) -> Result<Option<Arc<dyn LiveFeed>>, Box<dyn Error>> {
    let prefix = match config.storage.backend {
        Backend::Postgres => format!("{}:{:016x}", config.redis.prefix, stores.identity),
        Backend::Embedded | Backend::Memory => config.redis.prefix.clone(),
    };
    let (Some(redis), Some(options)) = (redis, redis_options(config, prefix)) else { return Ok(None) };
    Ok(Some(Arc::new(RedisFeed::new(redis, &options)?)))
}

/// What takes and serves the snapshot of the segments' counts, of that store and of Redis where it is configured.
pub(crate) fn segment_snapshots(
    config: &Config,
    stores: &Stores,
) -> Result<SegmentSnapshots, Box<dyn Error>> {
    Ok(snapshots_of(stores, redis(config, stores)?.as_ref()))
}

fn snapshots_of(stores: &Stores, redis: Option<&RedisStore>) -> SegmentSnapshots {
    let shared: Arc<dyn SnapshotStore> = match redis {
        Some(redis) => Arc::new(TieredSnapshots::new(Arc::new(redis.clone()), stores.snapshots.clone())),
        None => stores.snapshots.clone(),
    };
    SegmentSnapshots::new(stores.segments.clone(), shared, Arc::new(SystemClock))
}

fn api(
    config: &Config,
    stores: Stores,
    redis: Option<&RedisStore>,
    feed: Option<Arc<dyn LiveFeed>>,
    telemetry: Arc<Telemetry>,
    drain: Drain,
) -> Result<Api, Box<dyn Error>> {
    let live = Live::new(feed, Arc::new(SystemClock), config.live);
    let ingest = ingest_to(config, stores.log.clone(), live.clone())?;
    let snapshots = snapshots_of(&stores, redis);
    let cache: Arc<dyn Cache> = match redis {
        Some(redis) => Arc::new(redis.clone()),
        None => Arc::new(InProcessCache::new(config.cache.max_bytes, Arc::new(SystemClock))),
    };
    let analytics = stores.analytics.clone();
    let answers = Answers::new(analytics, cache, Arc::new(SystemClock), config.cache.max_stale);
    let mut health = vec![stores.health.clone()];
    health.extend(redis.map(|redis| Arc::new(redis.clone()) as Arc<dyn Health>));
    let memberships = Memberships::new(stores.segments.clone(), Arc::new(SystemClock), limits(config));
    let limits =
        HttpLimits { body_bytes: config.limits.body_bytes, request_timeout: config.limits.request_timeout };
    let rate = config.limits.rate_per_second.map(|per_second| {
        let proxies = config.server.trusted_proxies.clone();
        RateLimit::new(per_second, config.limits.rate_clients, config.keys.clone(), proxies)
    });
    let Stores { log, analytics, domains, metrics, segments, .. } = stores;
    Ok(Api {
        ingest,
        log,
        analytics,
        answers,
        domains,
        catch_all_threshold: config.domains.catch_all_threshold,
        metrics,
        memberships,
        segments,
        snapshots,
        live,
        keys: config.keys.clone(),
        origins: config.server.cors_origins.clone(),
        rate,
        requests: Arc::default(),
        health: Arc::new(Together::new(drain, health)),
        description: Description::new()?,
        exposition: telemetry,
        clock: Arc::new(SystemClock),
        limits,
    })
}

const fn limits(config: &Config) -> Limits {
    Limits { batch_events: config.limits.batch_events }
}

fn rules(config: &Config) -> Result<Rules, Box<dyn Error>> {
    let mut types = EventTypes::new(config.events.accept_unknown);
    if let Some(file) = &config.events.types_file {
        let name = file.display();
        let text = std::fs::read_to_string(file).map_err(|error| format!("{name} can't be read: {error}"))?;
        read_types(&text, &mut types).map_err(|errors| {
            let errors: Vec<String> = errors.iter().map(|error| format!("\n  - {error}")).collect();
            format!("{name} is not usable:{}", errors.concat())
        })?;
    }
    Ok(Rules { types, pages: PageRules::new(config.pages.tracking_parameters.iter().cloned()) })
}
