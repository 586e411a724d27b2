//! The events that were accepted last, in the order in which they were: a queue for fanning them out, and what a listener that
//! comes back is given again.

use std::collections::VecDeque;

use footfall_domain::event::EventId;
use footfall_ports::Accepted;

/// Bounds of what is kept. The second keeps looking for an event in it short.
const BYTES_MAX: usize = 32 << 20;
const EVENTS_MAX: usize = 65_536;
/// What an item takes beside its records, about.
const ITEM_BYTES: usize = 160;

/// Events that were accepted together.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// Its number: items are numbered as they come.
    pub(super) place: u64,
    pub(super) accepted: Accepted,
    /// How many events were accepted before it.
    before: u64,
    /// Whether it is known that they were stored, and were not before. Else they are not shown: a listener is told that it
    /// may have missed them.
    pub(super) is_certain: bool,
    /// Whether someone may want them.
    is_wanted: bool,
}

#[derive(Debug, Default)]
pub(super) struct Recent {
    items: VecDeque<Item>,
    bytes: usize,
    events: usize,
    /// The number of the next item.
    next: u64,
    /// How many events were ever taken in.
    total: u64,
    /// Fanned out up to here.
    done: u64,
    /// Events that were wanted and had to go before they were fanned out.
    missed: u64,
}

/// What is to be fanned out next.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub(super) items: Vec<Item>,
    /// Events that can't be had any more, before these.
    pub(super) missed: u64,
}

/// A place between two items.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Mark {
    /// The number of the item after it.
    pub(super) place: u64,
    /// How many events were accepted before it.
    pub(super) events: u64,
}

/// Some of the items between two marks.
pub(super) struct Span {
    pub(super) items: Vec<Item>,
    /// So many events are not kept any more, before these.
    pub(super) missed: u64,
    /// The place after what is missing.
    pub(super) from: Mark,
}

impl Recent {
    /// The place after the last item.
    pub(super) const fn end(&self) -> Mark {
        Mark { place: self.next, events: self.total }
    }

    /// The place before that item.
    pub(super) const fn before(item: &Item) -> Mark {
        Mark { place: item.place, events: item.before }
    }

    /// The place after it.
    pub(super) fn after(item: &Item) -> Mark {
        Mark { place: item.place + 1, events: item.before + item.accepted.len() as u64 }
    }

    /// What is kept between the marks, at most so many items.
    pub(super) fn span(&self, from: Mark, to: Mark, items_max: usize) -> Span {
        let start = self.items.front().map_or(self.end(), Self::before);
        let start = if start.place > from.place { start } else { from };
        let start = if start.place > to.place { to } else { start };
        let between = self.from(start.place).take_while(|item| item.place < to.place);
        Span {
            items: between.take(items_max).cloned().collect(),
            missed: start.events - from.events,
            from: start,
        }
    }

    /// Returns what has to go for it: to be freed when nobody waits for these any more, since that takes longer than all else.
    #[must_use]
    pub(super) fn push(&mut self, accepted: Accepted, is_certain: bool, is_wanted: bool) -> Vec<Item> {
        let mut gone = Vec::new();
        self.bytes += accepted.bytes() + ITEM_BYTES;
        self.events += accepted.len();
        let total = self.total + accepted.len() as u64;
        self.items.push_back(Item { place: self.next, before: self.total, accepted, is_certain, is_wanted });
        (self.next, self.total) = (self.next + 1, total);
        while (self.bytes > BYTES_MAX || self.events > EVENTS_MAX) && self.items.len() > 1 {
            let Some(oldest) = self.items.pop_front() else { break };
            self.bytes -= oldest.accepted.bytes() + ITEM_BYTES;
            self.events -= oldest.accepted.len();
            if oldest.is_wanted && oldest.place >= self.done {
                self.missed += oldest.accepted.len() as u64;
            }
            gone.push(oldest);
        }
        gone
    }

    /// Items that wait to be fanned out, at most so many. `None` when none does.
    pub(super) fn take(&mut self, items_max: usize) -> Option<Work> {
        let mut work = Work { items: Vec::new(), missed: std::mem::take(&mut self.missed) };
        let first = self.next - self.items.len() as u64;
        self.done = self.done.max(first);
        while self.done < self.next && work.items.len() < items_max {
            let item = &self.items[(self.done - first) as usize];
            if item.is_wanted {
                work.items.push(item.clone());
            }
            self.done += 1;
        }
        (!work.items.is_empty() || work.missed > 0).then_some(work)
    }

    /// What is kept from that place on.
    pub(super) fn from(&self, place: u64) -> impl Iterator<Item = &Item> {
        let first = self.next - self.items.len() as u64;
        self.items.range((place.saturating_sub(first) as usize).min(self.items.len())..)
    }

    /// Whether nothing has gone from that place on.
    pub(super) fn reaches(&self, place: u64) -> bool {
        place >= self.next - self.items.len() as u64
    }

