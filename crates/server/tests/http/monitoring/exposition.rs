//! The text of `/metrics`, read.

use std::collections::BTreeMap;

use crate::support::{Request, Server};

/// Figures with their labels, in the order of their names.
pub(super) type Labels = BTreeMap<String, String>;

/// What was exposed at a moment.
#[derive(Debug)]
pub(super) struct Exposition {
    pub(super) text: String,
    /// The kind of each figure, by its name.
    pub(super) kinds: BTreeMap<String, String>,
    samples: Vec<(String, Labels, f64)>,
}

impl Exposition {
    pub(super) fn of(server: &Server) -> Self {
        Self::read(server.ask(&Request::get("/metrics")).text())
    }

    pub(super) fn read(text: String) -> Self {
        let (mut kinds, mut samples) = (BTreeMap::new(), Vec::new());
        for line in text.lines() {
            if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').expect("a name and a kind");
                kinds.insert(name.to_owned(), kind.to_owned());
            } else if !line.starts_with('#') {
                let (series, value) = line.rsplit_once(' ').expect("a series and a value");
                let (name, labels) = series.split_once('{').unwrap_or((series, ""));
                samples.push((name.to_owned(), labels_of(labels), value.parse().expect("a number")));
            }
        }
        Self { text, kinds, samples }
    }

    /// The sum over all series of that name that have these labels; 0 where there is none.
    pub(super) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let has =
            |of: &Labels| labels.iter().all(|(name, value)| of.get(*name).is_some_and(|of| of == value));
        let matching = self.samples.iter().filter(|(of, labels, _)| of == name && has(labels));
        matching.map(|(.., value)| value).sum()
    }

    /// Whether there is a series of that name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.samples.iter().any(|(of, ..)| of == name)
    }

    /// The names of a figure's labels, but for the bounds of histograms.
    pub(super) fn label_names(&self, figure: &str) -> Vec<String> {
        let is_its = |name: &str| {
            let rest = name.strip_prefix(figure);
            rest.is_some_and(|rest| ["", "_bucket", "_sum", "_count"].contains(&rest))
        };
        let of = self.samples.iter().filter(|(name, ..)| is_its(name));
        let mut names: Vec<String> = of.flat_map(|(_, labels, _)| labels.keys().cloned()).collect();
        names.retain(|name| name != "le");
        names.sort();
        names.dedup();
        names
    }

    /// The values of a label, over all figures.
    pub(super) fn values_of(&self, label: &str) -> Vec<String> {
        let mut values: Vec<String> =
            self.samples.iter().filter_map(|(_, labels, _)| labels.get(label).cloned()).collect();
        values.sort();
        values.dedup();
        values
    }
}

fn labels_of(text: &str) -> Labels {
    let pairs = text.trim_end_matches('}').split("\",").filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once("=\"").expect("a name and a value");
            (name.to_owned(), value.trim_end_matches('"').to_owned())
        })
        .collect()
}
