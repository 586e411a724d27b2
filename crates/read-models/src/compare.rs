//! Whether two models say the same: the ones in use, and ones that were built from the log again.
//!
//! They may have been given the same events in other groups and in another order. So names may have other integers, rows
//! other runs, sets another form and series another latest hour; what is compared is what they mean.

use std::fmt;

use footfall_domain::time::HOUR_US;
use footfall_domain::types::PAGE_VIEW;

use crate::interner::Interner;
use crate::models::ReadModels;
use crate::rows::{HourRows, NONE, Row, start_of};
use crate::series::{Cell, Series, WIDTHS};
use crate::visitors::VisitorSet;

/// Stands for a name that only the log has.
const UNKNOWN: u32 = NONE - 1;

/// About how many rows are compared at a time.
const WINDOW_ROWS: usize = 65_536;

/// What a name is called that no event has and that something is counted for all the same.
const NO_NAME: &str = "a name that no event has";

impl ReadModels {
    /// Models without events that begin where these do: to be given what the log holds, and compared.
    #[must_use]
    pub fn emptied(&self) -> Self {
        let mut emptied = Self::default();
        emptied.floor = self.floor;
        emptied
    }

    /// What these models, which are in use, and those built from the `log` again don't agree on, a sentence each, at most
    /// so many. None when every answer of theirs is the same.
    ///
    /// It takes time in proportion to the events and names. Users are never named.
    pub fn differences(&self, log: &Self, most: usize) -> Vec<String> {
        let mut told = Told { most, sentences: Vec::new() };
        let (ours, theirs) = (self.oldest(), log.oldest());
        if ours != theirs {
            told.tell(format_args!("the figures begin at {ours}, those of the log at {theirs}"));
            return told.sentences;
        }
        let names = Names {
            users: translation(&self.users, &log.users),
            pages: translation(&self.pages, &log.pages),
            domains: translation(&self.domains, &log.domains),
            types: translation(&self.types, &log.types),
        };
        let mut compared = Compared {
            floor: self.floor.max(log.floor),
            users: &names.users,
            told,
            ours: vec![],
            theirs: vec![],
        };
        compared.series(Counted::Everything, Some(&self.everyone), Some(&log.everyone));
        each_name(
            (&self.types, self.by_type.len()),
            (&log.types, log.by_type.len()),
            &names.types,
            |name, ours, theirs| {
                let ours = ours.and_then(|id| self.by_type.get(id as usize));
                let theirs = theirs.and_then(|id| log.by_type.get(id as usize));
                compared.series(Counted::Type(name), ours, theirs);
                !compared.told.is_full()
            },
        );
        each_name(
            (&self.pages, self.by_page.len()),
            (&log.pages, log.by_page.len()),
            &names.pages,
            |name, ours, theirs| {
                let ours = ours.and_then(|id| self.by_page.get(id as usize)?.as_deref());
                let theirs = theirs.and_then(|id| log.by_page.get(id as usize)?.as_deref());
                compared.series(Counted::Page(name), ours, theirs);
                !compared.told.is_full()
            },
        );
        let mut told = compared.told;
        each_name(
            (&self.domains, self.by_domain.len()),
            (&log.domains, log.by_domain.len()),
            &names.domains,
            |name, ours, theirs| {
                let counts =
                    |models: &Self, id: Option<u32>| id.map_or_else(Default::default, |id| models.mails(id));
                let (ours, theirs) = (counts(self, ours), counts(log, theirs));
                if ours != theirs {
                    told.tell(format_args!(
                        "domain {name}: {} delivered and {} bounced held, {} and {} in the log",
                        ours.delivered, ours.bounced, theirs.delivered, theirs.bounced
                    ));
                }
                !told.is_full()
            },
        );
        self.compare_rows(log, &names, &mut told);
        for (what, ours, theirs, translated) in [
            ("users", &self.users, &log.users, &names.users),
            ("pages", &self.pages, &log.pages, &names.pages),
            ("domains", &self.domains, &log.domains, &names.domains),
            ("types", &self.types, &log.types, &names.types),
        ] {
            compare_references(what, ours, theirs, translated, &mut told);
        }
        told.sentences
    }

