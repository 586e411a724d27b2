//! A listener that goes on where it stopped: what it missed comes from the recent events, or from the store.

use std::collections::{HashSet, VecDeque};
use std::pin::pin;
use std::sync::Arc;

use footfall_domain::answers::{EventFilter, Order, Position, Slice};
use footfall_domain::event::{EventId, EventRef};
use footfall_domain::time::{MINUTE_US, TimeRange, Timestamp};
use footfall_ports::{EventLog, StoreError};
use futures_util::future::maybe_done;

use super::inbox::{Delivery, Frame};
use super::{Listener, Live, LiveFilter, TooManyListeners};

/// Events that are read from the store at a time.
const PAGE: usize = 256;
/// Events from the store that are remembered, at most, so that none comes live too.
const GIVEN_MAX: usize = 65_536;
/// Of what happened longer before than this when catching up began, nothing is accepted meanwhile but what is late. And an event
/// can be read from the store before it is told of that it was accepted, but not for longer than this.
const RECENTLY_US: i64 = MINUTE_US;

/// A listener that may have something to catch up on.
pub struct Resumed {
    live: Arc<Live>,
    log: Arc<dyn EventLog>,
    /// Holds the place among the listeners from the start.
    listener: Listener,
    /// How far the store was read, until it is read to its end.
    after: Option<Position>,
    given: Given,
}

/// Events that came from the store and may come live too.
struct Given {
    since: Timestamp,
    /// When no more of them can; not known before the store is read to its end.
    until: Option<Timestamp>,
    ids: HashSet<EventId>,
    oldest_first: VecDeque<EventId>,
}

/// Why nobody can listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// There are as many as there may be.
    #[error(transparent)]
    TooMany(#[from] TooManyListeners),
    /// The store can't tell what was missed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Live {
    /// Listens, and gets what was accepted after that event first. If it is among the recent ones that is exact. Else it is
    /// what the store has after it, by time: events that came late, with times before that one's, are not among it. After an
    /// event that nobody knows it listens from now on.
    ///
    /// # Errors
    /// [`ListenError`].
    pub async fn resume(
        self: &Arc<Self>,
        log: &Arc<dyn EventLog>,
        filter: LiveFilter,
        after: Option<EventId>,
    ) -> Result<Resumed, ListenError> {
        let listener = self.listen(filter, after).await?;
        let mut position = None;
        if let Some(id) = after.filter(|_| !listener.is_resumed()) {
            position = log.event(id).await?.map(|event| (event.get().at(), id));
        }
        let since = self.clock.now().plus_micros(-RECENTLY_US);
        let given = Given { since, until: None, ids: HashSet::new(), oldest_first: VecDeque::new() };
        let (live, log) = (Arc::clone(self), Arc::clone(log));
        Ok(Resumed { live, log, listener, after: position, given })
    }
}

impl Resumed {
    /// What comes next, as much as there is; waits for it, and rests, as [`Listener::next`] does. `None` after the end, also when
    /// the store can't be read any more: whoever listens comes back then.
    pub async fn next(&mut self, rest: impl Future<Output = ()>) -> Option<Delivery> {
        while let Some(after) = self.after {
            let slice = Slice { order: Order::Ascending, after: Some(after), limit: PAGE };
            let page = match self.log.events(self.filter(), slice).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::warn!(%error, "a listener can't catch up");
                    return None;
                }
            };
            self.after = page.last().map(|event| (event.get().at(), event.get().id()));
            for event in &page {
                self.given.note(event.get());
            }
            if page.len() < PAGE {
                // What was accepted since it came in is among the recent events, or counted as missed.
                let (filter, mark) = (self.listener.filter().clone(), self.listener.joined_at());
                self.listener = Listener::join_at(&self.live, filter, mark);
                self.after = None;
                self.given.until = Some(self.live.clock.now().plus_micros(RECENTLY_US));
            }
            let frames: VecDeque<Frame> = page.iter().map(|event| Frame::of(event.get())).collect();
            if !frames.is_empty() {
                return Some(Delivery { frames, lagged: 0 });
            }
        }
        // It may be looked at again when it is over: after a delivery of which nothing is left.
        let mut rest = pin!(maybe_done(rest));
        loop {
            let is_replaying = self.listener.is_replaying();
            let mut delivery = self.listener.next(rest.as_mut()).await?;
            if !self.given.ids.is_empty() {
                delivery.frames.retain(|frame| !self.given.ids.contains(&frame.id()));
                let is_over = self.given.until.is_some_and(|until| self.live.clock.now() >= until);
                if is_over && !is_replaying {
                    self.given.forget();
                }
            }
            if !delivery.is_empty() {
                return Some(delivery);
            }
        }
    }

    fn filter(&self) -> EventFilter {
        let LiveFilter { event_type, user, page } = self.listener.filter().clone();
        EventFilter { user, event_type, page, domain: None, range: TimeRange::ALL }
    }
}

impl Given {
    fn note(&mut self, event: EventRef<'_>) {
        if event.at() < self.since {
            return;
        }
        self.ids.insert(event.id());
        self.oldest_first.push_back(event.id());
        if self.oldest_first.len() > GIVEN_MAX
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }

    fn forget(&mut self) {
        (self.ids, self.oldest_first) = Default::default();
    }
}
