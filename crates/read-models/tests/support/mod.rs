//! Events as the tests write them, and answers counted one by one. Shares nothing with the read models, nor with the
//! conformance suite's reference: two are less likely to be wrong in the same way.

use std::collections::{BTreeMap, BTreeSet};

use footfall_domain::answers::{
    EventFilter, Metric, Order, PageCounts, PageOrder, RankedPage, SeriesFilter, Slice, Summary,
};
use footfall_domain::event::{EventId, Subject};
use footfall_domain::time::{HOUR_US, TimeRange, Timestamp};
use footfall_read_models::{Fact, Location, ReadModels};

/// An event in the making; its place among all is where the log keeps it.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) at: Timestamp,
    pub(crate) event_type: &'static str,
    pub(crate) user: Option<String>,
    /// A page of page views, a domain of deliveries and bounces.
    pub(crate) subject: Option<String>,
}

impl Sample {
    pub(crate) fn is_view(&self) -> bool {
        self.event_type == "page_view"
    }

    fn is_mail(&self) -> bool {
        matches!(self.event_type, "delivered" | "bounced")
    }

    fn fact(&self, place: usize) -> Fact<'_> {
        let subject = match &self.subject {
            Some(page) if self.is_view() => Subject::Page(page),
            Some(domain) if self.is_mail() => Subject::Domain(domain),
            _ => Subject::None,
        };
        let (event_type, user) = (self.event_type, self.user.as_deref());
        Fact { at: self.at, event_type, user, subject, location: Location::new(place as u64) }
    }
}

/// The identity of the event at a place: in no order that has to do with the places.
pub(crate) fn id_of(place: u64) -> EventId {
    EventId::from_bytes(
        (u128::from(place).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)).to_be_bytes(),
    )
}

/// The read models, and beside them all events that were ever added.
#[derive(Default)]
pub(crate) struct Held {
    pub(crate) models: ReadModels,
    pub(crate) events: Vec<Sample>,
    /// Places that forgetting has returned, by age or by user.
    dropped: BTreeSet<usize>,
    erased: BTreeSet<usize>,
    floor: Option<Timestamp>,
}

impl Held {
    pub(crate) fn add(&mut self, samples: &[Sample]) {
        let first = self.events.len();
        self.models.add(samples.iter().enumerate().map(|(step, sample)| sample.fact(first + step)));
        self.events.extend_from_slice(samples);
    }

    /// Forgets, and checks that exactly the events before the floor are named, each of them once ever.
    pub(crate) fn forget_before(&mut self, oldest: Timestamp) {
        let dropped = self.models.forget_before(oldest);
        let named: Vec<usize> = dropped
            .iter()
            .flat_map(footfall_read_models::HourRows::locations)
            .map(|location| location.bits() as usize)
            .collect();
        let set: BTreeSet<usize> = named.iter().copied().collect();
        assert_eq!(set.len(), named.len(), "an event was named twice");
        let floor = Timestamp::from_micros_clamped(oldest.micros().div_euclid(HOUR_US) * HOUR_US);
        // At the same floor again, what came late and below it is named.
        if self.floor.is_none_or(|before| floor >= before) {
            self.floor = Some(floor);
            let expected: BTreeSet<usize> = (0..self.events.len())
                .filter(|place| self.events[*place].at < floor && self.is_held(*place))
                .collect();
            assert_eq!(set, expected);
            self.dropped.extend(set);
        } else {
            assert!(named.is_empty());
        }
    }

    /// Forgets a user, and checks that exactly their events are named, each of them once ever.
    pub(crate) fn forget_user(&mut self, user: &str) {
        let forgotten = self.models.forget_user(user).into_iter();
        let named: Vec<usize> = forgotten.map(|(_, location)| location.bits() as usize).collect();
        let set: BTreeSet<usize> = named.iter().copied().collect();
        assert_eq!(set.len(), named.len(), "an event was named twice");
        let is_theirs = |place: &usize| self.events[*place].user.as_deref() == Some(user);
        let expected: BTreeSet<usize> =
            (0..self.events.len()).filter(|place| is_theirs(place) && self.is_held(*place)).collect();
        assert_eq!(set, expected);
        self.erased.extend(set);
    }

    fn is_held(&self, place: usize) -> bool {
        !self.dropped.contains(&place) && !self.erased.contains(&place)
    }

    /// Builds models from what is held, in another order and in groups of that many, and expects no difference; then
    /// with the event at that place left out, and expects to be told.
    pub(crate) fn check_differences(&self, group: usize, left_out: usize) {
        let mut held: Vec<usize> = (0..self.events.len()).filter(|place| self.is_held(*place)).collect();
        // Far from the order in which they came, and from that of time.
        held.sort_by_key(|place| id_of(*place as u64));
        let build = |places: &[usize]| {
            let mut models = self.models.emptied();
            for places in places.chunks(group) {
                models.add(places.iter().map(|place| self.events[*place].fact(*place)));
            }
            models
        };
        let whole = build(&held);
        assert_eq!(self.models.differences(&whole, 10), [""; 0]);
        assert_eq!(whole.differences(&self.models, 10), [""; 0]);
        if !held.is_empty() {
            held.remove(left_out % held.len());
            let lacking = build(&held);
            assert!(!self.models.differences(&lacking, 10).is_empty());
            assert!(!lacking.differences(&self.models, 10).is_empty());
        }
    }

