//! The soak: a mixed load for a long time at a share of the peak, while the store and Redis go away and come back. Nothing
//! that was acknowledged may be lost or be there twice, memory must not grow by more than what the events account for, and
//! latencies are stated.
//!
//! The load is open: a request is due when it is due, whatever became of the one before, and its latency counts from then,
//! retries included. So an outage shows in them in full.

mod check;
mod client;
mod crowd;
mod ledger;
mod memory;
pub mod options;
mod outages;
mod report;
mod stock;
mod stores;
mod tally;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use self::{
    crowd::{Pace, Scene},
    memory::Course,
    options::Options,
    outages::Incident,
    stores::Stores,
    tally::Tally,
};
use crate::load::{Failure, servers::Children};

const WARM_UP: Duration = Duration::from_secs(3);

/// How fast it goes when each client waits for nothing but its answer.
struct Peak {
    requests_a_second: f64,
    events_a_second: f64,
}

/// All that was measured.
struct Figures {
    scene: Arc<Scene>,
    peak: Option<Peak>,
    rate: f64,
    tally: Tally,
    took: Duration,
    /// Acknowledged during the soak itself.
    events: u64,
    outages: Vec<Incident>,
    memory: Vec<Course>,
    disk_bytes: u64,
    found: check::Findings,
}

impl Figures {
    /// Whether nothing was lost, doubled, given up, left unsent or answered wrongly.
    fn is_good(&self) -> bool {
        let (found, tally) = (&self.found, &self.tally);
        found.missing + found.twice + tally.lost + tally.given_up + tally.unsent + tally.unexpected == 0
            && found.problems.is_empty()
    }
}

/// Runs all of it and prints the figures. Whether all was as it must be.
///
/// # Errors
/// When something can't be started, or doesn't come back.
pub fn run(options: &Options, children: &Children) -> Result<bool, Failure> {
    let stores = Stores::start(options, children)?;
    let scene = Arc::new(Scene::new(options.events_max, options.connections));
    let (peak, rate) = if let Some(rate) = options.rate {
        (None, rate)
    } else {
        let peak = measure_peak(&scene, &stores, options)?;
        let rate = peak.requests_a_second * options.share;
        (Some(peak), rate)
    };
    scene.ledger.is_closed.store(options.known, Ordering::Relaxed);
    println!("soaking at {rate:.0} requests a second for {}", report::seconds(options.length));
    let figures = soak(scene, &stores, peak, rate, options)?;
    println!("{}", report::report(&figures, options));
    Ok(figures.is_good())
}

fn measure_peak(scene: &Arc<Scene>, stores: &Stores, options: &Options) -> Result<Peak, Failure> {
    println!("measuring the peak for {}", report::seconds(options.peak));
    scene.run(stores.address(), Pace::Closed, WARM_UP, options.seed)?;
    let before = events(scene);
    let (tally, took) = scene.run(stores.address(), Pace::Closed, options.peak, options.seed + 1)?;
    if tally.unexpected + tally.given_up > 0 {
        let first = tally.first_unexpected.unwrap_or_default();
        return Err(format!("the peak was not answered as it should be: {first}").into());
    }
    let a_second = |count: u64| count as f64 / took.as_secs_f64();
    Ok(Peak {
        requests_a_second: a_second(tally.requests()),
        events_a_second: a_second(events(scene) - before),
    })
}

/// Events that were acknowledged so far.
fn events(scene: &Scene) -> u64 {
    scene.ledger.acknowledged() + scene.ledger.visits.load(Ordering::Relaxed)
}

fn soak(
    scene: Arc<Scene>,
    stores: &Stores,
    peak: Option<Peak>,
    rate: f64,
    options: &Options,
) -> Result<Figures, Failure> {
    let (before, is_over) = (events(&scene), AtomicBool::new(false));
    let (driven, outages, memory) = thread::scope(|scope| {
        let watching = scope.spawn(|| memory::watch(&scene, stores, &is_over));
        let causing = options.outage_every.map(|every| {
            scope.spawn({
                let scene = &scene;
                move || outages::cause(scene, stores, &options.backend, every, options.length)
            })
        });
        let driven = scene.run(stores.address(), Pace::Open(rate), options.length, options.seed + 2);
        is_over.store(true, Ordering::Relaxed);
        let outages = causing.map_or(Ok(Ok(Vec::new())), thread::ScopedJoinHandle::join);
        (driven, outages, watching.join())
    });
    let (tally, took) = driven?;
    let outages = outages.map_err(|_| "causing outages panicked")??;
    let memory = memory.map_err(|_| "watching memory panicked")?;
    let events = events(&scene) - before;
    println!("checking what is there");
    let found = check::check(stores.address(), &scene.ledger)?;
    let disk_bytes = stores.disk_bytes();
    stores.end_service("TERM")?;
    Ok(Figures { scene, peak, rate, tally, took, events, outages, memory, disk_bytes, found })
}
