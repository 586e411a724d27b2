//! One who listens.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;

use footfall_domain::event::EventId;

use super::filter::LiveFilter;
use super::inbox::{Delivery, Frame, Inbox};
use super::recent::{self, Item};
use super::{Live, lock};

/// Events that are given at a time of those that are given again.
const REPLAYED_AT_A_TIME: usize = 256;

/// One who listens, until it is dropped.
pub struct Listener {
    live: Arc<Live>,
    filter: LiveFilter,
    inbox: Arc<Inbox>,
    replay: Replay,
    is_resumed: bool,
}

/// Recent events that a listener is given again: from the place in the first item on.
#[derive(Default)]
struct Replay {
    items: VecDeque<Item>,
    place: usize,
}

impl Listener {
    /// Comes in after that event, if it is among the recent ones; else now.
    pub(super) fn join(live: &Arc<Live>, filter: LiveFilter, after: Option<EventId>) -> Self {
        // Looked for outside the lock, which those who store events take too.
        let place = after.and_then(|id| {
            let items: Vec<_> = lock(&live.recent).from(0).cloned().collect();
            recent::find(&items, id)
        });
        let (inbox, replay) = live.change_index(|index| {
            let recent = lock(&live.recent);
            let replay = place.filter(|(item, _)| recent.reaches(*item)).map(|(item, place)| Replay {
                items: recent.from(item).cloned().collect(),
                place: place + 1,
            });
            let inbox = Arc::new(Inbox::new(live.limits.buffer_bytes, recent.next()));
            (index.with(&filter, Arc::clone(&inbox)), (inbox, replay))
        });
        let is_resumed = replay.is_some();
        Self { live: Arc::clone(live), filter, inbox, replay: replay.unwrap_or_default(), is_resumed }
    }

    /// Whether it goes on after the event that it was to go on after.
    pub(crate) const fn is_resumed(&self) -> bool {
        self.is_resumed
    }

    pub(crate) const fn filter(&self) -> &LiveFilter {
        &self.filter
    }

    /// What comes next, as much as there is; waits for it. `None` after the end.
    ///
    /// Before `rest` is over it gives only what can't wait, because there will soon be no room for more. So whoever rests
    /// after each delivery gets much at once where much comes, instead of being woken for every event.
    pub async fn next(&mut self, rest: impl Future<Output = ()>) -> Option<Delivery> {
        while !self.replay.items.is_empty() {
            let delivery = self.replay.some(&self.filter);
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
    fn some(&mut self, filter: &LiveFilter) -> Delivery {
        let mut delivery = Delivery::default();
        while let Some(item) = self.items.front() {
            // A gap stands after the events of its delivery.
            while self.place < item.accepted.len()
                && delivery.frames.len() < REPLAYED_AT_A_TIME
                && (item.is_certain || delivery.frames.is_empty())
            {
                let event = item.accepted.get(self.place);
                self.place += 1;
                if filter.wants(event) {
                    if item.is_certain {
                        delivery.frames.push_back(Frame::of(event));
                    } else {
                        delivery.lagged += 1;
                    }
                }
            }
            if self.place < item.accepted.len() || delivery.lagged > 0 {
                break;
            }
            self.items.pop_front();
            self.place = 0;
        }
        if self.items.front().is_some_and(|item| self.place >= item.accepted.len()) {
            self.items.pop_front();
            self.place = 0;
        }
        delivery
    }
}
