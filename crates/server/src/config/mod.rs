//! Configuration: defaults, then a file, then the environment; checked as a whole before anything starts.

mod read;
mod units;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use footfall_embedded::Sync;
use footfall_http::{Keys, Origins, TrustedProxies};
use footfall_postgres::ConnectOptions;
use footfall_services::Schedule;
use footfall_services::live::LiveLimits;
use read::{Finished, Reader};

use crate::tls::CertificateFiles;

pub(crate) use read::ConfigError;

/// The file that is read where none is named and it is there.
const DEFAULT_FILE: &str = "footfall.toml";

/// Where a collector takes traces.
const TRACES_PATH: &str = "/v1/traces";

/// The smallest bound that the memory backend can work within.
const MEMORY_MIN_BYTES: usize = 64 * 1024;

/// Everything that can be configured, valid.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) server: Server,
    /// Keys that are asked for; none: the service is open.
    pub(crate) keys: Option<Keys>,
    /// Whether it is for this machine alone: nothing says that others may.
    pub(crate) is_local: bool,
    /// What is shown to those who connect; none: plain HTTP.
    pub(crate) tls: Option<CertificateFiles>,
    pub(crate) storage: Storage,
    pub(crate) embedded: Embedded,
    pub(crate) memory: Memory,
    pub(crate) postgres: Postgres,
    pub(crate) limits: Limits,
    pub(crate) events: Events,
    pub(crate) pages: Pages,
    pub(crate) redis: Redis,
    pub(crate) live: LiveLimits,
    pub(crate) cache: Cache,
    pub(crate) domains: Domains,
    pub(crate) metrics: Metrics,
    pub(crate) segments: Segments,
    pub(crate) log: Log,
    /// Where traces are sent; nowhere where there is none.
    pub(crate) otlp: Option<Otlp>,
    /// Every setting with its effective value, for showing.
    pub(crate) effective: Vec<(String, String)>,
}

/// Where and how requests are taken.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub(crate) bind: SocketAddr,
    pub(crate) workers: usize,
    pub(crate) cors_origins: Origins,
    pub(crate) trusted_proxies: TrustedProxies,
    /// How long a connection that asks nothing stays open.
    pub(crate) keep_alive: Duration,
    pub(crate) grace_period: Duration,
    /// How much of the grace period requests are still taken for.
    pub(crate) drain_period: Duration,
}

impl Server {
    /// What is left of the grace period when no more requests are taken.
    pub(crate) const fn time_to_finish(&self) -> Duration {
        self.grace_period.saturating_sub(self.drain_period)
    }
}

/// Where events go.
#[derive(Debug, Clone)]
pub(crate) struct Storage {
    pub(crate) backend: Backend,
    pub(crate) retention: Option<Duration>,
}

/// The storage backends of this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    Embedded,
    Memory,
    Postgres,
}

impl Backend {
    const ALL: [Self; 3] = [Self::Embedded, Self::Memory, Self::Postgres];

    /// The word that chooses it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Memory => "memory",
            Self::Postgres => "postgres",
        }
    }
}

/// The embedded backend.
#[derive(Debug, Clone)]
pub(crate) struct Embedded {
    pub(crate) folder: PathBuf,
    pub(crate) sync: Sync,
}

/// The memory backend.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    pub(crate) max_bytes: usize,
}

/// The postgres backend.
#[derive(Debug, Clone)]
pub(crate) struct Postgres {
    pub(crate) connect: ConnectOptions,
    pub(crate) migrate_on_start: bool,
}

/// What a request may cost.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    pub(crate) body_bytes: usize,
    pub(crate) batch_events: usize,
    pub(crate) url_bytes: usize,
    pub(crate) head_timeout: Duration,
    pub(crate) request_timeout: Duration,
    /// Requests a second of each client; none: as many as it likes.
    pub(crate) rate_per_second: Option<NonZeroU32>,
    /// Clients that are told apart for that.
    pub(crate) rate_clients: usize,
    pub(crate) connections: usize,
}

/// Which events are taken.
#[derive(Debug, Clone)]
pub(crate) struct Events {
    pub(crate) accept_unknown: bool,
    pub(crate) types_file: Option<PathBuf>,
}

/// What makes two URLs one page.
#[derive(Debug, Clone)]
pub(crate) struct Pages {
    pub(crate) tracking_parameters: Vec<String>,
}

/// What instances share beside the store; nothing where there is no URL.
#[derive(Debug, Clone)]
pub(crate) struct Redis {
    pub(crate) url: Option<String>,
    pub(crate) prefix: String,
}

