//! What waits for one listener.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use footfall_domain::event::{EventId, EventRef};

/// An event on its way to listeners, written as JSON once for all of them.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The event's identity.
    pub id: EventId,
    /// The event as the API shows it.
    pub json: Bytes,
}

impl Frame {
    /// Writes an event.
    pub fn of(event: EventRef<'_>) -> Self {
        let mut json = Vec::with_capacity(event.record().len() + 128);
        event.write_json(&mut json);
        Self { id: event.id(), json: json.into() }
    }
}

/// What a listener gets at once: first the events, and then it may have missed some.
#[derive(Debug, Default)]
pub struct Delivery {
    /// Events, in order.
    pub frames: VecDeque<Frame>,
    /// How many events were left out after these, at most, before whatever comes next.
    pub lagged: u64,
}

impl Delivery {
    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty() && self.lagged == 0
    }
}

/// A bounded buffer between who fans events out and one listener. Who puts never waits: when there is no room, events are
/// counted instead of kept, until the listener has taken what there is.
#[derive(Debug)]
pub(super) struct Inbox {
    bytes_max: usize,
    /// Only what was accepted from this place on is for this listener.
    from: u64,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    delivery: Delivery,
    bytes: usize,
    waker: Option<Waker>,
    is_closed: bool,
}

/// What became of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Put {
    Kept,
    LeftOut,
}

impl Inbox {
    pub(super) fn new(bytes_max: usize, from: u64) -> Self {
        Self { bytes_max, from, waiting: Mutex::default() }
    }

    pub(super) const fn from(&self) -> u64 {
        self.from
    }

    pub(super) fn put(&self, frame: &Frame) -> Put {
        let mut waiting = self.lock();
        // A gap has one place: after what was kept, and before what will be.
        let is_full = waiting.delivery.lagged > 0
            || (waiting.bytes + frame.json.len() > self.bytes_max && waiting.bytes > 0);
        if is_full {
            waiting.delivery.lagged += 1;
        } else {
            waiting.bytes += frame.json.len();
            waiting.delivery.frames.push_back(frame.clone());
        }
        wake(waiting);
        if is_full { Put::LeftOut } else { Put::Kept }
    }

    /// Notes that so many events were left out.
    pub(super) fn leave_out(&self, events: u64) {
        let mut waiting = self.lock();
        waiting.delivery.lagged += events;
        wake(waiting);
    }

    /// Nothing comes any more.
    pub(super) fn close(&self) {
        let mut waiting = self.lock();
        waiting.is_closed = true;
        wake(waiting);
    }

    /// All that waits, or nothing more after the end.
    pub(super) fn poll_take(&self, context: &Context<'_>) -> Poll<Option<Delivery>> {
        let mut waiting = self.lock();
        if !waiting.delivery.is_empty() {
            waiting.bytes = 0;
            return Poll::Ready(Some(std::mem::take(&mut waiting.delivery)));
        }
        if waiting.is_closed {
            return Poll::Ready(None);
        }
        waiting.waker = Some(context.waker().clone());
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes the listener if it waits. Not under the lock: it may run at once.
fn wake(mut waiting: MutexGuard<'_, Waiting>) {
    let waker = waiting.waker.take();
    drop(waiting);
    if let Some(waker) = waker {
        waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use futures_util::future::poll_fn;

    use super::*;

    fn frame(text: &'static str) -> Frame {
        Frame { id: EventId::from_bytes([0; 16]), json: Bytes::from_static(text.as_bytes()) }
    }

    #[derive(PartialEq, Eq, Debug)]
    enum Taken {
        Nothing,
        End,
        These(Vec<Bytes>, u64),
    }

    fn take(inbox: &Inbox) -> Taken {
        match poll_fn(|context| inbox.poll_take(context)).now_or_never() {
            None => Taken::Nothing,
            Some(None) => Taken::End,
            Some(Some(Delivery { frames, lagged })) => {
                Taken::These(frames.into_iter().map(|frame| frame.json).collect(), lagged)
            }
        }
    }

    #[test]
    fn what_finds_no_room_is_counted_until_all_is_taken() {
        let inbox = Inbox::new(10, 0);
        assert_eq!(take(&inbox), Taken::Nothing);
        assert_eq!(inbox.put(&frame("12345")), Put::Kept);
        assert_eq!(inbox.put(&frame("67890")), Put::Kept);
        assert_eq!(inbox.put(&frame("x")), Put::LeftOut);
        assert_eq!(inbox.put(&frame("y")), Put::LeftOut);
        assert_eq!(take(&inbox), Taken::These(vec!["12345".into(), "67890".into()], 2));
        assert_eq!(inbox.put(&frame("z")), Put::Kept);
        assert_eq!(take(&inbox), Taken::These(vec!["z".into()], 0));
    }

    #[test]
    fn an_event_larger_than_the_bound_passes_alone() {
        let inbox = Inbox::new(2, 0);
        assert_eq!(inbox.put(&frame("12345")), Put::Kept);
        assert_eq!(inbox.put(&frame("1")), Put::LeftOut);
        assert_eq!(take(&inbox), Taken::These(vec!["12345".into()], 1));
    }

    #[test]
    fn what_waits_is_had_after_the_end_too() {
        let inbox = Inbox::new(10, 0);
        inbox.put(&frame("1"));
        inbox.leave_out(3);
        inbox.close();
        assert_eq!(take(&inbox), Taken::These(vec!["1".into()], 3));
        assert_eq!(take(&inbox), Taken::End);
    }
}
