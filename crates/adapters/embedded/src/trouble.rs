//! What is wrong with a database now: told to whoever asks how the store is doing, and logged once.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::database::DiskError;

/// What is wrong now, in words for anyone.
#[derive(Debug, Default)]
pub(crate) struct Trouble(Mutex<Option<&'static str>>);

impl Trouble {
    /// Remembers what is wrong, and says so once, with what follows from it.
    pub(crate) fn say(&self, error: &DiskError, file: &Path, consequence: &str) {
        let words = match error {
            DiskError::Full => "the disk is full",
            DiskError::Damaged(_) => "the data is damaged",
            DiskError::Failed(_) => "the disk failed",
        };
        let before = self.0.lock().unwrap_or_else(PoisonError::into_inner).replace(words);
        if before != Some(words) {
            tracing::error!(%error, file = %file.display(), "{consequence}");
        }
    }

    /// Writing works. Whether it didn't before.
    pub(crate) fn is_over(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().is_some()
    }

    /// What is wrong.
    pub(crate) fn words(&self) -> Option<&'static str> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
