//! Changes of much of what is stored take little room besides.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use footfall_conformance::Draft;
use footfall_domain::time::HOUR_US;
use footfall_embedded::EmbeddedStore;
use footfall_ports::EventLog;

use crate::support::events::{START, after, event};
use crate::support::image::LOG;
use crate::support::random::Random;
use crate::support::{TestClock, append, open};

const RUNS: u128 = 12;
const RUN_EVENTS: u128 = 1_600;
const EVENT_BYTES: usize = 2_500;
/// The write-ahead log is moved to its place from 8 MiB on. Beyond that it may hold a run or two: these have 3 MiB each.
const LOG_BYTES_MAX: u64 = 16 << 20;

/// Runs of some megabytes each, that hardly compress.
async fn fill(store: &EmbeddedStore) {
    let mut random = Random(1);
    for run in 0..RUNS {
        for part in 0..RUN_EVENTS / 400 {
            let first = run * RUN_EVENTS + part * 400;
            let drafts: Vec<Draft> = (first..first + 400)
                .map(|number| {
                    let text = random.text(EVENT_BYTES);
                    let at = after(if number % 10 < 7 { -20 * HOUR_US } else { 0 });
                    event(number, at)
                        .with_properties(format!(r#"{{"page":"/{}","x":"{text}"}}"#, number % 29))
                })
                .collect();
            append(store, &drafts).await;
        }
        store.compact().unwrap();
    }
}

/// The longest that the log is while that is done.
async fn longest_log(folder: &Path, change: impl FnOnce() + Send + 'static) -> u64 {
    let (log, changing) = (folder.join(LOG), Arc::new(AtomicBool::new(true)));
    let flag = Arc::clone(&changing);
    let watching = tokio::task::spawn_blocking(move || {
        let mut longest = 0;
        while flag.load(Ordering::Relaxed) {
            longest = longest.max(std::fs::metadata(&log).map_or(0, |file| file.len()));
            std::thread::sleep(Duration::from_millis(2));
        }
        longest
    });
    tokio::task::spawn_blocking(change).await.unwrap();
    changing.store(false, Ordering::Relaxed);
    watching.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn erasing_from_many_runs() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), None, &TestClock::at(START)).unwrap();
    fill(&store).await;
    let runtime = tokio::runtime::Handle::current();
    let longest = longest_log(folder.path(), move || {
        assert!(runtime.block_on(store.erase_user("user-7".into())).unwrap() > 0);
    });
    let longest = longest.await;
    println!("the log took up to {longest} bytes");
    assert!(longest < LOG_BYTES_MAX, "{longest}");
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_from_many_runs() {
    let folder = tempfile::tempdir().unwrap();
    let clock = TestClock::at("2025-05-20T00:00");
    let store = open(folder.path(), Some(Duration::from_hours(10)), &clock).unwrap();
    fill(&store).await;
    clock.set(after(0));
    let longest = longest_log(folder.path(), move || store.forget_expired()).await;
    println!("the log took up to {longest} bytes");
    assert!(longest < LOG_BYTES_MAX, "{longest}");
}
