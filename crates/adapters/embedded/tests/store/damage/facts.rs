//! The few numbers that the database keeps beside the events.

use std::path::Path;
use std::time::Duration;

use footfall_domain::time::HOUR_US;

use super::fixture::Found;
use crate::support::database::{database, number};
use crate::support::events::{START, after, event, mixed};
use crate::support::{TestClock, append, forget_expired, open, open_for_ever};

/// Names the folder to [`start_alone`].
const FOLDER: &str = "FOOTFALL_TEST_FOLDER";

fn refusal(folder: &Path) -> String {
    let error = open_for_ever(folder).map(drop).expect_err("it was opened").to_string();
    assert!(error.contains(&*folder.join("events.db").to_string_lossy()), "{error}");
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layout_of_another_version_is_told_of() {
    let found = Found::after_an_early_crash().await;
    let (folder, store) = found.open();
    drop(store);
    let sum = |value: i64| {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&value.to_le_bytes());
        hasher.update(b"layout");
        hasher.finalize()
    };
    let update = "UPDATE facts SET value = ?1, checksum = ?2 WHERE name = 'layout'";
    database(folder.path()).execute(update, (2, sum(2))).unwrap();
    let error = refusal(folder.path());
    assert!(error.contains("layout 2") && error.contains("layout 1"), "{error}");
    database(folder.path()).execute(update, (1, sum(1))).unwrap();
    found.expected.holds_for(&open_for_ever(folder.path()).unwrap()).await;
}

/// A folder with a run that was dropped as a whole, then one that is kept, and with a floor.
async fn with_a_dropped_run(keep_some: bool) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let clock = TestClock::at(START);
    let store = open(folder.path(), Some(Duration::from_hours(10)), &clock).unwrap();
    let old: Vec<_> = (0..300).map(|number| event(number, after(-5 * HOUR_US))).collect();
    append(&store, &old).await;
    store.compact().unwrap();
    if keep_some {
        let kept: Vec<_> = (300..400).map(|number| event(number, after(0))).collect();
        append(&store, &kept).await;
        store.compact().unwrap();
    }
    clock.set(after(8 * HOUR_US));
    forget_expired(&store).await;
    drop(store);
    assert_eq!(number(folder.path(), "SELECT past FROM dropped"), 300);
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_floor_is_refused() {
    let folder = with_a_dropped_run(true).await;
    let change = |by: i64| {
        let update = "UPDATE facts SET value = value + ?1 WHERE name = 'floor'";
        assert_eq!(database(folder.path()).execute(update, [by]).unwrap(), 1);
    };
    change(1);
    let error = refusal(folder.path());
    assert!(error.contains("`floor`") && error.contains("Restore"), "{error}");
    change(-1);
    open_for_ever(folder.path()).unwrap();
}

/// Starts a store in the folder that the environment names: to be run as a process of its own, which can be killed when
/// it never ends.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a part of another test"]
async fn start_alone() {
    let folder = std::env::var_os(FOLDER).expect("the other test names it");
    open_for_ever(Path::new(&folder)).map(drop).expect_err("it was opened");
}

/// Whether a start alone in the folder ended as it should, and in time.
fn is_refused_alone(folder: &Path) -> Result<(), &'static str> {
    let mut start = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["damage::facts::start_alone", "--exact", "--ignored", "--test-threads", "1"])
        .env(FOLDER, folder)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    for _ in 0..40 {
        if let Some(status) = start.try_wait().unwrap() {
            return if status.success() { Ok(()) } else { Err("it was opened, or broke") };
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    start.kill().unwrap();
    start.wait().unwrap();
    Err("it never ends")
}

/// The numbers of what was dropped have no checksum: whatever they say, a start ends, and doesn't give numbers anew.
#[tokio::test(flavor = "multi_thread")]
async fn nonsense_in_what_was_dropped_is_refused() {
    let mut wrong = Vec::new();
    for keep_some in [true, false] {
        for change in
            ["first = 1", "first = -1", "past = 299", "past = 0", "past = -5", "past = 1 << 45", "past = 301"]
        {
            // One number that is never given does no harm.
            if change == "past = 301" && !keep_some {
                continue;
            }
            let folder = with_a_dropped_run(keep_some).await;
            database(folder.path()).execute_batch(&format!("UPDATE dropped SET {change}")).unwrap();
            if let Err(what) = is_refused_alone(folder.path()) {
                wrong.push(format!("{change}, with events after it: {keep_some}: {what}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_dropped_may_not_be_forgotten() {
    let folder = with_a_dropped_run(true).await;
    database(folder.path()).execute_batch("DELETE FROM dropped").unwrap();
    assert!(refusal(folder.path()).contains("missing"));
    let folder = with_a_dropped_run(false).await;
    database(folder.path()).execute_batch("DELETE FROM dropped").unwrap();
    assert!(refusal(folder.path()).contains("missing"), "the note tells of it");
}

/// Only a new folder gets new tables: where there are others they are not ours, or not whole.
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_table_is_refused() {
    for table in ["blocks", "checkpoints", "dropped", "facts"] {
        let folder = tempfile::tempdir().unwrap();
        let store = open_for_ever(folder.path()).unwrap();
        append(&store, &mixed(0..500)).await;
        store.compact().unwrap();
        drop(store);
        database(folder.path()).execute_batch(&format!("ALTER TABLE {table} RENAME TO bl0cks")).unwrap();
        std::fs::remove_file(folder.path().join("acknowledged")).unwrap();
        let error = open_for_ever(folder.path()).map(drop).expect_err(table).to_string();
        assert!(error.contains("events.db"), "{error}");
    }
}
