//! Delivers parcels until each item is answered for.

use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, mpsc, watch};

use super::TrafficError;
use super::parcel::{Outcome, Parcel};
use super::report::Report;
use crate::cli::client::Client;
use crate::cli::delivery::{Delivery, deliver};
use crate::cli::verdict::Verdict;

/// One connection's worth of sending. Clones share what is behind them.
#[derive(Clone)]
pub(super) struct Sender {
    pub(super) client: Rc<Client>,
    pub(super) report: Rc<Report>,
    /// True once nothing more is to be sent.
    pub(super) stop: watch::Receiver<bool>,
    /// How long a parcel is tried again before the run is given up.
    pub(super) patience: Duration,
}

impl Sender {
    /// Delivers what comes through `parcels` until it ends or the run is stopped. The lock is held while waiting only: whoever is
    /// free takes the next one.
    ///
    /// # Errors
    /// When going on makes no sense: something was refused, or nothing was taken for as long as `patience`.
    pub(super) async fn run(
        mut self,
        parcels: Rc<Mutex<mpsc::Receiver<Parcel>>>,
    ) -> Result<(), TrafficError> {
        let mut stop = self.stop.clone();
        loop {
            let next = async { parcels.lock().await.recv().await };
            let parcel = tokio::select! {
                biased;
                // An error means that the run is over as well.
                _ = stop.wait_for(|&stop| stop) => return Ok(()),
                parcel = next => parcel,
            };
            let Some(parcel) = parcel else { return Ok(()) };
            self.report.sending(parcel.items);
            self.deliver(&parcel).await?;
        }
    }

    async fn deliver(&mut self, parcel: &Parcel) -> Result<(), TrafficError> {
        let attempt = async || {
            let since = Instant::now();
            let verdict = parcel.send(&self.client).await;
            self.report.answered(since.elapsed(), matches!(verdict, Verdict::Later { .. }));
            verdict
        };
        let delivery = deliver(self.client.server(), self.patience, &mut self.stop, attempt).await?;
        let (server, items) = (self.client.server().to_owned(), parcel.items);
        match delivery {
            Delivery::Settled(outcome) => {
                self.report.settled(&outcome);
                match outcome {
                    Outcome { rejected: 0, .. } => Ok(()),
                    // What is made here is valid: going on would be of no use to anyone.
                    Outcome { rejected: count, why, .. } => {
                        let why = why.unwrap_or_else(|| "no reason given".to_owned());
                        Err(TrafficError::Rejected { server, count, items, why })
                    }
                }
            }
            Delivery::TooLarge => Err(TrafficError::TooLarge { server, items }),
            Delivery::Stopped => Ok(()),
        }
    }
}
