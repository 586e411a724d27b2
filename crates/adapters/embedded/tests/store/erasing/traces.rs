//! Looking for what was erased in every byte of every file: as it stands there, and unpacked.

use std::path::Path;

use footfall_conformance::Draft;
use footfall_domain::time::MINUTE_US;
use footfall_embedded::EmbeddedStore;
use footfall_ports::EventLog;
use footfall_ports::Outcome::Duplicate;

use crate::support::database::{unpacked, unpacked_block, values};
use crate::support::events::{after, event, mixed, spread};
use crate::support::expected::Expected;
use crate::support::random::Random;
use crate::support::{append, append_singly, open_for_ever};

/// Stands in the user's identity and in the properties of their events, and nowhere else.
const MARK: &str = "Zerlinde-Quackenbush";

fn holds(bytes: &[u8], mark: &str) -> bool {
    bytes.windows(mark.len()).any(|window| window == mark.as_bytes())
}

/// Where the mark is found in the folder.
fn traces(folder: &Path, mark: &str) -> Vec<String> {
    const ZSTD_MAGIC: [u8; 4] = 0xFD2F_B528_u32.to_le_bytes();
    let mut traces = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        for at in (0..bytes.len()).filter(|at| bytes[*at..].starts_with(mark.as_bytes())) {
            traces.push(format!("plain in {name} at {at}"));
        }
        // Also what is in no table any more, as long as it stands in one piece.
        for at in (0..bytes.len()).filter(|at| bytes[*at..].starts_with(&ZSTD_MAGIC)) {
            if unpacked(&bytes[at..]).is_some_and(|plain| holds(&plain, mark)) {
                traces.push(format!("packed in {name} at {at}"));
            }
        }
    }
    for (first, value) in values(folder, "blocks") {
        if holds(&unpacked_block(&value), mark) {
            traces.push(format!("in the block at {first}"));
        }
    }
    for (first, value) in values(folder, "checkpoints") {
        let body = unpacked(&value[9..]).unwrap_or_default();
        if holds(&body, mark) || holds(&value, mark) {
            traces.push(format!("in the checkpoint at {first}"));
        }
    }
    traces
}

