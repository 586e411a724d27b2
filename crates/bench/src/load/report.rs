//! The figures: medians over the rounds, ratios by rounds, beside what is aimed at; as text and as JSON.

use std::{fmt::Write as _, time::Duration};

use serde_json::{Map, Value, json};

use super::{
    listeners::Counts,
    machine::Machine,
    options::Options,
    scenarios::{Outcome, Run, Scenario, Verification},
    servers::Side,
};

/// A pause of ingestion may last so long.
const PAUSE_LIMIT: Duration = Duration::from_millis(20);

/// How the rounds' values become one.
#[derive(Clone, Copy, Debug)]
enum Across {
    Median,
    Least,
    Most,
    Sum,
    /// All rounds as one, each weighing by its events: processor time is known to 10 ms only.
    Pooled,
}

struct Metric {
    /// In the JSON; carries the unit.
    key: &'static str,
    heading: &'static str,
    decimals: usize,
    across: Across,
    value: fn(&Run) -> f64,
}

const fn metric(
    key: &'static str,
    heading: &'static str,
    decimals: usize,
    across: Across,
    value: fn(&Run) -> f64,
) -> Metric {
    Metric { key, heading, decimals, across, value }
}

const REQUESTS: Metric = metric("requests_per_second", "requests/s", 0, Across::Median, |run| {
    run.tally.requests() as f64 / run.elapsed.as_secs_f64()
});
const PROBES: Metric = metric("probes_per_second", "probes/s", 0, Across::Median, REQUESTS.value);
const EVENTS: Metric = metric("events_per_second", "events/s", 0, Across::Median, |run| {
    run.events as f64 / run.elapsed.as_secs_f64()
});
const WALL_BEST: Metric =
    metric("wall_best_ms", "best ms", 1, Across::Least, |run| milliseconds(run.elapsed));
const WALL_MEDIAN: Metric = metric("wall_ms", "wall ms", 1, Across::Median, |run| milliseconds(run.elapsed));
const P50: Metric = metric("p50_ms", "p50 ms", 3, Across::Median, |run| quantile(run, 0.5));
const P99: Metric = metric("p99_ms", "p99 ms", 3, Across::Median, |run| quantile(run, 0.99));
const P999: Metric = metric("p999_ms", "p99.9 ms", 3, Across::Median, |run| quantile(run, 0.999));
const MAX: Metric =
    metric("max_ms", "worst ms", 2, Across::Most, |run| milliseconds(run.tally.latency.max()));
const OVER: Metric = metric("pauses_over_20_ms", "over 20 ms", 0, Across::Sum, |run| {
    run.tally.latency.count_over(PAUSE_LIMIT) as f64
});
const SERVER_CPU: Metric =
    metric("server_cpu_us_per_event", "server CPU us each", 3, Across::Pooled, |run| {
        run.server_cpu.as_secs_f64() * 1e6 / run.events.max(1) as f64
    });
const GENERATOR_CPU: Metric =
    metric("generator_cpu_us_per_event", "generator CPU us each", 3, Across::Pooled, |run| {
        run.generator_cpu.as_secs_f64() * 1e6 / run.events.max(1) as f64
    });
const OTHERS: Metric = metric("others_cpu_cores", "others' cores", 2, Across::Most, |run| {
    run.others_cpu.as_secs_f64() / run.elapsed.as_secs_f64()
});
const MEMORY: Metric = metric("peak_memory_mib", "peak MiB", 0, Across::Most, |run| {
    run.peak_memory_bytes as f64 / f64::from(1 << 20)
});

const DELIVERED: Metric = metric("delivered_per_second", "delivered/s", 0, Across::Median, |run| {
    run.delivered as f64 / run.elapsed.as_secs_f64()
});

