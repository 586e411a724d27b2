use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::StoreError;

/// Most bytes of a key of a [`Cache`].
pub const CACHE_KEY_BYTES_MAX: usize = 512;
/// Most bytes of a value that a [`Cache`] takes; a larger one is not kept.
pub const CACHED_BYTES_MAX: usize = 4 << 20;

/// Remembers what was worked out, for as long as it has room. It may forget anything at any time, and what it has is never
/// changed: whoever puts a value under a key that has one replaces it whole.
///
/// It answers quickly or not at all: an error means that asking took too long or makes no sense now, and that whoever asked
/// is to do without.
#[async_trait]
pub trait Cache: Send + Sync {
    /// The value under that key, if it is remembered.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the cache can't be asked.
    async fn get(&self, key: &str) -> Result<Option<Arc<[u8]>>, StoreError>;

    /// Remembers a value for at most so long. A key has at most [`CACHE_KEY_BYTES_MAX`]. Of a value that is too large, or kept for no
    /// time, nothing stays, and neither does what was there before.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the cache can't be told.
    async fn put(&self, key: &str, value: Arc<[u8]>, keep: Duration) -> Result<(), StoreError>;
}
