//! The windows by which users' activity is counted: four hours each, in UTC, from midnight on.

use crate::time::{HOUR_US, TimeRange, Timestamp};

/// Hours in a window.
pub const WINDOW_HOURS: i32 = 4;
const WINDOW_US: i64 = WINDOW_HOURS as i64 * HOUR_US;

/// One window: `[00,04)`, `[04,08)` … `[20,24)` of some day.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Window(i32);

impl Window {
    /// The window that an instant falls into.
    pub const fn of(at: Timestamp) -> Self {
        Self(at.micros().div_euclid(WINDOW_US) as i32)
    }

    /// The window that an hour, counted from 1970, falls into.
    pub const fn of_hour(hour: i32) -> Self {
        Self(hour.div_euclid(WINDOW_HOURS))
    }

    /// When it begins.
    pub const fn start(self) -> Timestamp {
        Timestamp::from_micros_clamped(self.0 as i64 * WINDOW_US)
    }

    /// When it is over: the next one's start.
    pub const fn end(self) -> Timestamp {
        Self(self.0 + 1).start()
    }

    /// Its number, counted from 1970.
    pub const fn number(self) -> i32 {
        self.0
    }

    /// The window of that number; `None` where it isn't in the years 0000 to 9999.
    pub const fn of_number(number: i32) -> Option<Self> {
        let (first, last) = (Self::of(Timestamp::MIN).0, Self::of(Timestamp::MAX).0);
        if number >= first && number <= last { Some(Self(number)) } else { None }
    }

    /// The last one that was over by then.
    pub const fn last_completed(now: Timestamp) -> Self {
        Self(Self::of(now).0 - 1)
    }
}

/// Windows that follow each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    first: i32,
    past: i32,
}

impl Span {
    /// Every window that was over by then.
    pub const fn completed(now: Timestamp) -> Self {
        Self { first: Window::of(Timestamp::MIN).0, past: Window::of(now).0 }
    }

    /// The windows that lie wholly inside a range and were over by then.
    pub const fn within(range: TimeRange, now: Timestamp) -> Self {
        let first = first_from(range.from());
        let (past, completed) = (Window::of(range.to()).0, Window::of(now).0);
        Self { first, past: if past < completed { past } else { completed } }
    }

    /// Whether a window is one of them.
    pub const fn holds(self, window: Window) -> bool {
        self.first <= window.0 && window.0 < self.past
    }

    /// The numbers of the first one and of the one past the last; they may be the same, or the other way round where there
    /// is none.
    pub const fn numbers(self) -> (i32, i32) {
        (self.first, self.past)
    }

    /// The first hour, counted from 1970, and the one past the last.
    pub const fn hours(self) -> (i32, i32) {
        (self.first * WINDOW_HOURS, self.past * WINDOW_HOURS)
    }
}

/// Which windows are to be computed. Only those that are over ever are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Due {
    /// The last one that is over, and every earlier one that was not computed yet or to which late events came.
    Latest,
    /// Those that lie wholly inside a range.
    Within(TimeRange),
}

impl Due {
    /// The windows that are looked at.
    pub const fn span(self, now: Timestamp) -> Span {
        match self {
            Self::Latest => Span::completed(now),
            Self::Within(range) => Span::within(range, now),
        }
    }

    /// Whether a window is told of in the answer though nothing new was found in it.
    pub fn tells_unchanged(self, window: Window, now: Timestamp) -> bool {
        match self {
            Self::Latest => window == Window::last_completed(now),
            Self::Within(_) => true,
        }
    }
}

/// A window, computed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WindowTotals {
    /// Which.
    pub window: Window,
    /// Users who did something in it.
    pub users: u64,
    /// Their events.
    pub events: u64,
}

/// What one user did in one window.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UserMetric {
    /// Who.
    pub user: String,
    /// When.
    pub window: Window,
    /// How many events.
    pub events: u64,
    /// When this was first computed. A count that late events have raised keeps it.
    pub created_at: Timestamp,
}

