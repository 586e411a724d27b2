//! A listener that goes on where it stopped: what it missed comes from the recent events, or from the store.

use std::collections::{HashSet, VecDeque};
use std::future::ready;
use std::sync::Arc;

use footfall_domain::answers::{EventFilter, Order, Position, Slice};
use footfall_domain::event::EventId;
use footfall_domain::time::TimeRange;
use footfall_ports::{EventLog, StoreError};

use super::inbox::{Delivery, Frame};
use super::{Listener, Live, LiveFilter, TooManyListeners};

/// Events that are read from the store at a time.
const PAGE: usize = 256;
/// Events that are remembered, so that none comes from the store and live too. Beyond that, live has to wait.
const REMEMBERED_MAX: usize = 32 * PAGE;

/// A listener that may have something to catch up on.
pub struct Resumed {
    live: Arc<Live>,
    log: Arc<dyn EventLog>,
    /// Holds the place among the listeners from the start.
    listener: Listener,
    catching_up: Option<CatchingUp>,
    /// Events that came from the store since the listener listens.
    remembered: HashSet<EventId>,
}

/// How far the store was read.
struct CatchingUp {
    after: Position,
    /// Whether the listener listens since before the last reading.
    is_live: bool,
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
        let mut catching_up = None;
        if let Some(id) = after.filter(|_| !listener.is_resumed()) {
            let event = log.event(id).await?;
            catching_up = event.map(|event| CatchingUp { after: (event.get().at(), id), is_live: false });
        }
        let (live, log) = (Arc::clone(self), Arc::clone(log));
        Ok(Resumed { live, log, listener, catching_up, remembered: HashSet::new() })
    }
}

impl Resumed {
    /// What comes next, as much as there is; waits for it, and rests, as [`Listener::next`]. `None` after the end, also when
    /// the store can't be read any more: whoever listens comes back then.
    pub async fn next(&mut self, rest: impl Future<Output = ()>) -> Option<Delivery> {
        while let Some(from) = &self.catching_up {
            let (after, is_live) = (from.after, from.is_live);
            let slice = Slice { order: Order::Ascending, after: Some(after), limit: PAGE };
            let page = match self.log.events(self.filter(), slice).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::warn!(%error, "a listener can't catch up");
                    return None;
                }
            };
            let is_last = page.len() < PAGE;
            if is_last && !is_live {
                // From here on nothing is missed that the store doesn't show in the next reading.
                self.listener = Listener::join(&self.live, self.listener.filter().clone(), None);
            }
            let after = page.last().map_or(after, |event| (event.get().at(), event.get().id()));
            self.catching_up =
                (!(is_last && is_live)).then_some(CatchingUp { after, is_live: is_live || is_last });
            let frames: VecDeque<Frame> = page.iter().map(|event| Frame::of(event.get())).collect();
            if is_live {
                self.remembered.extend(frames.iter().map(Frame::id));
            }
            if self.remembered.len() > REMEMBERED_MAX {
                // More comes in than is read: the store first, once more.
                self.remembered.clear();
                self.catching_up = Some(CatchingUp { after, is_live: false });
            }
            if !frames.is_empty() {
                return Some(Delivery { frames, lagged: 0 });
            }
        }
        let mut delivery = self.listener.next(rest).await?;
        loop {
            delivery.frames.retain(|frame| !self.remembered.contains(&frame.id()));
            if !delivery.is_empty() {
                return Some(delivery);
            }
            delivery = self.listener.next(ready(())).await?;
        }
    }

    fn filter(&self) -> EventFilter {
        let LiveFilter { event_type, user, page } = self.listener.filter().clone();
        EventFilter { user, event_type, page, domain: None, range: TimeRange::ALL }
    }
}
