//! Clients that post without a pause until the service is gone, and remember what it told them.

use serde_json::Value;

use crate::client::{Answer, Request};
use crate::events::Stock;
use crate::random::Random;
use crate::record::Record;
use crate::service::Service;

/// Events in an array, at most.
const ARRAY_MAX: u64 = 1_000;
/// New events until the service is gone, about. What is sent beyond is retries.
const MIXED_MAX: u64 = 6_000;
const BULK_MAX: u64 = 45_000;

/// What kind of posts there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Load {
    /// Single events and arrays of all sizes.
    Mixed,
    /// Large arrays, and more of them: so many that the service puts them in order meanwhile.
    Bulk,
    /// Single events and small arrays.
    Light,
}

/// What is posted at once, and how.
pub(crate) struct Post {
    pub(crate) numbers: Vec<u64>,
    pub(crate) request: Request,
}

/// One event by itself, in an array or as lines, new ones and retries of older ones among each other.
pub(crate) fn any_post(
    random: &mut Random,
    record: &Record,
    stock: Stock,
    load: Load,
    only_retries: bool,
) -> Post {
    let count = match random.below(10) {
        _ if load == Load::Bulk => ARRAY_MAX - random.below(200),
        0..5 => 1,
        _ if load == Load::Light => random.below(20) + 1,
        5..8 => random.below(40) + 1,
        _ => random.below(ARRAY_MAX) + 1,
    };
    let new = if only_retries { 0 } else { count - random.below(count / 4 + 2).min(count) };
    let sent = record.sent();
    let mut numbers: Vec<u64> = record.take(new).collect();
    if sent > 0 {
        while (numbers.len() as u64) < count {
            // Mostly recent ones, whose first try may still be on its way.
            let back = if random.below(2) == 0 { random.below(sent.min(300)) } else { random.below(sent) };
            let place = random.below(numbers.len() as u64 + 1) as usize;
            numbers.insert(place, sent - 1 - back);
        }
    }
    if numbers.is_empty() {
        numbers.extend(record.take(1));
    }
    let lines = stock.lines(&numbers);
    let request = match random.below(3) {
        _ if numbers.len() == 1 && random.below(4) > 0 => Request::post("/events", lines),
        0 => Request::ndjson(lines),
        _ => Request::post("/events", format!("[{}]", lines.replace('\n', ","))),
    };
    Post { numbers, request }
}

/// What an answer to a post says of it: how many events are newly stored.
pub(crate) fn accepted_of(answer: &Answer, count: usize) -> u64 {
    if answer.status == 201 {
        assert_eq!((&answer.json()["status"], count), (&"accepted".into(), 1));
        return 1;
    }
    let told = answer.json_of(200);
    if told["status"] == "duplicate" && count == 1 {
        return 0;
    }
    let number = |name: &str| told[name].as_u64().unwrap_or_else(|| panic!("{told}"));
    assert_eq!(number("accepted") + number("duplicates"), count as u64, "{told}");
    assert_eq!((number("rejected"), &told["errors"]), (0, &Value::Array(Vec::new())), "{told}");
    number("accepted")
}

/// Posts over a connection that is kept, until the service is gone.
pub(crate) fn post_until_gone(service: &Service, record: &Record, stock: Stock, load: Load, seed: u64) {
    let (mut random, mut connection) = (Random::seeded(seed), service.connect());
    let limit = record.sent() + if load == Load::Bulk { BULK_MAX } else { MIXED_MAX };
    loop {
        let post = any_post(&mut random, record, stock, load, record.sent() >= limit);
        // Cut off half-way, or not heard at all: nothing is known of it.
        let Ok(answer) = connection.ask(&post.request) else { return };
        record.acknowledge(&post.numbers, accepted_of(&answer, post.numbers.len()));
    }
}
