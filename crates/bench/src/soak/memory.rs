//! The service's memory over time, a process at a time: a restart begins anew.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use super::{crowd::Scene, stores::Stores};
use crate::load::machine;

const INTERVAL: Duration = Duration::from_secs(1);
/// After its start a process fills caches, threads' arenas and the like.
const WARM_UP: Duration = Duration::from_secs(30);

/// What was seen in one moment.
#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Duration,
    process: u32,
    resident_bytes: u64,
    events: u64,
}

/// The memory of one process, after its warm-up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Course {
    /// When its warm-up was over, since the beginning.
    pub(super) from: Duration,
    pub(super) to: Duration,
    pub(super) first_bytes: u64,
    pub(super) last_bytes: u64,
    pub(super) peak_bytes: u64,
    /// Events that were acknowledged meanwhile.
    pub(super) events: u64,
    /// The slope of memory over time, by least squares.
    pub(super) bytes_a_minute: f64,
    /// The same of what is left when each event is taken to cost what is documented.
    pub(super) unexplained_a_minute: f64,
}

/// Looks each second, until it is over.
pub(super) fn watch(
    scene: &Scene,
    stores: &Stores,
    is_over: &AtomicBool,
    bytes_an_event: f64,
) -> Vec<Course> {
    let begin = Instant::now();
    let mut samples = Vec::new();
    while !is_over.load(Ordering::Relaxed) {
        scene.ledger.mark(Instant::now());
        if let Some(process) = stores.process() {
            let resident_bytes = machine::resident_bytes_of(process);
            let events = scene.ledger.acknowledged() + scene.ledger.visits.load(Ordering::Relaxed);
            // It may have ended meanwhile.
            if resident_bytes > 0 {
                samples.push(Sample { at: begin.elapsed(), process, resident_bytes, events });
            }
        }
        thread::sleep(INTERVAL);
    }
    let lives = samples.chunk_by(|one, next| one.process == next.process);
    lives.filter_map(|life| course(life, bytes_an_event)).collect()
}

/// None of a process that didn't live to be looked at.
fn course(life: &[Sample], bytes_an_event: f64) -> Option<Course> {
    let born = life.first()?.at;
    let warm: Vec<Sample> = life.iter().copied().filter(|sample| sample.at >= born + WARM_UP).collect();
    let (first, last) = (warm.first()?, warm.last()?);
    if warm.len() < 10 {
        return None;
    }
    let minutes = |sample: &Sample| sample.at.as_secs_f64() / 60.0;
    let explained = |sample: &Sample| sample.events as f64 * bytes_an_event;
    Some(Course {
        from: first.at,
        to: last.at,
        first_bytes: first.resident_bytes,
        last_bytes: last.resident_bytes,
        peak_bytes: warm.iter().map(|sample| sample.resident_bytes).max()?,
        events: last.events - first.events,
        bytes_a_minute: slope(warm.iter().map(|sample| (minutes(sample), sample.resident_bytes as f64))),
        unexplained_a_minute: slope(
            warm.iter().map(|sample| (minutes(sample), sample.resident_bytes as f64 - explained(sample))),
        ),
    })
}

/// By least squares.
fn slope(points: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let count = points.clone().count() as f64;
    let (sum_x, sum_y) = points.clone().fold((0.0, 0.0), |(xs, ys), (x, y)| (xs + x, ys + y));
    let (mean_x, mean_y) = (sum_x / count, sum_y / count);
    let (above, below) = points.fold((0.0, 0.0), |(above, below), (x, y)| {
        (above + (x - mean_x) * (y - mean_y), below + (x - mean_x) * (x - mean_x))
    });
    if below > 0.0 { above / below } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_events_explain_is_told_from_what_they_do_not() {
        let life: Vec<Sample> = (0..120)
            .map(|second| Sample {
                at: Duration::from_secs(second),
                process: 1,
                resident_bytes: 1_000_000 + second * 1_000 * 130,
                events: second * 1_000,
            })
            .collect();
        let course = course(&life, 130.0).unwrap();
        assert_eq!((course.from, course.events), (WARM_UP, 89_000));
        assert!((course.bytes_a_minute - 7_800_000.0).abs() < 1.0, "{course:?}");
        assert!(course.unexplained_a_minute.abs() < 1.0, "{course:?}");
        assert!(super::course(&life[..35], 130.0).is_none());
    }
}
