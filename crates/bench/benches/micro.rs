//! Micro-benchmarks of what an event goes through: parsing, validation, deduplication, folding.

use std::sync::Arc;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use footfall_domain::event::{EventBatch, EventId};
use footfall_domain::host::normalise_domain;
use footfall_domain::json::Scanner;
use footfall_domain::page::PageRules;
use footfall_domain::time::Timestamp;
use footfall_domain::validate::{Envelope, Receipt, Rules};
use footfall_memory::{MemoryOptions, MemoryStore};
use footfall_ports::{Clock, EventLog};
use footfall_read_models::{Fact, Location, ReadModels};

const EVENTS: usize = 1_000;

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros_clamped(1_750_000_000_000_000)
    }
}

fn main() {
    divan::main();
}

/// A thousand different events as one JSON array, numbered from `first`.
fn body(first: usize) -> String {
    let event = |number: usize| {
        let (user, page, second) = (number * 7919 % 100_000, number * 31 % 1_000, number % 60);
        format!(
            r#"{{"event_id":"00000000-0000-4000-8000-{number:012x}","user_id":"user-{user:07}","event_type":"page_view","timestamp":"2025-06-15T14:00:{second:02}.123456Z","properties":{{"page":"https://shop.example.com/products/{page:04}","referrer":"https://www.example.org/search","title":"Espresso machines","screen":"1920x1080"}}}}"#
        )
    };
    let events: Vec<String> = (first..first + EVENTS).map(event).collect();
    format!("[{}]", events.join(","))
}

fn read(body: &str, mut each: impl FnMut(Envelope<'_>)) {
    let mut scanner = Scanner::new(body);
    let read = scanner.array(|scanner| {
        each(Envelope::read(scanner)?);
        Ok(())
    });
    assert!(read.is_ok());
}

fn validated(body: &str, rules: &Rules) -> EventBatch {
    let mut batch = EventBatch::with_capacity(EVENTS, body.len());
    let mut new_id = || EventId::from_bytes([0; 16]);
    let mut receipt = Receipt { now: FixedClock.now(), oldest: Timestamp::MIN, new_id: &mut new_id };
    read(body, |envelope| assert!(envelope.validate(rules, &mut receipt, &mut batch).is_ok()));
    batch
}

#[divan::bench]
fn parse(bencher: Bencher<'_, '_>) {
    let body = body(0);
    bencher
        .counter(ItemsCount::new(EVENTS))
        .bench(|| read(black_box(&body), |envelope| drop(black_box(envelope))));
}

#[divan::bench]
fn parse_and_validate(bencher: Bencher<'_, '_>) {
    let (body, rules) = (body(0), Rules::default());
    bencher.counter(ItemsCount::new(EVENTS)).bench(|| validated(black_box(&body), &rules));
}

/// For comparison: the same events into owned values by `serde_json`, which checks nothing.
#[divan::bench]
fn parse_by_serde_json(bencher: Bencher<'_, '_>) {
    let body = body(0);
    bencher.counter(ItemsCount::new(EVENTS)).bench(|| {
        serde_json::from_str::<serde_json::Value>(black_box(&body))
            .map(|value| value.as_array().map(Vec::len))
    });
}

/// Deduplication and log: appending to a store that holds so many events already.
#[divan::bench(args = [0, 1_000_000])]
fn append(bencher: Bencher<'_, '_>, held: usize) {
    let rules = Rules::default();
    let options = MemoryOptions { max_bytes: 8 << 30, retention: None, clock: Arc::new(FixedClock) };
    let store = MemoryStore::start(options).expect("the system gives a thread");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime can be built");
    let mut next = 0;
    let mut batch = || {
        next += EVENTS;
        Arc::new(validated(&body(next), &rules))
    };
    for _ in 0..held / EVENTS {
        assert!(runtime.block_on(store.append(batch())).is_ok());
    }
    store.settle();
    bencher
        .counter(ItemsCount::new(EVENTS))
        .with_inputs(batch)
        .bench_local_values(|batch| runtime.block_on(store.append(batch)));
}

/// Folding into every read model, in groups of so many events.
#[divan::bench(args = [1, 16])]
fn fold(bencher: Bencher<'_, '_>, batches: usize) {
    let rules = Rules::default();
    let mut models = ReadModels::default();
    let mut next = 0;
    bencher
        .counter(ItemsCount::new(EVENTS * batches))
        .with_inputs(|| {
            let batch = |_| {
                next += EVENTS;
                validated(&body(next), &rules)
            };
            (0..batches).map(batch).collect::<Vec<_>>()
        })
        .bench_local_refs(|batches| {
            let events = batches.iter().flat_map(EventBatch::iter);
            models.add(events.map(|event| Fact::of(event, Location::new(0))));
        });
}

#[divan::bench(args = ["/home", "https://shop.example.com/products/42?id=7", "https://Shop.example.com:443/a/../b?utm_source=x"])]
fn page_identity(bencher: Bencher<'_, '_>, page: &str) {
    let rules = PageRules::default();
    bencher.bench(|| rules.normalise(black_box(page)).is_ok());
}

#[divan::bench(args = ["mail.example.com", "Mail.Example.COM"])]
fn domain_identity(domain: &str) -> bool {
    normalise_domain(black_box(domain)).is_ok()
}
