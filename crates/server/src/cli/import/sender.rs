//! Delivers batches a few at a time, until each event is answered for.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc, watch};

use super::ImportError;
use super::batch::Batch;
use super::report::Report;
use super::target::Target;
use crate::cli::delivery::{Delivery, deliver};

/// One connection's worth of sending. Clones share what is behind them.
#[derive(Clone)]
pub(super) struct Sender {
    pub(super) target: std::rc::Rc<Target>,
    pub(super) report: Arc<Report>,
    /// True once nothing more is to be sent.
    pub(super) stop: watch::Receiver<bool>,
    /// How long a batch is tried again before the run is given up.
    pub(super) patience: Duration,
}

impl Sender {
    /// Delivers what comes through `batches` until it ends or the run is stopped. The lock is held while waiting for a
    /// batch only: whichever sender is free takes the next one.
    ///
    /// # Errors
    /// When going on makes no sense: the server refuses, or has not taken a batch for as long as `patience`.
    pub(super) async fn run(mut self, batches: Arc<Mutex<mpsc::Receiver<Batch>>>) -> Result<(), ImportError> {
        let mut stop = self.stop.clone();
        loop {
            let next = async { batches.lock().await.recv().await };
            let batch = tokio::select! {
                biased;
                // An error means that the run is over as well.
                _ = stop.wait_for(|&stop| stop) => return Ok(()),
                batch = next => batch,
            };
            let Some(batch) = batch else { return Ok(()) };
            self.send(batch).await?;
        }
    }

    /// Delivers a batch, in parts if it is too large for the server.
    async fn send(&mut self, batch: Batch) -> Result<(), ImportError> {
        let mut pending = vec![batch];
        while let Some(batch) = pending.pop() {
            let attempt = async || self.target.take(&batch).await;
            match deliver(self.target.name(), self.patience, &mut self.stop, attempt).await? {
                Delivery::Settled(answer) => self.report.answered(&batch, &answer),
                Delivery::Stopped => return Ok(()),
                Delivery::TooLarge => match batch.halve() {
                    Ok((first, second)) => pending.extend([second, first]),
                    Err(single) => {
                        self.report.rejected(single.origins[0], "larger than the server takes (413)");
                    }
                },
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "sender_tests.rs"]
mod tests;
