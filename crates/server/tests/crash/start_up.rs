//! Killed while it starts, time and again, with all the work of a start still to be done.

use std::time::{Duration, Instant};

use crate::check::{check, retries_are_duplicates};
use crate::clients::{Load, post_until_gone};
use crate::events::Stock;
use crate::random::Random;
use crate::record::Record;
use crate::service::{Service, rounds};

#[test]
fn a_start_that_never_ends_loses_nothing() {
    let (mut random, stock, record) = (Random::new(), Stock::long_ago(), Record::default());
    println!("seed {}", random.seed());
    let folder = tempfile::tempdir().expect("a folder");
    // From nothing: not even the tables are there.
    for _ in 0..rounds() {
        Service::start_and_kill(folder.path(), &[], Duration::from_millis(random.below(25)));
    }
    let service = Service::start(folder.path());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let (service, record, seed) = (&service, &record, random.next());
            scope.spawn(move || post_until_gone(service, record, stock, Load::Mixed, seed));
        }
        std::thread::sleep(Duration::from_millis(1_500));
        service.kill();
    });
    drop(service);
    // How long a start takes, so that the kills fall into all of it.
    let copy = tempfile::tempdir().expect("a folder");
    for entry in std::fs::read_dir(folder.path()).expect("it is there") {
        let path = entry.expect("a file").path();
        std::fs::copy(&path, copy.path().join(path.file_name().expect("a name"))).expect("there is room");
    }
    let since = Instant::now();
    drop(Service::start(copy.path()));
    let start_ms = since.elapsed().as_millis() as u64;
    for _ in 0..rounds() * 2 {
        Service::start_and_kill(folder.path(), &[], Duration::from_millis(random.below(start_ms + 50)));
    }
    let service = Service::start(folder.path());
    let there = check(&service, &record, stock).len();
    retries_are_duplicates(&service, &record, stock);
    println!("{there} there, {} acknowledged; a start takes {start_ms} ms", record.acknowledged().len());
}