fn metrics(scenario: Scenario) -> &'static [Metric] {
    match scenario {
        Scenario::Single | Scenario::Put | Scenario::Segments => {
            &[REQUESTS, P50, P99, P999, MAX, SERVER_CPU, GENERATOR_CPU, OTHERS, MEMORY]
        }
        Scenario::Batch => &[EVENTS, P50, P99, P999, MAX, SERVER_CPU, GENERATOR_CPU, OTHERS, MEMORY],
        Scenario::Listeners | Scenario::ListenersBatch => {
            &[EVENTS, DELIVERED, P50, P99, P999, MAX, SERVER_CPU, GENERATOR_CPU, OTHERS, MEMORY]
        }
        Scenario::TenThousand => {
            &[WALL_MEDIAN, WALL_BEST, P50, P99, P999, MAX, SERVER_CPU, GENERATOR_CPU, OTHERS]
        }
        Scenario::Pauses => &[EVENTS, PROBES, P50, P999, MAX, OVER, SERVER_CPU, OTHERS, MEMORY],
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn quantile(run: &Run, quantile: f64) -> f64 {
    milliseconds(run.tally.latency.quantile(quantile))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

impl Metric {
    fn of(&self, outcome: &Outcome, side: Side) -> f64 {
        let runs = || outcome.runs.iter().filter(move |run| run.side == side);
        let values = || runs().map(self.value);
        match self.across {
            Across::Median => median(values().collect()),
            Across::Least => values().fold(f64::INFINITY, f64::min),
            Across::Most => values().fold(0.0, f64::max),
            Across::Sum => values().sum(),
            Across::Pooled => {
                let events: u64 = runs().map(|run| run.events).sum();
                runs().map(|run| (self.value)(run) * run.events as f64).sum::<f64>() / events.max(1) as f64
            }
        }
    }

    /// The side's value by the first one's; of medians the median of the rounds' ratios, whose two runs were neighbours in time.
    fn ratio(&self, outcome: &Outcome, side: Side) -> Option<f64> {
        let first = outcome.scenario.sides()[0];
        let ratio = if let Across::Median = self.across {
            let values = |side| outcome.runs.iter().filter(move |run| run.side == side).map(self.value);
            median(values(side).zip(values(first)).map(|(one, other)| one / other).collect())
        } else {
            self.of(outcome, side) / self.of(outcome, first)
        };
        ratio.is_finite().then_some(ratio)
    }
}

/// A figure beside what is aimed at. Missing it is no failure of the benchmark.
struct Aim {
    text: String,
    value: f64,
    met: bool,
}

fn aims(outcome: &Outcome) -> Vec<Aim> {
    let at_least =
        |text: &str, value: f64, limit: f64| Aim { text: text.to_owned(), value, met: value >= limit };
    let at_most =
        |text: &str, value: f64, limit: f64| Aim { text: text.to_owned(), value, met: value <= limit };
    let ratio_of = |metric: Metric, side| metric.ratio(outcome, side).unwrap_or(f64::NAN);
    let ratio = |metric: Metric| ratio_of(metric, Side::Footfall);
    let footfall = |metric: Metric| metric.of(outcome, Side::Footfall);
    match outcome.scenario {
        Scenario::Single => vec![
            at_least("requests/s, ratio >= 0.85", ratio(REQUESTS), 0.85),
            at_most("p99, ratio <= 2", ratio(P99), 2.0),
        ],
        Scenario::Put => vec![],
        Scenario::Listeners | Scenario::ListenersBatch => {
            vec![at_least("events/s with idle listeners, ratio >= 0.95", ratio_of(EVENTS, Side::Idle), 0.95)]
        }
        Scenario::Segments => vec![at_least("requests/s, ratio >= 0.8", ratio(REQUESTS), 0.8)],
        Scenario::Batch => vec![at_least("events/s >= 1,000,000", footfall(EVENTS), 1e6)],
        Scenario::TenThousand => vec![at_most("wall ms < 150", footfall(WALL_MEDIAN), 150.0)],
        Scenario::Pauses => {
            let noise = MAX.of(outcome, Side::Bare);
            vec![at_most(&format!("worst ms <= 20 (bare: {noise:.2})"), footfall(MAX), 20.0)]
        }
    }
}

/// The lines before the first scenario.
pub fn preamble(machine: &Machine, options: &Options) -> String {
    let Options { workers, threads, backend, seed, rounds, times, .. } = options;
    let note = if options.quick { "\nquick: a smoke test, no figure below is worth anything" } else { "" };
    format!(
        "machine: {machine}\n\
         servers: {workers} workers each, Footfall on {backend}, a fresh process a run\n\
         generator: {threads} thread(s) on the same cores, closed loop, no pipelining; times {times:?}, seed {seed}, {rounds} round(s){note}\n\
         columns: medians of the rounds; worst and peak over all; CPU over all;\n         others' cores = what other processes and the hypervisor took, at its worst: above 0.2 distrust the figures; ratio = to the first row, median of the rounds' where the column is one"
    )
}

/// One scenario as a plain table.
pub fn table(outcome: &Outcome, options: &Options) -> String {
    let metrics = metrics(outcome.scenario);
    let number = |value: f64, decimals: usize| grouped(&format!("{value:.decimals$}"));
    let mut rows =
        vec![(String::new(), metrics.iter().map(|metric| metric.heading.to_owned()).collect::<Vec<_>>())];
    let sides = outcome.scenario.sides();
    for &side in sides {
        let cells = metrics.iter().map(|metric| number(metric.of(outcome, side), metric.decimals)).collect();
        rows.push((side.name().to_owned(), cells));
    }
    for &side in &sides[1..] {
        let ratio =
            |metric: &Metric| metric.ratio(outcome, side).map_or("-".to_owned(), |ratio| number(ratio, 3));
        rows.push((
            ratio_name(outcome.scenario, side).replace('_', " "),
            metrics.iter().map(ratio).collect(),
        ));
    }

    let mut text = format!("\n{}: {}\n", outcome.scenario.name(), outcome.scenario.title(options));
    for (label, cells) in &rows {
        let _ = write!(text, "  {label:<12}");
        for (column, cell) in cells.iter().enumerate() {
            let width = rows.iter().map(|(_, cells)| cells[column].len()).max().unwrap_or(0);
            let _ = write!(text, "  {cell:>width$}");
        }
        text.push('\n');
    }
    for Aim { text: aim, value, met } in aims(outcome) {
        let verdict = if met { "met" } else { "missed" };
        let _ = writeln!(text, "  aim: {aim}: {} {verdict}", number(value, if value < 1e3 { 3 } else { 0 }));
    }
    if !outcome.verifications.is_empty() {
        let sum =
            |part: fn(&Verification) -> u64| outcome.verifications.iter().map(part).sum::<u64>().to_string();
        let (accepted, counted) = (sum(|one| one.accepted), sum(|one| one.counted));
        let _ = writeln!(text, "  counts: {} accepted, {} counted", grouped(&accepted), grouped(&counted));
    }
    for (accepted, Counts { written, delivered, left_out, .. }) in &outcome.told {
        let [accepted, written, delivered, left_out] =
            [accepted, written, delivered, left_out].map(|count| grouped(&count.to_string()));
        let _ = writeln!(
            text,
            "  active: {accepted} accepted, {written} written as JSON, {delivered} delivered, {left_out} left out"
        );
    }
    for problem in &outcome.problems {
        let _ = writeln!(text, "  PROBLEM: {problem}");
    }
    text
}

/// What a ratio is called: where there are several, by its side.
fn ratio_name(scenario: Scenario, side: Side) -> String {
    if scenario.sides().len() == 2 { "ratio".to_owned() } else { format!("{}_ratio", side.name()) }
}

/// Commas between the thousands.
pub(crate) fn grouped(number: &str) -> String {
    let end = number.find('.').unwrap_or(number.len());
    let mut text = String::new();
    for (at, character) in number.char_indices() {
        if at > 0 && at < end && (end - at).is_multiple_of(3) && !text.ends_with('-') {
            text.push(',');
        }
        text.push(character);
    }
    text
}

/// Everything, for a machine to read: also the single rounds.
pub fn json(machine: &Machine, options: &Options, outcomes: &[Outcome]) -> Value {
    json!({
        "machine": {
            "cores": machine.cores,
            "processor": machine.processor,
            "memory_bytes": machine.memory_bytes,
            "kernel": machine.kernel,
            "load_average": machine.load_average,
        },
        "options": {
            "seconds": options.seconds,
            "rounds": options.rounds,
            "quick": options.quick,
            "workers": options.workers,
            "threads": options.threads,
            "backend": options.backend,
            "times": format!("{:?}", options.times),
            "seed": options.seed,
        },
        "scenarios": outcomes.iter().map(|outcome| scenario_json(outcome, options)).collect::<Vec<_>>(),
    })
}

fn scenario_json(outcome: &Outcome, options: &Options) -> Value {
    let metrics = metrics(outcome.scenario);
    let runs = outcome.runs.iter().map(|run| {
        let mut row: Map<String, Value> =
            metrics.iter().map(|metric| (metric.key.to_owned(), json!((metric.value)(run)))).collect();
        row.insert("server".to_owned(), json!(run.side.name()));
        row.insert("round".to_owned(), json!(run.round));
        row.insert("events".to_owned(), json!(run.events));
        row.insert("unexpected".to_owned(), json!(run.tally.unexpected));
        Value::Object(row)
    });
    let figures = metrics.iter().map(|metric| {
        let sides = outcome.scenario.sides();
        let values = sides.iter().map(|side| (side.name().to_owned(), json!(metric.of(outcome, *side))));
        let ratio = |side: &Side| (ratio_name(outcome.scenario, *side), json!(metric.ratio(outcome, *side)));
        (metric.key.to_owned(), values.chain(sides[1..].iter().map(ratio)).collect::<Value>())
    });
    let verifications = outcome.verifications.iter().map(|Verification { round, accepted, counted }| {
        json!({"round": round, "accepted": accepted, "counted": counted})
    });
    let told = outcome.told.iter().map(|(accepted, Counts { written, delivered, left_out, .. })| {
        json!({"accepted": accepted, "written": written, "delivered": delivered, "left_out": left_out})
    });
    let aims = aims(outcome)
        .into_iter()
        .map(|Aim { text, value, met }| json!({"aim": text, "value": value, "met": met}));
    json!({
        "name": outcome.scenario.name(),
        "title": outcome.scenario.title(options),
        "figures": figures.collect::<Map<_, _>>(),
        "aims": aims.collect::<Vec<_>>(),
        "runs": runs.collect::<Vec<_>>(),
        "verifications": verifications.collect::<Vec<_>>(),
        "told": told.collect::<Vec<_>>(),
        "problems": outcome.problems,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        for (number, expected) in
            [("0.850", "0.850"), ("1234567", "1,234,567"), ("123456.7", "123,456.7"), ("-100", "-100")]
        {
            assert_eq!(grouped(number), expected);
        }
    }

    #[test]
    fn the_median_is_the_middle() {
        for (values, expected) in [(vec![], 0.0), (vec![3.0, 1.0, 2.0], 2.0), (vec![4.0, 1.0], 2.5)] {
            assert!((median(values) - expected).abs() < f64::EPSILON);
        }
    }
}
