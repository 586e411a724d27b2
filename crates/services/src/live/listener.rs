//! One who listens.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use footfall_domain::event::EventId;

use super::filter::LiveFilter;
use super::inbox::{Delivery, Frame, Inbox};
use super::recent::{self, Mark, Recent};
use super::{Live, lock};

/// Events, and items, that are given at a time of those that are given again.
const EVENTS_AT_A_TIME: usize = 256;
const ITEMS_AT_A_TIME: usize = 256;

/// One who listens, until it is dropped.
pub struct Listener {
    live: Arc<Live>,
    filter: LiveFilter,
    inbox: Arc<Inbox>,
    replay: Option<Replay>,
    joined_at: Mark,
    is_resumed: bool,
}

/// Recent events that a listener is given again. They stay where they are until it takes them, so that one that doesn't read
/// holds nothing: what has gone meanwhile it has missed.
struct Replay {
    /// Before the item of which events come next.
    from: Mark,
    /// How many of it were given.
    given: usize,
    to: Mark,
}

impl Listener {
    /// Comes in after that event, if it is among the recent ones; else now.
    pub(super) fn join(live: &Arc<Live>, filter: LiveFilter, after: Option<EventId>) -> Self {
        // Looked for outside the lock, which those who store events take too.
        let place = after.and_then(|id| {
            let items: Vec<_> = lock(&live.recent).from(0).cloned().collect();
            recent::find(&items, id)
        });
        let from = place.map(|(mark, place)| (mark, place + 1));
        Self::enter(live, filter, |recent| from.filter(|(mark, _)| recent.reaches(mark.place)))
    }

    /// Comes in at that place.
    pub(super) fn join_at(live: &Arc<Live>, filter: LiveFilter, mark: Mark) -> Self {
        Self::enter(live, filter, |_| Some((mark, 0)))
    }

    fn enter(
        live: &Arc<Live>,
        filter: LiveFilter,
        from: impl FnOnce(&Recent) -> Option<(Mark, usize)>,
    ) -> Self {
        let inbox = Arc::new(Inbox::new(live.limits.buffer_bytes));
        live.change_index(|index| (index.with(&filter, Arc::clone(&inbox)), ()));
        // From here on it is seen, or noticed, by who accepts events; and from the present place on they are for it.
        let recent = lock(&live.recent);
        let joined_at = recent.end();
        inbox.begin(joined_at.place);
        let replay = from(&recent).map(|(from, given)| Replay { from, given, to: joined_at });
        drop(recent);
        if live.is_closed.load(Ordering::Acquire) {
            inbox.close();
        }
        let is_resumed = replay.is_some();
        Self { live: Arc::clone(live), filter, inbox, replay, joined_at, is_resumed }
    }

    /// Whether it goes on after the event that it was to go on after.
    pub(crate) const fn is_resumed(&self) -> bool {
        self.is_resumed
    }

    /// Where it came in.
    pub(super) const fn joined_at(&self) -> Mark {
        self.joined_at
    }

    /// Whether what it gets next was accepted before it came in.
    pub(super) const fn is_replaying(&self) -> bool {
        self.replay.is_some()
    }

    pub(crate) const fn filter(&self) -> &LiveFilter {
        &self.filter
    }

    /// What comes next, as much as there is; waits for it. `None` after the end.
    ///
    /// Before `rest` is over it gives only what can't wait, because there will soon be no room for more. So whoever rests
    /// after each delivery gets much at once where much comes, instead of being woken for every event.
    pub async fn next(&mut self, rest: impl Future<Output = ()>) -> Option<Delivery> {
        while let Some(replay) = &mut self.replay {
            let delivery = replay.some(&self.live, &self.filter);
            if replay.from.place >= replay.to.place {
                self.replay = None;
            }
            if !delivery.is_empty() {
                return Some(delivery);
            }
        }
        let mut rest = pin!(rest);
        let mut is_resting = true;
        poll_fn(|context| {
            is_resting = is_resting && rest.as_mut().poll(context).is_pending();
            self.inbox.poll_take(context, is_resting)
        })
        .await
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.live.leave(&self.filter, &self.inbox);
    }
}

impl Replay {
    /// The next events, or how many of them are gone; nothing where none of those looked at is wanted.
    fn some(&mut self, live: &Live, filter: &LiveFilter) -> Delivery {
        let span = lock(&live.recent).span(self.from, self.to, ITEMS_AT_A_TIME);
        let mut delivery = Delivery::default();
        if span.missed > 0 {
            delivery.lagged = span.missed - self.given as u64;
            (self.from, self.given) = (span.from, 0);
            return delivery;
        }
        for item in &span.items {
            self.from = Recent::before(item);
            while self.given < item.accepted.len() {
                if delivery.frames.len() >= EVENTS_AT_A_TIME {
                    return delivery;
                }
                let event = item.accepted.get(self.given);
                if filter.wants(event) && !item.is_certain {
                    // A gap stands after the events of its delivery.
                    if delivery.frames.is_empty() {
                        delivery.lagged = 1;
                        self.given += 1;
                    }
                    return delivery;
                }
                if filter.wants(event) {
                    delivery.frames.push_back(Frame::of(event));
                }
                self.given += 1;
            }
            self.given = 0;
            self.from = Recent::after(item);
        }
        if span.items.len() < ITEMS_AT_A_TIME {
            self.from = self.to;
        }
        delivery
    }
}
