//! Forgetting a user: every row of theirs, and what was counted from it.

use footfall_domain::time::Timestamp;
use footfall_domain::types::PAGE_VIEW;

use crate::models::{MAP_ENTRY_BYTES, PAGE_SERIES_BYTES, ReadModels};
use crate::rows::{HourRows, Location, Row};

impl ReadModels {
    /// Forgets all events of a user, and what was counted from them, as if they had never been added. Returns when they
    /// happened and where the log keeps them, in no order. Events without a user are nobody's and stay.
    ///
    /// It looks at the cell of every hour, but only at the rows of those in which the user did something.
    pub fn forget_user(&mut self, user: &str) -> Vec<(Timestamp, Location)> {
        let Some(visitor) = self.users.get(user) else { return Vec::new() };
        // Below the floor are rows that came late, and no cells that would tell of them.
        let late = self.hours.range(..self.floor).map(|(hour, _)| *hour);
        let hours: Vec<i32> = late.chain(self.everyone.hours_of(visitor)).collect();
        let mut rows: Vec<(i32, Row)> = Vec::new();
        for hour in hours {
            self.take_rows(hour, visitor, &mut rows);
        }
        self.forget_counts(visitor, &rows);
        for (_, row) in &rows {
            self.release(*row);
        }
        self.trim_names();
        rows.iter().map(|(hour, row)| (row.at(*hour), row.location())).collect()
    }

    fn take_rows(&mut self, hour: i32, visitor: u32, taken: &mut Vec<(i32, Row)>) {
        let Some(rows) = self.hours.get_mut(&hour) else { return };
        self.bytes -= rows.take(visitor, |row| taken.push((hour, row))) as isize;
        if rows.is_empty() {
            self.bytes -=
                rows.heap_bytes() as isize + MAP_ENTRY_BYTES + size_of::<(i32, HourRows)>() as isize;
            self.hours.remove(&hour);
        }
    }

    /// Takes back what was counted of these rows, which are all of the visitor's, in order of their hours.
    fn forget_counts(&mut self, visitor: u32, rows: &[(i32, Row)]) {
        let floor = self.floor;
        let Self { everyone, by_type, by_page, bytes, .. } = self;
        let page_view = self.types.get(PAGE_VIEW);
        let is_view = |row: &Row| Some(u32::from(row.event_type)) == page_view;
        each_series(rows.iter().map(|(hour, _)| (0, *hour)), |_, hours| {
            *bytes += everyone.forget(visitor, hours, floor);
        });
        each_series(
            rows.iter().map(|(hour, row)| (u32::from(row.event_type), *hour)),
            |event_type, hours| *bytes += by_type[event_type as usize].forget(visitor, hours, floor),
        );
        let views = rows.iter().filter(|(_, row)| is_view(row)).map(|(hour, row)| (row.subject, *hour));
        each_series(views, |page, hours| {
            let Some(place) = by_page.get_mut(page as usize) else { return };
            let Some(series) = place else { return };
            *bytes += series.forget(visitor, hours, floor);
            if series.is_empty() {
                *place = None;
                *bytes -= PAGE_SERIES_BYTES;
            }
        });
    }
}

/// Hands on each series once, with the number of events in each of its hours, which ascend.
fn each_series(events: impl Iterator<Item = (u32, i32)>, mut forget: impl FnMut(u32, &[(i32, u64)])) {
    let mut events: Vec<(u32, i32)> = events.collect();
    events.sort_unstable();
    let mut hours: Vec<(i32, u64)> = Vec::new();
    for of_series in events.chunk_by(|left, right| left.0 == right.0) {
        hours.clear();
        let by_hour = of_series.chunk_by(|left, right| left.1 == right.1);
        hours.extend(by_hour.map(|events| (events[0].1, events.len() as u64)));
        forget(of_series[0].0, &hours);
    }
}

#[cfg(test)]
mod tests;