/// Answers that are used again.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    pub(crate) max_stale: Duration,
    pub(crate) max_bytes: usize,
}

/// When a mail domain is catch-all.
#[derive(Debug, Clone)]
pub(crate) struct Domains {
    pub(crate) catch_all_threshold: u64,
}

/// When users' activity is computed; never by itself where there is no schedule.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    pub(crate) schedule: Option<Schedule>,
}

/// When the segments' users are counted; likewise.
#[derive(Debug, Clone)]
pub(crate) struct Segments {
    pub(crate) schedule: Option<Schedule>,
}

/// What is logged, and how.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    pub(crate) json: bool,
    pub(crate) level: String,
}

/// Where traces are sent, over OTLP.
#[derive(Debug, Clone)]
pub(crate) struct Otlp {
    /// Where spans are posted.
    pub(crate) url: String,
    /// Of those requests whose caller leaves it open, so many are followed: from 0 to 1.
    pub(crate) sample_ratio: f64,
}

impl Config {
    /// Reads the file (the default one only if it is there) and the environment.
    ///
    /// # Errors
    /// Every problem at once.
    pub(crate) fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let file = file
            .map(Path::to_path_buf)
            .or_else(|| Some(PathBuf::from(DEFAULT_FILE)).filter(|file| file.exists()));
        Self::check(Reader::load(file.as_deref(), None)?)
    }

    fn check(mut reader: Reader) -> Result<Self, ConfigError> {
        let server = Self::server(&mut reader);
        let storage = Storage {
            backend: reader.choice(
                "storage.backend",
                Backend::Embedded.name(),
                &Backend::ALL.map(|backend| (backend.name(), backend)),
            ),
            retention: reader.duration_or_off("storage.retention"),
        };
        let memory = Memory { max_bytes: reader.bytes("memory.max_bytes", "1GiB", MEMORY_MIN_BYTES) };
        let embedded = Embedded {
            folder: PathBuf::from(reader.word("embedded.dir", "./data")),
            sync: reader.choice(
                "embedded.sync",
                "always",
                &[("always", Sync::Always), ("every-second", Sync::EverySecond)],
            ),
        };
        let postgres = Self::postgres(&mut reader, storage.backend);
        let limits = Self::limits(&mut reader);
        let events = Events {
            accept_unknown: reader.choice(
                "events.unknown_types",
                "reject",
                &[("reject", false), ("accept", true)],
            ),
            types_file: reader.text("events.types_file").filter(|file| !file.is_empty()).map(PathBuf::from),
        };
        let default = footfall_domain::page::PageRules::DEFAULT_TRACKING.join(",");
        let tracking = reader.list("pages.tracking_parameters", &default);
        let redis =
            Redis { url: reader.secret_url("redis.url"), prefix: reader.word("redis.prefix", "footfall") };
        let live = LiveLimits {
            listeners: reader.number("live.max_listeners", 2_000, 1..=100_000),
            buffer_bytes: reader.bytes("live.buffer_bytes", "256KiB", 4_096),
        };
        let cache = Cache {
            max_stale: reader.duration_from_zero("cache.max_stale", "0s"),
            max_bytes: reader.bytes("cache.max_bytes", "64MiB", 1 << 20),
        };
        let domains = Domains {
            catch_all_threshold: reader.number("domains.catch_all_threshold", 1_000, 1..=1_000_000_000)
                as u64,
        };
        let metrics = Metrics { schedule: reader.schedule("metrics.schedule", "1 */4 * * *") };
        let segments = Segments { schedule: reader.schedule("segments.schedule", "* * * * *") };
        let log = Log {
            json: reader.choice("log.format", "text", &[("text", false), ("json", true)]),
            level: reader.log_level("log.level", "info"),
        };
        let otlp = otlp(&mut reader);
        let (keys, is_local) = keys(&mut reader, server.bind);
        let tls = tls(&mut reader);
        let Finished { effective } = reader.finish()?;
        let pages = Pages { tracking_parameters: tracking };
        Ok(Self {
            server,
            keys,
            is_local,
            tls,
            storage,
            embedded,
            memory,
            postgres,
            limits,
            events,
            pages,
            redis,
            live,
            cache,
            domains,
            metrics,
            segments,
            log,
            otlp,
            effective,
        })
    }
}

