//! The read models as a whole: how events are added to them and forgotten.

use std::collections::BTreeMap;

use footfall_domain::event::{EventRef, Subject, SubjectKind};
use footfall_domain::time::Timestamp;
use footfall_domain::types::{BOUNCED, DELIVERED, PAGE_VIEW};

use crate::coded::{CodeOf, Coded, CodedRow};
use crate::domains::Mails;
use crate::growth;
use crate::interner::Interner;
use crate::rows::{HourRows, Location, NONE, Row, hour_of, start_of};
use crate::series::Series;

/// What an entry of a `BTreeMap` costs beyond its key and value, on average.
pub(crate) const MAP_ENTRY_BYTES: isize = 16;

/// What a page's series takes before it has a cell.
pub(crate) const PAGE_SERIES_BYTES: isize = size_of::<Series>() as isize + 16;

/// What the read models need to know of a stored event.
#[derive(Clone, Copy, Debug)]
pub struct Fact<'a> {
    /// When it happened.
    pub at: Timestamp,
    /// Its type's name.
    pub event_type: &'a str,
    /// Whose it is.
    pub user: Option<&'a str>,
    /// What it is about.
    pub subject: Subject<'a>,
    /// Where the log keeps it.
    pub location: Location,
}

impl<'a> Fact<'a> {
    /// The fact of an event in the log.
    pub fn of(event: EventRef<'a>, location: Location) -> Self {
        Self {
            at: event.at(),
            event_type: event.event_type(),
            user: event.user(),
            subject: event.subject(),
            location,
        }
    }
}

/// Counts and distinct visitors, over any range.
#[derive(Debug)]
pub struct ReadModels {
    pub(crate) users: Interner,
    pub(crate) pages: Interner,
    pub(crate) domains: Interner,
    pub(crate) types: Interner,
    pub(crate) hours: BTreeMap<i32, HourRows>,
    pub(crate) everyone: Series,
    pub(crate) by_type: Vec<Series>,
    /// Boxed, and dropped with its last cell: pages come and go, and their integers are used again.
    pub(crate) by_page: Vec<Option<Box<Series>>>,
    /// What became of the mails to each domain.
    pub(crate) by_domain: Vec<Mails>,
    /// The first hour that is kept.
    pub(crate) floor: i32,
    /// Heap bytes of rows and series.
    pub(crate) bytes: isize,
    scratch: Scratch,
}

/// Reused between calls, so that adding a few events allocates nothing.
#[derive(Debug, Default)]
struct Scratch {
    names: Names,
    rows: Vec<(i32, Row)>,
    run: Vec<Row>,
    everyone: Vec<Entry>,
    types: Vec<Entry>,
    pages: Vec<Entry>,
    visitors: Vec<u32>,
}

/// The integers of the names of some facts, in their order; [`NONE`] where a fact has no such name.
#[derive(Debug, Default)]
pub(crate) struct Names {
    users: Vec<u32>,
    types: Vec<u32>,
    pages: Vec<u32>,
    domains: Vec<u32>,
}

impl Names {
    /// The row of the fact at that place.
    pub(crate) fn row(&self, place: usize, offset_us: u32, kind: SubjectKind, location: Location) -> Row {
        let subjects = if kind == SubjectKind::Domain { &self.domains } else { &self.pages };
        Row::new(offset_us, self.users[place], subjects[place], self.types[place] as u16, location)
    }
}

impl Scratch {
    fn heap_bytes(&self) -> usize {
        let Names { users, types, pages, domains } = &self.names;
        let integers = [users, types, pages, domains, &self.visitors].map(Vec::capacity);
        let entries = [&self.everyone, &self.types, &self.pages].map(Vec::capacity);
        self.rows.capacity() * size_of::<(i32, Row)>()
            + self.run.capacity() * size_of::<Row>()
            + entries.iter().sum::<usize>() * size_of::<Entry>()
            + integers.iter().sum::<usize>() * size_of::<u32>()
    }
}

/// One event's part in a series, ordered by series, hour and visitor.
type Entry = u128;

fn entry(series: u32, hour: i32, visitor: u32) -> Entry {
    // Moving the sign bit orders hours before 1970 first.
    let hour = hour.cast_unsigned() ^ (1 << 31);
    Entry::from(series) << 64 | Entry::from(hour) << 32 | Entry::from(visitor)
}

