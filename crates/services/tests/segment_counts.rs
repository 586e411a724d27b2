//! The snapshot of the segments' counts: taken once, shared, and never older than one that was seen.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use footfall_conformance::{TestClock, instant};
use footfall_domain::membership::{Membership, second_of};
use footfall_domain::time::{SECOND_US, Timestamp};
use footfall_memory::{InProcessSnapshots, MemoryOptions, MemoryStore};
use footfall_ports::{Found, Segments, Snapshot, SnapshotStore, StoreError};
use footfall_services::{SegmentSnapshots, TieredSnapshots};

/// A shared place that may be away, or be emptied.
#[derive(Default)]
struct Near {
    snapshots: std::sync::Mutex<Arc<InProcessSnapshots>>,
    is_away: AtomicBool,
}

impl Near {
    fn reach(&self) -> Result<Arc<InProcessSnapshots>, StoreError> {
        if self.is_away.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable { retry_after: Duration::from_secs(1), source: None });
        }
        Ok(self.snapshots.lock().unwrap().clone())
    }

    fn flush(&self) {
        *self.snapshots.lock().unwrap() = Arc::default();
    }
}

#[async_trait]
impl SnapshotStore for Near {
    async fn snapshot(&self, name: &str, known: Option<Timestamp>) -> Result<Found, StoreError> {
        self.reach()?.snapshot(name, known).await
    }

    async fn put_snapshot(&self, name: &str, snapshot: Snapshot) -> Result<(), StoreError> {
        self.reach()?.put_snapshot(name, snapshot).await
    }
}

/// Two instances on one store, with something near.
struct Set {
    clock: TestClock,
    store: Arc<MemoryStore>,
    near: Arc<Near>,
    one: SegmentSnapshots,
    other: SegmentSnapshots,
}

impl Set {
    fn new() -> Self {
        let clock = TestClock::at("2025-05-27T00:00");
        let options = MemoryOptions { max_bytes: 64 << 20, retention: None, clock: Arc::new(clock.clone()) };
        let store = Arc::new(MemoryStore::start(options).unwrap());
        let near = Arc::new(Near::default());
        let instance = || {
            let shared = Arc::new(TieredSnapshots::new(near.clone(), store.clone()));
            SegmentSnapshots::new(store.clone(), shared, Arc::new(clock.clone()))
        };
        let (one, other) = (instance(), instance());
        Self { clock, store, near, one, other }
    }

    async fn join(&self, user: &str) {
        let expires_at_s = second_of(instant("2025-05-28T00:00"));
        let membership = Membership { user: user.into(), segment: "RU".into(), expires_at_s };
        self.store.join(vec![membership]).await.unwrap();
    }
}

async fn shown(snapshots: &SegmentSnapshots) -> String {
    String::from_utf8(snapshots.current().await.unwrap().bytes.to_vec()).unwrap()
}

fn of(users: u64) -> String {
    format!(r#"[{{"title":"RU","usersCount":{users}}}]"#)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_question_takes_it_and_a_refresh_is_seen_everywhere() {
    let set = Set::new();
    assert_eq!(shown(&set.one).await, "[]");
    set.join("a").await;
    assert_eq!(shown(&set.one).await, "[]");
    set.clock.set(instant("2025-05-27T00:00").plus_micros(SECOND_US));
    let refreshed = set.other.refresh().await.unwrap();
    assert_eq!(refreshed.taken_at, instant("2025-05-27T00:00").plus_micros(SECOND_US));
    assert_eq!((shown(&set.one).await, shown(&set.other).await), (of(1), of(1)));
    assert_eq!(set.one.current().await.unwrap().taken_at, refreshed.taken_at);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_what_is_near_the_store_shares_it() {
    let set = Set::new();
    set.near.is_away.store(true, Ordering::Relaxed);
    set.join("a").await;
    set.one.refresh().await.unwrap();
    assert_eq!(shown(&set.other).await, of(1));
    set.join("b").await;
    set.other.refresh().await.unwrap();
    assert_eq!(shown(&set.one).await, of(2));
    // Back, and empty: it is brought up from behind.
    set.near.is_away.store(false, Ordering::Relaxed);
    assert_eq!(shown(&set.one).await, of(2));
    assert!(matches!(set.near.snapshot("segments", None).await.unwrap(), Found::Snapshot(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_with_an_older_one_is_brought_up() {
    let set = Set::new();
    set.join("a").await;
    set.one.refresh().await.unwrap();
    set.near.is_away.store(true, Ordering::Relaxed);
    set.join("b").await;
    set.other.refresh().await.unwrap();
    // With what it had.
    set.near.is_away.store(false, Ordering::Relaxed);
    set.other.share_again().await.unwrap();
    assert_eq!((shown(&set.one).await, shown(&set.other).await), (of(2), of(2)));
    set.near.flush();
    assert_eq!((shown(&set.one).await, shown(&set.other).await), (of(2), of(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_seen_a_newer_one_never_shows_an_older() {
    let set = Set::new();
    set.join("a").await;
    let older = set.one.refresh().await.unwrap();
    set.join("b").await;
    set.one.refresh().await.unwrap();
    set.near.flush();
    set.near.put_snapshot("segments", older).await.unwrap();
    assert_eq!(shown(&set.one).await, of(2));
    assert_eq!(shown(&set.other).await, of(2));
}
