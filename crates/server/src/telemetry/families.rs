//! Figures in the form that is written down: a name, a text that explains it, and a value for each set of labels.

use footfall_ports::Distribution;
use prometheus::proto::{Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType};

/// What a figure counts, in the unit that is exposed, where it is counted in smaller ones.
pub(super) const MICROS: f64 = 1e-6;
/// What is counted by the piece.
pub(super) const PIECES: f64 = 1.0;

/// Labels with their values.
pub(super) type Labels<'a> = &'a [(&'a str, &'a str)];

/// All figures of a moment.
#[derive(Default)]
pub(super) struct Families(Vec<MetricFamily>);

/// One of them, while its values are added.
pub(super) struct Family<'a>(&'a mut MetricFamily);

impl Families {
    /// A count that only grows.
    pub(super) fn counter(&mut self, name: &str, help: &str) -> Family<'_> {
        self.family(name, help, MetricType::COUNTER)
    }

    /// A value that comes and goes.
    pub(super) fn gauge(&mut self, name: &str, help: &str) -> Family<'_> {
        self.family(name, help, MetricType::GAUGE)
    }

    /// Values counted by their size.
    pub(super) fn histogram(&mut self, name: &str, help: &str) -> Family<'_> {
        self.family(name, help, MetricType::HISTOGRAM)
    }

    fn family(&mut self, name: &str, help: &str, kind: MetricType) -> Family<'_> {
        let mut family = MetricFamily::default();
        family.set_name(name.to_owned());
        family.set_help(help.to_owned());
        family.set_field_type(kind);
        self.0.push(family);
        Family(self.0.last_mut().expect("it was just added"))
    }

    /// They and others, less those without a value, in the order of their names.
    pub(super) fn with(self, others: Vec<MetricFamily>) -> Vec<MetricFamily> {
        let mut all = self.0;
        all.extend(others);
        all.retain(|family| !family.get_metric().is_empty());
        all.sort_by(|left, right| left.name().cmp(right.name()));
        all
    }
}

impl Family<'_> {
    /// Adds the value of a count or a gauge.
    pub(super) fn value(&mut self, labels: Labels<'_>, value: impl Figure) -> &mut Self {
        let mut metric = metric(labels);
        if self.0.get_field_type() == MetricType::COUNTER {
            let mut counter = Counter::default();
            counter.set_value(value.figure());
            metric.set_counter(counter);
        } else {
            let mut gauge = Gauge::default();
            gauge.set_value(value.figure());
            metric.set_gauge(gauge);
        }
        self.0.mut_metric().push(metric);
        self
    }

    /// Adds what a histogram holds, whose values are counted in that unit.
    pub(super) fn distribution(&mut self, labels: Labels<'_>, held: &Distribution, unit: f64) -> &mut Self {
        let mut cumulative = 0;
        let buckets = held.bounds.iter().zip(&held.counts).map(|(bound, count)| {
            cumulative += count;
            let mut bucket = Bucket::default();
            bucket.set_upper_bound(in_unit(*bound, unit));
            bucket.set_cumulative_count(cumulative);
            bucket
        });
        let mut histogram = Histogram::default();
        histogram.set_bucket(buckets.collect());
        histogram.set_sample_count(held.count());
        histogram.set_sample_sum(in_unit(held.sum, unit));
        let mut metric = metric(labels);
        metric.set_histogram(histogram);
        self.0.mut_metric().push(metric);
        self
    }
}

/// What may be the value of a figure.
pub(super) trait Figure {
    fn figure(self) -> f64;
}

impl Figure for u64 {
    fn figure(self) -> f64 {
        self as f64
    }
}

impl Figure for f64 {
    fn figure(self) -> f64 {
        self
    }
}

impl Figure for bool {
    fn figure(self) -> f64 {
        f64::from(u8::from(self))
    }
}

/// By division, where that keeps the number short: `0.0025`, and not `0.0024999999999999996`.
fn in_unit(value: u64, unit: f64) -> f64 {
    value as f64 / unit.recip().round()
}

fn metric(labels: Labels<'_>) -> Metric {
    let label = |(name, value): &(&str, &str)| {
        let mut pair = LabelPair::default();
        pair.set_name((*name).to_owned());
        pair.set_value((*value).to_owned());
        pair
    };
    Metric::from_label(labels.iter().map(label).collect())
}
