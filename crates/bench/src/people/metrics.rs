//! Users' activity by window: computed at first, again, after late events; and listed.

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use footfall_domain::event::EventBatch;
use footfall_domain::time::Timestamp;
use footfall_domain::windows::{Due, MetricFilter, Window, WindowTotals};
use footfall_ports::{Clock, EventLog, UserMetrics};

use super::options::Options;
use super::sheet::{Aim, Sheet};
use crate::history::{self, History};
use crate::load::events::VISITORS;
use crate::load::histogram::Histogram;
use crate::load::machine;
use crate::load::random::Random;
use crate::stores::{Store, SystemClock};

const ROUNDS: u64 = 10;
const LATE: u64 = 1_000;
const PAGE_ROWS: usize = 1_000;
const PAGES: u64 = 200;
const LOOKUPS: u64 = 1_000;

/// Users' activity.
///
/// # Errors
/// When the store can't be had or fails.
pub async fn measure(options: &Options, sheet: &mut Sheet) -> Result<(), Box<dyn Error>> {
    let store = Store::start(&options.backend, Arc::new(SystemClock)).await?;
    let (log, metrics, now) = (store.log(), store.metrics(), SystemClock.now());
    let start = Instant::now();
    let until = Some(options.deadline());
    let filled = history::fill(&*log, History::new(now), options.events as usize, until).await?;
    sheet.rate("events/s, one batch at a time", filled.events as u64, start.elapsed(), Aim::None);
    let disk_before = sheet.disk(&store, "event", filled.events as u64).await?;
    let resident_before = machine::resident_bytes();

    let computed = metrics.calculate_metrics(Due::Latest, now);
    let totals = sheet.once("the first computation of all windows", None, computed).await?;
    let sum = |part: fn(&WindowTotals) -> u64| totals.iter().map(part).sum::<u64>();
    let (rows, counted) = (sum(|totals| totals.users), sum(|totals| totals.events));
    sheet.check("events in all windows", &counted, &filled.in_completed_windows);
    sheet.figure("windows", totals.len() as f64, 0, Aim::None);
    sheet.figure("rows", rows as f64, 0, Aim::None);
    let last = totals.last().map_or(0, |totals| totals.events);
    again(&*log, &*metrics, now, last, sheet).await?;
    list(&*metrics, rows, counted, sheet).await?;
    // What both grew by is the rows', but for that of few late events.
    sheet.bytes("memory that came", machine::resident_bytes().saturating_sub(resident_before), "row", rows);
    if let Some(disk) = store.compacted_bytes().await? {
        sheet.bytes("disk that came", disk.saturating_sub(disk_before), "row", rows);
    }
    Ok(())
}

/// Computes with nothing new, after one late event and after many.
async fn again(
    log: &dyn EventLog,
    metrics: &dyn UserMetrics,
    now: Timestamp,
    mut expected: u64,
    sheet: &mut Sheet,
) -> Result<(), Box<dyn Error>> {
    // Other events than those that the store was filled with: an identity is taken once.
    let (window, mut history) = (Window::last_completed(now), History::late(now));
    for (what, late) in [
        ("computing with nothing new", 0),
        ("computing after one late event in the last window", 1),
        ("computing after 1,000 late events in the last window", LATE),
    ] {
        let mut times = Histogram::default();
        for _ in 0..ROUNDS {
            let mut batch = EventBatch::default();
            (0..late).for_each(|_| history.push_in(window, &mut batch));
            if late > 0 {
                log.append(Arc::new(batch)).await?;
            }
            expected += late;
            let began = Instant::now();
            let told = metrics.calculate_metrics(Due::Latest, now).await?;
            times.record(began.elapsed());
            let told: Vec<(Window, u64)> = told.iter().map(|totals| (totals.window, totals.events)).collect();
            sheet.check(what, &told, &vec![(window, expected)]);
        }
        sheet.times(what, &times, Aim::None);
    }
    Ok(())
}

/// Lists rows page by page, as a client does that wants all of them, and those of single users.
async fn list(
    metrics: &dyn UserMetrics,
    rows: u64,
    events: u64,
    sheet: &mut Sheet,
) -> Result<(), Box<dyn Error>> {
    let (mut times, mut after, mut listed, mut counted) = (Histogram::default(), None, 0, 0);
    let mut pages = 0;
    loop {
        let began = Instant::now();
        let page = metrics.user_metrics(MetricFilter::default(), after, PAGE_ROWS).await?;
        times.record(began.elapsed());
        pages += 1;
        listed += page.len() as u64;
        counted += page.iter().map(|row| row.events).sum::<u64>();
        let Some(last) = page.last().filter(|_| pages < PAGES && page.len() == PAGE_ROWS) else { break };
        after = Some((last.window, last.user.clone()));
    }
    sheet.times(&format!("a list of 1,000 rows, {pages} in turn"), &times, Aim::None);
    if pages < PAGES {
        let late = ROUNDS * (1 + LATE);
        sheet.check("events of all rows", &counted, &(events + late));
        sheet.check("rows that were computed are listed", &(listed >= rows), &true);
    }
    let (mut times, mut random) = (Histogram::default(), Random::new(41, 0));
    for _ in 0..LOOKUPS {
        let user = Some(format!("user-{:07}", random.below(VISITORS)));
        let filter = MetricFilter { user, ..MetricFilter::default() };
        let began = Instant::now();
        metrics.user_metrics(filter, None, PAGE_ROWS).await?;
        times.record(began.elapsed());
    }
    sheet.times("all rows of one user", &times, Aim::None);
    Ok(())
}
