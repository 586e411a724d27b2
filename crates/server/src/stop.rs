//! When to stop: at SIGTERM or SIGINT, or so long after it as requests are still to be taken.

use std::io;
use std::time::Duration;

use footfall_http::Drain;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that ask for it.
pub(crate) struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    /// From now on they don't end the process.
    pub(crate) fn listen() -> io::Result<Self> {
        let (terminate, interrupt) = (SignalKind::terminate(), SignalKind::interrupt());
        Ok(Self { terminate: signal(terminate)?, interrupt: signal(interrupt)? })
    }

    /// Waits until it is time to take no more connections. Between the first signal and then `drain` is on, for so long as
    /// load balancers need to notice; a second signal ends it.
    pub(crate) async fn asked(mut self, drain: &Drain, drain_period: Duration) {
        self.signal().await;
        drain.begin();
        if !drain_period.is_zero() {
            tracing::info!("draining: not ready any more, still serving");
            tokio::select! {
                () = tokio::time::sleep(drain_period) => {}
                () = self.signal() => {}
            }
        }
    }

    /// Waits for the next one.
    pub(crate) async fn signal(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