/// Which rows to list; every condition given must hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MetricFilter {
    /// Only this user's.
    pub user: Option<String>,
    /// Only windows that begin in this range.
    pub range: TimeRange,
}

impl MetricFilter {
    /// The windows that begin in the range: the number of the first one, and of the one past the last.
    pub const fn windows(&self) -> (i32, i32) {
        (first_from(self.range.from()), first_from(self.range.to()))
    }
}

/// The number of the first window that begins at an instant or after it.
const fn first_from(at: Timestamp) -> i32 {
    (at.micros() + WINDOW_US - 1).div_euclid(WINDOW_US) as i32
}

impl Default for MetricFilter {
    fn default() -> Self {
        Self { user: None, range: TimeRange::ALL }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn windows_are_cut_at_every_fourth_hour() {
        let window = Window::of(at("2025-05-26T15:59:59.999999Z"));
        assert_eq!(window.start(), at("2025-05-26T12:00:00Z"));
        assert_eq!(window.end(), at("2025-05-26T16:00:00Z"));
        assert_eq!(Window::of(window.end()).number(), window.number() + 1);
        let before = Window::of(at("1969-12-31T23:59:59Z"));
        assert_eq!((before.number(), before.start()), (-1, at("1969-12-31T20:00:00Z")));
        assert_eq!(Window::of_hour(-1), before);
        assert_eq!(Window::of_number(window.number()), Some(window));
        assert_eq!(Window::of_number(i32::MAX), None);
    }

    #[test]
    fn only_what_is_over_is_completed() {
        let completed = Span::completed(at("2025-05-26T16:00:00Z"));
        assert!(completed.holds(Window::of(at("2025-05-26T15:59:59Z"))));
        assert!(!completed.holds(Window::of(at("2025-05-26T16:00:00Z"))));
        assert!(completed.holds(Window::of(Timestamp::MIN)));
        assert_eq!(Window::last_completed(at("2025-05-26T16:00:00Z")).end(), at("2025-05-26T16:00:00Z"));
        assert_eq!(Window::last_completed(at("2025-05-26T19:59:59Z")).end(), at("2025-05-26T16:00:00Z"));
    }

    #[test]
    fn a_range_holds_the_windows_that_lie_wholly_inside() {
        let range = TimeRange::new(at("2025-05-26T00:00:01Z"), at("2025-05-26T12:00:00Z")).unwrap();
        let span = Span::within(range, at("2026-01-01T00:00:00Z"));
        assert!(!span.holds(Window::of(at("2025-05-26T00:00:00Z"))));
        assert!(span.holds(Window::of(at("2025-05-26T04:00:00Z"))));
        assert!(span.holds(Window::of(at("2025-05-26T08:00:00Z"))));
        assert!(!span.holds(Window::of(at("2025-05-26T12:00:00Z"))));
        let running = Span::within(range, at("2025-05-26T11:00:00Z"));
        assert!(!running.holds(Window::of(at("2025-05-26T08:00:00Z"))));
        let short = TimeRange::new(at("2025-05-26T01:00:00Z"), at("2025-05-26T02:00:00Z")).unwrap();
        let (first, past) = Span::within(short, at("2026-01-01T00:00:00Z")).numbers();
        assert!(first >= past);
    }

    #[test]
    fn listed_windows_begin_in_the_range() {
        let windows = |from, to| {
            let range = TimeRange::new(at(from), at(to)).unwrap();
            let (first, past) = MetricFilter { user: None, range }.windows();
            past - first
        };
        assert_eq!(windows("2025-05-26T00:00:00Z", "2025-05-26T04:00:00Z"), 1);
        assert_eq!(windows("2025-05-26T00:00:00Z", "2025-05-26T04:00:01Z"), 2);
        assert_eq!(windows("2025-05-26T00:00:01Z", "2025-05-26T04:00:00Z"), 0);
    }
}
