//! Is the site's traffic what a site's traffic is like?

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::*;
use crate::Spread;

const COUNT: u64 = 100_000;

fn end() -> Timestamp {
    Timestamp::parse("2026-11-25T10:00:00Z").unwrap()
}

fn lines(seed: Seed) -> Vec<u8> {
    let mut site = Site::new(seed, SiteOptions::new(2_000, 500, COUNT as f64 / 604_800.0));
    let mut out = Vec::new();
    for time in Spread::new(seed, end(), 7, COUNT) {
        site.append(time, &mut out);
        out.push(b'\n');
    }
    out
}

fn events() -> Vec<Value> {
    let lines = lines(Seed::past(1));
    lines
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| {
            serde_json::from_slice(line)
                .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(line)))
        })
        .collect()
}

/// How many there are of each, most first.
fn ranked<'a>(values: impl Iterator<Item = &'a str>) -> Vec<usize> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    let mut counts: Vec<usize> = counts.into_values().collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    counts
}

fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    assert!(lines(Seed::past(1)) == lines(Seed::past(1)));
    assert!(lines(Seed::past(1)) != lines(Seed::past(2)));
    // A shorter run is no other site: its events are the first ones of the longer, but for their times.
    let options = SiteOptions::new(10, 10, 1.0);
    let ids = |count| {
        let mut site = Site::new(Seed::past(1), options);
        (0..count).map(|_| site.append(end(), &mut Vec::new())).collect::<Vec<_>>()
    };
    assert_eq!(ids(10)[..5], ids(5));
}

/// A run that was noted down by its seed can be had again from a later version.
#[test]
fn the_bytes_of_a_seed_are_fixed() {
    let lines = lines(Seed::past(1));
    let first = lines.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let expected = r#"{"event_id":"0dd56662-6a4f-8cb7-a26c-51878ff8acd8","user_id":"user-0000837","event_type":"page_view","timestamp":"2026-11-18T10:00:01.386596Z","properties":{"page":"https://shop.example/products/00012","referrer":"https://search.example/"}}"#;
    assert_eq!(String::from_utf8_lossy(first), expected);
    let sum = lines.iter().fold(0_u64, |sum, &byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    assert_eq!(sum, 8_224_611_501_398_807_073);
}

#[test]
fn events_have_the_shape_that_a_server_takes() {
    let mut ids = HashSet::new();
    let mut types: HashMap<String, usize> = HashMap::new();
    for event in events() {
        let text =
            |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let id = text("/event_id");
        assert!(EventId::parse(&id).is_some() && ids.insert(id), "{event}");
        assert!(text("/user_id").starts_with("user-"), "{event}");
        let time = Timestamp::parse(&text("/timestamp")).expect("RFC 3339");
        assert!(time < end() && time >= end().plus_micros(-7 * 86_400_000_000), "{event}");
        let event_type = text("/event_type");
        match &event_type[..] {
            "page_view" | "click" | "signup" => {
                assert!(text("/properties/page").starts_with("https://shop.example/"), "{event}");
            }
            "purchase" => {
                let amount = event["properties"]["amount"].as_f64().expect("a number");
                assert!((4.9..410.0).contains(&amount), "{event}");
                assert!(text("/properties/product_id").starts_with("product-"), "{event}");
            }
            other => panic!("{other}"),
        }
        *types.entry(event_type).or_default() += 1;
    }
    let percent = |name: &str| 100 * types[name] / ids.len();
    assert!((65..75).contains(&percent("page_view")), "{types:?}");
    assert!((18..30).contains(&percent("click")), "{types:?}");
    assert!((3..8).contains(&percent("purchase")), "{types:?}");
    assert!((1..3).contains(&percent("signup")), "{types:?}");
}

#[test]
fn few_pages_have_most_views_and_few_visitors_make_many() {
    let events = events();
    let views = || events.iter().filter(|event| event["event_type"] == "page_view");
    let pages = ranked(views().map(|event| {
        let page = event["properties"]["page"].as_str().unwrap_or_default();
        page.split('?').next().unwrap_or_default()
    }));
    let all = pages.iter().sum();
    assert!(pages.len() > 450, "{}", pages.len());
    assert!(share(pages[..50].iter().sum(), all) > 0.5, "{pages:?}");

    let users = ranked(events.iter().map(|event| event["user_id"].as_str().unwrap_or_default()));
    let tenth = share(users[..200].iter().sum(), events.len());
    assert!(users.len() > 1_900 && (0.25..0.45).contains(&tenth), "{} users, {tenth}", users.len());
    assert!(users[0] > 10 * users[1_000], "{users:?}");
}

/// A visitor's events come in sessions: five or so near each other, then nothing for long.
#[test]
fn visitors_come_back_for_sessions_of_several_events() {
    let mut last: HashMap<String, Timestamp> = HashMap::new();
    let (mut sessions, mut events_seen) = (HashMap::<String, u32>::new(), 0);
    for event in events() {
        let user = event["user_id"].as_str().unwrap_or_default().to_owned();
        let time = Timestamp::parse(event["timestamp"].as_str().unwrap_or_default()).expect("RFC 3339");
        let before = last.insert(user.clone(), time);
        if before.is_none_or(|before| time.micros() - before.micros() > 30 * 60_000_000) {
            *sessions.entry(user).or_default() += 1;
        }
        events_seen += 1;
    }
    let all: u32 = sessions.values().sum();
    let length = f64::from(events_seen) / f64::from(all);
    assert!((3.5..6.5).contains(&length), "{length}");
    let back = sessions.values().filter(|&&sessions| sessions > 1).count();
    assert!(share(back, sessions.len()) > 0.9, "{back} of {}", sessions.len());
}
