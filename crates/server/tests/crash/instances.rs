//! Instances on one database, killed while clients post to all of them, also the same events.

use std::path::Path;
use std::time::Duration;

use footfall_test_services::Postgres;

use crate::check::{EVER, check, retries_are_duplicates};
use crate::clients::{Load, post_until_gone};
use crate::events::Stock;
use crate::random::Random;
use crate::record::Record;
use crate::service::{Service, rounds};

const CLIENTS: u64 = 3;
const INSTANCES: usize = 2;

#[test]
fn what_any_of_them_acknowledged_is_known_to_all() {
    let (mut random, stock, record) = (Random::new(), Stock::long_ago(), Record::default());
    println!("seed {}", random.seed());
    let url = Postgres::shared().database();
    let settings =
        [("STORAGE__BACKEND", "postgres"), ("POSTGRES__URL", &url[..]), ("POSTGRES__POOL_SIZE", "6")];
    let start = || Service::start_with(Path::new("."), &settings);
    let mut there = 0;
    for round in 0..rounds().min(30) {
        let services: Vec<Service> = (0..INSTANCES).map(|_| start()).collect();
        let load = if round % 4 == 3 { Load::Bulk } else { Load::Mixed };
        std::thread::scope(|scope| {
            for service in &services {
                for _ in 0..CLIENTS {
                    let (record, seed) = (&record, random.next());
                    scope.spawn(move || post_until_gone(service, record, stock, load, seed));
                }
            }
            for service in &services {
                std::thread::sleep(Duration::from_millis(50 + random.below(700)));
                service.kill();
            }
        });
        let service = start();
        let now_there = check(&service, &record, stock).len();
        assert!(now_there >= there);
        there = now_there;
        retries_are_duplicates(&service, &record, stock);
        let summary = service.get(&format!("/analytics/summary?{EVER}"));
        assert_eq!(summary["total_events"], there, "retries change nothing");
        println!("{} sent, {} acknowledged, {there} there", record.sent(), record.acknowledged().len());
    }
}
