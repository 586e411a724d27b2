//! Killed while it drops events past their retention.

use std::path::Path;
use std::time::{Duration, Instant, UNIX_EPOCH};

use footfall_domain::time::{DAY_US, Timestamp};

use crate::check::{exported, is_consistent};
use crate::client::Request;
use crate::clients::accepted_of;
use crate::events::Stock;
use crate::random::Random;
use crate::service::{Service, rounds};

const RETENTION: &[(&str, &str)] = &[("STORAGE__RETENTION", "5d")];
const EVENTS: u64 = 24_000;

fn now() -> Timestamp {
    let micros = UNIX_EPOCH.elapsed().expect("it is after 1970").as_micros();
    Timestamp::from_micros_clamped(i64::try_from(micros).expect("and before 9999"))
}

/// A folder with events of the last ten days.
fn fill(folder: &Path, stock: Stock) {
    let service = Service::start(folder);
    let mut connection = service.connect();
    let numbers: Vec<u64> = (0..EVENTS).collect();
    for (place, part) in numbers.chunks(1_000).enumerate() {
        let answer = connection.ask(&Request::ndjson(stock.lines(part))).expect("an answer");
        assert_eq!(accepted_of(&answer, part.len()), part.len() as u64, "part {place}");
    }
    // An orderly end, so that all is in runs and a start has only dropping to do.
    service.end();
}

fn copy_of(folder: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("a folder");
    for entry in std::fs::read_dir(folder).expect("it is there") {
        let path = entry.expect("a file").path();
        std::fs::copy(&path, copy.path().join(path.file_name().expect("a name"))).expect("there is room");
    }
    copy
}

/// What is younger than its retention is there, and what is older isn't.
fn is_right(service: &Service, stock: Stock, since: Timestamp) {
    // Whole hours are dropped, and the test may take a while itself.
    let (kept, gone) = (since.plus_micros(DAY_US / 24), since.plus_micros(-DAY_US / 12));
    let found = exported(service, stock, EVENTS);
    for number in 0..EVENTS {
        let at = stock.at(number);
        assert!(at < kept || found.contains(&number), "{number}, of {at}, is missing");
        assert!(at > gone || !found.contains(&number), "{number}, of {at}, is there still");
    }
    is_consistent(service);
}

#[test]
fn what_is_young_stays_and_what_is_old_goes() {
    let mut random = Random::new();
    println!("seed {}", random.seed());
    let ten_days_ago = now().plus_micros(-10 * DAY_US);
    let since = now().plus_micros(-5 * DAY_US);
    let stock = Stock::new(ten_days_ago, 10 * 86_400);
    let filled = tempfile::tempdir().expect("a folder");
    fill(filled.path(), stock);
    let copy = copy_of(filled.path());
    let before = Instant::now();
    let service = Service::start_with(copy.path(), RETENTION);
    let start_ms = before.elapsed().as_millis() as u64;
    is_right(&service, stock, since);
    drop(service);
    for _ in 0..rounds() {
        let folder = copy_of(filled.path());
        for _ in 0..=random.below(3) {
            Service::start_and_kill(
                folder.path(),
                RETENTION,
                Duration::from_millis(random.below(start_ms + 20)),
            );
        }
        is_right(&Service::start_with(folder.path(), RETENTION), stock, since);
        // Without retention nothing comes back.
        is_right(&Service::start(folder.path()), stock, since);
    }
}
