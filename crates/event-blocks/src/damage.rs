//! What is wrong with data on disk, in words for whoever has to put it right.

use std::fmt;

/// Data that isn't what was written.
#[derive(Debug)]
pub struct Damage(String);

impl Damage {
    /// What is wrong with the block that begins with that ordinal.
    pub fn block(first: u64, what: &str) -> Self {
        Self(format!("the block of events from number {first} on {what}"))
    }

    /// The same of a checkpoint.
    pub fn checkpoint(first: u64, what: &str) -> Self {
        Self(format!("the checkpoint of events from number {first} on {what}"))
    }

    /// The same of anything else.
    pub fn other(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Damage {}
