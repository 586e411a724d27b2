//! The live stream: what listeners are told, and what they are told that they may have missed.

use std::collections::VecDeque;
use std::future::ready;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use footfall_conformance::{Draft, TestClock, batch_of, id, instant};
use footfall_domain::answers::{EventFilter, Slice};
use footfall_domain::event::{Event, EventBatch, EventId};
use footfall_domain::time::{SECOND_US, Timestamp};
use footfall_domain::validate::Rules;
use footfall_memory::{MemoryOptions, MemoryStore};
use footfall_ports::{Accepted, Carried, Clock, EventIds, EventLog, LiveFeed, Outcome, StoreError};
use footfall_services::live::{Delivery, Frame, Listener, Live, LiveFilter, LiveLimits};
use footfall_services::{Ingest, Limits};
use futures_util::FutureExt;
use tokio::sync::Notify;

/// A store that fails, or never answers, when it is told to.
struct Flaky {
    store: MemoryStore,
    behaviour: Mutex<Behaviour>,
    told: Notify,
}

#[derive(Clone, Copy)]
enum Behaviour {
    Well,
    Full,
    /// It stores, and then nobody learns of it.
    Silent,
    /// It stores, and whoever asked learns of it only when it is told.
    Late,
    Broken,
}

#[async_trait]
impl EventLog for Flaky {
    async fn append(&self, batch: Arc<EventBatch>) -> Result<Vec<Outcome>, StoreError> {
        let behaviour = *self.behaviour.lock().unwrap();
        let retry_after = Duration::from_secs(1);
        match behaviour {
            Behaviour::Well => self.store.append(batch).await,
            Behaviour::Full => Err(StoreError::Full { retry_after }),
            Behaviour::Broken => Err(StoreError::Unavailable { retry_after, source: None }),
            Behaviour::Silent => {
                self.store.append(batch).await?;
                std::future::pending().await
            }
            Behaviour::Late => {
                let outcomes = self.store.append(batch).await;
                self.told.notified().await;
                outcomes
            }
        }
    }

    async fn event(&self, id: EventId) -> Result<Option<Event>, StoreError> {
        self.store.event(id).await
    }

    async fn events(&self, filter: EventFilter, slice: Slice) -> Result<Vec<Event>, StoreError> {
        self.store.events(filter, slice).await
    }

    async fn erase_user(&self, user: String) -> Result<u64, StoreError> {
        self.store.erase_user(user).await
    }
}

/// A feed that notes what it is told, and carries what it is given.
#[derive(Default)]
struct Feed {
    published: Mutex<usize>,
    missed: Mutex<u64>,
    is_listening: AtomicBool,
    carried: Mutex<VecDeque<Carried>>,
}

#[async_trait]
impl LiveFeed for Feed {
    fn publish(&self, accepted: &Accepted) {
        *self.published.lock().unwrap() += accepted.len();
    }

    fn miss(&self, events: u64) {
        *self.missed.lock().unwrap() += events;
    }

    async fn listen(&self, is_wanted: bool) {
        self.is_listening.store(is_wanted, Ordering::SeqCst);
    }

