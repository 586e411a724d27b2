//! A disk that is really full.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::check::{check, retries_are_duplicates};
use crate::client::{Answer, Request};
use crate::clients::accepted_of;
use crate::events::Stock;
use crate::namespace::SmallDisk;
use crate::record::{Erased, Record};
use crate::service::{Service, serve};

/// Half of it is taken up by something else. Room for events must be more than what the write-ahead log grows to: to be
/// moved to its place it needs as much again.
const DISK: &str = "48m";
const BALLAST_BYTES: usize = 24 << 20;
const PATIENCE: Duration = Duration::from_secs(30);

/// Large events: few of them fill the disk.
fn large() -> Stock {
    Stock::long_ago().with_up_to(30_000)
}

/// A service on a small disk.
struct Small {
    disk: SmallDisk,
    folder: tempfile::TempDir,
    record: Record,
    stock: Stock,
}

impl Small {
    /// With a file on the disk that does nothing but take up room.
    fn new(stock: Stock) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let disk = SmallDisk::mount(folder.path(), DISK);
        std::fs::write(disk.outside("ballast"), vec![7; BALLAST_BYTES]).expect("there is room yet");
        Self { disk, folder, record: Record::default(), stock }
    }

    fn start(&self) -> Service {
        Service::run(self.command()).unwrap_or_else(|said| panic!("the service ended: {said}"))
    }

    fn command(&self) -> std::process::Command {
        self.disk.within(&serve(&self.folder.path().join("store"), &[]))
    }

    fn ballast(&self) -> PathBuf {
        self.disk.outside("ballast")
    }

    /// Posts so many new events at once. Whether they were taken; otherwise what was said.
    fn post(&self, service: &Service, count: u64) -> Result<(), Answer> {
        let numbers: Vec<u64> = self.record.take(count).collect();
        let answer = service.ask(&Request::ndjson(self.stock.lines(&numbers)));
        if answer.status != 200 {
            return Err(answer);
        }
        self.record.acknowledge(&numbers, accepted_of(&answer, numbers.len()));
        Ok(())
    }

    /// Posts until not even one event more is taken.
    fn fill(&self, service: &Service) {
        for count in [500, 50, 1] {
            let refused = loop {
                match self.post(service, count) {
                    Ok(()) => assert!(self.record.sent() < 2_000_000, "the disk never gets full"),
                    Err(refused) => break refused,
                }
            };
            is_refusal(&refused);
        }
    }

    /// What the file system has left, in bytes.
    fn free_bytes(&self) -> u64 {
        let mut df = std::process::Command::new("df");
        df.args(["--output=avail", "--block-size=1"]).arg(self.folder.path());
        let said = self.disk.within(&df).output().expect("there is a `df` command").stdout;
        let said = String::from_utf8_lossy(&said).into_owned();
        said.lines().nth(1).and_then(|line| line.trim().parse().ok()).unwrap_or_else(|| panic!("{said}"))
    }
}

/// A problem document that says to come again.
fn is_refusal(answer: &Answer) {
    assert!(matches!(answer.status, 503 | 507), "{}: {}", answer.status, answer.text());
    assert_eq!(answer.flaw_of_problem(), None, "{}", answer.text());
    let retry_after: u64 =
        answer.header("Retry-After").and_then(|value| value.parse().ok()).expect("seconds");
    assert!(retry_after > 0);
}

fn readiness(service: &Service) -> Answer {
    service.ask(&Request::get("/health/ready"))
}

/// Waits for something to become so by itself.
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < PATIENCE, "after {PATIENCE:?} still not: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn is_down(service: &Service) {
    let ready = readiness(service);
    assert_eq!(ready.status, 503, "{}", ready.text());
    let told = ready.json();
    let storage = &told["dependencies"][0];
    assert_eq!((&storage["name"], &storage["status"]), (&"storage".into(), &"down".into()), "{told}");
    assert_eq!(service.ask(&Request::get("/health/live")).status, 200, "it needn't be started again");
}