impl Default for ReadModels {
    fn default() -> Self {
        Self {
            users: Interner::default(),
            pages: Interner::default(),
            domains: Interner::default(),
            types: Interner::default(),
            hours: BTreeMap::new(),
            everyone: Series::default(),
            by_type: Vec::new(),
            by_page: Vec::new(),
            by_domain: Vec::new(),
            floor: i32::MIN,
            bytes: 0,
            scratch: Scratch::default(),
        }
    }
}

impl ReadModels {
    /// Adds events that are not in it yet. Cheapest in large groups: neighbours in time, visitors and pages share work.
    pub fn add<'a>(&mut self, facts: impl Iterator<Item = Fact<'a>>) {
        let facts: Vec<Fact<'a>> = facts.collect();
        self.intern(&facts);
        let mut scratch = std::mem::take(&mut self.scratch);
        for (place, fact) in facts.iter().enumerate() {
            let (hour, offset_us) = hour_of(fact.at);
            let kind = fact.subject.kind();
            let row = scratch.names.row(place, offset_us, kind, fact.location);
            scratch.rows.push((hour, row));
            scratch.everyone.push(entry(0, hour, row.visitor));
            scratch.types.push(entry(u32::from(row.event_type), hour, row.visitor));
            match kind {
                SubjectKind::Page => scratch.pages.push(entry(row.subject, hour, row.visitor)),
                SubjectKind::Domain => self.count_mail(row.subject, fact.event_type == BOUNCED),
                SubjectKind::None => {}
            }
        }
        self.add_rows(&mut scratch);
        let floor = self.floor;
        let Self { everyone, by_type, by_page, bytes, .. } = self;
        add_entries(&mut scratch.everyone, &mut scratch.visitors, |_, hour, count, visitors| {
            *bytes += everyone.add(hour, count, visitors, floor);
        });
        add_entries(&mut scratch.types, &mut scratch.visitors, |series, hour, count, visitors| {
            *bytes += at(by_type, series, bytes).add(hour, count, visitors, floor);
        });
        let mut page_bytes = 0;
        add_entries(&mut scratch.pages, &mut scratch.visitors, |series, hour, count, visitors| {
            *bytes += at(by_page, series, bytes)
                .get_or_insert_with(|| {
                    page_bytes += PAGE_SERIES_BYTES;
                    Box::default()
                })
                .add(hour, count, visitors, floor);
        });
        self.bytes += page_bytes;
        self.scratch = scratch;
    }

    /// Forgets the events of all hours that began before that of `oldest`, and what was counted from them. Returns
    /// their rows, for the log to forget them too.
    pub fn forget_before(&mut self, oldest: Timestamp) -> Vec<HourRows> {
        let (floor, _) = hour_of(oldest);
        if floor < self.floor {
            return Vec::new();
        }
        // At the same floor as before there may be events that came late, below it.
        self.floor = floor;
        let kept = self.hours.split_off(&floor);
        let dropped = std::mem::replace(&mut self.hours, kept);
        if dropped.is_empty() {
            return Vec::new();
        }
        let mut shrunk = self.everyone.drop_before(floor);
        for series in &mut self.by_type {
            shrunk += series.drop_before(floor);
        }
        for page in &mut self.by_page {
            let Some(series) = page else { continue };
            shrunk += series.drop_before(floor);
            if series.is_empty() {
                *page = None;
                shrunk += PAGE_SERIES_BYTES.unsigned_abs();
            }
        }
        self.bytes -= shrunk as isize;
        for rows in dropped.values() {
            self.bytes -=
                rows.heap_bytes() as isize + MAP_ENTRY_BYTES + size_of::<(i32, HourRows)>() as isize;
            for row in rows.all() {
                self.release(*row);
            }
        }
        self.trim_names();
        dropped.into_values().collect()
    }

    /// Gives back the room of names that are gone.
    pub(crate) fn trim_names(&mut self) {
        for names in [&mut self.users, &mut self.pages, &mut self.domains] {
            names.trim();
        }
        if self.pages.is_empty() {
            self.bytes -= growth::vec_bytes::<Option<Box<Series>>>(self.by_page.len()) as isize;
            self.by_page = Vec::new();
        }
        if self.domains.is_empty() {
            self.bytes -= growth::vec_bytes::<Mails>(self.by_domain.len()) as isize;
            self.by_domain = Vec::new();
        }
    }

    /// Whether there are events that [`Self::forget_before`] would forget.
    pub fn has_before(&self, oldest: Timestamp) -> bool {
        self.hours.keys().next().is_some_and(|hour| *hour < hour_of(oldest).0)
    }

    /// The earliest instant that is kept.
    pub fn oldest(&self) -> Timestamp {
        start_of(self.floor)
    }

    /// How many events, different users, pages and domains are held.
    pub fn sizes(&self) -> [(&'static str, usize); 4] {
        let events = self.hours.values().map(|rows| rows.all().count()).sum();
        [
            ("events", events),
            ("users", self.users.len()),
            ("pages", self.pages.len()),
            ("domains", self.domains.len()),
        ]
    }

    /// Bytes on the heap: of the names, and of rows and series together.
    pub fn heap_bytes(&self) -> usize {
        let names = self.users.heap_bytes()
            + self.pages.heap_bytes()
            + self.domains.heap_bytes()
            + self.types.heap_bytes();
        names + self.scratch.heap_bytes() + self.bytes.unsigned_abs()
    }

    /// [`Self::heap_bytes`] by part: user names, other names, rows, series.
    pub fn heap_bytes_by_part(&self) -> [(&'static str, usize); 4] {
        let users = self.users.heap_bytes();
        let names = self.pages.heap_bytes() + self.domains.heap_bytes() + self.types.heap_bytes();
        let rows = self.hours.values().map(HourRows::heap_bytes).sum::<usize>();
        let series = self.heap_bytes() - users - names - rows;
        [("users", users), ("pages, domains and types", names), ("rows", rows), ("series", series)]
    }

    /// Finds the integers of all names, one kind after the other. They stand in [`Self::interned`] then.
    pub(crate) fn intern(&mut self, facts: &[Fact<'_>]) {
        let mut names = std::mem::take(&mut self.scratch.names);
        let mut texts: Vec<Option<&str>> = Vec::with_capacity(facts.len());
        let mut look_up =
            |interner: &mut Interner, name: for<'n> fn(&Fact<'n>) -> Option<&'n str>, ids: &mut Vec<u32>| {
                texts.clear();
                texts.extend(facts.iter().map(name));
                interner.refer_all(&texts, |_| 1, NONE, ids);
            };
        look_up(&mut self.users, |fact| fact.user, &mut names.users);
        look_up(&mut self.types, |fact| Some(fact.event_type), &mut names.types);
        look_up(&mut self.pages, |fact| fact.subject.page(), &mut names.pages);
        look_up(&mut self.domains, |fact| fact.subject.domain(), &mut names.domains);
        self.scratch.names = names;
    }

    /// The same for names that are given once each: each is looked up once, however many events have it.
    pub(crate) fn intern_coded(&mut self, events: &Coded<'_>) {
        let Self { users, types, pages, domains, scratch: Scratch { names, .. }, .. } = self;
        let kinds = [
            (users, &events.users, &mut names.users, CodedRow::user as CodeOf),
            (types, &events.types, &mut names.types, CodedRow::event_type),
            (pages, &events.pages, &mut names.pages, CodedRow::page),
            (domains, &events.domains, &mut names.domains, CodedRow::domain),
        ];
        for (interner, texts, ids, code_of) in kinds {
            let mut uses = vec![0_u64; texts.len()];
            let codes = || events.rows.iter().map(code_of);
            codes().flatten().for_each(|code| uses[code as usize] += 1);
            // A name that no event has any more must not be there.
            let texts: Vec<Option<&str>> =
                texts.iter().zip(&uses).map(|(text, uses)| (*uses > 0).then_some(*text)).collect();
            let mut interned = Vec::with_capacity(texts.len());
            interner.refer_all(&texts, |place| uses[place], NONE, &mut interned);
            ids.clear();
            ids.extend(codes().map(|code| code.map_or(NONE, |code| interned[code as usize])));
        }
    }

    /// The integers that were found last.
    pub(crate) const fn interned(&self) -> &Names {
        &self.scratch.names
    }

    /// Counts events in an hour for everyone.
    pub(crate) fn count_everyone(&mut self, hour: i32, count: u64, visitors: &[u32]) {
        self.bytes += self.everyone.add(hour, count, visitors, self.floor);
    }

    /// Counts events in an hour for their type.
    pub(crate) fn count_type(&mut self, event_type: u32, hour: i32, count: u64, visitors: &[u32]) {
        let Self { by_type, bytes, floor, .. } = self;
        let grown = at(by_type, event_type, bytes).add(hour, count, visitors, *floor);
        self.bytes += grown;
    }

    /// Puts the rows of an hour that has none into their place.
    pub(crate) fn place_rows(&mut self, hour: i32, rows: HourRows) {
        self.bytes += rows.heap_bytes() as isize + MAP_ENTRY_BYTES + size_of::<(i32, HourRows)>() as isize;
        self.hours.insert(hour, rows);
    }

    /// Puts the series of all pages into their places; there are none yet. Each comes with its bytes.
    pub(crate) fn place_pages(&mut self, series: Vec<Option<(Box<Series>, isize)>>) {
        for (page, series) in series.into_iter().enumerate() {
            let Some((series, bytes)) = series else { continue };
            *at(&mut self.by_page, page as u32, &mut self.bytes) = Some(series);
            self.bytes += bytes + PAGE_SERIES_BYTES;
        }
    }

    /// Counts a mail to a domain.
    fn count_mail(&mut self, domain: u32, bounced: bool) {
        at(&mut self.by_domain, domain, &mut self.bytes).add(bounced);
    }

    /// Counts the mails among rows that were never counted.
    pub(crate) fn count_mails(&mut self, rows: impl Iterator<Item = Row>) {
        let (delivered, bounced) = (self.types.get(DELIVERED), self.types.get(BOUNCED));
        for row in rows {
            let event_type = Some(u32::from(row.event_type));
            if event_type == delivered || event_type == bounced {
                self.count_mail(row.subject, event_type == bounced);
            }
        }
    }

    pub(crate) fn release(&mut self, row: Row) {
        if row.visitor != NONE {
            self.users.release(row.visitor);
        }
        let event_type = self.types.name(u32::from(row.event_type));
        if row.subject != NONE {
            if event_type == PAGE_VIEW {
                self.pages.release(row.subject);
            } else {
                self.by_domain[row.subject as usize].take(event_type == BOUNCED);
                self.domains.release(row.subject);
            }
        }
        self.types.release(u32::from(row.event_type));
    }

    fn add_rows(&mut self, scratch: &mut Scratch) {
        // Stable, and fast on what is nearly in order, as events are.
        scratch.rows.sort_by_key(|(hour, row)| (*hour, row.offset_us));
        for rows in scratch.rows.chunk_by(|left, right| left.0 == right.0) {
            let hour = rows[0].0;
            scratch.run.clear();
            scratch.run.extend(rows.iter().map(|(_, row)| *row));
            let new = !self.hours.contains_key(&hour);
            self.bytes += self.hours.entry(hour).or_default().add(&scratch.run);
            if new {
                self.bytes += MAP_ENTRY_BYTES + size_of::<(i32, HourRows)>() as isize;
            }
        }
        scratch.rows.clear();
    }
}

/// The item at that place, made where it isn't there yet.
fn at<'a, T: Default>(all: &'a mut Vec<T>, place: u32, bytes: &mut isize) -> &'a mut T {
    let place = place as usize;
    while all.len() <= place {
        growth::push(all, T::default());
        *bytes += growth::each_bytes::<T>() as isize;
    }
    &mut all[place]
}

/// Hands on each series and hour once, with its number of events and its visitors. Empties the entries.
fn add_entries(
    entries: &mut Vec<Entry>,
    visitors: &mut Vec<u32>,
    mut add: impl FnMut(u32, i32, u64, &[u32]),
) {
    entries.sort_unstable();
    for group in entries.chunk_by(|left, right| left >> 32 == right >> 32) {
        visitors.clear();
        visitors.extend(group.iter().map(|entry| *entry as u32).filter(|visitor| *visitor != NONE));
        visitors.dedup();
        let hour = ((group[0] >> 32) as u32 ^ (1 << 31)).cast_signed();
        add((group[0] >> 64) as u32, hour, group.len() as u64, visitors);
    }
    entries.clear();
}
