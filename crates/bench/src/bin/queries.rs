//! Questions over a long history: ten million events over thirty days, a million visitors and ten thousand pages. Says how
//! long filling the store took, what it holds in memory by part and on disk, how long a start takes, and how long answers.
//!
//! `queries [EVENTS] [BACKEND]`, ten million and `memory` unless told otherwise; `embedded` uses a folder beside the
//! program and `postgres` a server of its own there, which are removed in the end. Bounded by the number; nothing leaves the process.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use footfall_bench::history::{BATCH, DAYS, History, fill};
use footfall_bench::load::events::{PAGES, VISITORS};
use footfall_bench::load::histogram::{Histogram, ms};
use footfall_bench::load::machine::Machine;
use footfall_bench::load::random::{Random, Zipf};
use footfall_bench::stores::{Store, SystemClock};
use footfall_domain::answers::{EventFilter, Metric, Order, PageOrder, SeriesFilter, Slice};
use footfall_domain::calendar::{Interval, TimeZone, intervals};
use footfall_domain::time::{DAY_US, HOUR_US, MINUTE_US, TimeRange, Timestamp};
use footfall_ports::{Analytics, Clock, EventLog};

const EVENTS: usize = 10_000_000;
const ROUNDS: u32 = 1_000;
const SLOW_ROUNDS: u32 = 50;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let events = arguments.next().map_or(Ok(EVENTS), |events| events.parse())?;
    let backend = arguments.next().unwrap_or_else(|| "memory".into());
    println!("{:?}", Machine::look_up());
    let now = SystemClock.now();
    let mut store = Store::start(&backend, Arc::new(SystemClock)).await?;
    let start = Instant::now();
    let filled = fill(&*store.log(), History::new(now), events, None).await?;
    let took = start.elapsed();
    // A question that is cheap to answer, and waits for all to be counted.
    store.analytics().page("/".into(), TimeRange::ALL).await?;
    println!(
        "filled with {events} events in {:.1} s, {:.1} s of them in append ({:.2} us an event), settled {:.0} ms later",
        took.as_secs_f64(),
        filled.in_append.as_secs_f64(),
        filled.in_append.as_secs_f64() * 1e6 / events as f64,
        ms(start.elapsed().saturating_sub(took))
    );
    let batches = filled.batches;
    memory(&store, events, filled.raw_bytes);
    disk(&mut store, events).await?;
    println!(
        "ingestion: worst append of {BATCH} events {:.1} ms (aim: 20), p99.9 {:.1} ms, {} over 20 ms",
        ms(batches.max()),
        ms(batches.quantile(0.999)),
        batches.count_over(Duration::from_millis(20))
    );
    println!("\n{:<58} {:>9} {:>9} {:>9}  aim", "answer", "p50 ms", "p99 ms", "worst ms");
    let (log, figures) = (store.log(), store.analytics());
    pages(&*figures, now).await?;
    summaries(&*figures, now).await?;
    rankings_and_series(&*figures, now).await?;
    listings(&*log, now).await
}

fn memory(store: &Store, events: usize, raw_bytes: usize) {
    let each = |bytes: usize| bytes as f64 / events as f64;
    println!(
        "\nmemory, bytes an event: {:.1} raw (identity, time, names, properties as sent)",
        each(raw_bytes)
    );
    let mut sum = 0;
    for (part, bytes) in store.bytes_by_part() {
        println!("  {part:<28} {:>8.1}", each(bytes));
        sum += bytes;
    }
    println!("  {:<28} {:>8.1}  aim: 120", "beyond the raw event", each(sum));
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(resident) = status.lines().find(|line| line.starts_with("VmRSS")) {
        println!("  {resident}");
    }
}

async fn disk(store: &mut Store, events: usize) -> Result<(), Box<dyn Error>> {
    let Some(bytes) = store.compacted_bytes().await? else { return Ok(()) };
    println!("disk, bytes an event: {:.1}  aim: 120", bytes as f64 / events as f64);
    if let Some(start) = store.restart().await? {
        println!("start with {events} events: {:.2} s  aim: 5", start.as_secs_f64());
    }
    Ok(())
}

/// Asks so many times and prints what it took.
async fn ask<F: Future<Output = Result<(), Box<dyn Error>>>>(
    what: &str,
    aim: &str,
    rounds: u32,
    mut question: impl FnMut(u32) -> F,
) -> Result<(), Box<dyn Error>> {
    let mut times = Histogram::default();
    for round in 0..rounds {
        let start = Instant::now();
        question(round).await?;
        times.record(start.elapsed());
    }
    let [p50, p99] = [0.5, 0.99].map(|quantile| ms(times.quantile(quantile)));
    println!("{what:<58} {p50:>9.3} {p99:>9.3} {:>9.3}  {aim}", ms(times.max()));
    Ok(())
}

