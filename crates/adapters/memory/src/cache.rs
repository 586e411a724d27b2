//! A cache for one process, bounded in bytes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use footfall_domain::time::Timestamp;
use footfall_ports::{CACHE_KEY_BYTES_MAX, CACHED_BYTES_MAX, Cache, Clock, StoreError};
use quick_cache::sync::{Cache as Entries, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};

/// What a cache holds, in bytes, where nothing else is said.
pub const CACHE_BYTES_DEFAULT: usize = 64 << 20;

/// What an entry takes beside its key and value, about.
const ENTRY_BYTES: usize = 160;
/// What an entry takes in all, about: so many are expected.
const ENTRY_BYTES_EXPECTED: usize = 4096;
/// Parts with a lock each. Few: an entry can't be larger than its part.
const PARTS: usize = 4;

/// Remembers what was worked out, for as long as it has room: what was used least goes first. Gone with the process.
pub struct InProcessCache {
    entries: Entries<Box<str>, Entry, ByBytes>,
    clock: Arc<dyn Clock>,
}

#[derive(Clone)]
struct Entry {
    value: Arc<[u8]>,
    expires_at: Timestamp,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<Box<str>, Entry> for ByBytes {
    fn weight(&self, key: &Box<str>, entry: &Entry) -> u64 {
        (key.len() + entry.value.len() + ENTRY_BYTES) as u64
    }
}

impl InProcessCache {
    /// A cache of at most so many bytes, keys and what they cost included. It is cut in four, each of which holds whole
    /// values only: below 17 MiB the largest that a [`Cache`] takes may not be kept.
    ///
    /// # Panics
    /// Never.
    pub fn new(max_bytes: usize, clock: Arc<dyn Clock>) -> Self {
        let options = OptionsBuilder::new()
            .shards(PARTS)
            .estimated_items_capacity(max_bytes / ENTRY_BYTES_EXPECTED)
            .weight_capacity(max_bytes as u64)
            .build()
            .expect("both capacities are given");
        let entries = Entries::with_options(
            options,
            ByBytes,
            DefaultHashBuilder::default(),
            DefaultLifecycle::default(),
        );
        Self { entries, clock }
    }

    /// What it holds now, in bytes, keys and what they cost included.
    pub fn bytes(&self) -> u64 {
        self.entries.weight()
    }
}

impl fmt::Debug for InProcessCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcessCache").field("bytes", &self.bytes()).finish_non_exhaustive()
    }
}

#[async_trait]
impl Cache for InProcessCache {
    async fn get(&self, key: &str) -> Result<Option<Arc<[u8]>>, StoreError> {
        let Some(entry) = self.entries.get(key) else { return Ok(None) };
        let now = self.clock.now();
        if now < entry.expires_at {
            return Ok(Some(entry.value));
        }
        // Not one that has just taken its place.
        self.entries.remove_if(key, |entry| entry.expires_at <= now);
        Ok(None)
    }

    async fn put(&self, key: &str, value: Arc<[u8]>, keep: Duration) -> Result<(), StoreError> {
        if key.len() > CACHE_KEY_BYTES_MAX {
            return Ok(());
        }
        if value.len() > CACHED_BYTES_MAX || keep.is_zero() {
            self.entries.remove(key);
            return Ok(());
        }
        let keep_us = i64::try_from(keep.as_micros()).unwrap_or(i64::MAX);
        let expires_at = self.clock.now().plus_micros(keep_us);
        self.entries.insert(key.into(), Entry { value, expires_at });
        Ok(())
    }
}
