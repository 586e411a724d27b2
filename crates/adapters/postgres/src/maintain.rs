//! What is done now and then, beside appends and questions.

use std::sync::Arc;
use std::time::Duration;

use footfall_ports::StoreError;

use crate::statements::DROP_ERASURES;
use crate::store::{Inner, chain};

/// How long events may stay unfolded when nobody asks.
const FOLD_INTERVAL: Duration = Duration::from_secs(1);
/// How often maintenance is due.
const INTERVAL: Duration = Duration::from_secs(5);
/// How often it looks for erasures that an instance didn't finish: every so many rounds.
const ERASURE_ROUNDS: u64 = 24;

impl Inner {
    /// Folds what nobody has asked for, so that the next question needn't.
    pub(crate) async fn fold_until_ended(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = self.ending.notified() => return,
                () = self.tail.woken.notified() => {}
                () = tokio::time::sleep(FOLD_INTERVAL) => {}
            }
            if let Err(error) = self.catch_up().await {
                tracing::debug!(%error, "not caught up now");
            }
        }
    }

    /// What the maintenance does. Each of its jobs may run on several instances at once: they take turns.
    pub(crate) async fn maintain_until_ended(self: Arc<Self>) {
        for round in 1_u64.. {
            tokio::select! {
                () = self.ending.notified() => return,
                () = tokio::time::sleep(INTERVAL) => {}
            }
            if let Err(error) = self.maintain(round.is_multiple_of(ERASURE_ROUNDS)).await {
                tracing::warn!(error = chain(&error), "maintenance is put off");
            }
        }
    }

    pub(crate) async fn maintain(&self, all: bool) -> Result<(), StoreError> {
        // Each whether or not the others could be done.
        let merged = self.merge(all).await;
        let dropped = self.drop_expired().await;
        if all {
            self.finish_erasures(None).await?;
            self.connections.query(&DROP_ERASURES, &[]).await?;
        }
        Ok(merged.and(dropped)?)
    }
}
