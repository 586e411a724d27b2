//! Finding events: in order of time and identity, filtered, from any place on.

use std::cmp::Ordering;

use footfall_domain::answers::{EventFilter, Order, Slice};
use footfall_domain::event::EventId;
use footfall_domain::time::{HOUR_US, Timestamp};
use footfall_domain::types::PAGE_VIEW;

use crate::models::ReadModels;
use crate::rows::{Location, Row, hour_of, start_of};

/// The filter's names as integers; none of an event can match a name that was never seen.
#[derive(Clone, Copy, Default)]
struct Wanted {
    visitor: Option<u32>,
    event_type: Option<u32>,
    page: Option<u32>,
    domain: Option<u32>,
    page_view: Option<u32>,
}

impl Wanted {
    fn takes(&self, row: &Row) -> bool {
        let is_page_view = Some(u32::from(row.event_type)) == self.page_view;
        self.visitor.is_none_or(|visitor| row.visitor == visitor)
            && self.event_type.is_none_or(|event_type| u32::from(row.event_type) == event_type)
            && self.page.is_none_or(|page| is_page_view && row.subject == page)
            && self.domain.is_none_or(|domain| !is_page_view && row.subject == domain)
    }
}

impl ReadModels {
    /// Where the log keeps the events that pass the filter, by time and then by identity. `id_of` is asked for the
    /// identities of events that happened at the same microsecond, or at that of the place to go on from.
    pub fn list(
        &self,
        filter: &EventFilter,
        slice: Slice,
        mut id_of: impl FnMut(Location) -> EventId,
    ) -> Vec<Location> {
        let mut found = Vec::new();
        let Some(wanted) = self.wanted(filter) else { return found };
        let mut from = filter.range.from().max(start_of(self.floor));
        let mut to = filter.range.to();
        if let Some((at, _)) = slice.after {
            match slice.order {
                Order::Ascending => from = from.max(at),
                Order::Descending => to = to.min(at.plus_micros(1)),
            }
        }
        if from >= to {
            return found;
        }
        let (first, last) = (hour_of(from).0, hour_of(to.plus_micros(-1)).0);
        let hours = self.hours.range(first..=last);
        let mut look = |hour: i32| {
            if self.may_hold(hour, &wanted) {
                self.list_hour(hour, (from, to), &wanted, slice, &mut id_of, &mut found);
            }
            found.len() < slice.limit
        };
        match slice.order {
            Order::Ascending => hours.map(|(hour, _)| *hour).all(&mut look),
            Order::Descending => hours.rev().map(|(hour, _)| *hour).all(&mut look),
        };
        found
    }

    /// `None` where the filter names what no event has.
    fn wanted(&self, filter: &EventFilter) -> Option<Wanted> {
        let known = |name: &Option<String>, names: &crate::interner::Interner| match name {
            None => Some(None),
            Some(name) => names.get(name).map(Some),
        };
        Some(Wanted {
            visitor: known(&filter.user, &self.users)?,
            event_type: known(&filter.event_type, &self.types)?,
            page: known(&filter.page, &self.pages)?,
            domain: known(&filter.domain, &self.domains)?,
            page_view: self.types.get(PAGE_VIEW),
        })
    }

    /// Whether the cells leave it possible that the hour holds a wanted event.
    fn may_hold(&self, hour: i32, wanted: &Wanted) -> bool {
        let cell = |series: &crate::series::Series, visitor: Option<u32>| {
            series
                .hour(hour)
                .is_some_and(|cell| visitor.is_none_or(|visitor| cell.visitors.contains(visitor)))
        };
        let by_page = wanted.page.and_then(|page| self.by_page.get(page as usize)?.as_deref());
        let by_type = wanted.event_type.map(|event_type| &self.by_type[event_type as usize]);
        [by_page, by_type, Some(&self.everyone)]
            .into_iter()
            .flatten()
            .all(|series| cell(series, wanted.visitor))
    }

    fn list_hour(
        &self,
        hour: i32,
        (from, to): (Timestamp, Timestamp),
        wanted: &Wanted,
        slice: Slice,
        id_of: &mut impl FnMut(Location) -> EventId,
        found: &mut Vec<Location>,
    ) {
        let start = start_of(hour);
        let offset = |at: Timestamp| (at.micros() - start.micros()).clamp(0, HOUR_US) as u32;
        let mut rows = Merged {
            runs: self.hours[&hour].between(offset(from), offset(to)).filter(|run| !run.is_empty()).collect(),
            order: slice.order,
        };
        let mut rows = std::iter::from_fn(|| rows.next()).filter(|row| wanted.takes(row)).peekable();
        while let Some(first) = rows.next() {
            if found.len() >= slice.limit {
                return;
            }
            let at = start.plus_micros(i64::from(first.offset_us));
            let after = slice.after.filter(|(after, _)| *after == at);
            if after.is_none() && rows.peek().is_none_or(|next| next.offset_us != first.offset_us) {
                found.push(first.location());
                continue;
            }
            let mut same = vec![(id_of(first.location()), first.location())];
            while let Some(row) = rows.next_if(|row| row.offset_us == first.offset_us) {
                same.push((id_of(row.location()), row.location()));
            }
            same.sort_unstable_by(|left, right| in_order(slice.order, left.0.cmp(&right.0)));
            let comes_after = |id: EventId| {
                after.is_none_or(|(_, after)| in_order(slice.order, id.cmp(&after)) == Ordering::Greater)
            };
            found.extend(same.iter().filter(|(id, _)| comes_after(*id)).map(|(_, location)| *location));
            found.truncate(slice.limit);
        }
    }
}

fn in_order(order: Order, ascending: Ordering) -> Ordering {
    match order {
        Order::Ascending => ascending,
        Order::Descending => ascending.reverse(),
    }
}

/// Several runs as one, in either direction. There are few runs, so their heads are simply compared.
struct Merged<'a> {
    runs: Vec<&'a [Row]>,
    order: Order,
}

impl Merged<'_> {
    fn next(&mut self) -> Option<Row> {
        let heads = self.runs.iter().enumerate();
        let (run, _) = match self.order {
            Order::Ascending => heads.min_by_key(|(_, run)| run[0].offset_us)?,
            Order::Descending => heads.max_by_key(|(_, run)| run[run.len() - 1].offset_us)?,
        };
        let rows = &mut self.runs[run];
        let (row, rest) = match self.order {
            Order::Ascending => rows.split_first()?,
            Order::Descending => rows.split_last()?,
        };
        *rows = rest;
        if rest.is_empty() {
            self.runs.swap_remove(run);
        }
        Some(*row)
    }
}
