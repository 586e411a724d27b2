//! Filling empty read models with a whole history.
//!
//! Adding group after group asks for the same cells again and again, most of all where a history was not stored in order
//! of time. Here all events are taken first, and then each row and each cell is put into its place once.

use std::collections::{BTreeMap, HashMap};

use footfall_domain::event::SubjectKind;
use footfall_domain::time::Timestamp;
use footfall_domain::types::PAGE_VIEW;

use crate::coded::Coded;
use crate::models::{Fact, ReadModels};
use crate::rows::{HourRows, Location, NONE, Row, hour_of};
use crate::series::Series;

/// Takes in a history.
#[derive(Debug)]
pub struct BulkLoader {
    models: ReadModels,
    /// The events as they came, with their hours. Their rows are moved once, when it is known how many each hour has:
    /// lists that grow cost more than that.
    taken: Vec<Vec<(i32, Row)>>,
}

impl BulkLoader {
    /// Begins a history, for read models that are empty.
    pub const fn new(empty: ReadModels) -> Self {
        Self { models: empty, taken: Vec::new() }
    }

    /// Takes events.
    pub fn add<'a>(&mut self, facts: impl Iterator<Item = Fact<'a>>) {
        let facts: Vec<Fact<'a>> = facts.collect();
        self.models.intern(&facts);
        self.take(facts.iter().map(|fact| (fact.at, fact.subject.kind(), fact.location)));
    }

    /// Takes events whose names are given once each.
    pub fn add_coded(&mut self, events: &Coded<'_>) {
        self.models.intern_coded(events);
        self.take(events.rows.iter().map(|row| (row.at, row.kind, row.location)));
    }

    /// The read models of all events taken. What there is to do falls into two parts that don't depend on each other:
    /// `run` is given both and runs each once, side by side if it likes.
    pub fn finish(
        self,
        run: impl FnOnce(&mut (dyn FnMut() + Send), &mut (dyn FnMut() + Send)),
    ) -> ReadModels {
        let Self { mut models, taken } = self;
        let (pages, page_view, floor) = (models.pages.len(), models.types.get(PAGE_VIEW), models.floor);
        let mut by_page = Vec::new();
        run(&mut || models.place_hours(hours_of(&taken)), &mut || {
            by_page = page_series(&taken, pages, page_view, floor);
        });
        models.place_pages(by_page);
        models.count_mails(taken.iter().flatten().map(|(_, row)| *row));
        models
    }

    fn take(&mut self, events: impl ExactSizeIterator<Item = (Timestamp, SubjectKind, Location)>) {
        let names = self.models.interned();
        let row = |(place, (at, kind, location))| {
            let (hour, offset_us) = hour_of(at);
            (hour, names.row(place, offset_us, kind, location))
        };
        self.taken.push(events.enumerate().map(row).collect());
    }
}

/// The rows of each hour.
fn hours_of(taken: &[Vec<(i32, Row)>]) -> BTreeMap<i32, Vec<Row>> {
    let mut counts: HashMap<i32, usize> = HashMap::new();
    // Neighbours are mostly of one hour: looked up once for all of them.
    for run in taken.iter().flat_map(|rows| rows.chunk_by(|left, right| left.0 == right.0)) {
        *counts.entry(run[0].0).or_default() += run.len();
    }
    let mut hours: HashMap<i32, Vec<Row>> =
        counts.into_iter().map(|(hour, count)| (hour, Vec::with_capacity(count))).collect();
    for run in taken.iter().flat_map(|rows| rows.chunk_by(|left, right| left.0 == right.0)) {
        hours.entry(run[0].0).or_default().extend(run.iter().map(|(_, row)| *row));
    }
    hours.into_iter().collect()
}

impl ReadModels {
    /// Puts the rows of all hours into their places, and counts them for everyone and for their types.
    fn place_hours(&mut self, hours: BTreeMap<i32, Vec<Row>>) {
        let (mut visitors, mut entries) = (Vec::new(), Vec::new());
        for (hour, mut rows) in hours {
            rows.sort_unstable_by_key(|row| row.offset_us);
            entries.clear();
            entries.extend(rows.iter().map(|row| u64::from(row.event_type) << 32 | u64::from(row.visitor)));
            entries.sort_unstable();
            let event_type = |entry: &u64| (entry >> 32) as u32;
            for of_type in entries.chunk_by(|left, right| event_type(left) == event_type(right)) {
                distinct_into(of_type.iter().map(|entry| *entry as u32), &mut visitors);
                self.count_type(event_type(&of_type[0]), hour, of_type.len() as u64, &visitors);
            }
            visitors.clear();
            visitors.extend(rows.iter().map(|row| row.visitor).filter(|visitor| *visitor != NONE));
            visitors.sort_unstable();
            visitors.dedup();
            self.count_everyone(hour, rows.len() as u64, &visitors);
            self.place_rows(hour, HourRows::of_sorted(rows));
        }
    }
}

/// Visitors that come in ascending order, each once.
fn distinct_into(sorted: impl Iterator<Item = u32>, visitors: &mut Vec<u32>) {
    visitors.clear();
    visitors.extend(sorted.filter(|visitor| *visitor != NONE));
    visitors.dedup();
}

/// The series of each page, by its integer, with the bytes of each.
fn page_series(
    taken: &[Vec<(i32, Row)>],
    pages: usize,
    page_view: Option<u32>,
    floor: i32,
) -> Vec<Option<(Box<Series>, isize)>> {
    let views = || taken.iter().flatten().filter(|(_, row)| Some(u32::from(row.event_type)) == page_view);
    // Sorted by page by counting: pages are dense integers.
    let mut starts = vec![0; pages + 1];
    for (_, view) in views() {
        starts[view.subject as usize + 1] += 1;
    }
    for page in 0..pages {
        starts[page + 1] += starts[page];
    }
    let mut next = starts.clone();
    let mut entries = vec![(0, 0); starts[pages]];
    for (hour, view) in views() {
        let place = &mut next[view.subject as usize];
        entries[*place] = (*hour, view.visitor);
        *place += 1;
    }
    let mut visitors = Vec::new();
    let series = |bounds: &[usize]| {
        let entries = &mut entries[bounds[0]..bounds[1]];
        entries.sort_unstable();
        (!entries.is_empty()).then(|| {
            let (series, bytes) = Series::of_sorted(entries, floor, &mut visitors);
            (Box::new(series), bytes)
        })
    };
    starts.windows(2).map(series).collect()
}