#[test]
fn what_was_acknowledged_stays_and_room_is_used_when_it_comes() {
    let small = Small::new(Stock::long_ago().with_up_to(8_000));
    let service = small.start();
    small.fill(&service);
    println!("{} acknowledged, {} bytes free", small.record.acknowledged().len(), small.free_bytes());
    is_down(&service);
    // Questions, figures and retries need no room.
    check(&service, &small.record, small.stock);
    retries_are_duplicates(&service, &small.record, small.stock);
    let some = service.get("/events?limit=5&order=desc");
    assert_eq!(some["events"].as_array().map(Vec::len), Some(5), "{some}");
    is_refusal(&small.post(&service, 500).expect_err("there is no room"));

    std::fs::remove_file(small.ballast()).expect("it was there");
    wait_until("ready", || readiness(&service).status == 200);
    for count in [1, 100, 500] {
        small.post(&service, count).unwrap_or_else(|answer| panic!("{}", answer.text()));
    }
    assert_eq!(readiness(&service).status, 200);
    check(&service, &small.record, small.stock);
    drop(service);
    let service = small.start();
    check(&service, &small.record, small.stock);
    retries_are_duplicates(&service, &small.record, small.stock);
}

/// While there is no room the service says so all the time, not only now and then.
#[test]
fn it_is_not_ready_for_as_long_as_events_are_refused() {
    let small = Small::new(large());
    let service = small.start();
    small.fill(&service);
    let mut ready = 0;
    for _ in 0..50 {
        std::thread::sleep(Duration::from_millis(100));
        ready += usize::from(readiness(&service).status == 200);
    }
    let refused = small.post(&service, 500).is_err();
    assert!(refused && ready == 0, "events refused: {refused}; ready {ready} times of 50");
}

/// Killed with a full disk, and started on it.
#[test]
fn a_start_on_a_full_disk_starts_or_says_what_is_wrong() {
    let small = Small::new(large());
    let service = small.start();
    small.fill(&service);
    drop(service);
    for _ in 0..2 {
        match Service::run(small.command()) {
            Ok(service) => drop(check(&service, &small.record, small.stock)),
            Err(said) => assert!(said.contains("full") && said.contains("store"), "{said}"),
        }
    }
    std::fs::remove_file(small.ballast()).expect("it was there");
    let service = small.start();
    check(&service, &small.record, small.stock);
    retries_are_duplicates(&service, &small.record, small.stock);
    small.post(&service, 100).unwrap_or_else(|answer| panic!("{}", answer.text()));
    wait_until("ready", || readiness(&service).status == 200);
}

/// Erasing is what one may have to do all the same. It is done or it isn't, and the rest stays as it is.
#[test]
fn erasing_on_a_full_disk_harms_nothing() {
    let small = Small::new(large());
    let service = small.start();
    small.fill(&service);
    for user in ["user-1", "user-2", "user-3"] {
        small.record.erase(Erased { user: user.into(), gone: BTreeSet::new(), sent: small.record.sent() });
        let answer = service.ask(&Request::new("DELETE", format!("/users/{user}")));
        println!("{user}: {}", answer.status);
        if answer.status != 204 {
            is_refusal(&answer);
        }
        check(&service, &small.record, small.stock);
    }
    std::fs::remove_file(small.ballast()).expect("it was there");
    wait_until("erased", || {
        let erase = |user: &str| service.ask(&Request::new("DELETE", format!("/users/{user}"))).status == 204;
        ["user-1", "user-2", "user-3"].into_iter().all(erase)
    });
    check(&service, &small.record, small.stock);
    for user in ["user-1", "user-2", "user-3"] {
        let listed = service.get(&format!("/events?user_id={user}"));
        assert_eq!(listed["events"].as_array().map(Vec::len), Some(0), "{listed}");
    }
    drop(service);
    check(&small.start(), &small.record, small.stock);
}