/// A range of up to thirty days with bounds at any microsecond.
fn any_range(now: Timestamp, random: &mut Random) -> TimeRange {
    let mut draw = || now.plus_micros(-((random.next_u64() % (DAYS * DAY_US) as u64) as i64));
    let (first, second) = (draw(), draw());
    TimeRange::new(first.min(second), first.max(second).plus_micros(1)).unwrap_or(TimeRange::ALL)
}

fn window(now: Timestamp, hours: i64) -> TimeRange {
    TimeRange::new(now.plus_micros(-hours * HOUR_US).floor_to(MINUTE_US), now.plus_micros(1))
        .unwrap_or(TimeRange::ALL)
}

async fn pages(store: &dyn Analytics, now: Timestamp) -> Result<(), Box<dyn Error>> {
    let page = |number: u32| format!("https://shop.example.com/products/{number:04}");
    let (zipf, mut random) = (Zipf::new(PAGES), Random::new(2, 2));
    let page_in = |page: String, range: TimeRange| async move {
        store.page(page, range).await?;
        Ok(())
    };
    ask("visitors of the most viewed page, all time", "2", ROUNDS, |_| page_in(page(0), TimeRange::ALL))
        .await?;
    let mut ranges = Random::new(3, 3);
    ask("visitors of the most viewed page, any range", "2", ROUNDS, |_| {
        page_in(page(0), any_range(now, &mut ranges))
    })
    .await?;
    ask("visitors of a page by its popularity, any range", "2", ROUNDS, |_| {
        let number = zipf.draw(&mut random);
        page_in(page(number), any_range(now, &mut random))
    })
    .await
}

async fn summaries(store: &dyn Analytics, now: Timestamp) -> Result<(), Box<dyn Error>> {
    let summary = |range: TimeRange| async move {
        store.summary(range).await?;
        Ok(())
    };
    for (name, hours) in [("1h", 1), ("24h", 24), ("7d", 7 * 24), ("30d", 30 * 24)] {
        ask(&format!("summary of {name}"), "2", ROUNDS, |_| summary(window(now, hours))).await?;
    }
    let mut random = Random::new(4, 4);
    ask("summary of any range within 30 days", "2", ROUNDS, |_| summary(any_range(now, &mut random))).await
}

async fn rankings_and_series(store: &dyn Analytics, now: Timestamp) -> Result<(), Box<dyn Error>> {
    for (name, hours) in [("1h", 1), ("24h", 24), ("7d", 7 * 24), ("30d", 30 * 24)] {
        for order in [PageOrder::Visitors, PageOrder::Views] {
            let rank = |_| async move {
                store.top_pages(window(now, hours), order, 20).await?;
                Ok(())
            };
            ask(&format!("top 20 pages by {order:?} of {name}"), "50", SLOW_ROUNDS, rank).await?;
        }
    }
    let series = [
        (Metric::Events, Interval::Hour, 30 * 24, "UTC"),
        (Metric::Visitors, Interval::Day, 30 * 24, "UTC"),
        (Metric::Visitors, Interval::Hour, 7 * 24, "UTC"),
        (Metric::Visitors, Interval::Hour, 30 * 24, "UTC"),
        (Metric::Visitors, Interval::Day, 30 * 24, "America/New_York"),
        (Metric::Visitors, Interval::Day, 30 * 24, "Asia/Kolkata"),
        (Metric::PageViews, Interval::Minute, 24, "UTC"),
        (Metric::Visitors, Interval::Minute, 6 * 24, "UTC"),
    ];
    for (metric, interval, hours, zone) in series {
        let range = window(now, hours);
        let points = intervals(range, interval, TimeZone::parse(zone).ok_or("no such zone")?, 10_000)?;
        let name = format!("{metric:?} by {interval:?}, {hours} h, {zone} ({} points)", points.len());
        ask(&name, "50", SLOW_ROUNDS, |_| {
            let points = points.clone();
            async move {
                store.series(metric, SeriesFilter::default(), points).await?;
                Ok(())
            }
        })
        .await?;
    }
    Ok(())
}

async fn listings(store: &dyn EventLog, now: Timestamp) -> Result<(), Box<dyn Error>> {
    let mut random = Random::new(5, 5);
    ask("newest 100 events", "", ROUNDS, |_| list(store, EventFilter::default())).await?;
    ask("newest 100 events of one user", "", ROUNDS, |_| {
        let user = Some(format!("user-{:07}", random.below(VISITORS)));
        list(store, EventFilter { user, ..EventFilter::default() })
    })
    .await?;
    let mut random = Random::new(6, 6);
    ask("newest 100 views of one page in any range", "", ROUNDS, |_| {
        let page = Some(format!("https://shop.example.com/products/{:04}", random.below(PAGES)));
        list(store, EventFilter { page, range: any_range(now, &mut random), ..EventFilter::default() })
    })
    .await
}

async fn list(store: &dyn EventLog, filter: EventFilter) -> Result<(), Box<dyn Error>> {
    store.events(filter, Slice { order: Order::Descending, after: None, limit: 100 }).await?;
    Ok(())
}
