//! Answers that are used again: only where that is right, and worked out once for all who ask at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use footfall_conformance::{Draft, TestClock, batch_of, instant, range};
use footfall_domain::time::{HOUR_US, SECOND_US};
use footfall_memory::{CACHE_BYTES_DEFAULT, InProcessCache, MemoryOptions, MemoryStore};
use footfall_ports::{Cache, Clock, EventLog, StoreError};
use footfall_services::{Answer, Answers, Question};

/// A cache that may be away.
struct Flaky {
    cache: InProcessCache,
    is_away: AtomicBool,
    asked: AtomicUsize,
}

#[async_trait]
impl Cache for Flaky {
    async fn get(&self, key: &str) -> Result<Option<Arc<[u8]>>, StoreError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.is_away.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable { retry_after: Duration::from_secs(1), source: None });
        }
        self.cache.get(key).await
    }

    async fn put(&self, key: &str, value: Arc<[u8]>, keep: Duration) -> Result<(), StoreError> {
        if self.is_away.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable { retry_after: Duration::from_secs(1), source: None });
        }
        self.cache.put(key, value, keep).await
    }
}

struct Set {
    clock: TestClock,
    store: Arc<MemoryStore>,
    cache: Arc<Flaky>,
    answers: Arc<Answers>,
    worked: Arc<AtomicU64>,
}

impl Set {
    fn new(max_stale: Duration) -> Self {
        let clock = TestClock::at("2025-05-27T00:00");
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let options = MemoryOptions { max_bytes: 64 << 20, retention: None, clock: shared.clone() };
        let store = Arc::new(MemoryStore::start(options).unwrap());
        let cache = Arc::new(Flaky {
            cache: InProcessCache::new(CACHE_BYTES_DEFAULT, shared.clone()),
            is_away: AtomicBool::new(false),
            asked: AtomicUsize::new(0),
        });
        let answers = Arc::new(Answers::new(store.clone(), cache.clone(), shared, max_stale));
        Self { clock, store, cache, answers, worked: Arc::default() }
    }

    /// The answer, which says how many were worked out before it.
    async fn ask(&self, question: &Question) -> (u64, Option<u64>) {
        let work = async {
            let number = self.worked.fetch_add(1, Ordering::SeqCst);
            Ok::<_, StoreError>(number.to_string().into_bytes())
        };
        let Answer { bytes, age } = self.answers.answer(question, work).await.unwrap();
        let number = std::str::from_utf8(&bytes).unwrap().parse().unwrap();
        (number, age.map(|age| age.as_secs()))
    }

    async fn store(&self, number: u128, at_us: i64) {
        let at = instant("2025-05-26T12:00").plus_micros(at_us);
        self.store.append(batch_of(&[Draft::view(number, at, "ann", "/")])).await.unwrap();
    }
}

