//! The memory store keeps within its bound in bytes: really, on the heap, and not only by its own count.
//!
//! Run with `--nocapture` to see the figures.

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, Ordering};
use std::sync::{Mutex, PoisonError};

use footfall_conformance::{Draft, batch_of, id, instant};
use footfall_domain::answers::{Metric, SeriesFilter};
use footfall_domain::time::{DAY_US, TimeRange, Timestamp};
use footfall_memory::MemoryStore;
use footfall_ports::{Analytics, EventLog, Outcome, StoreError};
use tokio::runtime::{Builder, Runtime};

use support::{TestClock, store};

/// Counts the bytes that are allocated, and the most that there were.
struct Counting;

static LIVE: AtomicIsize = AtomicIsize::new(0);
static PEAK: AtomicIsize = AtomicIsize::new(0);

fn changed(bytes: isize) {
    let live = LIVE.fetch_add(bytes, Ordering::Relaxed) + bytes;
    PEAK.fetch_max(live, Ordering::Relaxed);
}

#[expect(unsafe_code, reason = "an allocator can't be written without")]
// SAFETY: every call is handed to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        changed(layout.size() as isize);
        // SAFETY: as the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        changed(-(layout.size() as isize));
        // SAFETY: as the caller's.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both blocks are there while the bytes move, in the worst case.
        changed(size as isize);
        changed(-(layout.size() as isize));
        // SAFETY: as the caller's.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One at a time: they measure the whole process.
static TURN: Mutex<()> = Mutex::new(());

/// What kind of events a store is filled with.
#[derive(Clone, Copy, Debug)]
struct Load {
    batch: usize,
    users: u64,
    pages: u64,
    properties_bytes: usize,
}

const USUAL: Load = Load { batch: 100, users: 20_000, pages: 2_000, properties_bytes: 0 };
const SINGLE: Load = Load { batch: 1, users: u64::MAX, pages: u64::MAX, properties_bytes: 0 };
const FEW_NAMES: Load = Load { batch: 10, users: 40, pages: 5, properties_bytes: 0 };
const NEW_NAMES: Load = Load { batch: 100, users: u64::MAX, pages: u64::MAX, properties_bytes: 0 };
const LARGE: Load = Load { batch: 2, users: 1_000, pages: 100, properties_bytes: 32 * 1024 };

/// A small random generator (`SplitMix64`), so that every run is the same.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (bits ^ (bits >> 31)) % bound
    }
}

fn end() -> Timestamp {
    instant("2025-05-26T14:00")
}

fn random_batch(random: &mut Random, load: Load) -> Vec<Draft> {
    let draft = |random: &mut Random| {
        let number = u128::from(random.below(u64::MAX)) << 64 | u128::from(random.below(u64::MAX));
        let at = end().plus_micros(-(random.below((30 * DAY_US) as u64) as i64));
        let user = format!("user-{}", random.below(load.users));
        let page = format!("https://example.com/page/{}", random.below(load.pages));
        let draft = match random.below(4) {
            0 => Draft::plain(number, at, &user, "click"),
            1 => Draft::mail(
                number,
                at,
                "delivered",
                &format!("d{}.example", random.below(load.pages.min(500))),
            ),
            _ => Draft::view(number, at, &user, &page),
        };
        if load.properties_bytes == 0 {
            return draft;
        }
        let filler = "x".repeat(load.properties_bytes - draft.properties.len() - 10);
        let properties = format!("{},\"f\":\"{filler}\"}}", &draft.properties[..draft.properties.len() - 1]);
        let properties = properties.replace("{,", "{");
        draft.with_properties(properties)
    };
    (0..load.batch).map(|_| draft(random)).collect()
}

/// The batch of that number: made anew wherever it is needed, so that nothing but the store holds on to memory.
fn numbered_batch(number: u64, load: Load) -> Vec<Draft> {
    random_batch(&mut Random(number << 32), load)
}

/// What a store took until it was full.
#[derive(Debug)]
struct Filled {
    batches: u64,
    /// The most that the heap had grown by between two appends, and at any moment.
    real_bytes: usize,
    peak_bytes: usize,
    /// The most that the store counted.
    counted_bytes: usize,
}

