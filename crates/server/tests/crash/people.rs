//! Killed while users are put into segments, mails are told and activity is computed: what was acknowledged is there, once.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use footfall_test_services::Postgres;
use serde_json::{Value, json};

use crate::client::Request;
use crate::random::Random;
use crate::service::{Service, rounds};

const CLIENTS: usize = 4;
const SEGMENTS: u64 = 7;
/// Users of one request.
const BATCH: u64 = 40;

/// What was sent, and what of it was acknowledged.
#[derive(Default)]
struct Told {
    /// The next user's number; users are sent in batches of consecutive ones.
    next_user: AtomicU64,
    joined: Mutex<BTreeSet<u64>>,
    next_mail: AtomicU64,
    mails: Mutex<BTreeSet<u64>>,
}

fn users_from(first: u64) -> Value {
    let user = |number: u64| {
        json!({ "ID": format!("user-{number}"), "segment": format!("s{}", number % SEGMENTS),
                "expiredSegment": 4_102_444_800_u64 })
    };
    Value::Array((first..first + BATCH).map(user).collect())
}

fn join(first: u64) -> Request {
    Request::post("/users", users_from(first).to_string())
}

/// A mail under a key of its own.
fn mail(number: u64) -> Request {
    let key = format!("00000000-0000-4000-8000-{number:012x}");
    Request::new("PUT", "/events/example.com/delivered").header("Idempotency-Key", key)
}

/// Sends until the service is gone.
fn send_until_gone(service: &Service, told: &Told) {
    let mut connection = service.connect();
    loop {
        let first = told.next_user.fetch_add(BATCH, Ordering::SeqCst);
        let Ok(answer) = connection.ask(&join(first)) else { return };
        let report = answer.json_of(200);
        assert_eq!(report["created"], BATCH, "{report}");
        told.joined.lock().expect("nobody panicked").insert(first);
        let number = told.next_mail.fetch_add(1, Ordering::SeqCst);
        let Ok(answer) = connection.ask(&mail(number)) else { return };
        assert_eq!(answer.status, 204, "{}", answer.text());
        told.mails.lock().expect("nobody panicked").insert(number);
    }
}

/// Moves the mark and computes what there is, until the service is gone.
fn work_until_gone(service: &Service) {
    let mut connection = service.connect();
    for target in ["/segments/refresh", "/metrics/calculate"].iter().cycle() {
        let Ok(answer) = connection.ask(&Request::new("POST", *target)) else { return };
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

fn counted(service: &Service) -> u64 {
    let counts = service.ask(&Request::new("POST", "/segments/refresh")).json_of(200);
    let counts: Vec<u64> = counts
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["usersCount"].as_u64().expect("a count"))
        .collect();
    for segment in 0..SEGMENTS {
        service.get(&format!("/segments/s{segment}/count"));
    }
    counts.iter().sum()
}

fn delivered(service: &Service) -> u64 {
    service.get("/domains/example.com")["delivered"].as_u64().expect("a count")
}

/// Everything acknowledged is there; what wasn't may be or not, each batch as a whole, and sending all again makes it all.
fn check(service: &Service, told: &Told) {
    let sent = told.next_user.load(Ordering::SeqCst);
    let acknowledged = told.joined.lock().expect("nobody panicked").len() as u64 * BATCH;
    let there = counted(service);
    assert!(
        (acknowledged..=sent).contains(&there),
        "{acknowledged} acknowledged, {there} there, {sent} sent"
    );
    assert_eq!(there % BATCH, 0, "a batch is stored as a whole");
    for first in (0..sent).step_by(BATCH as usize) {
        let report = service.ask(&join(first)).json_of(200);
        let (created, renewed) = (&report["created"], &report["renewed"]);
        let was_acknowledged = told.joined.lock().expect("nobody panicked").contains(&first);
        assert!(*created == 0 || (!was_acknowledged && *renewed == 0), "{report}");
    }
    assert_eq!(counted(service), sent);
    let mails = told.next_mail.load(Ordering::SeqCst);
    let there = delivered(service);
    let acknowledged = told.mails.lock().expect("nobody panicked").len() as u64;
    assert!(
        (acknowledged..=mails).contains(&there),
        "{acknowledged} acknowledged, {there} there, {mails} sent"
    );
    for number in 0..mails {
        assert_eq!(service.ask(&mail(number)).status, 204);
    }
    assert_eq!(delivered(service), mails);
    told.joined.lock().expect("nobody panicked").extend((0..sent).step_by(BATCH as usize));
    told.mails.lock().expect("nobody panicked").extend(0..mails);
}

fn kill_under_load(instances: usize, start: impl Fn() -> Service) {
    let (mut random, told) = (Random::new(), Told::default());
    println!("seed {}", random.seed());
    for _ in 0..rounds().div_ceil(2).min(20) {
        let services: Vec<Service> = (0..instances).map(|_| start()).collect();
        std::thread::scope(|scope| {
            for service in &services {
                for _ in 0..CLIENTS {
                    scope.spawn(|| send_until_gone(service, &told));
                }
                scope.spawn(|| work_until_gone(service));
            }
            for service in &services {
                std::thread::sleep(Duration::from_millis(50 + random.below(500)));
                service.kill();
            }
        });
        check(&start(), &told);
    }
    println!(
        "{} users, {} mails",
        told.next_user.load(Ordering::SeqCst),
        told.next_mail.load(Ordering::SeqCst)
    );
}

#[test]
fn the_embedded_store_keeps_what_it_acknowledged() {
    let folder = tempfile::tempdir().expect("a folder");
    kill_under_load(1, || Service::start_with(folder.path(), &[("SEGMENTS__SCHEDULE", "* * * * * *")]));
}

#[test]
fn instances_on_one_database_keep_what_any_acknowledged() {
    let url = Postgres::shared().database();
    let settings = [
        ("STORAGE__BACKEND", "postgres"),
        ("POSTGRES__URL", &url[..]),
        ("POSTGRES__POOL_SIZE", "6"),
        ("SEGMENTS__SCHEDULE", "* * * * * *"),
    ];
    kill_under_load(2, || Service::start_with(Path::new("."), &settings));
}
