//! The room that dropped events took is given back, or used again.

use std::time::Duration;

use footfall_conformance::Draft;
use footfall_domain::time::{DAY_US, HOUR_US};
use footfall_embedded::EmbeddedStore;

use super::HOUR;
use crate::support::events::{START, after, event, spread};
use crate::support::random::Random;
use crate::support::{TestClock, append, forget_expired, open};

const EVENT_BYTES: usize = 2_000;
const EVENTS: u128 = 25_000;
/// What the file keeps of unused pages in any case.
const KEPT_BYTES: u64 = 16 << 20;

/// Fills the store with about fifty megabytes that hardly compress.
async fn fill(store: &EmbeddedStore, round: u128) {
    let mut random = Random(round as u64);
    for part in 0..EVENTS / 500 {
        let drafts: Vec<Draft> = (0..500)
            .map(|place| {
                let number = round << 40 | (part * 500 + place);
                let text = random.text(EVENT_BYTES);
                let at = after(round as i64 * DAY_US + place as i64);
                Draft { id: footfall_conformance::id(spread(number)), ..event(place, at) }
                    .with_properties(format!(r#"{{"page":"/{}","x":"{text}"}}"#, place % 29))
            })
            .collect();
        append(store, &drafts).await;
    }
    store.compact().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_files_shrink_after_much_was_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let clock = TestClock::at(START);
    let store = open(folder.path(), Some(HOUR), &clock).unwrap();
    fill(&store, 0).await;
    let full = store.disk_bytes();
    assert!(full > 30 << 20, "{full}");
    clock.set(after(DAY_US));
    forget_expired(&store).await;
    let mut bytes = Vec::new();
    for _ in 0..60 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        store.compact().unwrap();
        bytes.push(store.disk_bytes());
        if bytes[bytes.len() - 1] < KEPT_BYTES + (4 << 20) {
            break;
        }
    }
    println!("of {full} bytes are left {bytes:?}");
    assert!(bytes[bytes.len() - 1] < KEPT_BYTES + (4 << 20), "of {full} are left {bytes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn room_is_used_again_round_after_round() {
    let folder = tempfile::tempdir().unwrap();
    let clock = TestClock::at(START);
    let mut store = open(folder.path(), Some(2 * HOUR), &clock).unwrap();
    let mut bytes = Vec::new();
    for round in 0..4_u128 {
        clock.set(after(round as i64 * DAY_US));
        fill(&store, round).await;
        bytes.push(store.disk_bytes());
        clock.set(after(round as i64 * DAY_US + 20 * HOUR_US));
        forget_expired(&store).await;
        if round == 1 {
            drop(store);
            store = open(folder.path(), Some(2 * HOUR), &clock).unwrap();
        }
    }
    println!("bytes when full: {bytes:?}");
    // A new run is written before the old pages are free, so at most that much more is needed than at first.
    assert!(bytes.iter().all(|bytes_now| *bytes_now < bytes[0] * 5 / 4), "{bytes:?}");
}