fn live_since(baseline: isize) -> usize {
    usize::try_from(LIVE.load(Ordering::Relaxed) - baseline).unwrap_or_default()
}

fn is_full(told: &Result<Vec<Outcome>, StoreError>) -> bool {
    match told {
        Ok(_) => false,
        Err(StoreError::Full { .. }) => true,
        Err(other) => panic!("{other}"),
    }
}

/// Appends until the store is full, watching the heap.
fn fill(runtime: &Runtime, store: &MemoryStore, load: Load, baseline: isize) -> Filled {
    let mut filled = Filled { batches: 0, real_bytes: 0, peak_bytes: 0, counted_bytes: 0 };
    loop {
        let before = LIVE.load(Ordering::Relaxed);
        let batch = batch_of(&numbered_batch(filled.batches, load));
        // The batch is the caller's, not the store's. What the maintenance thread does meanwhile blurs this a little.
        let now = LIVE.load(Ordering::Relaxed);
        PEAK.store(now, Ordering::Relaxed);
        let told = runtime.block_on(store.append(batch));
        let peak = PEAK.load(Ordering::Relaxed) - baseline - (now - before).max(0);
        filled.peak_bytes = filled.peak_bytes.max(usize::try_from(peak).unwrap_or_default());
        filled.real_bytes = filled.real_bytes.max(live_since(baseline));
        filled.counted_bytes = filled.counted_bytes.max(store.used_bytes());
        if is_full(&told) {
            return filled;
        }
        let outcomes = told.unwrap_or_default();
        assert!(outcomes.len() == load.batch && outcomes.iter().all(|outcome| *outcome == Outcome::Stored));
        filled.batches += 1;
    }
}

/// Fills a store and looks at everything that must hold while it is full.
fn stays_within(max_bytes: usize, load: Load) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let clock = TestClock::at("2025-05-26T14:00");
    let baseline = LIVE.load(Ordering::Relaxed);
    let store = store(max_bytes, None, &clock);
    let filled = fill(&runtime, &store, load, baseline);
    store.settle();
    let (real, counted) = (live_since(baseline), store.used_bytes());
    let events = filled.batches * load.batch as u64;
    println!(
        "bound {:>6} KiB, {load:?}: {events} events; highest real {} counted {} (real/counted {:.2}, real/bound {:.2}), \
         peak within an append {} (peak/bound {:.2}); settled real {real} counted {counted} ({:.2}), {} bytes an event",
        max_bytes >> 10,
        filled.real_bytes,
        filled.counted_bytes,
        filled.real_bytes as f64 / filled.counted_bytes as f64,
        filled.real_bytes as f64 / max_bytes as f64,
        filled.peak_bytes,
        filled.peak_bytes as f64 / max_bytes as f64,
        real as f64 / counted as f64,
        real as u64 / events.max(1),
    );
    assert!(events > 0, "it takes something");
    full_changes_nothing(&runtime, &store, load, &filled);
    assert!(filled.counted_bytes <= max_bytes, "{} counted", filled.counted_bytes);
    assert!(filled.real_bytes <= max_bytes, "{} on the heap", filled.real_bytes);
    drop(store);
}

fn full_changes_nothing(runtime: &Runtime, store: &MemoryStore, load: Load, filled: &Filled) {
    let stored = filled.batches * load.batch as u64;
    let refused = numbered_batch(filled.batches, load);
    let mut mixed = numbered_batch(filled.batches - 1, load);
    mixed.extend(refused.clone());
    for drafts in [&refused, &mixed, &refused] {
        assert!(is_full(&runtime.block_on(store.append(batch_of(drafts)))));
    }
    for number in [0, filled.batches / 2, filled.batches - 1] {
        let known = numbered_batch(number, load);
        let told = runtime.block_on(store.append(batch_of(&known))).expect("what is stored needs no room");
        assert!(told.iter().all(|outcome| *outcome == Outcome::Duplicate));
        for draft in &known {
            let event = runtime.block_on(store.event(draft.id)).expect("an answer");
            assert!(event.is_some_and(|event| Draft::of(event.get()) == *draft));
        }
    }
    for draft in &refused {
        assert!(runtime.block_on(store.event(draft.id)).expect("an answer").is_none());
    }
    let all = vec![TimeRange::ALL];
    let series = |metric| runtime.block_on(store.series(metric, SeriesFilter::default(), all.clone()));
    assert_eq!(series(Metric::Events).expect("an answer"), [stored]);
    let (mut users, mut views) = (std::collections::HashSet::new(), 0);
    for draft in (0..filled.batches).flat_map(|number| numbered_batch(number, load)) {
        views += u64::from(draft.event_type == "page_view");
        users.extend(draft.user);
    }
    assert_eq!(series(Metric::PageViews).expect("an answer"), [views]);
    assert_eq!(series(Metric::Visitors).expect("an answer"), [users.len() as u64]);
    assert!(runtime.block_on(store.event(id(0))).expect("an answer").is_none());
}

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

