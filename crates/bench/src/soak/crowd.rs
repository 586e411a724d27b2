//! All clients together: as fast as they are answered, for the peak; or at a rate of their own, whatever the answers do.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{runtime::Builder, time::sleep_until};

use super::{client::Client, ledger::Ledger, tally::Tally};
use crate::load::{Failure, random::Random};

/// Who is later than this is behind.
const BEHIND: Duration = Duration::from_millis(100);
/// How long after the end a request that was due before it is insisted on.
const OVERTIME: Duration = Duration::from_mins(2);

/// When requests are sent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pace {
    /// Each as soon as the last one is answered.
    Closed,
    /// So many a second together. One that is late stays due when it was, and its latency counts from then.
    Open(f64),
}

/// What clients and outages tell each other.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) ledger: Arc<Ledger>,
    /// Something is away, or somebody is still behind because of it.
    is_disturbed: AtomicBool,
    /// By how many microseconds each client is late.
    late_us: Vec<AtomicU64>,
    /// The events were used up.
    is_spent: AtomicBool,
}

impl Scene {
    pub(super) fn new(events_max: u64, clients: usize) -> Self {
        Self {
            ledger: Arc::new(Ledger::new(events_max)),
            is_disturbed: AtomicBool::new(false),
            late_us: (0..clients).map(|_| AtomicU64::new(0)).collect(),
            is_spent: AtomicBool::new(false),
        }
    }

    pub(super) fn disturb(&self, is_disturbed: bool) {
        self.is_disturbed.store(is_disturbed, Ordering::Relaxed);
    }

    pub(super) fn is_disturbed(&self) -> bool {
        self.is_disturbed.load(Ordering::Relaxed)
    }

    pub(super) fn is_spent(&self) -> bool {
        self.is_spent.load(Ordering::Relaxed)
    }

    /// Whether a client is behind.
    pub(super) fn is_behind(&self) -> bool {
        let behind = BEHIND.as_micros() as u64;
        self.late_us.iter().any(|late| late.load(Ordering::Relaxed) > behind)
    }

    /// Sends for that time, and returns what was seen and how long it took to the last answer.
    pub(super) fn run(
        self: &Arc<Self>,
        address: SocketAddr,
        pace: Pace,
        length: Duration,
        seed: u64,
    ) -> Result<(Tally, Duration), Failure> {
        let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
        let begin = Instant::now();
        let tally = runtime.block_on(async {
            let tasks: Vec<_> = (0..self.late_us.len())
                .map(|place| {
                    let random = Random::new(seed, place as u64);
                    let client = Client::new(address, Arc::clone(&self.ledger), random);
                    tokio::spawn(Arc::clone(self).drive(place, client, pace, begin, length))
                })
                .collect();
            let mut total = Tally::default();
            for task in tasks {
                total.merge(task.await?);
            }
            Ok::<_, Failure>(total)
        })?;
        Ok((tally, begin.elapsed()))
    }

    async fn drive(
        self: Arc<Self>,
        number: usize,
        mut client: Client,
        pace: Pace,
        begin: Instant,
        length: Duration,
    ) -> Tally {
        let clients = self.late_us.len();
        for round in 0_u64.. {
            let due = match pace {
                Pace::Closed => Instant::now(),
                Pace::Open(rate) => {
                    begin + Duration::from_secs_f64((round * clients as u64 + number as u64) as f64 / rate)
                }
            };
            if due >= begin + length || self.is_spent() {
                break;
            }
            // Where the service can't keep up, what was due would go on for as long again.
            if begin.elapsed() > length + OVERTIME {
                client.tally.unsent += 1;
                continue;
            }
            sleep_until(due.into()).await;
            self.late_us[number].store(due.elapsed().as_micros() as u64, Ordering::Relaxed);
            let was_disturbed = self.is_disturbed();
            match client.send(begin + length + OVERTIME).await {
                Some(is_question) => {
                    let is_disturbed = was_disturbed || self.is_disturbed();
                    client.tally.record(due.elapsed(), is_question, is_disturbed);
                }
                None => self.is_spent.store(true, Ordering::Relaxed),
            }
        }
        self.late_us[number].store(0, Ordering::Relaxed);
        client.tally
    }
}