    /// What is kept within a range, with its places.
    pub(crate) fn kept(&self, range: TimeRange) -> impl Iterator<Item = (usize, &Sample)> {
        let floor = self.floor;
        self.events
            .iter()
            .enumerate()
            .filter(move |(_, event)| floor.is_none_or(|floor| event.at >= floor))
            .filter(|(place, _)| !self.erased.contains(place))
            .filter(move |(_, event)| event.at >= range.from() && event.at < range.to())
    }

    pub(crate) fn check_page(&self, page: &str, range: TimeRange) {
        let views: Vec<&Sample> = self
            .kept(range)
            .map(|(_, event)| event)
            .filter(|event| event.is_view() && event.subject.as_deref() == Some(page))
            .collect();
        let expected =
            PageCounts { distinct_visitors: users(views.iter().copied()), page_views: views.len() as u64 };
        assert_eq!(self.models.page(page, range), expected, "{page} {range:?}");
    }

    pub(crate) fn check_summary(&self, range: TimeRange) {
        let mut expected = Summary::default();
        let mut hour = range.from().micros().div_euclid(HOUR_US);
        let first = hour;
        while hour * HOUR_US < range.to().micros() {
            expected.events_per_hour.push(0);
            hour += 1;
        }
        for (_, event) in self.kept(range) {
            expected.total_events += 1;
            *expected.events_by_type.entry(event.event_type.into()).or_default() += 1;
            expected.events_per_hour[(event.at.micros().div_euclid(HOUR_US) - first) as usize] += 1;
        }
        expected.unique_users = users(self.kept(range).map(|(_, event)| event));
        assert_eq!(self.models.summary(range), expected, "{range:?}");
    }

    pub(crate) fn check_series(&self, metric: Metric, filter: &SeriesFilter, ranges: &[TimeRange]) {
        let value = |range: &TimeRange| {
            let passes = |event: &&Sample| {
                filter.event_type.as_ref().is_none_or(|name| name == event.event_type)
                    && filter
                        .page
                        .as_ref()
                        .is_none_or(|page| event.is_view() && event.subject.as_ref() == Some(page))
                    && (metric != Metric::PageViews || event.is_view())
            };
            let events = self.kept(*range).map(|(_, event)| event).filter(passes);
            if metric == Metric::Visitors { users(events) } else { events.count() as u64 }
        };
        let expected: Vec<u64> = ranges.iter().map(value).collect();
        assert_eq!(self.models.series(metric, filter, ranges), expected, "{metric:?} {filter:?} {ranges:?}");
    }

    pub(crate) fn check_top_pages(&self, range: TimeRange, order: PageOrder, limit: usize) {
        let mut by_page: BTreeMap<&str, Vec<&Sample>> = BTreeMap::new();
        for (_, event) in self.kept(range).filter(|(_, event)| event.is_view()) {
            by_page.entry(event.subject.as_deref().unwrap_or_default()).or_default().push(event);
        }
        let mut expected: Vec<RankedPage> = by_page
            .into_iter()
            .map(|(page, views)| RankedPage {
                url: page.into(),
                counts: PageCounts {
                    page_views: views.len() as u64,
                    distinct_visitors: users(views.into_iter()),
                },
            })
            .collect();
        // In order of names already; the sort is stable.
        expected.sort_by_key(|page| {
            std::cmp::Reverse(match order {
                PageOrder::Views => page.counts.page_views,
                PageOrder::Visitors => page.counts.distinct_visitors,
            })
        });
        expected.truncate(limit);
        assert_eq!(self.models.top_pages(range, order, limit), expected, "{range:?} {order:?} {limit}");
    }

    pub(crate) fn check_list(&self, filter: &EventFilter, slice: Slice) {
        let passes = |event: &Sample| {
            filter.user.as_ref().is_none_or(|user| event.user.as_ref() == Some(user))
                && filter.event_type.as_ref().is_none_or(|name| event.event_type == name)
                && filter
                    .page
                    .as_ref()
                    .is_none_or(|page| event.is_view() && event.subject.as_ref() == Some(page))
                && filter
                    .domain
                    .as_ref()
                    .is_none_or(|name| event.is_mail() && event.subject.as_ref() == Some(name))
        };
        let mut expected: Vec<(Timestamp, EventId, u64)> = self
            .kept(filter.range)
            .filter(|(_, event)| passes(event))
            .map(|(place, event)| (event.at, id_of(place as u64), place as u64))
            .collect();
        expected.sort_unstable();
        if slice.order == Order::Descending {
            expected.reverse();
        }
        let is_after = |(at, id, _): &(Timestamp, EventId, u64)| {
            slice.after.is_none_or(|after| match slice.order {
                Order::Ascending => (*at, *id) > after,
                Order::Descending => (*at, *id) < after,
            })
        };
        let expected: Vec<u64> =
            expected.into_iter().filter(is_after).take(slice.limit).map(|(_, _, place)| place).collect();
        let listed = self.models.list(filter, slice, |location| id_of(location.bits()));
        let listed: Vec<u64> = listed.into_iter().map(Location::bits).collect();
        assert_eq!(listed, expected, "{filter:?} {slice:?}");
    }
}

fn users<'a>(events: impl Iterator<Item = &'a Sample>) -> u64 {
    events.filter_map(|event| event.user.as_deref()).collect::<BTreeSet<_>>().len() as u64
}
