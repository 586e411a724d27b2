//! What waits for one listener.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use footfall_domain::event::{EventId, EventRef};

/// An event on its way to listeners, written as JSON once for all of them.
#[derive(Clone, Debug)]
pub struct Frame(Arc<Written>);

#[derive(Debug)]
struct Written {
    id: EventId,
    json: Bytes,
    wrapped: OnceLock<Bytes>,
}

impl Frame {
    /// Writes an event.
    pub fn of(event: EventRef<'_>) -> Self {
        let mut json = Vec::with_capacity(event.record().len() + 128);
        event.write_json(&mut json);
        Self::new(event.id(), json.into())
    }

    /// An event that is written already.
    pub fn new(id: EventId, json: Bytes) -> Self {
        Self(Arc::new(Written { id, json, wrapped: OnceLock::new() }))
    }

    /// The event's identity.
    pub fn id(&self) -> EventId {
        self.0.id
    }

    /// The event as the API shows it.
    pub fn json(&self) -> &Bytes {
        &self.0.json
    }

    /// The event as a protocol sends it that needs more than to put the JSON somewhere. Made once for all listeners, so there
    /// can be one such protocol.
    pub fn wrapped(&self, wrap: impl FnOnce(&Self) -> Bytes) -> &Bytes {
        self.0.wrapped.get_or_init(|| wrap(self))
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
    /// Only what was accepted from this place on is for this listener; at first nothing.
    from: AtomicU64,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    delivery: Delivery,
    bytes: usize,
    waker: Option<Waker>,
    /// Who waits isn't woken for less.
    bytes_min: usize,
    is_closed: bool,
}

impl Waiting {
    /// A gap has one place: after what was kept, and before what will be.
    fn has_room(&self, bytes: usize, bytes_max: usize) -> bool {
        self.delivery.lagged == 0 && (self.bytes == 0 || self.bytes + bytes <= bytes_max)
    }

