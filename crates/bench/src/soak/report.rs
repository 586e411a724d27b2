//! The figures as tables.

use std::{fmt::Write as _, sync::atomic::Ordering, time::Duration};

use super::{Figures, memory::Course, options::Options, tally::Latencies};
use crate::load::histogram::{Histogram, ms};

const MIB: f64 = (1 << 20) as f64;

/// Everything, for people.
pub(super) fn report(figures: &Figures, options: &Options) -> String {
    let mut out = String::new();
    // Writing to a string can't fail.
    let _ = write_load(&mut out, figures, options);
    let _ = write_latencies(&mut out, figures);
    let _ = write_outages(&mut out, figures);
    let _ = write_memory(&mut out, figures);
    let _ = write_check(&mut out, figures);
    out
}

fn write_load(out: &mut String, figures: &Figures, options: &Options) -> std::fmt::Result {
    let (tally, took) = (&figures.tally, figures.took.as_secs_f64());
    writeln!(out, "\n| load on `{}` | |\n|---|---|", options.backend)?;
    if let Some(peak) = &figures.peak {
        let (requests, events) = (peak.requests_a_second, peak.events_a_second);
        writeln!(
            out,
            "| peak, {} connections | {requests:.0} requests/s, {events:.0} events/s |",
            options.connections
        )?;
    }
    writeln!(out, "| offered | {:.0} requests/s |", figures.rate)?;
    writeln!(
        out,
        "| answered well | {} in {took:.0} s: {:.0} requests/s, {:.0} events/s |",
        tally.requests(),
        tally.requests() as f64 / took,
        figures.events as f64 / took
    )?;
    writeln!(
        out,
        "| sent again after | 503 or 429: {}, a broken connection: {}, one that could not be made: {} |",
        tally.refusals, tally.broken, tally.unconnected
    )?;
    writeln!(out, "| given up | {} |", tally.given_up)?;
    writeln!(out, "| due, and not sent in time | {} |", tally.unsent)?;
    let first = tally.first_unexpected.as_deref().unwrap_or("");
    writeln!(out, "| unexpected answers | {} {first} |", tally.unexpected)?;
    writeln!(out, "| acknowledged events sent again | {}, taken for new: {} |", tally.resent, tally.lost)
}

fn write_latencies(out: &mut String, figures: &Figures) -> std::fmt::Result {
    writeln!(
        out,
        "\n| ms from when it was due | requests | p50 | p99 | p99.9 | max |\n|---|---|---|---|---|---|"
    )?;
    let Latencies { writes, questions } = &figures.tally.calm;
    write_quantiles(out, "writes, calm", writes)?;
    write_quantiles(out, "questions, calm", questions)?;
    let mut all = writes.clone();
    let Latencies { writes, questions } = &figures.tally.disturbed;
    write_quantiles(out, "writes, around outages", writes)?;
    write_quantiles(out, "questions, around outages", questions)?;
    all.merge(writes);
    write_quantiles(out, "writes, all", &all)
}

fn write_quantiles(out: &mut String, name: &str, latencies: &Histogram) -> std::fmt::Result {
    let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|quantile| ms(latencies.quantile(quantile)));
    let (count, max) = (latencies.count(), ms(latencies.max()));
    writeln!(out, "| {name} | {count} | {p50:.2} | {p99:.2} | {p999:.2} | {max:.1} |")
}

fn write_outages(out: &mut String, figures: &Figures) -> std::fmt::Result {
    writeln!(out, "\n| outage | at, s | away, s | until all had caught up, s |\n|---|---|---|---|")?;
    for incident in &figures.outages {
        let [at, away, until] = [incident.at, incident.away, incident.felt].map(|time| time.as_secs_f64());
        writeln!(out, "| {} | {at:.0} | {away:.1} | {until:.1} |", incident.outage.name())?;
    }
    Ok(())
}

fn write_memory(out: &mut String, figures: &Figures) -> std::fmt::Result {
    writeln!(
        out,
        "\n| process, s | RSS first, MiB | last | most | events meanwhile | MiB a minute | bytes an event |\n|---|---|---|---|---|---|---|"
    )?;
    for course in &figures.memory {
        let Course { from, to, first_bytes, last_bytes, peak_bytes, events, .. } = course;
        let [first, last, most] = [*first_bytes, *last_bytes, *peak_bytes].map(|bytes| bytes as f64 / MIB);
        let (a_minute, an_event) = (course.bytes_a_minute / MIB, course.bytes_an_event);
        writeln!(
            out,
            "| {:.0} to {:.0} | {first:.0} | {last:.0} | {most:.0} | {events} | {a_minute:+.2} | {an_event:+.0} |",
            from.as_secs_f64(),
            to.as_secs_f64()
        )?;
    }
    Ok(())
}

fn write_check(out: &mut String, figures: &Figures) -> std::fmt::Result {
    let (found, ledger) = (&figures.found, &figures.scene.ledger);
    let visits = ledger.visits.load(Ordering::Relaxed);
    let uncertain = ledger.visits_uncertain.load(Ordering::Relaxed);
    writeln!(out, "\n| check | |\n|---|---|")?;
    writeln!(
        out,
        "| events with ids | sent {}, acknowledged {}, there {} |",
        ledger.sent(),
        ledger.acknowledged(),
        found.there - found.visits
    )?;
    writeln!(out, "| acknowledged and not there | {} |", found.missing)?;
    writeln!(out, "| there twice | {} |", found.twice)?;
    writeln!(out, "| there without having been acknowledged | {} |", found.unacknowledged)?;
    writeln!(out, "| visits | acknowledged {visits}, unknown {uncertain}, there {} |", found.visits)?;
    writeln!(out, "| disk | {:.0} MiB |", figures.disk_bytes as f64 / MIB)?;
    let problems = if found.problems.is_empty() { "none".to_owned() } else { found.problems.join("; ") };
    writeln!(out, "| counts and `verify`: problems | {problems} |")
}

/// Seconds, for what is said along the way.
pub(super) fn seconds(time: Duration) -> String {
    format!("{:.0} s", time.as_secs_f64())
}
