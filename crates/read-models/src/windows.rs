//! Every user's events by 4-hour window, drawn from the rows.

use std::collections::BTreeMap;

use footfall_domain::windows::{Span, WINDOW_HOURS, Window};

use crate::models::ReadModels;
use crate::rows::{NONE, hour_of};

impl ReadModels {
    /// The windows of that span in which a user did something, in order, with the number of events. It takes time in
    /// proportion to the hours, and not to the events in them.
    ///
    /// A window that retention has begun to drop counts with what is left of it.
    pub fn windows(&self, span: Span) -> BTreeMap<Window, u64> {
        let mut windows = BTreeMap::new();
        let (first, past) = span.hours();
        for (hour, rows) in self.hours.range(first.max(self.floor)..past.max(first.max(self.floor))) {
            if rows.identified() > 0 {
                *windows.entry(Window::of_hour(*hour)).or_default() += rows.identified();
            }
        }
        windows
    }

    /// The users who did something in a window, in order of their names' bytes, with how many events each.
    pub fn users_in(&self, window: Window) -> Vec<(String, u64)> {
        let (first, _) = hour_of(window.start());
        let hours = first.max(self.floor)..(first + WINDOW_HOURS).max(self.floor);
        let rows = self.hours.range(hours).flat_map(|(_, rows)| rows.all());
        let mut visitors: Vec<u32> = rows.map(|row| row.visitor).filter(|visitor| *visitor != NONE).collect();
        visitors.sort_unstable();
        let by_visitor = visitors.chunk_by(|left, right| left == right);
        let counted = |events: &[u32]| (self.users.name(events[0]).to_owned(), events.len() as u64);
        let mut users: Vec<(String, u64)> = by_visitor.map(counted).collect();
        users.sort_unstable();
        users
    }
}
