//! The ports, as Redis fills them.
//!
//! | key | what it holds |
//! |---|---|
//! | `PREFIX:snapshot:NAME` | a hash: `taken_at` in RFC 3339 with six digits, `bytes` |
//! | `PREFIX:cache:KEY` | the value, with its expiry |

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use footfall_domain::time::Timestamp;
use footfall_ports::{
    CACHE_KEY_BYTES_MAX, CACHED_BYTES_MAX, Cache, DependencyState, Found, Health, SNAPSHOT_BYTES_MAX, SPANS,
    Snapshot, SnapshotStore, StoreError,
};
use redis::Value;
use redis::aio::MultiplexedConnection;
use tracing::Instrument;
use tracing::field::Empty;

use crate::bulk::LARGE;
use crate::error::Trouble;
use crate::store::RedisStore;

/// Most bytes of a snapshot's name.
const NAME_BYTES_MAX: usize = 64;
/// The longest that a value is kept: Redis refuses times that are beyond its reckoning.
const KEEP_MAX: Duration = Duration::from_hours(24 * 366);

impl RedisStore {
    fn snapshot_key(&self, name: &str) -> Result<Vec<u8>, Trouble> {
        if name.len() > NAME_BYTES_MAX {
            return Err(Trouble::Limit("the snapshot's name is longer than 64 bytes"));
        }
        Ok(format!("{}:snapshot:{name}", self.inner().prefix).into_bytes())
    }

    fn cache_key(&self, key: &str) -> Option<Vec<u8>> {
        (key.len() <= CACHE_KEY_BYTES_MAX)
            .then(|| format!("{}:cache:{key}", self.inner().prefix).into_bytes())
    }

    /// Runs a command in a span with the names of OpenTelemetry's semantic conventions for databases.
    async fn run<T: Send + 'static, F: Future<Output = Result<T, Trouble>> + Send>(
        &self,
        operation: &'static str,
        bytes: usize,
        work: impl FnOnce(MultiplexedConnection) -> F + Send + 'static,
    ) -> Result<T, Trouble> {
        let span = tracing::debug_span!(
            target: SPANS,
            "command",
            otel.name = operation,
            otel.kind = "client",
            otel.status_code = Empty,
            db.system.name = "redis",
            db.operation.name = operation,
        );
        let result = self.inner().link.run(bytes, work).instrument(span.clone()).await;
        if result.is_err() {
            span.record("otel.status_code", "ERROR");
        }
        result
    }

    /// Asks for a snapshot of at most so many bytes.
    async fn read(
        &self,
        key: &[u8],
        known: Option<Timestamp>,
        bytes_max: usize,
        bytes_expected: usize,
    ) -> Result<Read, Trouble> {
        let script = Arc::clone(&self.inner().get_snapshot);
        let key = key.to_vec();
        let known = known.map(|at| at.to_string()).unwrap_or_default();
        let work = async move |connection| {
            let bytes_max = bytes_max.to_string();
            script.run(connection, &key, [known.as_bytes(), bytes_max.as_bytes()]).await
        };
        read_of(self.run("EVALSHA", bytes_expected, work).await?)
    }

    async fn find(&self, name: &str, known: Option<Timestamp>) -> Result<Found, Trouble> {
        let key = self.snapshot_key(name)?;
        let mut read = self.read(&key, known, LARGE, 0).await?;
        if let Read::TooLarge(bytes) = read {
            // Once more, with the time that so much needs.
            read = self.read(&key, known, usize::MAX, bytes).await?;
        }
        match read {
            Read::Found(found) => Ok(found),
            Read::TooLarge(_) => Err(Trouble::Damaged("not a snapshot")),
        }
    }

    async fn keep(&self, name: &str, snapshot: Snapshot) -> Result<(), Trouble> {
        let key = self.snapshot_key(name)?;
        if snapshot.bytes.len() > SNAPSHOT_BYTES_MAX {
            return Err(Trouble::Limit("the snapshot is larger than 64 MiB"));
        }
        let bytes = snapshot.bytes.len();
        let script = Arc::clone(&self.inner().put_snapshot);
        let work = async move |connection| {
            let taken_at = snapshot.taken_at.to_string();
            script.run(connection, &key, [taken_at.as_bytes(), &snapshot.bytes]).await
        };
        self.run("EVALSHA", bytes, work).await.map(drop)
    }
}

