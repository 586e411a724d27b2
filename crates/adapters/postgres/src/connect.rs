//! Connections: how the database is reached, within which times, and how a statement is run.

use std::str::FromStr;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use footfall_ports::{PoolStats, SPANS};
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Config, Row};
use tracing::field::Empty;
use tracing::{Instrument, Span};

use crate::error::DatabaseError;
use crate::statements::Statement;
use crate::tls::{TlsError, connector};

/// How long a connection may take to be made, and a request to get one.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const WAIT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a statement may take, as the server holds it to, and as we do should the server be gone.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(12);
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a transaction may stand still.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// How the database is reached.
#[derive(Clone)]
pub struct ConnectOptions {
    /// The primary, as a URL; several hosts may be named, of which the one that takes writes is used.
    /// `sslmode` is `disable`, `prefer`, `require`, `verify-ca` or `verify-full`; `sslrootcert` a file of certificates.
    pub url: String,
    /// A replica for reading, likewise; without one the primary does that too.
    pub read_url: Option<String>,
    /// Connections to each, at most.
    pub pool_size: usize,
    /// Whether connections are shared between transactions on the way, as PgBouncer's transaction mode does: then nothing is
    /// prepared, and the server's own time limits are whatever is set there.
    pub pgbouncer: bool,
}

impl std::fmt::Debug for ConnectOptions {
    // The URLs hold passwords.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectOptions").field("pool_size", &self.pool_size).finish_non_exhaustive()
    }
}

/// Why a URL can't be used. It never holds the URL, which may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum UrlError {
    /// It isn't one.
    #[error("is not a URL such as postgres://user:password@host:5432/database: {0}")]
    Malformed(String),
    /// Its TLS settings can't be used.
    #[error("asks for TLS that can't be had: {0}")]
    Tls(#[from] TlsError),
}

/// The pools of connections.
#[derive(Clone)]
pub(crate) struct Connections {
    primary: Pool,
    replica: Option<Pool>,
    pgbouncer: bool,
}

impl Connections {
    pub(crate) fn new(options: &ConnectOptions) -> Result<Self, UrlError> {
        let pool = |url: &str| pool(url, options);
        Ok(Self {
            primary: pool(&options.url)?,
            replica: options.read_url.as_deref().map(pool).transpose()?,
            pgbouncer: options.pgbouncer,
        })
    }

    /// Whether there is a replica to read from.
    pub(crate) const fn has_replica(&self) -> bool {
        self.replica.is_some()
    }

    /// A connection to the primary.
    pub(crate) async fn primary(&self) -> Result<Connection, DatabaseError> {
        self.from(&self.primary).await
    }

    /// A connection to the replica, where there is one.
    pub(crate) async fn replica(&self) -> Result<Connection, DatabaseError> {
        match &self.replica {
            Some(replica) => self.from(replica).await,
            None => self.primary().await,
        }
    }

