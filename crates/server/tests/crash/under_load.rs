//! Killed while clients post.

use std::path::Path;
use std::time::Duration;

use crate::check::{EVER, check, retries_are_duplicates};
use crate::clients::{Load, post_until_gone};
use crate::events::Stock;
use crate::random::Random;
use crate::record::Record;
use crate::service::{Service, rounds};

const CLIENTS: u64 = 5;
/// Every so many rounds are ones of large arrays.
const BULK_EVERY: usize = 5;
/// After so many rounds a new folder is begun: to look through ever more events would take ever longer.
const ROUNDS_ON_ONE_FOLDER: usize = 6;

/// Lets clients post, and kills the service at a moment that chance chooses.
fn post_and_kill(folder: &Path, record: &Record, stock: Stock, load: Load, random: &mut Random) {
    let service = Service::start(folder);
    let after = Duration::from_millis(50 + random.below(900));
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            let (service, seed) = (&service, random.next());
            scope.spawn(move || post_until_gone(service, record, stock, load, seed));
        }
        std::thread::sleep(after);
        service.kill();
    });
}

#[test]
fn what_was_acknowledged_is_there_once() {
    let (mut random, stock, rounds) = (Random::new(), Stock::long_ago(), rounds());
    println!("seed {}", random.seed());
    let mut round = 0;
    while round < rounds {
        let (folder, record) = (tempfile::tempdir().expect("a folder"), Record::default());
        for _ in 0..ROUNDS_ON_ONE_FOLDER.min(rounds - round) {
            round += 1;
            let load = if round % BULK_EVERY == 0 { Load::Bulk } else { Load::Mixed };
            post_and_kill(folder.path(), &record, stock, load, &mut random);
            // Killed again while it puts in order what the first time left, some rounds.
            for _ in 0..random.below(3) {
                Service::start_and_kill(folder.path(), &[], Duration::from_millis(random.below(120)));
            }
            let service = Service::start(folder.path());
            let there = check(&service, &record, stock).len();
            retries_are_duplicates(&service, &record, stock);
            let summary = service.get(&format!("/analytics/summary?{EVER}"));
            assert_eq!(summary["total_events"], there, "retries change nothing");
            println!(
                "round {round}: {} sent, {} acknowledged, {there} there",
                record.sent(),
                record.acknowledged().len()
            );
        }
    }
}
