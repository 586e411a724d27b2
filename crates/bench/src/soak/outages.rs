//! When something goes away, and how long it is felt.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{
    crowd::Scene,
    stores::{Outage, Stores, outages_of},
};
use crate::load::Failure;

/// So long nobody may be behind for an outage to be over.
const STEADY: Duration = Duration::from_secs(1);
/// An outage that is felt longer than this counts as felt to here.
const FELT_LIMIT: Duration = Duration::from_mins(3);
const LOOK: Duration = Duration::from_millis(20);

/// One outage.
#[derive(Clone, Copy, Debug)]
pub(super) struct Incident {
    pub(super) outage: Outage,
    /// Since the soak began.
    pub(super) at: Duration,
    /// Until it was there again, its own start included.
    pub(super) away: Duration,
    /// Until all clients had caught up.
    pub(super) felt: Duration,
}

/// Has one thing after the other go away, the first one after an interval, and none when there isn't the time for it to
/// come back.
///
/// # Errors
/// When something doesn't come back.
pub(super) fn cause(
    scene: &Scene,
    stores: &Stores,
    backend: &str,
    every: Duration,
    length: Duration,
) -> Result<Vec<Incident>, Failure> {
    let begin = Instant::now();
    let mut all = Vec::new();
    for (turn, outage) in (1..).zip(outages_of(backend).iter().cycle()) {
        let due = every * turn;
        if due + every.min(Duration::from_mins(1)) > length {
            return Ok(all);
        }
        while begin.elapsed() < due {
            if scene.is_spent() {
                return Ok(all);
            }
            thread::sleep(LOOK);
        }
        all.push(cause_one(scene, stores, *outage, begin)?);
    }
    Ok(all)
}

fn cause_one(scene: &Scene, stores: &Stores, outage: Outage, begin: Instant) -> Result<Incident, Failure> {
    let since = Instant::now();
    scene.disturb(true);
    stores.take_away(outage)?;
    thread::sleep(outage.length());
    stores.bring_back(outage)?;
    let away = since.elapsed();
    let mut steady_since = Instant::now();
    while steady_since.elapsed() < STEADY && since.elapsed() < FELT_LIMIT {
        if scene.is_behind() {
            steady_since = Instant::now();
        }
        thread::sleep(LOOK);
    }
    scene.disturb(false);
    Ok(Incident { outage, at: since.duration_since(begin), away, felt: steady_since.duration_since(since) })
}