    /// Runs a statement by itself on the primary.
    pub(crate) async fn query(
        &self,
        statement: &Statement,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, DatabaseError> {
        let mut connection = self.primary().await?;
        let rows = connection.query(statement, parameters).await?;
        connection.keep();
        Ok(rows)
    }

    async fn from(&self, pool: &Pool) -> Result<Connection, DatabaseError> {
        let object = Some(pool.get().await?);
        Ok(Connection { object, pgbouncer: self.pgbouncer, in_transaction: false, is_sound: false })
    }

    /// How its pools are used.
    pub(crate) fn stats(&self) -> Vec<PoolStats> {
        let pools = [("primary", Some(&self.primary)), ("replica", self.replica.as_ref())];
        let read = |(name, pool): (&'static str, Option<&Pool>)| {
            let status = pool?.status();
            Some(PoolStats {
                name,
                max: status.max_size as u64,
                in_use: status.size.saturating_sub(status.available) as u64,
                waiting: status.waiting as u64,
            })
        };
        pools.into_iter().filter_map(read).collect()
    }

    /// Makes no more connections.
    pub(crate) fn close(&self) {
        self.primary.close();
        if let Some(replica) = &self.replica {
            replica.close();
        }
    }
}

/// A connection that is closed rather than used again, unless it is said to be sound: what was begun on it is then over,
/// however it went.
pub(crate) struct Connection {
    object: Option<Object>,
    pgbouncer: bool,
    in_transaction: bool,
    is_sound: bool,
}

impl Connection {
    /// Runs a statement, within a time.
    pub(crate) async fn query(
        &mut self,
        statement: &Statement,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, DatabaseError> {
        let pgbouncer = self.pgbouncer;
        let client = self.object.as_ref().expect("it is there until it is dropped");
        let rows = async {
            if pgbouncer {
                let typed: Vec<(&(dyn ToSql + Sync), Type)> =
                    parameters.iter().copied().zip(statement.types.iter().cloned()).collect();
                return client.query_typed(statement.text, &typed).await;
            }
            let prepared = client.prepare_typed_cached(statement.text, statement.types).await?;
            client.query(&prepared, parameters).await
        };
        let span = statement_span(statement);
        let result = in_time(rows).instrument(span.clone()).await;
        if result.is_err() {
            span.record("otel.status_code", "ERROR");
        }
        if let Err(DatabaseError::Database(error)) = &result
            && error.as_db_error().is_some()
            && !self.in_transaction
        {
            // The server answered, so the connection is as good as before.
            self.is_sound = true;
        }
        result
    }

    /// Begins a transaction.
    pub(crate) async fn begin(&mut self) -> Result<(), DatabaseError> {
        self.in_transaction = true;
        self.run("BEGIN").await
    }

    /// Ends it, and gives the connection back.
    pub(crate) async fn commit(mut self) -> Result<(), DatabaseError> {
        self.run("COMMIT").await?;
        self.keep();
        Ok(())
    }

    /// Gives the connection back, to be used again.
    pub(crate) fn keep(mut self) {
        self.is_sound = true;
    }

    /// Runs something without parameters and answers.
    pub(crate) async fn run(&mut self, text: &str) -> Result<(), DatabaseError> {
        let client = self.object.as_ref().expect("it is there until it is dropped");
        in_time(client.batch_execute(text)).await
    }

    /// The same, for as long as it takes.
    pub(crate) async fn run_without_limit(&mut self, text: &str) -> Result<(), DatabaseError> {
        let client = self.object.as_ref().expect("it is there until it is dropped");
        Ok(client.batch_execute(text).await?)
    }

    /// Lets statements take as long as they need, for migrations. Locks are waited for as ever: everyone else would wait behind.
    /// Through a pooler it does nothing, for there the connection is others' too.
    pub(crate) async fn lift_statement_limit(&mut self) -> Result<(), DatabaseError> {
        if self.pgbouncer { Ok(()) } else { self.run("SET statement_timeout = 0").await }
    }

    /// The connection as the driver knows it, for migrations.
    pub(crate) fn client(&mut self) -> &mut tokio_postgres::Client {
        self.object.as_mut().expect("it is there until it is dropped")
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if !self.is_sound
            && let Some(object) = self.object.take()
        {
            drop(Object::take(object));
        }
    }
}

/// A span with the names of OpenTelemetry's semantic conventions for databases.
fn statement_span(statement: &Statement) -> Span {
    let name = statement.name.trim_end_matches(".sql");
    tracing::debug_span!(
        target: SPANS,
        "statement",
        otel.name = name,
        otel.kind = "client",
        otel.status_code = Empty,
        db.system.name = "postgresql",
        db.query.summary = name,
    )
}

async fn in_time<T>(
    work: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, DatabaseError> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(DatabaseError::Slow),
    }
}

fn pool(url: &str, options: &ConnectOptions) -> Result<Pool, UrlError> {
    let (mut config, tls) = parse(url)?;
    config.application_name("footfall").connect_timeout(CONNECT_TIMEOUT).keepalives_idle(IDLE_TIMEOUT);
    if config.get_hosts().len() > 1 {
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
    if !options.pgbouncer {
        let set = |name: &str, time: Duration| format!("-c {name}={}", time.as_millis());
        let limits = [
            set("statement_timeout", STATEMENT_TIMEOUT),
            set("lock_timeout", LOCK_TIMEOUT),
            set("idle_in_transaction_session_timeout", IDLE_TIMEOUT),
            // The statements are few and the same plan is right for all of their parameters: planned once, not at each commit.
            "-c plan_cache_mode=force_generic_plan -c jit=off".to_owned(),
        ];
        let own = config.get_options().map(str::to_owned);
        config.options(own.into_iter().chain(limits).collect::<Vec<_>>().join(" "));
    }
    // Fast: whether it still works shows when it is used.
    let manager =
        Manager::from_config(config, tls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
    let pool = Pool::builder(manager)
        .max_size(options.pool_size)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(WAIT_TIMEOUT))
        .create_timeout(Some(CONNECT_TIMEOUT))
        .recycle_timeout(Some(CONNECT_TIMEOUT))
        .build();
    pool.map_err(|error| UrlError::Malformed(error.to_string()))
}

/// Takes the TLS settings that the driver doesn't know out of the URL.
fn parse(url: &str) -> Result<(Config, tokio_postgres_rustls::MakeRustlsConnect), UrlError> {
    if !url.contains("://") {
        return Err(UrlError::Malformed("it has no scheme".into()));
    }
    let (base, query) = url.split_once('?').map_or((url, ""), |(base, query)| (base, query));
    let (mut mode, mut roots, mut others) = (None, None, Vec::new());
    for setting in query.split('&').filter(|setting| !setting.is_empty()) {
        match setting.split_once('=') {
            Some(("sslmode", value)) => mode = Some(value.to_owned()),
            Some(("sslrootcert", value)) => roots = Some(value.replace("%2F", "/")),
            _ => others.push(setting),
        }
    }
    let mode = mode.as_deref().unwrap_or("prefer");
    let verifies = matches!(mode, "verify-ca" | "verify-full");
    let plain_mode = if verifies { "require" } else { mode };
    others.push("sslmode=");
    let text = format!("{base}?{}{plain_mode}", others.join("&"));
    // What the driver says of it could hold a part of it.
    let config =
        Config::from_str(&text).map_err(|error| UrlError::Malformed(without(&error.to_string(), url)))?;
    if config.get_hosts().is_empty() {
        return Err(UrlError::Malformed("it names no host".into()));
    }
    Ok((config, connector(verifies, mode == "verify-full", roots.as_deref())?))
}

fn without(message: &str, secret: &str) -> String {
    message.replace(secret, "…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_with_their_tls_settings() {
        for mode in ["disable", "prefer", "require", "verify-ca", "verify-full"] {
            let url =
                format!("postgres://ann:secret@db.example:5433/footfall?sslmode={mode}&connect_timeout=2");
            let (config, _) = parse(&url).unwrap();
            assert_eq!((config.get_dbname(), config.get_ports()), (Some("footfall"), &[5433][..]), "{mode}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        for url in
            ["postgres://ann:secret@db.example/x?sslmode=perhaps", "secret", "postgres://ann:secret@:x/y", ""]
        {
            let error = parse(url).err().unwrap_or_else(|| panic!("{url}")).to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