    async fn next(&self) -> Carried {
        loop {
            if let Some(carried) = self.carried.lock().unwrap().pop_front() {
                return carried;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

struct Ids(Mutex<u128>);

impl EventIds for Ids {
    fn next(&self, _: Timestamp) -> EventId {
        let mut next = self.0.lock().unwrap();
        *next += 1;
        id(*next)
    }
}

struct Set {
    clock: TestClock,
    store: Arc<Flaky>,
    feed: Arc<Feed>,
    live: Arc<Live>,
    ingest: Arc<Ingest>,
}

impl Set {
    fn new() -> Self {
        let clock = TestClock::at("2025-05-27T00:00");
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let options = MemoryOptions { max_bytes: 64 << 20, retention: None, clock: shared.clone() };
        let store = MemoryStore::start(options).unwrap();
        let store = Arc::new(Flaky { store, behaviour: Mutex::new(Behaviour::Well), told: Notify::new() });
        let feed = Arc::new(Feed::default());
        let limits = LiveLimits { listeners: 100, buffer_bytes: 1 << 20 };
        let live = Live::new(Some(feed.clone()), shared.clone(), limits);
        let ids = Arc::new(Ids(Mutex::new(1 << 64)));
        let limits = Limits { batch_events: 1_000 };
        let ingest = Ingest::new(store.clone(), live.clone(), shared, ids, Rules::default(), limits, None);
        tokio::spawn(live.clone().run());
        Self { clock, store, feed, live, ingest: Arc::new(ingest) }
    }

    fn behave(&self, behaviour: Behaviour) {
        *self.store.behaviour.lock().unwrap() = behaviour;
    }

    fn advance(&self, seconds: i64) {
        self.clock.set(self.clock.now().plus_micros(seconds * SECOND_US));
    }

    async fn listen(&self, user: Option<&str>, after: Option<EventId>) -> Listener {
        let filter = LiveFilter { user: user.map(str::to_owned), ..LiveFilter::default() };
        self.live.listen(filter, after).await.unwrap()
    }

    /// Takes in a click of that user.
    async fn click(&self, number: u128, user: &str) -> bool {
        let body = format!(r#"{{"event_id":"{}","user_id":"{user}","event_type":"click"}}"#, id(number));
        self.ingest.json(body.as_bytes()).await.is_ok()
    }
}

/// What comes next: the ids, and how many events were missed after them.
async fn next(listener: &mut Listener) -> (Vec<EventId>, u64) {
    let Delivery { frames, lagged } = listener.next(ready(())).await.expect("it goes on");
    (frames.iter().map(Frame::id).collect(), lagged)
}

fn ids(delivery: Option<Delivery>) -> Vec<EventId> {
    delivery.expect("it goes on").frames.iter().map(Frame::id).collect()
}

async fn nothing_comes(listener: &mut Listener) {
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(listener.next(ready(())).now_or_never().is_none());
}

#[tokio::test]
async fn what_may_have_been_stored_is_told_as_missed_and_what_was_not_is_not() {
    let set = Set::new();
    let (mut all, mut bob) = (set.listen(None, None).await, set.listen(Some("bob"), None).await);
    set.behave(Behaviour::Full);
    assert!(!set.click(1, "ann").await);
    nothing_comes(&mut all).await;
    set.behave(Behaviour::Broken);
    assert!(!set.click(2, "ann").await);
    assert_eq!(next(&mut all).await, (vec![], 1));
    // Who asked goes away before the answer: it is stored, and nobody would tell of it.
    set.behave(Behaviour::Silent);
    assert!(tokio::time::timeout(Duration::from_millis(20), set.click(3, "ann")).await.is_err());
    assert_eq!(next(&mut all).await, (vec![], 1));
    set.behave(Behaviour::Well);
    // Again it is a duplicate: stored, as it turns out.
    assert!(set.click(3, "ann").await && set.click(4, "bob").await);
    assert_eq!(next(&mut all).await, (vec![id(4)], 0));
    assert_eq!(next(&mut bob).await, (vec![id(4)], 0), "and nothing of what it doesn't want");
    assert_eq!(*set.feed.missed.lock().unwrap(), 2, "other instances are told, too");
}

#[tokio::test]
async fn others_are_told_also_when_nobody_listens_here() {
    let set = Set::new();
    assert!(set.click(1, "ann").await && set.click(1, "ann").await && set.click(2, "bob").await);
    assert_eq!(*set.feed.published.lock().unwrap(), 2, "a duplicate is not told of");
    assert!(!set.feed.is_listening.load(Ordering::SeqCst));
    assert_eq!(set.live.stats().written, 0, "nothing is written that nobody wants");
}

#[tokio::test]
async fn others_events_and_gaps_are_told() {
    let set = Set::new();
    let mut all = set.listen(None, None).await;
    assert!(set.feed.is_listening.load(Ordering::SeqCst));
    let carry = |carried| set.feed.carried.lock().unwrap().push_back(carried);
    let batch = batch_of(&[Draft::view(7, instant("2025-05-26T12:00"), "cas", "/")]);
    carry(Carried::Events(Accepted::all(batch).unwrap()));
    assert_eq!(next(&mut all).await, (vec![id(7)], 0));
    carry(Carried::Missed(5));
    assert_eq!(next(&mut all).await, (vec![], 5));
    assert_eq!(*set.feed.published.lock().unwrap(), 0, "they are not sent back");
}

#[tokio::test]
async fn what_is_recent_is_kept_for_a_minute_after_the_last_has_left() {
    let set = Set::new();
    let first = set.listen(None, None).await;
    set.click(1, "ann").await;
    drop(first);
    set.click(2, "ann").await;
    set.advance(59);
    set.live.rest().await;
    assert!(set.feed.is_listening.load(Ordering::SeqCst));
    let mut again = set.listen(None, Some(id(1))).await;
    assert_eq!(next(&mut again).await, (vec![id(2)], 0));
    set.advance(600);
    set.live.rest().await;
    assert!(set.feed.is_listening.load(Ordering::SeqCst), "someone listens");
    drop(again);
    set.advance(60);
    set.live.rest().await;
    assert!(!set.feed.is_listening.load(Ordering::SeqCst));
    set.click(3, "ann").await;
    let mut late = set.listen(None, Some(id(1))).await;
    nothing_comes(&mut late).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_comes_and_goes_hears_each_event_from_then_on_once_and_in_order() {
    let set = Arc::new(Set::new());
    // Listeners that break off and go on after the last event that they had, over and over.
    let mut listeners = Vec::new();
    for number in 0..8_u128 {
        let set = set.clone();
        let user = format!("user-{}", number % 3);
        let mut first = Some(set.listen(Some(&user), None).await);
        listeners.push(tokio::spawn(async move {
            let mut heard: Vec<EventId> = Vec::new();
            while heard.last() != Some(&id(((number % 3) << 32) + 1_999)) {
                let mut listener = match first.take() {
                    Some(first) => first,
                    None => set.listen(Some(&user), heard.last().copied()).await,
                };
                for _ in 0..=number {
                    let (ids, lagged) = next(&mut listener).await;
                    assert_eq!(lagged, 0);
                    heard.extend(ids);
                    if heard.last() == Some(&id(((number % 3) << 32) + 1_999)) {
                        break;
                    }
                }
                // Between two it misses nothing.
                tokio::task::yield_now().await;
            }
            let expected: Vec<_> = (0..2_000).map(|place| id(((number % 3) << 32) + place)).collect();
            assert!(heard == expected, "listener {number}: {} of {}", heard.len(), expected.len());
        }));
    }
    let producers: Vec<_> = (0..3_u128)
        .map(|producer| {
            let set = set.clone();
            tokio::spawn(async move {
                for number in 0..2_000 {
                    assert!(set.click((producer << 32) + number, &format!("user-{producer}")).await);
                }
            })
        })
        .collect();
    for task in producers.into_iter().chain(listeners) {
        task.await.unwrap();
    }
}

/// An event can be read a moment before it is told of that it was accepted.
#[tokio::test]
async fn what_a_listener_read_before_it_was_told_of_does_not_come_again() {
    let set = Set::new();
    assert!(set.click(1, "ann").await);
    set.behave(Behaviour::Late);
    let posted = async {
        assert!(set.click(2, "ann").await);
    };
    let caught_up = async {
        while set.store.event(id(2)).await.unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let log: Arc<dyn EventLog> = set.store.clone();
        let mut listener = set.live.resume(&log, LiveFilter::default(), Some(id(1))).await.ok().unwrap();
        assert_eq!(ids(listener.next(ready(())).await), [id(2)], "from the store");
        set.behave(Behaviour::Well);
        assert!(set.click(3, "ann").await);
        assert_eq!(ids(listener.next(ready(())).await), [id(3)], "live");
        set.store.told.notify_one();
        listener
    };
    let ((), mut listener) = futures_util::future::join(posted, caught_up).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(listener.next(ready(())).now_or_never().is_none());
    assert!(set.click(4, "ann").await);
    assert_eq!(ids(listener.next(ready(())).await), [id(4)]);
}

#[tokio::test]
async fn after_the_end_comes_nothing_and_nobody_may_come() {
    let set = Set::new();
    let mut all = set.listen(None, None).await;
    set.click(1, "ann").await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    set.live.close();
    assert_eq!(next(&mut all).await, (vec![id(1)], 0));
    assert!(all.next(ready(())).await.is_none());
    assert!(set.live.listen(LiveFilter::default(), None).await.is_err());
}