impl Config {
    fn server(reader: &mut Reader) -> Server {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let server = Server {
            bind: reader.parsed(
                "server.bind",
                "127.0.0.1:8080",
                "an address and port such as 127.0.0.1:8080",
            ),
            workers: reader.number("server.workers", cores, 1..=1_024),
            cors_origins: reader.origins("server.cors_origins"),
            trusted_proxies: reader.networks("server.trusted_proxies"),
            keep_alive: reader.duration("server.keep_alive", "75s"),
            grace_period: reader.duration("server.grace_period", "20s"),
            drain_period: reader.duration_from_zero("server.drain_period", "0s"),
        };
        if server.time_to_finish().is_zero() {
            reader.problem(
                "server.drain_period",
                "is a part of FOOTFALL__SERVER__GRACE_PERIOD: it must be less",
            );
        }
        server
    }

    fn limits(reader: &mut Reader) -> Limits {
        Limits {
            body_bytes: reader.bytes("limits.body_bytes", "10MiB", 1_024),
            batch_events: reader.number("limits.batch_events", 10_000, 1..=1_000_000),
            url_bytes: reader.bytes("limits.url_bytes", "32KiB", 1_024),
            head_timeout: reader.duration("limits.head_timeout", "5s"),
            request_timeout: reader.duration("limits.request_timeout", "30s"),
            rate_per_second: reader.rate("limits.rate_per_second"),
            rate_clients: reader.number("limits.rate_clients", 100_000, 1_000..=100_000_000),
            connections: reader.number("limits.connections", 10_000, 1..=1_000_000),
        }
    }

    fn postgres(reader: &mut Reader, backend: Backend) -> Postgres {
        let url = reader.secret_url("postgres.url");
        if backend == Backend::Postgres && url.is_none() {
            reader.problem(
                "postgres.url",
                "is needed by the postgres backend: postgres://USER:PASSWORD@HOST:5432/DATABASE",
            );
        }
        let truth = [("true", true), ("false", false)];
        Postgres {
            connect: ConnectOptions {
                url: url.unwrap_or_default(),
                read_url: reader.secret_url("postgres.read_url"),
                pool_size: reader.number("postgres.pool_size", 8, 2..=1_000),
                pgbouncer: reader.choice("postgres.pgbouncer", "false", &truth),
            },
            migrate_on_start: reader.choice("postgres.migrate_on_start", "true", &truth),
        }
    }
}

/// Without keys the service is for this machine alone, unless it is said to be for everyone. The keys, and whether it is.
fn keys(reader: &mut Reader, bind: SocketAddr) -> (Option<Keys>, bool) {
    let keys = reader.keys("auth.keys");
    let allow_anonymous = reader.choice("auth.allow_anonymous", "false", &[("false", false), ("true", true)]);
    if keys.is_none() && !bind.ip().is_loopback() && !allow_anonymous {
        let problem = format!(
            "{bind} can be reached from elsewhere, and without keys anyone could read and write: set \
             FOOTFALL__AUTH__KEYS, bind a loopback address, or permit it with FOOTFALL__AUTH__ALLOW_ANONYMOUS=true"
        );
        reader.problem("server.bind", &problem);
    }
    let is_local = keys.is_none() && !allow_anonymous;
    (keys, is_local)
}

fn otlp(reader: &mut Reader) -> Option<Otlp> {
    let endpoint = reader.secret_url("otlp.endpoint");
    let sample_ratio = reader.ratio("otlp.sample_ratio", "1");
    let endpoint = endpoint?;
    let is_usable = endpoint
        .parse::<awc::http::Uri>()
        .is_ok_and(|uri| uri.scheme_str() == Some("http") && uri.host().is_some() && uri.query().is_none());
    if !is_usable {
        reader.problem(
            "otlp.endpoint",
            "is not the URL of a collector such as http://localhost:4318, without TLS",
        );
    }
    let base = endpoint.trim_end_matches('/').trim_end_matches(TRACES_PATH);
    Some(Otlp { url: format!("{base}{TRACES_PATH}"), sample_ratio })
}

/// Both files or neither: with one of them plain HTTP would be served where HTTPS was meant.
fn tls(reader: &mut Reader) -> Option<CertificateFiles> {
    let [certificate, key] =
        ["tls.cert", "tls.key"].map(|name| reader.text(name).filter(|file| !file.is_empty()));
    match (certificate, key) {
        (Some(certificate), Some(key)) => {
            Some(CertificateFiles { certificate: certificate.into(), key: key.into() })
        }
        (None, None) => None,
        (certificate, _) => {
            let (missing, given) =
                if certificate.is_none() { ("tls.cert", "the key") } else { ("tls.key", "the certificate") };
            reader.problem(missing, &format!("is needed too, where {given} is given"));
            None
        }
    }
}

#[cfg(test)]
mod tests;
