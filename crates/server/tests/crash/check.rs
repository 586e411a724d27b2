//! Is everything there that was acknowledged, once and as it was, and nothing else? And are the figures right?

use std::collections::{BTreeMap, BTreeSet};

use crate::client::Request;
use crate::clients::accepted_of;
use crate::events::{Stock, number_of, page_of, user_of};
use crate::json::url_encoded;
use crate::record::{Erased, Record};
use crate::service::Service;

pub(crate) const EVER: &str = "from=2020-01-01T00:00:00Z&to=2031-01-01T00:00:00Z";

/// The numbers of the events that the service holds. Each must be one that was sent, as it was sent, and there once.
pub(crate) fn exported(service: &Service, stock: Stock, sent: u64) -> BTreeSet<u64> {
    let answer = service.ask(&Request::get("/export?format=ndjson"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut found = BTreeSet::new();
    for line in answer.text().lines() {
        let id = line.strip_prefix(r#"{"event_id":""#).and_then(|rest| rest.get(..36));
        let number = id.and_then(number_of).filter(|number| *number < sent);
        let number = number.unwrap_or_else(|| panic!("this was never sent: {line}"));
        assert_eq!(line, stock.event(number), "not what was sent");
        assert!(found.insert(number), "there twice: {line}");
    }
    found
}

/// Holds the service to what its clients were told, and hands back what it holds.
pub(crate) fn check(service: &Service, record: &Record, stock: Stock) -> BTreeSet<u64> {
    let found = exported(service, stock, record.sent());
    let (acknowledged, erased) = (record.acknowledged(), record.erased());
    let may_be_gone = |number: u64| {
        let is_users =
            |erased: &Erased| number < erased.sent && user_of(number).as_ref() == Some(&erased.user);
        erased.iter().any(is_users)
    };
    let missing: Vec<&u64> =
        acknowledged.difference(&found).filter(|number| !may_be_gone(**number)).collect();
    assert!(
        missing.is_empty(),
        "{} of {} acknowledged are missing: {missing:?}",
        missing.len(),
        acknowledged.len()
    );
    let back: Vec<&u64> = erased.iter().flat_map(|erased| erased.gone.intersection(&found)).collect();
    assert!(back.is_empty(), "these were erased: {back:?}");
    if erased.is_empty() {
        assert!(record.accepted() <= found.len() as u64, "more were accepted than are there");
    }
    figures(service, &found);
    is_consistent(service);
    found
}

/// Asks for figures and recounts them.
fn figures(service: &Service, found: &BTreeSet<u64>) {
    let summary = service.get(&format!("/analytics/summary?{EVER}"));
    assert_eq!(summary["total_events"], found.len(), "{summary}");
    let mut pages: BTreeMap<String, (BTreeSet<String>, usize)> = BTreeMap::new();
    for number in found {
        if let Some(page) = page_of(*number) {
            let (visitors, views) = pages.entry(page).or_default();
            visitors.extend(user_of(*number));
            *views += 1;
        }
    }
    for (page, (visitors, views)) in pages.iter().step_by(3) {
        let told = service.get(&format!("/analytics/visitors?{EVER}&url={}", url_encoded(page)));
        let expected = (visitors.len().into(), (*views).into());
        assert_eq!((&told["distinct_visitors"], &told["page_views"]), (&expected.0, &expected.1), "{told}");
    }
}

pub(crate) fn is_consistent(service: &Service) {
    let told = service.ask(&Request::new("POST", "/verify")).json_of(200);
    assert_eq!(told["consistent"], true, "{told}");
}

/// Posts what was acknowledged again: all of it is known.
pub(crate) fn retries_are_duplicates(service: &Service, record: &Record, stock: Stock) {
    let mut connection = service.connect();
    let acknowledged: Vec<u64> = record.acknowledged().into_iter().collect();
    let some = acknowledged.chunks(900).rev().take(12).chain(acknowledged.chunks(1).step_by(997));
    for numbers in some {
        let answer = connection.ask(&Request::ndjson(stock.lines(numbers))).expect("an answer");
        assert_eq!(accepted_of(&answer, numbers.len()), 0, "these were acknowledged before: {numbers:?}");
    }
}