    fn compare_rows(&self, log: &Self, names: &Names, told: &mut Told) {
        let page_view = log.types.get(PAGE_VIEW).unwrap_or(UNKNOWN);
        let (nothing, mut ours, mut theirs) = (HourRows::default(), Vec::new(), Vec::new());
        let only_theirs = log.hours.keys().filter(|hour| !self.hours.contains_key(hour));
        let mut hours: Vec<i32> = self.hours.keys().chain(only_theirs).copied().collect();
        hours.sort_unstable();
        for hour in hours {
            if told.is_full() {
                return;
            }
            let of_hour = |models: &'_ Self| models.hours.get(&hour).map_or(0, |rows| rows.all().count());
            let (held, logged) = (of_hour(self), of_hour(log));
            let mut same = 0;
            for (from_us, to_us) in windows(held.max(logged)) {
                let rows = self.hours.get(&hour).unwrap_or(&nothing).between(from_us, to_us).flatten();
                ours.clear();
                ours.extend(rows.map(comparable));
                let rows = log.hours.get(&hour).unwrap_or(&nothing).between(from_us, to_us).flatten();
                theirs.clear();
                theirs.extend(rows.map(|row| names.translated(row, page_view)));
                ours.sort_unstable();
                theirs.sort_unstable();
                same += in_both(&ours, &theirs);
            }
            if (held, logged) != (same, same) {
                let start = start_of(hour);
                told.tell(format_args!(
                    "events listed in the hour from {start}: {held} held, {logged} in the log, {same} the same"
                ));
            }
        }
    }
}

/// Differences so far.
struct Told {
    most: usize,
    sentences: Vec<String>,
}

impl Told {
    fn tell(&mut self, sentence: fmt::Arguments<'_>) {
        if !self.is_full() {
            self.sentences.push(sentence.to_string());
        }
    }

    const fn is_full(&self) -> bool {
        self.sentences.len() >= self.most
    }
}

/// By the integers that names have in the log's models, the ones that they have in ours; [`UNKNOWN`] where we have no
/// such name.
struct Names {
    users: Vec<u32>,
    pages: Vec<u32>,
    domains: Vec<u32>,
    types: Vec<u32>,
}

impl Names {
    fn translated(&self, row: &Row, page_view: u32) -> Comparable {
        let (offset_us, location, visitor, subject, event_type) = comparable(row);
        let name = |names: &[u32], id: u32| if id == NONE { NONE } else { names[id as usize] };
        let subject = name(if event_type == page_view { &self.pages } else { &self.domains }, subject);
        (offset_us, location, name(&self.users, visitor), subject, name(&self.types, event_type))
    }
}

fn translation(ours: &Interner, theirs: &Interner) -> Vec<u32> {
    let mut translated = vec![UNKNOWN; theirs.end() as usize];
    for (id, name, _) in theirs.all() {
        translated[id as usize] = ours.get(name).unwrap_or(UNKNOWN);
    }
    translated
}

/// A row as what it is compared and ordered by.
type Comparable = (u32, u64, u32, u32, u32);

fn comparable(row: &Row) -> Comparable {
    (row.offset_us, row.location().bits(), row.visitor, row.subject, row.event_type.into())
}

/// An hour with so many rows in parts, so that comparing them takes little room.
fn windows(rows: usize) -> impl Iterator<Item = (u32, u32)> {
    let parts = (rows / WINDOW_ROWS) as i64 + 1;
    let bound = move |part: i64| (HOUR_US * part / parts) as u32;
    (0..parts).map(move |part| (bound(part), bound(part + 1)))
}

/// How many of the rows, given in order, are on both sides.
fn in_both(mut left: &[Comparable], mut right: &[Comparable]) -> usize {
    let mut same = 0;
    while let ([first, left_rest @ ..], [second, right_rest @ ..]) = (left, right) {
        same += usize::from(first == second);
        if first <= second {
            left = left_rest;
        }
        if second <= first {
            right = right_rest;
        }
    }
    same
}

/// Hands on each name once, with its integers on either side, for as long as it is asked to go on. Integers of ours that
/// stand for no name are handed on too: nothing may be counted for them.
fn each_name(
    (ours, our_places): (&Interner, usize),
    (theirs, their_places): (&Interner, usize),
    translated: &[u32],
    mut next: impl FnMut(&str, Option<u32>, Option<u32>) -> bool,
) {
    let mut in_log = vec![None; our_places.max(ours.end() as usize)];
    for (theirs, ours) in (0..).zip(translated).filter(|(_, ours)| **ours != UNKNOWN) {
        in_log[*ours as usize] = Some(theirs);
    }
    for (id, theirs) in (0..).zip(in_log) {
        let name = if ours.references(id) > 0 { ours.name(id) } else { NO_NAME };
        if !next(name, Some(id), theirs) {
            return;
        }
    }
    for id in 0..their_places as u32 {
        if translated.get(id as usize) == Some(&UNKNOWN)
            && theirs.references(id) > 0
            && !next(theirs.name(id), None, Some(id))
        {
            return;
        }
    }
}

/// Names that are referred to by another number of events.
fn compare_references(what: &str, ours: &Interner, theirs: &Interner, translated: &[u32], told: &mut Told) {
    let (mut same, mut other) = (0, 0);
    for (id, _, references) in theirs.all() {
        match translated[id as usize] {
            UNKNOWN => other += 1,
            id if ours.references(id) == references => same += 1,
            _ => other += 1,
        }
    }
    let (held, logged) = (ours.len(), theirs.len());
    if other > 0 || same != held {
        told.tell(format_args!(
            "{what}: {held} held, {logged} in the log, {same} of as many events on both sides"
        ));
    }
}

