//! Two services on one folder.

use crate::check::check;
use crate::client::Request;
use crate::clients::accepted_of;
use crate::events::Stock;
use crate::record::Record;
use crate::service::{Service, serve};

#[test]
fn a_second_service_is_refused_and_the_first_goes_on() {
    let (folder, record, stock) =
        (tempfile::tempdir().expect("a folder"), Record::default(), Stock::long_ago());
    let first = Service::start(folder.path());
    let post = |service: &Service| {
        let numbers: Vec<u64> = record.take(50).collect();
        let answer = service.ask(&Request::ndjson(stock.lines(&numbers)));
        record.acknowledge(&numbers, accepted_of(&answer, numbers.len()));
    };
    post(&first);
    for _ in 0..2 {
        let said = Service::run(serve(folder.path(), &[])).map(drop).expect_err("a second one started");
        for part in [folder.path().to_str().expect("a plain name"), "in use", "FOOTFALL__EMBEDDED__DIR"] {
            assert!(said.contains(part), "`{part}` is not in: {said}");
        }
        post(&first);
        check(&first, &record, stock);
    }
    // However the first one ends, the folder is free then.
    drop(first);
    let second = Service::start(folder.path());
    post(&second);
    check(&second, &record, stock);
    second.end();
    check(&Service::start(folder.path()), &record, stock);
}