    /// Whether it is worth giving. A gap always is: it grows until it is taken.
    fn is_enough(&self, bytes_min: usize) -> bool {
        let Delivery { frames, lagged } = &self.delivery;
        *lagged > 0 || self.is_closed || (!frames.is_empty() && self.bytes >= bytes_min)
    }
}

impl Inbox {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, from: AtomicU64::new(u64::MAX), waiting: Mutex::default() }
    }

    pub(super) fn from(&self) -> u64 {
        self.from.load(Ordering::Acquire)
    }

    /// What is accepted from that place on is for this listener.
    pub(super) fn begin(&self, place: u64) {
        self.from.store(place, Ordering::Release);
    }

    /// Whether an event may find room.
    pub(super) fn has_room(&self) -> bool {
        self.lock().has_room(1, self.bytes_max)
    }

    /// Puts events in, in order, as far as there is room; those that aren't there are left out like those without room.
    /// Returns how many were kept and how many left out.
    pub(super) fn put<'a>(&self, frames: impl Iterator<Item = Option<&'a Frame>>) -> (u64, u64) {
        let (mut kept, mut left_out) = (0, 0);
        let mut waiting = self.lock();
        for frame in frames {
            match frame {
                Some(frame) if waiting.has_room(frame.json().len(), self.bytes_max) => {
                    waiting.bytes += frame.json().len();
                    waiting.delivery.frames.push_back(frame.clone());
                    kept += 1;
                }
                _ => {
                    waiting.delivery.lagged += 1;
                    left_out += 1;
                }
            }
        }
        wake(waiting);
        (kept, left_out)
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

    /// All that waits, or nothing more after the end. As long as the listener rests, only when there will soon be no room.
    pub(super) fn poll_take(&self, context: &Context<'_>, is_resting: bool) -> Poll<Option<Delivery>> {
        let mut waiting = self.lock();
        let bytes_min = if is_resting { self.bytes_max / 4 } else { 0 };
        if !waiting.is_enough(bytes_min) {
            waiting.waker = Some(context.waker().clone());
            waiting.bytes_min = bytes_min;
            return Poll::Pending;
        }
        waiting.bytes = 0;
        let delivery = std::mem::take(&mut waiting.delivery);
        Poll::Ready((!delivery.is_empty()).then_some(delivery))
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes the listener if it waits for no more than there is. Not under the lock: it may run at once.
fn wake(mut waiting: MutexGuard<'_, Waiting>) {
    let is_enough = waiting.is_enough(waiting.bytes_min);
    let waker = waiting.waker.take_if(|_| is_enough);
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
        Frame::new(EventId::from_bytes([0; 16]), Bytes::from_static(text.as_bytes()))
    }

    fn put<const N: usize>(inbox: &Inbox, texts: [&'static str; N]) -> (u64, u64) {
        let frames = texts.map(frame);
        inbox.put(frames.iter().map(Some))
    }

    #[derive(PartialEq, Eq, Debug)]
    enum Taken {
        Nothing,
        End,
        These(Vec<Bytes>, u64),
    }

    fn take(inbox: &Inbox) -> Taken {
        take_if(inbox, false)
    }

    fn take_if(inbox: &Inbox, is_resting: bool) -> Taken {
        match poll_fn(|context| inbox.poll_take(context, is_resting)).now_or_never() {
            None => Taken::Nothing,
            Some(None) => Taken::End,
            Some(Some(Delivery { frames, lagged })) => {
                Taken::These(frames.into_iter().map(|frame| frame.json().clone()).collect(), lagged)
            }
        }
    }

    #[test]
    fn what_finds_no_room_is_counted_until_all_is_taken() {
        let inbox = Inbox::new(10);
        assert_eq!(take(&inbox), Taken::Nothing);
        assert_eq!(put(&inbox, ["12345"]), (1, 0));
        assert_eq!(put(&inbox, ["67890", "x"]), (1, 1));
        assert!(!inbox.has_room());
        assert_eq!(put(&inbox, ["y"]), (0, 1));
        assert_eq!(take(&inbox), Taken::These(vec!["12345".into(), "67890".into()], 2));
        assert!(inbox.has_room());
        assert_eq!(put(&inbox, ["z"]), (1, 0));
        assert_eq!(take(&inbox), Taken::These(vec!["z".into()], 0));
    }

    #[test]
    fn what_was_not_written_is_a_gap() {
        let inbox = Inbox::new(10);
        let [first, last] = ["1", "2"].map(frame);
        assert_eq!(inbox.put([Some(&first), None, Some(&last)].into_iter()), (1, 2));
        assert_eq!(take(&inbox), Taken::These(vec!["1".into()], 2));
    }

    #[test]
    fn who_rests_is_given_what_would_soon_find_no_room_a_gap_and_the_end() {
        let inbox = Inbox::new(40);
        put(&inbox, ["12345"]);
        assert_eq!(take_if(&inbox, true), Taken::Nothing);
        put(&inbox, ["67890"]);
        assert_eq!(take_if(&inbox, true), Taken::These(vec!["12345".into(), "67890".into()], 0));
        inbox.leave_out(1);
        assert_eq!(take_if(&inbox, true), Taken::These(vec![], 1));
        put(&inbox, ["1"]);
        inbox.close();
        assert_eq!(take_if(&inbox, true), Taken::These(vec!["1".into()], 0));
        assert_eq!(take_if(&inbox, true), Taken::End);
    }

    #[test]
    fn who_rests_is_woken_for_much_only() {
        let (inbox, woken) = (Inbox::new(40), Arc::new(Woken::default()));
        let waker = Waker::from(Arc::clone(&woken));
        let is_woken = || woken.0.load(std::sync::atomic::Ordering::Relaxed);
        assert!(inbox.poll_take(&Context::from_waker(&waker), true).is_pending());
        put(&inbox, ["12345"]);
        assert!(!is_woken());
        put(&inbox, ["67890"]);
        assert!(is_woken());
    }

    #[derive(Default)]
    struct Woken(std::sync::atomic::AtomicBool);

    impl std::task::Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    }

    #[test]
    fn an_event_larger_than_the_bound_passes_alone() {
        let inbox = Inbox::new(2);
        assert_eq!(put(&inbox, ["12345", "1"]), (1, 1));
        assert_eq!(take(&inbox), Taken::These(vec!["12345".into()], 1));
    }

    #[test]
    fn what_waits_is_had_after_the_end_too() {
        let inbox = Inbox::new(10);
        put(&inbox, ["1"]);
        inbox.leave_out(3);
        inbox.close();
        assert_eq!(take(&inbox), Taken::These(vec!["1".into()], 3));
        assert_eq!(take(&inbox), Taken::End);
    }
}
