//! The store's handle: how it begins and ends, and what it tells beside the ports.

use std::fmt;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::connect::{UrlError, client};
use crate::link::Link;
use crate::scripts::Known;
use crate::stats::RedisStats;

/// How Redis is used.
#[derive(Clone)]
pub struct RedisOptions {
    /// Where it is: `redis://user:password@host:6379/0`, or `rediss://…` for TLS, which is verified with the system's
    /// authorities or those of `?sslrootcert=FILE`. Port 6379 and database 0 where none is named.
    pub url: String,
    /// What all keys begin with, before a colon. Instances with the same one share what they keep.
    pub prefix: String,
    /// Gives random numbers, by which instances come back at different times.
    pub random: fn() -> u64,
}

impl fmt::Debug for RedisOptions {
    // The URL holds a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisOptions").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// Snapshots and a cache in Redis, over one connection of this process. Clones share it.
#[derive(Clone)]
pub struct RedisStore {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) link: Arc<Link>,
    pub(crate) prefix: String,
    pub(crate) put_snapshot: Arc<Known>,
    pub(crate) get_snapshot: Arc<Known>,
    keeper: AbortHandle,
}

impl RedisStore {
    /// A store for that Redis. Nothing is connected before something is asked, so Redis may as well be away.
    ///
    /// The connection and all commands run on the runtime that this is called in, until the last clone is dropped.
    ///
    /// # Errors
    /// [`UrlError`] when the URL can't be used.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn new(options: RedisOptions) -> Result<Self, UrlError> {
        let client = client(&options.url)?;
        let link = Arc::new(Link::new(client, options.random, Handle::current()));
        let kept = Arc::clone(&link);
        let keeper = tokio::spawn(async move { kept.keep().await }).abort_handle();
        let inner = Inner {
            link,
            prefix: options.prefix,
            put_snapshot: Arc::new(Known::put_snapshot()),
            get_snapshot: Arc::new(Known::get_snapshot()),
            keeper,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Counts how often Redis has come back after it was away; changes when it does. It may have lost everything meanwhile:
    /// whoever has a newer snapshot than it puts it again then.
    pub fn on_return(&self) -> watch::Receiver<u64> {
        self.inner.link.returns()
    }

    /// What has happened so far.
    pub fn stats(&self) -> RedisStats {
        self.inner.link.stats()
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}
