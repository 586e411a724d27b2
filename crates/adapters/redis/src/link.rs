//! The one connection, and the circuit breaker around it.
//!
//! ```text
//!            first command              connected
//!   Unused ───────────────▶ Wanted ──────────────▶ Connected ◀─────────┐
//!                              │ failed                │ time-out,      │ answered
//!                              ▼                       ▼ broken         │
//!                             Away ◀───────────────────┘                │
//!                              └─▶ after 250 ms, then 500 ms … 5 s: connect and PING
//! ```
//!
//! Commands never connect: one task does, the *keeper*. While Redis is away they fail at once.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::Client;
use redis::aio::MultiplexedConnection;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{info, warn};

use crate::backoff::Backoff;
use crate::bulk::Bulk;
use crate::connect::connect;
use crate::error::Trouble;
use crate::stats::{Counters, RedisStats};

/// How long a command may take, the wait for the first connection included. A snapshot larger than 1 MiB may take a
/// millisecond more for each 8 KiB. Those that wait behind one on the connection may not; but they don't open the circuit.
pub const COMMAND_LIMIT: Duration = Duration::from_millis(200);

/// Commands under way at a time, at most. One more fails at once.
pub const IN_FLIGHT_MAX: usize = 1_024;

/// What is told as the time to try again, when the next attempt is about to be made.
const RETRY_AFTER_MIN: Duration = Duration::from_millis(100);

#[derive(Clone)]
enum State {
    /// Nothing was asked yet.
    Unused,
    /// Something was, and waits for the first connection.
    Wanted,
    Connected {
        connection: MultiplexedConnection,
        /// Which connection of this process that is, so that what failed on an earlier one doesn't count.
        number: u64,
        since: Instant,
    },
    /// The circuit is open.
    Away { until: Instant, why: &'static str },
}

/// What the store, its commands and the keeper share.
pub(crate) struct Link {
    client: Client,
    state: watch::Sender<State>,
    returns: watch::Sender<u64>,
    permits: Arc<Semaphore>,
    backoff: Mutex<Backoff>,
    bulk: Bulk,
    counters: Counters,
    /// Where commands run, so that one whose caller has gone is still counted as under way until it is over.
    runtime: Handle,
}

impl Link {
    pub(crate) fn new(client: Client, random: fn() -> u64, runtime: Handle) -> Self {
        Self {
            client,
            state: watch::Sender::new(State::Unused),
            returns: watch::Sender::new(0),
            permits: Arc::new(Semaphore::new(IN_FLIGHT_MAX)),
            backoff: Mutex::new(Backoff::new(random)),
            bulk: Bulk::default(),
            counters: Counters::default(),
            runtime,
        }
    }

    /// Does something with the connection, within the limit, or says at once that it can't be done. `bytes` is what is sent,
    /// or known to come back.
    pub(crate) async fn run<T: Send + 'static, F: Future<Output = Result<T, Trouble>> + Send>(
        self: &Arc<Self>,
        bytes: usize,
        work: impl FnOnce(MultiplexedConnection) -> F + Send + 'static,
    ) -> Result<T, Trouble> {
        self.counters.commands.add();
        self.away().inspect_err(|_| self.counters.skipped.add())?;
        let permit = Arc::clone(&self.permits).try_acquire_owned();
        let permit = permit.map_err(|_| Trouble::Busy).inspect_err(|_| self.counters.overflows.add())?;
        let link = Arc::clone(self);
        let task = self.runtime.spawn(async move {
            let _permit = permit;
            link.carry_out(bytes, work).await
        });
        task.await.unwrap_or(Err(Trouble::Ended))
    }

    async fn carry_out<T, F: Future<Output = Result<T, Trouble>>>(
        &self,
        bytes: usize,
        work: impl FnOnce(MultiplexedConnection) -> F,
    ) -> Result<T, Trouble> {
        let load = self.bulk.enter(bytes);
        let mut used = None;
        let done = timeout(COMMAND_LIMIT + load.allowance(), async {
            let (connection, number) = self.connection().await?;
            used = Some(number);
            work(connection).await
        });
        let result = done.await.unwrap_or(Err(Trouble::Slow));
        if let Err(trouble) = &result {
            self.note(trouble);
            let is_excused = matches!(trouble, Trouble::Slow) && load.waited_for_another();
            if let Some(number) = used.filter(|_| trouble.opens_the_circuit() && !is_excused) {
                self.open(number, trouble);
            }
        }
        result
    }

