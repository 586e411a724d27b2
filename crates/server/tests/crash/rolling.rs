//! Two instances on one database behind HAProxy, with the configuration that `deploy` has, stopped and started in turn
//! while clients post and ask: no request fails. One that is killed costs requests, which clients send again.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use footfall_test_services::{HaProxy, Postgres, free_port};

use crate::check::{EVER, check};
use crate::client::{Answer, Connection, Request};
use crate::clients::{Load, accepted_of, any_post};
use crate::events::Stock;
use crate::random::Random;
use crate::record::Record;
use crate::service::Service;

const CONFIGURATION: &str = include_str!("../../../../deploy/haproxy/haproxy.cfg");
const CLIENTS: u64 = 4;
/// How often each instance is restarted.
const ROUNDS: usize = 2;
/// Between a client's requests.
const PAUSE: Duration = Duration::from_millis(15);
/// How long both are left to work before the next one goes.
const TOGETHER: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(30);

/// The configuration as it ships, but for where things are; and with a page of HAProxy's own that tells what it thinks of them.
fn configuration(port: u16, statistics: u16, instances: [u16; 2]) -> String {
    let own =
        format!("\nlisten statistics\n    bind 127.0.0.1:{statistics}\n    stats enable\n    stats uri /\n");
    let at = |port| format!("127.0.0.1:{port}");
    let places = [(":80", port), ("192.0.2.11:8080", instances[0]), ("192.0.2.12:8080", instances[1])];
    places.into_iter().fold(CONFIGURATION.to_owned() + &own, |text, (place, port)| {
        assert_eq!(text.matches(&format!(" {place}\n")).count(), 1, "{place}");
        text.replace(&format!(" {place}\n"), &format!(" {}\n", at(port)))
    })
}

/// Clients of the load balancer.
struct Clients<'a> {
    address: String,
    record: &'a Record,
    stock: Stock,
    is_over: AtomicBool,
    /// What was not answered as it should be, and was sent again.
    failures: Mutex<Vec<String>>,
}

impl Clients<'_> {
    /// Posts, and asks now and then, over connections that are kept for a while.
    fn run(&self, seed: u64) {
        let mut random = Random::seeded(seed);
        while !self.is_over.load(Ordering::Relaxed) {
            let mut connection = Connection::open(&self.address);
            for _ in 0..=random.below(30) {
                let post = any_post(&mut random, self.record, self.stock, Load::Light, false);
                let answer = self.insist(&mut connection, &post.request);
                self.record.acknowledge(&post.numbers, accepted_of(&answer, post.numbers.len()));
                if random.below(8) == 0 {
                    let question = Request::get(format!("/analytics/summary?{EVER}"));
                    self.insist(&mut connection, &question).json_of(200);
                }
                thread::sleep(PAUSE);
            }
        }
    }

    /// Sends it until it is answered well.
    fn insist(&self, connection: &mut Connection, request: &Request) -> Answer {
        let since = Instant::now();
        loop {
            let failure = match connection.ask(request) {
                Ok(answer) if answer.status / 100 == 2 => return answer,
                Ok(answer) => format!("{}: {}", answer.status, answer.text()),
                Err(error) => error.to_string(),
            };
            assert!(since.elapsed() < PATIENCE, "{} {}: {failure}", request.method, request.target);
            self.failures.lock().expect("no client panicked").push(failure);
            thread::sleep(PAUSE);
            *connection = Connection::open(&self.address);
        }
    }

    fn take_failures(&self) -> Vec<String> {
        std::mem::take(&mut self.failures.lock().expect("no client panicked"))
    }
}

#[test]
fn a_rolling_restart_fails_no_request() {
    let (mut random, stock, record) = (Random::new(), Stock::long_ago(), Record::default());
    println!("seed {}", random.seed());
    let (url, ports) = (Postgres::shared().database(), [free_port(), free_port()]);
    let start = |port: u16| {
        let bind = format!("127.0.0.1:{port}");
        let settings = [
            ("SERVER__BIND", &bind[..]),
            ("SERVER__DRAIN_PERIOD", "3s"),
            ("STORAGE__BACKEND", "postgres"),
            ("POSTGRES__URL", &url),
            ("POSTGRES__POOL_SIZE", "6"),
        ];
        Service::start_with(Path::new("."), &settings)
    };
    let mut services = ports.map(|port| Some(start(port)));
    let statistics = free_port();
    let haproxy = HaProxy::start(|port| configuration(port, statistics, ports));
    let address = format!("127.0.0.1:{}", haproxy.port());
    let clients = Clients {
        address,
        record: &record,
        stock,
        is_over: AtomicBool::new(false),
        failures: Mutex::default(),
    };
    thread::scope(|scope| {
        let _over = Over(&clients.is_over);
        for _ in 0..CLIENTS {
            let (clients, seed) = (&clients, random.next());
            scope.spawn(move || clients.run(seed));
        }
        until_up(statistics, 2);
        for place in (0..ROUNDS).flat_map(|_| 0..ports.len()) {
            let before = record.acknowledged().len();
            services[place].take().expect("it runs").end();
            services[place] = Some(start(ports[place]));
            until_up(statistics, 2);
            thread::sleep(TOGETHER);
            assert_eq!(clients.take_failures(), [""; 0], "instance {place} was restarted");
            println!("instance {place}: {} acknowledged meanwhile", record.acknowledged().len() - before);
        }
        let killed = services[0].take().expect("it runs");
        killed.kill();
        until_up(statistics, 1);
        thread::sleep(TOGETHER);
        println!("one killed: {} requests sent again", clients.take_failures().len());
        services[0] = Some(start(ports[0]));
        until_up(statistics, 2);
        thread::sleep(TOGETHER);
        assert_eq!(clients.take_failures(), [""; 0], "both are back");
    });
    for service in services.iter().flatten() {
        let there = check(service, &record, stock).len();
        println!("{} sent, {} acknowledged, {there} there", record.sent(), record.acknowledged().len());
        assert_eq!(there as u64, record.sent(), "everything was acknowledged in the end");
    }
}

/// Waits until HAProxy sends requests to so many instances.
fn until_up(statistics: u16, count: usize) {
    let since = Instant::now();
    loop {
        let answer = Connection::open(&format!("127.0.0.1:{statistics}")).ask(&Request::get("/;csv"));
        let table = answer.expect("HAProxy answers").text();
        let is_up = |line: &&str| line.starts_with("instances,") && line.split(',').nth(17) == Some("UP");
        // The line of the backend as a whole is one of them.
        if table.lines().filter(is_up).count() == count + 1 {
            return;
        }
        assert!(since.elapsed() < PATIENCE, "not {count} up: {table}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Ends the clients, also when the test fails.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