    /// Forgets what is kept; numbers go on.
    pub(super) fn clear(&mut self) {
        (self.bytes, self.events, self.missed) = (0, 0, 0);
        self.items.clear();
        self.done = self.next;
    }
}

/// Where that event is: the place of its item, and its own among the events of it.
pub(super) fn find(items: &[Item], id: EventId) -> Option<(Mark, usize)> {
    // Whoever comes back has not been away for long.
    items.iter().rev().filter(|item| item.is_certain).find_map(|item| {
        let place = item.accepted.iter().position(|event| event.id() == id)?;
        Some((Recent::before(item), place))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use footfall_domain::event::{EventBatch, EventParts, Subject};
    use footfall_domain::time::Timestamp;

    use super::*;

    fn accepted(first: u32, events: u32, properties: &str) -> Accepted {
        let mut batch = EventBatch::default();
        for number in first..first + events {
            let id = id(number);
            batch.push(&EventParts {
                id,
                at: Timestamp::MIN,
                event_type: "click",
                user: Some("ann"),
                subject: Subject::None,
                properties,
            });
        }
        Accepted::all(Arc::new(batch)).unwrap()
    }

    fn id(number: u32) -> EventId {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&number.to_le_bytes());
        EventId::from_bytes(bytes)
    }

    fn places(work: Option<Work>) -> (Vec<u64>, u64) {
        let work = work.unwrap_or_default();
        (work.items.iter().map(|item| item.place).collect(), work.missed)
    }

    #[test]
    fn what_is_wanted_is_taken_once_in_order() {
        let mut recent = Recent::default();
        for (number, is_wanted) in [true, false, true, true].into_iter().enumerate() {
            let _ = recent.push(accepted(number as u32, 1, "{}"), true, is_wanted);
        }
        assert_eq!(places(recent.take(2)), (vec![0, 2], 0));
        assert_eq!(places(recent.take(2)), (vec![3], 0));
        assert!(recent.take(2).is_none());
    }

    #[test]
    fn what_goes_untaken_is_counted_where_it_was_wanted() {
        let mut recent = Recent::default();
        let _ = recent.push(accepted(0, 30_000, "{}"), true, true);
        let _ = recent.push(accepted(0, 30_000, "{}"), true, false);
        let _ = recent.push(accepted(0, 30_000, "{}"), true, true);
        let _ = recent.push(accepted(0, 30_000, "{}"), true, true);
        assert_eq!(places(recent.take(9)), (vec![2, 3], 30_000));
        let _ = recent.push(accepted(0, 40_000, "{}"), true, true);
        assert_eq!(places(recent.take(9)), (vec![4], 0));
    }

    #[test]
    fn bytes_are_bounded_but_for_a_last_one() {
        let mut recent = Recent::default();
        let large = format!("{{\"x\":\"{}\"}}", "x".repeat(32_000));
        for number in 0..3_000 {
            let _ = recent.push(accepted(number, 1, &large), true, false);
            assert!(recent.bytes <= BYTES_MAX);
        }
        assert!(recent.items.len() > 900);
        recent.clear();
        assert_eq!((recent.bytes, recent.events, recent.next), (0, 0, 3_000));
        assert!(recent.reaches(3_000) && !recent.reaches(2_999));
    }

    #[test]
    fn an_event_is_found_where_it_is() {
        let mut recent = Recent::default();
        for first in [0, 10, 20] {
            let _ = recent.push(accepted(first, 10, "{}"), first != 10, true);
        }
        let items: Vec<_> = recent.from(0).cloned().collect();
        assert_eq!(find(&items, id(25)), Some((Mark { place: 2, events: 20 }, 5)));
        assert_eq!(find(&items, id(0)), Some((Mark { place: 0, events: 0 }, 0)));
        assert_eq!(find(&items, id(15)), None, "it is not certain that it was stored");
        assert_eq!(find(&items, id(30)), None);
        assert_eq!(recent.from(1).count(), 2);
        assert_eq!(recent.from(9).count(), 0);
    }

    #[test]
    fn between_marks_comes_what_is_kept_and_the_rest_is_counted() {
        let mut recent = Recent::default();
        let begin = recent.end();
        for first in [0, 30_000, 60_000] {
            let _ = recent.push(accepted(first, 30_000, "{}"), true, false);
        }
        let span = recent.span(begin, recent.end(), 9);
        assert_eq!((span.items.len(), span.missed), (2, 30_000));
        assert_eq!(span.from, Mark { place: 1, events: 30_000 });
        let span = recent.span(span.from, recent.end(), 1);
        assert_eq!((span.items.len(), span.missed, Recent::after(&span.items[0]).events), (1, 0, 60_000));
        let end = recent.end();
        recent.clear();
        let span = recent.span(begin, end, 9);
        assert_eq!((span.items.len(), span.missed, span.from), (0, 90_000, end));
        assert!(recent.span(end, end, 9).items.is_empty());
    }
}