    fn note(&self, trouble: &Trouble) {
        match trouble {
            Trouble::Slow | Trouble::SlowConnect => self.counters.timeouts.add(),
            Trouble::Broken(_) | Trouble::NoConnection(_) => self.counters.broken.add(),
            Trouble::Refused { .. } | Trouble::Reply(_) => self.counters.error_replies.add(),
            Trouble::Away { .. } => self.counters.skipped.add(),
            Trouble::Busy | Trouble::Damaged(_) | Trouble::Limit(_) | Trouble::Ended => {}
        }
    }

    fn away(&self) -> Result<(), Trouble> {
        match &*self.state.borrow() {
            State::Away { until, why } => Err(Trouble::Away {
                reason: why,
                retry_after: until.saturating_duration_since(Instant::now()).max(RETRY_AFTER_MIN),
            }),
            State::Unused | State::Wanted | State::Connected { .. } => Ok(()),
        }
    }

    /// The connection, once there is one; an error at once where it is away.
    async fn connection(&self) -> Result<(MultiplexedConnection, u64), Trouble> {
        self.state.send_if_modified(|state| {
            let is_first = matches!(state, State::Unused);
            if is_first {
                *state = State::Wanted;
            }
            is_first
        });
        let mut states = self.state.subscribe();
        let is_known = |state: &State| matches!(state, State::Connected { .. } | State::Away { .. });
        if let Ok(state) = states.wait_for(is_known).await
            && let State::Connected { connection, number, .. } = &*state
        {
            return Ok((connection.clone(), *number));
        }
        self.away().and(Err(Trouble::Slow))
    }

    /// Opens the circuit, if that connection is still the one in use.
    fn open(&self, number: u64, trouble: &Trouble) {
        let opened = self.state.send_if_modified(|state| match state {
            State::Connected { number: current, since, .. } if *current == number => {
                *state = self.away_after(Some(since.elapsed()), trouble);
                true
            }
            _ => false,
        });
        if opened {
            self.has_opened(trouble);
        }
    }

    fn away_after(&self, lived: Option<Duration>, trouble: &Trouble) -> State {
        let mut backoff = self.backoff.lock().unwrap_or_else(PoisonError::into_inner);
        State::Away { until: Instant::now() + backoff.next(lived), why: trouble.words() }
    }

    fn has_opened(&self, trouble: &Trouble) {
        self.counters.opens.add();
        warn!(error = %trouble, "Redis is away; the service does without it until it is back");
    }

    /// Connects when that is wanted, and again after what broke, for ever.
    pub(crate) async fn keep(&self) {
        let mut states = self.state.subscribe();
        let mut number = 0;
        loop {
            let until =
                match states.wait_for(|state| matches!(state, State::Wanted | State::Away { .. })).await {
                    Ok(state) => match &*state {
                        State::Away { until, .. } => Some(*until),
                        _ => None,
                    },
                    Err(_) => return,
                };
            if let Some(until) = until {
                sleep_until(until).await;
            }
            match connect(&self.client, IN_FLIGHT_MAX).await {
                Ok(connection) => {
                    number += 1;
                    self.state.send_replace(State::Connected { connection, number, since: Instant::now() });
                    if until.is_some() {
                        info!("Redis is back");
                        self.returns.send_modify(|returns| *returns += 1);
                    }
                }
                Err(trouble) => {
                    self.counters.failed_connects.add();
                    self.state.send_replace(self.away_after(None, &trouble));
                    if until.is_none() {
                        self.has_opened(&trouble);
                    }
                }
            }
        }
    }

    pub(crate) fn returns(&self) -> watch::Receiver<u64> {
        self.returns.subscribe()
    }

    pub(crate) fn stats(&self) -> RedisStats {
        self.counters.read(*self.returns.borrow(), self.away().is_err())
    }
}