/// An event of the person with that mark.
fn marked(number: u128, mark: &str) -> Draft {
    let at = after(number as i64 * MINUTE_US % 100_000_000_000);
    let page = format!("/{}", number % 29);
    Draft::view(spread(number), at, &format!("user {mark}"), &page)
        .with_properties(format!(r#"{{"page":"{page}","name":"{mark}","n":{number}}}"#))
}

/// Some of the person's events among those of others.
fn among_others(first: u128, count: u128) -> Vec<Draft> {
    let numbers = first..first + count;
    numbers
        .map(
            |number| {
                if number % 10 == 3 { marked(number, MARK) } else { event(number, after(number as i64)) }
            },
        )
        .collect()
}

fn others(events: &[Draft]) -> Vec<Draft> {
    let is_other = |event: &&Draft| event.user.as_deref().is_none_or(|user| !user.contains(MARK));
    events.iter().filter(is_other).cloned().collect()
}

async fn erase(store: &EmbeddedStore, mark: &str) -> u64 {
    store.erase_user(format!("user {mark}")).await.unwrap()
}

/// Erases the person, expects no trace, and starts again on the folder, where nothing may come back.
async fn leaves_no_trace(folder: &Path, store: EmbeddedStore, events: &[Draft], what: &str) -> EmbeddedStore {
    assert!(!traces(folder, MARK).is_empty(), "{what}: the search finds nothing before either");
    assert_eq!(erase(&store, MARK).await as usize, events.len() - others(events).len(), "{what}");
    assert_eq!(traces(folder, MARK), Vec::<String>::new(), "{what}, at once");
    let expected = Expected::of(&others(events));
    expected.holds_for(&store).await;
    drop(store);
    assert_eq!(traces(folder, MARK), Vec::<String>::new(), "{what}, after the end");
    let store = open_for_ever(folder).unwrap();
    expected.holds_for(&store).await;
    assert!(append(&store, events).await.iter().all(|outcome| *outcome == Duplicate), "{what}");
    expected.holds_for(&store).await;
    assert_eq!(traces(folder, MARK), Vec::<String>::new(), "{what}, after a start");
    store
}

#[tokio::test(flavor = "multi_thread")]
async fn of_single_events_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_for_ever(folder.path()).unwrap();
    let events = among_others(0, 300);
    append_singly(&store, &events).await;
    leaves_no_trace(folder.path(), store, &events, "single events").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_batches_small_and_large() {
    for size in [7, 60, 700] {
        let folder = tempfile::tempdir().unwrap();
        let store = open_for_ever(folder.path()).unwrap();
        let events = among_others(0, 2_000);
        for part in events.chunks(size) {
            append(&store, part).await;
        }
        leaves_no_trace(folder.path(), store, &events, &format!("batches of {size}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_runs_and_the_log_over_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open_for_ever(folder.path()).unwrap();
    let mut events = Vec::new();
    for round in 0..4 {
        let more = among_others(round * 10_000, 700);
        append(&store, &more[..500]).await;
        append_singly(&store, &more[500..600]).await;
        if round % 2 == 0 {
            store.compact().unwrap();
        }
        append_singly(&store, &more[600..]).await;
        events.extend(more);
        drop(store);
        store = open_for_ever(folder.path()).unwrap();
    }
    leaves_no_trace(folder.path(), store, &events, "runs and the log").await;
}

/// Who comes again after having been erased is erased again.
#[tokio::test(flavor = "multi_thread")]
async fn time_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open_for_ever(folder.path()).unwrap();
    let mut kept = Vec::new();
    for round in 0..6 {
        let events = among_others(round * 1_000, 90);
        append_singly(&store, &events).await;
        if round % 2 == 1 {
            drop(store);
            store = open_for_ever(folder.path()).unwrap();
        }
        kept.extend(others(&events));
        assert_eq!(erase(&store, MARK).await, 9, "round {round}");
        assert_eq!(traces(folder.path(), MARK), Vec::<String>::new(), "round {round}");
        Expected::of(&kept).holds_for(&store).await;
    }
}

/// As events come and go the database moves what it holds about in its pages. No copy may stay behind of what is erased
/// later.
#[tokio::test(flavor = "multi_thread")]
async fn after_much_moving_about() {
    for seed in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        let mut store = open_for_ever(folder.path()).unwrap();
        let mut random = Random(seed);
        let mark = |person: u64| format!("{MARK}-{person}-end");
        let mut living: Vec<u64> = Vec::new();
        let mut number = 0_u128;
        for step in 0..25 {
            living.push(step);
            for _ in 0..=random.below(6) {
                let mut events: Vec<Draft> =
                    (number..).zip(&living).map(|(number, person)| marked(number, &mark(*person))).collect();
                number += living.len() as u128 + 40;
                let length = random.below(800) as usize;
                events.extend(mixed(number - 40..number).into_iter().map(|draft| {
                    let text = random.text(length);
                    draft.with_properties(format!(r#"{{"page":"/{text}"}}"#))
                }));
                match random.below(3) {
                    0 => append_singly(&store, &events).await,
                    1 => drop(append(&store, &events).await),
                    _ => {
                        for part in events.chunks(9) {
                            append(&store, part).await;
                        }
                    }
                }
            }
            match random.below(4) {
                0 => store.compact().unwrap(),
                1 => {
                    drop(store);
                    store = open_for_ever(folder.path()).unwrap();
                }
                _ => {}
            }
            if random.below(2) == 0 {
                let person = living.swap_remove(random.below(living.len() as u64) as usize);
                assert!(erase(&store, &mark(person)).await > 0);
                assert_eq!(
                    traces(folder.path(), &mark(person)),
                    Vec::<String>::new(),
                    "seed {seed}, step {step}"
                );
            }
        }
        drop(store);
        for person in (0..25).filter(|person| !living.contains(person)) {
            assert_eq!(traces(folder.path(), &mark(person)), Vec::<String>::new(), "seed {seed}, in the end");
        }
    }
}

/// Nothing of the marks of others goes: the search is no proof if it can't find them.
#[tokio::test(flavor = "multi_thread")]
async fn others_stay() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_for_ever(folder.path()).unwrap();
    let one: Vec<Draft> = (0..50).map(|number| marked(number, "Aaa-Aaa")).collect();
    let other: Vec<Draft> = (50..100).map(|number| marked(number, "Bbb-Bbb")).collect();
    append(&store, &[&one[..], &other[..]].concat()).await;
    assert_eq!(erase(&store, "Aaa-Aaa").await, 50);
    assert_eq!(traces(folder.path(), "Aaa-Aaa"), Vec::<String>::new());
    assert!(!traces(folder.path(), "Bbb-Bbb").is_empty());
    Expected::of(&other).holds_for(&store).await;
}