#[test]
fn a_small_store_of_usual_events() {
    stays_within(256 * KIB, Load { batch: 10, ..USUAL });
}

#[test]
fn a_small_store_of_single_events() {
    stays_within(256 * KIB, SINGLE);
}

#[test]
fn a_small_store_of_few_names() {
    stays_within(256 * KIB, FEW_NAMES);
}

#[test]
fn a_small_store_of_large_events() {
    stays_within(256 * KIB, Load { batch: 1, ..LARGE });
}

#[test]
fn a_medium_store_of_usual_events() {
    stays_within(4 * MIB, USUAL);
}

#[test]
fn a_medium_store_of_single_events() {
    stays_within(4 * MIB, SINGLE);
}

#[test]
fn a_medium_store_of_few_names() {
    stays_within(4 * MIB, FEW_NAMES);
}

#[test]
fn a_medium_store_of_new_names() {
    stays_within(4 * MIB, NEW_NAMES);
}

#[test]
fn a_medium_store_of_large_events() {
    stays_within(4 * MIB, LARGE);
}

#[test]
fn a_medium_store_of_big_batches() {
    stays_within(8 * MIB, Load { batch: 1_000, ..USUAL });
}

#[test]
fn a_large_store_of_usual_events() {
    stays_within(64 * MIB, USUAL);
}

#[test]
fn a_large_store_of_new_names() {
    stays_within(64 * MIB, NEW_NAMES);
}

#[test]
fn a_large_store_of_few_names_in_big_batches() {
    stays_within(64 * MIB, Load { batch: 5_000, ..FEW_NAMES });
}

#[test]
fn a_large_store_of_large_events() {
    stays_within(64 * MIB, LARGE);
}

/// Building the figures again takes room beside them: within the bound, or it is refused.
#[test]
fn verifying_stays_within() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let clock = TestClock::at("2025-05-26T14:00");
    let (mut verified, mut refused) = (0, 0);
    for (max_bytes, load) in
        [(4 * MIB, USUAL), (16 * MIB, NEW_NAMES), (16 * MIB, Load { batch: 100, ..FEW_NAMES })]
    {
        let baseline = LIVE.load(Ordering::Relaxed);
        let store = store(max_bytes, None, &clock);
        let mut next = 4;
        for number in 0.. {
            let batch = batch_of(&numbered_batch(number, load));
            let told = runtime.block_on(store.append(batch));
            if number < next && !is_full(&told) {
                continue;
            }
            next += next / 4;
            store.settle();
            let used = store.used_bytes();
            PEAK.store(LIVE.load(Ordering::Relaxed), Ordering::Relaxed);
            match runtime.block_on(store.verify()) {
                Ok(differences) => {
                    verified += 1;
                    assert_eq!(differences, [""; 0]);
                }
                Err(StoreError::Unavailable { .. }) => refused += 1,
                Err(other) => panic!("{other}"),
            }
            let peak = usize::try_from(PEAK.load(Ordering::Relaxed) - baseline).unwrap_or_default();
            assert!(peak <= max_bytes, "{peak} bytes of {max_bytes} at {used} used, {load:?}");
            assert_eq!(store.used_bytes(), used);
            if is_full(&told) {
                break;
            }
        }
    }
    println!("verified {verified} times, refused {refused} times");
    assert!(verified > 10 && refused >= 3);
}
