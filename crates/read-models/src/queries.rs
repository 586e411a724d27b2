//! Answers: what a range holds, for everyone, an event type or a page.

use std::collections::HashMap;

use footfall_domain::answers::{Metric, PageCounts, PageOrder, RankedPage, SeriesFilter, Summary, hours_of};
use footfall_domain::time::{HOUR_US, TimeRange};
use footfall_domain::types::PAGE_VIEW;

use crate::models::ReadModels;
use crate::rows::{NONE, Row, hour_of, start_of};
use crate::series::{Cover, Series, distinct};

/// What is counted.
#[derive(Clone, Copy)]
enum Key {
    Everyone,
    Type(u32),
    Page { page: u32, page_view: u32 },
}

/// A range as whole hours, which cells answer, and the rows of the hours that it cuts.
struct Plan<'a> {
    cover: Cover,
    edges: Vec<&'a [Row]>,
}

impl ReadModels {
    /// The figures of a page, given in its normal form.
    pub fn page(&self, page: &str, range: TimeRange) -> PageCounts {
        let Some(key) = self.page_key(page) else { return PageCounts::default() };
        let plan = self.plan(range);
        PageCounts { distinct_visitors: self.visitors(key, &plan), page_views: self.count(key, &plan) }
    }

    /// How many events a range holds.
    pub fn events(&self, range: TimeRange) -> u64 {
        self.count(Key::Everyone, &self.plan(range))
    }

    /// Totals over a range.
    pub fn summary(&self, range: TimeRange) -> Summary {
        let plan = self.plan(range);
        let mut summary = Summary { unique_users: self.visitors(Key::Everyone, &plan), ..Summary::default() };
        let mut at_edges = vec![0; self.by_type.len()];
        for row in edge_rows(Key::Everyone, &plan) {
            at_edges[usize::from(row.event_type)] += 1;
        }
        for (event_type, (series, at_edges)) in (0..).zip(self.by_type.iter().zip(at_edges)) {
            let count = at_edges + series.cover(&plan.cover).map(|cell| cell.count).sum::<u64>();
            if count > 0 {
                summary.total_events += count;
                summary.events_by_type.insert(self.types.name(event_type).to_owned(), count);
            }
        }
        summary.events_per_hour = self.per_hour(range);
        summary
    }

    /// One figure for each of the ranges.
    pub fn series(&self, metric: Metric, filter: &SeriesFilter, ranges: &[TimeRange]) -> Vec<u64> {
        let Some(key) = self.series_key(metric, filter) else { return vec![0; ranges.len()] };
        let value = |range: &TimeRange| {
            let plan = self.plan(*range);
            if metric == Metric::Visitors { self.visitors(key, &plan) } else { self.count(key, &plan) }
        };
        ranges.iter().map(value).collect()
    }

    /// The pages viewed in a range, highest figure first, ties by name.
    pub fn top_pages(&self, range: TimeRange, order: PageOrder, limit: usize) -> Vec<RankedPage> {
        let plan = self.plan(range);
        let Some(page_view) = self.types.get(PAGE_VIEW) else { return Vec::new() };
        let edges = edge_views(&plan, page_view);
        let series_of = |page: u32| self.by_page[page as usize].as_deref().into_iter();
        let mut candidates = Vec::new();
        for page in 0..self.by_page.len() as u32 {
            let views = edges.get(&page).map_or(&[][..], Vec::as_slice);
            let (mut page_views, mut at_most) = (views.len() as u64, views.len() as u64);
            for cell in series_of(page).flat_map(|series| series.cover(&plan.cover)) {
                page_views += cell.count;
                at_most += cell.visitors.len();
            }
            if page_views > 0 {
                candidates.push(Candidate { page, page_views, at_most });
            }
        }
        let visitors = |candidate: &Candidate| {
            let views = edges.get(&candidate.page).map_or(&[][..], Vec::as_slice);
            let cells = series_of(candidate.page).flat_map(|series| series.cover(&plan.cover));
            distinct(cells, views.iter().copied().filter(|visitor| *visitor != NONE))
        };
        let ranked = |candidate: &Candidate| RankedPage {
            url: self.pages.name(candidate.page).to_owned(),
            counts: PageCounts { distinct_visitors: visitors(candidate), page_views: candidate.page_views },
        };
        match order {
            PageOrder::Views => {
                let name = |candidate: &Candidate| self.pages.name(candidate.page);
                candidates.sort_unstable_by(|left, right| {
                    right.page_views.cmp(&left.page_views).then_with(|| name(left).cmp(name(right)))
                });
                candidates.iter().take(limit).map(ranked).collect()
            }
            PageOrder::Visitors => by_visitors(candidates, limit, ranked),
        }
    }