enum Read {
    Found(Found),
    /// So many bytes.
    TooLarge(usize),
}

fn read_of(value: Value) -> Result<Read, Trouble> {
    let parts = match value {
        Value::Nil => return Ok(Read::Found(Found::Nothing)),
        Value::Array(parts) => parts,
        _ => return Err(Trouble::Damaged("not a snapshot")),
    };
    let mut parts = parts.into_iter();
    let taken_at = match parts.next() {
        Some(Value::BulkString(text)) => std::str::from_utf8(&text).ok().and_then(Timestamp::parse),
        _ => None,
    };
    let taken_at = taken_at.ok_or(Trouble::Damaged("a snapshot without its time"))?;
    match parts.next() {
        None => Ok(Read::Found(Found::Unchanged)),
        Some(Value::BulkString(bytes)) => {
            Ok(Read::Found(Found::Snapshot(Snapshot { taken_at, bytes: bytes.into() })))
        }
        Some(Value::Int(bytes)) => Ok(Read::TooLarge(bytes.unsigned_abs() as usize)),
        Some(_) => Err(Trouble::Damaged("a snapshot without its bytes")),
    }
}

#[async_trait]
impl SnapshotStore for RedisStore {
    async fn snapshot(&self, name: &str, known: Option<Timestamp>) -> Result<Found, StoreError> {
        Ok(self.find(name, known).await?)
    }

    async fn put_snapshot(&self, name: &str, snapshot: Snapshot) -> Result<(), StoreError> {
        Ok(self.keep(name, snapshot).await?)
    }
}

#[async_trait]
impl Cache for RedisStore {
    async fn get(&self, key: &str) -> Result<Option<Arc<[u8]>>, StoreError> {
        let Some(key) = self.cache_key(key) else { return Ok(None) };
        let work = async move |mut connection| {
            let value = redis::cmd("GET").arg(key).query_async::<Value>(&mut connection).await;
            match value.map_err(Trouble::of_command)? {
                Value::Nil => Ok(None),
                Value::BulkString(bytes) => Ok(Some(bytes.into())),
                _ => Err(Trouble::Damaged("not a value of the cache")),
            }
        };
        Ok(self.run("GET", 0, work).await?)
    }

    async fn put(&self, key: &str, value: Arc<[u8]>, keep: Duration) -> Result<(), StoreError> {
        let Some(key) = self.cache_key(key) else { return Ok(()) };
        let keep_ms = keep.min(KEEP_MAX).as_millis() as u64;
        let bytes = value.len();
        let is_kept = bytes <= CACHED_BYTES_MAX && keep_ms > 0;
        let work = async move |mut connection| {
            let mut command = redis::cmd(if is_kept { "SET" } else { "DEL" });
            command.arg(key);
            if is_kept {
                command.arg(&*value).arg("PX").arg(keep_ms);
            }
            command.query_async::<()>(&mut connection).await.map_err(Trouble::of_command)
        };
        let (operation, bytes) = if is_kept { ("SET", bytes) } else { ("DEL", 0) };
        Ok(self.run(operation, bytes, work).await?)
    }
}

#[async_trait]
impl Health for RedisStore {
    async fn check(&self) -> Vec<DependencyState> {
        let ping = async |mut connection| {
            redis::cmd("PING").query_async::<()>(&mut connection).await.map_err(Trouble::of_command)
        };
        let state = self.inner().link.run(0, ping).await.map_err(|trouble| trouble.words().to_owned());
        vec![DependencyState { name: "redis", required: false, state }]
    }
}