/// What a series counts.
#[derive(Clone, Copy)]
enum Counted<'a> {
    Everything,
    Type(&'a str),
    Page(&'a str),
}

/// The comparison of series, with room for two sets.
struct Compared<'a> {
    floor: i32,
    users: &'a [u32],
    told: Told,
    ours: Vec<u32>,
    theirs: Vec<u32>,
}

impl Compared<'_> {
    fn series(&mut self, counted: Counted<'_>, ours: Option<&Series>, theirs: Option<&Series>) {
        for width in 0..WIDTHS.len() {
            let mut parts = [Parts::of(ours, width, self.floor), Parts::of(theirs, width, self.floor)];
            while let Some(span) = parts.iter().filter_map(Parts::span).min() {
                let [ours, theirs] = parts.each_mut().map(|parts| parts.take(span));
                self.parts(counted, (width, span), ours, theirs);
                if self.told.is_full() {
                    return;
                }
            }
        }
    }

    fn parts(&mut self, counted: Counted<'_>, (width, span): (usize, i32), ours: Part<'_>, theirs: Part<'_>) {
        if ours.count() != theirs.count() {
            let what = match counted {
                Counted::Everything => "events".to_owned(),
                Counted::Type(name) => format!("{name} events"),
                Counted::Page(name) => format!("views of {name}"),
            };
            self.tell(&what, (width, span), (ours.count(), theirs.count()), "");
        }
        ours.visitors(&mut self.ours);
        theirs.visitors(&mut self.theirs);
        for visitor in &mut self.theirs {
            *visitor = self.users.get(*visitor as usize).copied().unwrap_or(UNKNOWN);
        }
        self.theirs.sort_unstable();
        if self.ours != self.theirs {
            let what = match counted {
                Counted::Everything => "visitors".to_owned(),
                Counted::Type(name) => format!("visitors of {name} events"),
                Counted::Page(name) => format!("visitors of {name}"),
            };
            let counts = (self.ours.len() as u64, self.theirs.len() as u64);
            self.tell(&what, (width, span), counts, if counts.0 == counts.1 { ", others" } else { "" });
        }
    }

    fn tell(&mut self, what: &str, (width, span): (usize, i32), (ours, theirs): (u64, u64), more: &str) {
        let within = ["hour", "day", "8 days", "64 days"][width];
        let start = start_of(span.saturating_mul(WIDTHS[width]));
        self.told.tell(format_args!(
            "{what} in the {within} from {start}: {ours} counted, {theirs} in the log{more}"
        ));
    }
}

/// The cells of a series at one width, and the latest hour, which the wider ones don't hold.
#[derive(Clone, Copy)]
struct Parts<'a> {
    cells: &'a [Cell],
    open: Option<(i32, &'a Cell)>,
}

/// What was counted in one span.
#[derive(Clone, Copy)]
struct Part<'a>([Option<&'a Cell>; 2]);

impl<'a> Parts<'a> {
    fn of(series: Option<&'a Series>, width: usize, floor: i32) -> Self {
        let Some(series) = series else { return Self { cells: &[], open: None } };
        let hours = WIDTHS[width];
        // A span that begins before the floor is in no answer.
        let is_before = |span: i32| span.saturating_mul(hours) < floor;
        let cells = &series.cells[width];
        let cells = &cells[cells.partition_point(|cell| is_before(cell.span))..];
        let open = series.open.filter(|_| width > 0).and_then(|hour| series.hour(hour));
        let open = open.map(|cell| (cell.span.div_euclid(hours), cell));
        Self { cells, open: open.filter(|(span, _)| !is_before(*span)) }
    }

    /// The first span of what is left.
    fn span(&self) -> Option<i32> {
        let open = self.open.map(|(span, _)| span);
        self.cells.first().map(|cell| cell.span).into_iter().chain(open).min()
    }

    /// Takes what there is of that span, which is the first or before it.
    fn take(&mut self, span: i32) -> Part<'a> {
        let cell = self.cells.first().filter(|cell| cell.span == span);
        self.cells = &self.cells[usize::from(cell.is_some())..];
        let open = self.open.take_if(|(own, _)| *own == span).map(|(_, cell)| cell);
        Part([cell, open])
    }
}

impl Part<'_> {
    fn count(&self) -> u64 {
        self.0.iter().flatten().map(|cell| cell.count).sum()
    }

    /// The visitors in ascending order.
    fn visitors(&self, all: &mut Vec<u32>) {
        all.clear();
        for cell in self.0.iter().flatten() {
            match &cell.visitors {
                VisitorSet::None => {}
                VisitorSet::One(one) => all.push(*one),
                VisitorSet::Few(few) => all.extend_from_slice(few),
                VisitorSet::Many(many) => all.extend(many.iter()),
            }
        }
        if let [Some(_), Some(_)] = self.0 {
            all.sort_unstable();
            all.dedup();
        }
    }
}

#[cfg(test)]
mod tests;
