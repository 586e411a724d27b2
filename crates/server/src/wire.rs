//! The composition root: which adapter fills which port, and how the parts are put together.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Data;
use actix_web::{App, HttpServer};
use footfall_domain::page::PageRules;
use footfall_domain::types::EventTypes;
use footfall_domain::validate::Rules;
use footfall_embedded::{EmbeddedOptions, EmbeddedStore};
use footfall_http::{Api, HttpLimits, RequestScope, configure};
use footfall_memory::{MemoryOptions, MemoryStore};
use footfall_ports::{Analytics, EventLog, Health};
use footfall_postgres::{PostgresOptions, PostgresStore};
use footfall_services::{Ingest, Limits, read_types};
use tokio::signal::unix::{SignalKind, signal};

use crate::config::{Backend, Config};
use crate::runtime::{RandomIds, SystemClock};

/// How long a connection may take to send a request's head, and to close after the last answer.
const CLIENT_PATIENCE: Duration = Duration::from_secs(5);
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// Serves until SIGTERM or SIGINT, then finishes what is in flight.
pub(crate) async fn serve(config: &Config) -> Result<(), Box<dyn Error>> {
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let api = Data::new(api(config).await?);
    let scope = RequestScope::new(config.limits.request_timeout, rand::random());
    let server = HttpServer::new(move || {
        App::new().wrap(scope.clone()).configure(|routes| configure(routes, api.clone()))
    })
    .workers(config.server.workers)
    .keep_alive(KEEP_ALIVE)
    .client_request_timeout(CLIENT_PATIENCE)
    .client_disconnect_timeout(CLIENT_PATIENCE)
    .shutdown_timeout(config.server.grace_period.as_secs().max(1))
    .disable_signals()
    .bind(config.server.bind)
    .map_err(|error| format!("{} can't be bound: {error}", config.server.bind))?;
    let addresses = server.addrs();
    let server = server.run();
    let handle = server.handle();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    actix_web::rt::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: no new connections, finishing what is in flight");
        handle.stop(true).await;
    });
    for address in addresses {
        println!("listening on http://{address}");
    }
    server.await?;
    tracing::info!("stopped");
    Ok(())
}

/// A store, as the ports show it.
pub(crate) struct Stores {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) analytics: Arc<dyn Analytics>,
    pub(crate) health: Arc<dyn Health>,
}

impl Stores {
    /// A store that fills all the ports by itself.
    pub(crate) fn of<S: EventLog + Analytics + Health + 'static>(store: Arc<S>) -> Self {
        Self { log: store.clone(), analytics: store.clone(), health: store }
    }
}

/// Opens the configured store, for the server and for the commands that find none. The only place that knows which
/// adapter it is.
pub(crate) async fn open_store(config: &Config) -> Result<Stores, Box<dyn Error>> {
    Ok(match config.storage.backend {
        Backend::Embedded => Stores::of(Arc::new(EmbeddedStore::open(EmbeddedOptions {
            folder: config.embedded.folder.clone(),
            sync: config.embedded.sync,
            retention: config.storage.retention,
            clock: Arc::new(SystemClock),
        })?)),
        Backend::Memory => Stores::of(Arc::new(MemoryStore::start(MemoryOptions {
            max_bytes: config.memory.max_bytes,
            retention: config.storage.retention,
            clock: Arc::new(SystemClock),
        })?)),
        Backend::Postgres => Stores::of(Arc::new(
            PostgresStore::open(PostgresOptions {
                connect: config.postgres.connect.clone(),
                migrate_on_start: config.postgres.migrate_on_start,
                retention: config.storage.retention,
                clock: Arc::new(SystemClock),
                random: rand::random,
            })
            .await?,
        )),
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

/// What takes events into that log, by the configured rules.
pub(crate) fn ingest(config: &Config, log: Arc<dyn EventLog>) -> Result<Ingest, Box<dyn Error>> {
    let limits = Limits { batch_events: config.limits.batch_events };
    let (clock, ids) = (Arc::new(SystemClock), Arc::new(RandomIds));
    Ok(Ingest::new(log, clock, ids, rules(config)?, limits, config.storage.retention))
}

async fn api(config: &Config) -> Result<Api, Box<dyn Error>> {
    let Stores { log, analytics, health } = open_store(config).await?;
    let ingest = ingest(config, log.clone())?;
    let limits =
        HttpLimits { body_bytes: config.limits.body_bytes, request_timeout: config.limits.request_timeout };
    Ok(Api { ingest, log, analytics, health, clock: Arc::new(SystemClock), limits })
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