    fn plan(&self, range: TimeRange) -> Plan<'_> {
        let range = TimeRange::new(range.from().max(start_of(self.floor)), range.to());
        let Some(range) = range else { return Plan { cover: Cover::default(), edges: Vec::new() } };
        let ((first, from_us), (last, to_us)) = (hour_of(range.from()), hour_of(range.to()));
        let rows = |hour: i32, from_us: u32, to_us: u32| {
            self.hours.get(&hour).into_iter().flat_map(move |rows| rows.between(from_us, to_us))
        };
        // An hour that is cut where nothing is lies within the range as a whole: so does, mostly, the present one.
        let is_whole = |hour: i32, from_us: u32, to_us: u32| {
            self.hours.get(&hour).is_none_or(|rows| rows.are_between(from_us, to_us))
        };
        if first == last {
            return if is_whole(first, from_us, to_us) {
                Plan { cover: Cover::of(first, first + 1), edges: Vec::new() }
            } else {
                Plan { cover: Cover::default(), edges: rows(first, from_us, to_us).collect() }
            };
        }
        let cuts_first = !is_whole(first, from_us, HOUR_US as u32);
        let cuts_last = to_us > 0 && !is_whole(last, 0, to_us);
        let mut edges = Vec::new();
        if cuts_first {
            edges.extend(rows(first, from_us, HOUR_US as u32));
        }
        if cuts_last {
            edges.extend(rows(last, 0, to_us));
        }
        let end = last + i32::from(to_us > 0 && !cuts_last);
        Plan { cover: Cover::of(first + i32::from(cuts_first), end), edges }
    }

    fn count(&self, key: Key, plan: &Plan<'_>) -> u64 {
        let at_edges = match key {
            Key::Everyone => plan.edges.iter().map(|rows| rows.len()).sum(),
            _ => edge_rows(key, plan).count(),
        };
        let cells: u64 =
            self.cells(key).map_or(0, |series| series.cover(&plan.cover).map(|cell| cell.count).sum());
        cells + at_edges as u64
    }

    fn visitors(&self, key: Key, plan: &Plan<'_>) -> u64 {
        let cells = self.cells(key).into_iter().flat_map(|series| series.cover(&plan.cover));
        distinct(cells, edge_rows(key, plan).map(|row| row.visitor).filter(|visitor| *visitor != NONE))
    }

    fn cells(&self, key: Key) -> Option<&Series> {
        match key {
            Key::Everyone => Some(&self.everyone),
            Key::Type(event_type) => self.by_type.get(event_type as usize),
            Key::Page { page, .. } => self.by_page.get(page as usize)?.as_deref(),
        }
    }

    fn page_key(&self, page: &str) -> Option<Key> {
        Some(Key::Page { page: self.pages.get(page)?, page_view: self.types.get(PAGE_VIEW)? })
    }

    /// What a chart counts; `None` where no event can be meant.
    fn series_key(&self, metric: Metric, filter: &SeriesFilter) -> Option<Key> {
        let only_page_views = metric == Metric::PageViews || filter.page.is_some();
        let event_type = match filter.event_type.as_deref() {
            Some(event_type) if only_page_views && event_type != PAGE_VIEW => return None,
            None if only_page_views => Some(PAGE_VIEW),
            event_type => event_type,
        };
        match (&filter.page, event_type) {
            (Some(page), _) => self.page_key(page),
            (None, Some(event_type)) => self.types.get(event_type).map(Key::Type),
            (None, None) => Some(Key::Everyone),
        }
    }

    fn per_hour(&self, range: TimeRange) -> Vec<u64> {
        let (start, length) = hours_of(range);
        let (first, _) = hour_of(start);
        let mut counts = vec![0; length];
        for (hour, cell) in self.everyone.hours(first.max(self.floor)..first + length as i32) {
            counts[(hour - first) as usize] = cell.count;
        }
        // The first and the last hour may be cut by the range: those are counted again, row by row.
        for hour in [first, first + length as i32 - 1] {
            let start = start_of(hour);
            if let Some(part) =
                TimeRange::new(start.max(range.from()), start.plus_micros(HOUR_US).min(range.to()))
            {
                counts[(hour - first) as usize] = self.count(Key::Everyone, &self.plan(part));
            }
        }
        counts
    }
}

struct Candidate {
    page: u32,
    page_views: u64,
    /// Visitors of all cells added up: the page can't have more.
    at_most: u64,
}

/// Counts visitors exactly only of those pages that can still be among the first: the likeliest come first, and it ends
/// when what is left can't reach the last place. (Fagin's threshold algorithm, with one list.)
fn by_visitors(
    mut candidates: Vec<Candidate>,
    limit: usize,
    ranked: impl Fn(&Candidate) -> RankedPage,
) -> Vec<RankedPage> {
    candidates.sort_unstable_by_key(|candidate| std::cmp::Reverse(candidate.at_most));
    let mut first: Vec<RankedPage> = Vec::new();
    for candidate in &candidates {
        if first.len() == limit
            && first.last().is_some_and(|last| last.counts.distinct_visitors > candidate.at_most)
        {
            break;
        }
        let page = ranked(candidate);
        let place = first.partition_point(|other| {
            let (theirs, ours) = (other.counts.distinct_visitors, page.counts.distinct_visitors);
            theirs > ours || (theirs == ours && other.url < page.url)
        });
        first.insert(place, page);
        first.truncate(limit);
    }
    first
}

fn edge_rows<'a>(key: Key, plan: &'a Plan<'_>) -> impl Iterator<Item = &'a Row> {
    plan.edges.iter().copied().flatten().filter(move |row| match key {
        Key::Everyone => true,
        Key::Type(event_type) => u32::from(row.event_type) == event_type,
        Key::Page { page, page_view } => row.subject == page && u32::from(row.event_type) == page_view,
    })
}

/// The visitors of each page in the edges, one for each view.
fn edge_views(plan: &Plan<'_>, page_view: u32) -> HashMap<u32, Vec<u32>> {
    let mut views: HashMap<u32, Vec<u32>> = HashMap::new();
    for row in edge_rows(Key::Type(page_view), plan) {
        views.entry(row.subject).or_default().push(row.visitor);
    }
    views
}
