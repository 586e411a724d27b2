//! What can be asked of the stored events, and what the answers hold. Shared by all stores, so that they can't differ.

use std::collections::BTreeMap;

use crate::event::EventId;
use crate::time::{HOUR_US, TimeRange, Timestamp};

/// A page's figures over some range.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PageCounts {
    /// Different users who viewed the page; exact.
    pub distinct_visitors: u64,
    /// Page views.
    pub page_views: u64,
}

/// By which figure pages are ranked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PageOrder {
    /// Most distinct visitors first.
    Visitors,
    /// Most page views first.
    Views,
}

/// One page of a ranking.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RankedPage {
    /// The page's normal form.
    pub url: String,
    /// Its figures.
    pub counts: PageCounts,
}

/// What became of the mails to a domain.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DomainCounts {
    /// Mails that were delivered.
    pub delivered: u64,
    /// Mails that bounced.
    pub bounced: u64,
}

/// What the mails to a domain say about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DomainStatus {
    /// It seems to take mail to any address: many were delivered, and none has ever bounced.
    CatchAll,
    /// It has turned mail away.
    NotCatchAll,
    /// Too few mails to tell.
    Unknown,
}

impl DomainStatus {
    /// The verdict on these counts: a single bounce settles it; without one, so many deliveries as the threshold says do.
    pub const fn of(counts: DomainCounts, threshold: u64) -> Self {
        if counts.bounced > 0 {
            Self::NotCatchAll
        } else if counts.delivered >= threshold {
            Self::CatchAll
        } else {
            Self::Unknown
        }
    }

    /// The words in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CatchAll => "catch-all",
            Self::NotCatchAll => "not catch-all",
            Self::Unknown => "unknown",
        }
    }
}

/// Totals over a range.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// All events.
    pub total_events: u64,
    /// Events of each type that has any.
    pub events_by_type: BTreeMap<String, u64>,
    /// Different users; exact.
    pub unique_users: u64,
    /// Events of each UTC hour that the range touches, in order, as far as they lie in the range.
    pub events_per_hour: Vec<u64>,
}

/// The UTC hours that a range touches: the first one's start, and how many there are.
pub fn hours_of(range: TimeRange) -> (Timestamp, usize) {
    let first = range.from().floor_to(HOUR_US);
    let last = range.to().plus_micros(-1).floor_to(HOUR_US);
    (first, ((last.micros() - first.micros()) / HOUR_US + 1) as usize)
}

/// What a chart shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Metric {
    /// Events.
    Events,
    /// Different users.
    Visitors,
    /// Page views.
    PageViews,
}

impl Metric {
    /// The name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Visitors => "visitors",
            Self::PageViews => "page_views",
        }
    }
}

/// Which events a chart counts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SeriesFilter {
    /// Only events of this type.
    pub event_type: Option<String>,
    /// Only views of this page, in its normal form.
    pub page: Option<String>,
}

/// Which events to list; every condition given must hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventFilter {
    /// Only this user's.
    pub user: Option<String>,
    /// Only of this type.
    pub event_type: Option<String>,
    /// Only views of this page, in its normal form.
    pub page: Option<String>,
    /// Only deliveries and bounces of this domain, in its normal form.
    pub domain: Option<String>,
    /// Only in this range.
    pub range: TimeRange,
}

impl Default for EventFilter {
    fn default() -> Self {
        Self { user: None, event_type: None, page: None, domain: None, range: TimeRange::ALL }
    }
}

/// A place in the list of events, which is ordered by time and then by identity.
pub type Position = (Timestamp, EventId);

/// Which way a list runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Order {
    /// Oldest first.
    #[default]
    Ascending,
    /// Newest first.
    Descending,
}

/// One page of a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slice {
    /// Which way the list runs.
    pub order: Order,
    /// Only what comes after this place, in that order.
    pub after: Option<Position>,
    /// At most so many.
    pub limit: usize,
}
