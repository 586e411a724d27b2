//! Killed right after it said that a user is erased.

use std::path::Path;
use std::time::Duration;

use crate::check::check;
use crate::client::Request;
use crate::clients::{Load, accepted_of, post_until_gone};
use crate::events::{Stock, user_of};
use crate::random::Random;
use crate::record::{Erased, Record};
use crate::service::{Service, rounds};

/// Lets clients post, erases a user meanwhile, and kills the service as soon as it says that this is done.
fn erase_and_kill(folder: &Path, record: &Record, stock: Stock, random: &mut Random) {
    let service = Service::start(folder);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            let (service, seed) = (&service, random.next());
            scope.spawn(move || post_until_gone(service, record, stock, Load::Mixed, seed));
        }
        std::thread::sleep(Duration::from_millis(100 + random.below(400)));
        let user = user_of(random.below(record.sent()) / 8 * 8).expect("a click is someone's");
        let of_user = |number: &u64| user_of(*number).as_ref() == Some(&user);
        let gone = record.acknowledged().into_iter().filter(of_user).collect();
        let answer = service.ask(&Request::new("DELETE", format!("/users/{user}")));
        service.kill();
        assert_eq!(answer.status, 204, "{}", answer.text());
        record.erase(Erased { user, gone, sent: record.sent() });
    });
}

/// What was erased doesn't come back when it is sent again.
fn retries_change_nothing(service: &Service, record: &Record, stock: Stock) {
    for erased in record.erased() {
        let gone: Vec<u64> = erased.gone.into_iter().collect();
        if !gone.is_empty() {
            let answer = service.ask(&Request::ndjson(stock.lines(&gone)));
            assert_eq!(accepted_of(&answer, gone.len()), 0, "their identities are known");
        }
    }
    check(service, record, stock);
}

#[test]
fn the_erased_stay_erased() {
    let (mut random, stock) = (Random::new(), Stock::long_ago());
    println!("seed {}", random.seed());
    let (folder, record) = (tempfile::tempdir().expect("a folder"), Record::default());
    for _ in 0..rounds().div_ceil(2).min(20) {
        erase_and_kill(folder.path(), &record, stock, &mut random);
        let service = Service::start(folder.path());
        check(&service, &record, stock);
        retries_change_nothing(&service, &record, stock);
    }
    let erased = record.erased();
    let gone: usize = erased.iter().map(|erased| erased.gone.len()).sum();
    println!("{} sent, {gone} events of {} users erased", record.sent(), erased.len());
}

/// What the disk holds of a user right after the answer: nothing, in any file, at any place.
#[test]
fn nothing_is_left_on_the_disk_when_it_is_acknowledged() {
    const MARK: &str = "Zerlinde-Quackenbush";
    let folder = tempfile::tempdir().expect("a folder");
    let service = Service::start(folder.path());
    let stock = Stock::long_ago();
    for number in 0..200 {
        let event = stock.event(number * 8);
        let user = user_of(number * 8).expect("a click is someone's");
        let marked = event.replace(&user, MARK).replace("\"n\"", &format!("\"{MARK}\""));
        let event = if number % 20 == 1 { marked } else { event };
        assert_eq!(service.ask(&Request::post("/events", event)).status, 201);
    }
    let traces = || -> usize {
        let files = std::fs::read_dir(folder.path()).expect("it is there");
        let count =
            |bytes: Vec<u8>| bytes.windows(MARK.len()).filter(|part| *part == MARK.as_bytes()).count();
        files.map(|file| count(std::fs::read(file.expect("a file").path()).expect("it can be read"))).sum()
    };
    assert!(traces() > 0, "the search finds nothing before either");
    assert_eq!(service.ask(&Request::new("DELETE", format!("/users/{MARK}"))).status, 204);
    drop(service);
    assert_eq!(traces(), 0);
    let listed = Service::start(folder.path()).get(&format!("/events?user_id={MARK}"));
    assert_eq!(listed["events"].as_array().map(Vec::len), Some(0), "{listed}");
    assert_eq!(traces(), 0);
}