fn morning(what: &str) -> Question {
    let from = instant("2025-05-26T12:00");
    Question { what: what.into(), window: None, range: range(from, from.plus_micros(HOUR_US)) }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_may_be_stale_only_what_is_relevant_counts() {
    let set = Set::new(Duration::ZERO);
    set.store(1, 5).await;
    assert_eq!(set.ask(&morning("summary")).await, (0, None));
    assert_eq!(set.ask(&morning("summary")).await, (0, None));
    assert_eq!(set.ask(&morning("pages")).await, (1, None));
    // Outside the range, and a duplicate inside: nothing relevant.
    set.store(2, HOUR_US).await;
    set.store(3, -1).await;
    set.store(1, 5).await;
    assert_eq!(set.ask(&morning("summary")).await, (0, None));
    set.store(4, HOUR_US - 1).await;
    assert_eq!(set.ask(&morning("summary")).await, (2, None));
    set.store.erase_user("ann".into()).await.unwrap();
    assert_eq!(set.ask(&morning("summary")).await, (3, None));
    // As many events as before, and others.
    set.store(5, 7).await;
    set.store(6, 8).await;
    assert_eq!(set.ask(&morning("summary")).await, (4, None));
    assert_eq!(set.ask(&morning("summary")).await, (4, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_it_may_be_stale_it_is_for_so_long_and_says_how_old_it_is() {
    let set = Set::new(Duration::from_secs(30));
    assert_eq!(set.ask(&morning("summary")).await, (0, Some(0)));
    set.store(1, 5).await;
    let later = |seconds: i64| instant("2025-05-27T00:00").plus_micros(seconds * SECOND_US);
    set.clock.set(later(29));
    assert_eq!(set.ask(&morning("summary")).await, (0, Some(29)));
    set.clock.set(later(31));
    assert_eq!(set.ask(&morning("summary")).await, (1, Some(0)));
    // A window that moves on is the same question.
    let window = |seconds: i64| {
        let to = later(seconds);
        Question { what: "summary".into(), window: Some("1h"), range: range(to.plus_micros(-HOUR_US), to) }
    };
    assert_eq!(set.ask(&window(31)).await, (2, Some(0)));
    set.clock.set(later(40));
    assert_eq!(set.ask(&window(40)).await, (2, Some(9)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_that_is_away_is_done_without() {
    let set = Set::new(Duration::ZERO);
    set.cache.is_away.store(true, Ordering::Relaxed);
    assert_eq!(set.ask(&morning("summary")).await, (0, None));
    assert_eq!(set.ask(&morning("summary")).await, (1, None));
    set.cache.is_away.store(false, Ordering::Relaxed);
    assert_eq!(set.ask(&morning("summary")).await, (2, None));
    assert_eq!(set.ask(&morning("summary")).await, (2, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_cache_garbles_is_worked_out_again() {
    let set = Set::new(Duration::from_secs(30));
    for garbage in [&b""[..], b"short", &[0xFF; 40], &[0; 31]] {
        let key = "summary|2025-05-26T12:00:00.000000Z/2025-05-26T13:00:00.000000Z";
        set.cache.cache.put(key, garbage.into(), Duration::from_mins(1)).await.unwrap();
        let worked = set.worked.load(Ordering::SeqCst);
        assert_eq!(set.ask(&morning("summary")).await.0, worked);
    }
}

/// Also when the cache is away: a stampede is one's work.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_ask_at_once_one_works_it_out() {
    for is_away in [false, true] {
        let set = Arc::new(Set::new(Duration::ZERO));
        set.cache.is_away.store(is_away, Ordering::Relaxed);
        let begun = Arc::new(AtomicUsize::new(0));
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                let (set, begun) = (Arc::clone(&set), Arc::clone(&begun));
                tokio::spawn(async move {
                    let work = async {
                        begun.fetch_add(1, Ordering::SeqCst);
                        tokio::time::sleep(Duration::from_millis(300)).await;
                        Ok::<_, StoreError>(b"x".to_vec())
                    };
                    set.answers.answer(&morning("summary"), work).await.unwrap()
                })
            })
            .collect();
        for task in tasks {
            assert_eq!(&*task.await.unwrap().bytes, b"x");
        }
        assert_eq!(begun.load(Ordering::SeqCst), 1, "away: {is_away}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_gives_up_or_fails_leaves_it_to_the_next() {
    let set = Set::new(Duration::ZERO);
    let question = morning("summary");
    let never = set.answers.answer(&question, async {
        std::future::pending::<()>().await;
        Ok::<_, StoreError>(Vec::new())
    });
    assert!(tokio::time::timeout(Duration::from_millis(50), never).await.is_err());
    let fails = set.answers.answer(&question, async { Err(StoreError::Failed("a defect".into())) });
    assert!(fails.await.is_err());
    assert_eq!(set.ask(&question).await, (0, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_too_long_for_a_key_are_worked_out_each_time() {
    let set = Set::new(Duration::ZERO);
    let question = morning(&"x".repeat(600));
    assert_eq!(set.ask(&question).await, (0, None));
    assert_eq!(set.ask(&question).await, (1, None));
    assert_eq!(set.cache.asked.load(Ordering::Relaxed), 0);
}
