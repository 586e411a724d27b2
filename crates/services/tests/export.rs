//! Exports over a log that is at hand: what they write, how they go through it, and how they fail.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use footfall_domain::answers::{EventFilter, Order, Slice};
use footfall_domain::event::{Event, EventBatch, EventId, EventParts, Subject};
use footfall_domain::time::{TimeRange, Timestamp};
use footfall_ports::{EventLog, Outcome, StoreError};
use footfall_services::export::{Export, Format, SLICE_EVENTS};

/// Events in order, and how many slices may be read before the log fails.
struct Log {
    events: Vec<Event>,
    slices_until_failure: usize,
    slices: AtomicUsize,
}

#[async_trait]
impl EventLog for Log {
    async fn append(&self, _: Arc<EventBatch>) -> Result<Vec<Outcome>, StoreError> {
        unreachable!("an export writes nothing")
    }

    async fn event(&self, _: EventId) -> Result<Option<Event>, StoreError> {
        unreachable!("an export reads slices")
    }

    async fn events(&self, filter: EventFilter, slice: Slice) -> Result<Vec<Event>, StoreError> {
        if self.slices.fetch_add(1, Ordering::Relaxed) >= self.slices_until_failure {
            return Err(StoreError::Failed("a defect".into()));
        }
        assert_eq!((slice.order, slice.limit), (Order::Ascending, SLICE_EVENTS));
        let place = |event: &&Event| (event.get().at(), event.get().id());
        let wanted = |event: &&Event| {
            filter.range.contains(event.get().at()) && slice.after.is_none_or(|after| place(event) > after)
        };
        Ok(self.events.iter().filter(wanted).take(slice.limit).cloned().collect())
    }

    async fn erase_user(&self, _: String) -> Result<u64, StoreError> {
        unreachable!("an export writes nothing")
    }
}

fn log(events: Vec<Event>) -> Arc<Log> {
    Arc::new(Log { events, slices_until_failure: usize::MAX, slices: AtomicUsize::new(0) })
}

fn event(number: u32, user: Option<&str>, properties: &str) -> Event {
    let mut id = [0; 16];
    id[12..].copy_from_slice(&number.to_be_bytes());
    let at = Timestamp::from_micros(i64::from(number)).expect("a time");
    let (id, subject) = (EventId::from_bytes(id), Subject::None);
    let mut batch = EventBatch::default();
    batch.push(&EventParts { id, at, event_type: "click", user, subject, properties });
    Event::copy_of(batch.get(0))
}

/// The log of these tests never waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing here waits"),
    }
}

fn chunks(mut export: Export) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut chunks = Vec::new();
    while let Some(chunk) = now(export.next())? {
        chunks.push(chunk);
    }
    assert!(now(export.next())?.is_none(), "the end stays the end");
    Ok(chunks)
}

fn text(log: &Arc<Log>, format: Format) -> String {
    let chunks = chunks(Export::new(log.clone(), format, TimeRange::ALL)).expect("the log works");
    String::from_utf8(chunks.concat()).expect("UTF-8")
}

#[test]
fn nothing_is_an_empty_text_or_a_header_alone() {
    let log = log(Vec::new());
    assert_eq!(text(&log, Format::Ndjson), "");
    assert_eq!(text(&log, Format::Csv), "event_id,user_id,event_type,timestamp,properties\n");
}

#[test]
fn an_event_is_one_line_or_one_record_whatever_it_holds() {
    let log = log(vec![
        event(1, Some("a,\"b\"\r\nc"), "{\r\n  \"x\": \"é, \\n\"\n}"),
        event(2, None, "{}"),
        event(3, Some("42"), r#"{ "n": 1.10 }"#),
    ]);
    assert_eq!(
        text(&log, Format::Ndjson),
        concat!(
            r#"{"event_id":"00000000-0000-0000-0000-000000000001","user_id":"a,\"b\"\r\nc","event_type":"click","#,
            r#""timestamp":"1970-01-01T00:00:00.000001Z","properties":{    "x": "é, \n" }}"#,
            "\n",
            r#"{"event_id":"00000000-0000-0000-0000-000000000002","user_id":null,"event_type":"click","#,
            r#""timestamp":"1970-01-01T00:00:00.000002Z","properties":{}}"#,
            "\n",
            r#"{"event_id":"00000000-0000-0000-0000-000000000003","user_id":"42","event_type":"click","#,
            r#""timestamp":"1970-01-01T00:00:00.000003Z","properties":{ "n": 1.10 }}"#,
            "\n",
        )
    );
    assert_eq!(
        text(&log, Format::Csv),
        concat!(
            "event_id,user_id,event_type,timestamp,properties\n",
            "00000000-0000-0000-0000-000000000001,\"a,\"\"b\"\"\r\nc\",click,1970-01-01T00:00:00.000001Z,",
            "\"{    \"\"x\"\": \"\"é, \\n\"\" }\"\n",
            "00000000-0000-0000-0000-000000000002,,click,1970-01-01T00:00:00.000002Z,{}\n",
            "00000000-0000-0000-0000-000000000003,42,click,1970-01-01T00:00:00.000003Z,\"{ \"\"n\"\": 1.10 }\"\n",
        )
    );
}

#[test]
fn every_event_comes_once_also_where_slices_meet() {
    let slice = u32::try_from(SLICE_EVENTS).expect("a small number");
    for (count, slices) in [(slice - 1, 1), (slice, 2), (slice + 1, 2), (3 * slice + 7, 4)] {
        let log = log((0..count).map(|number| event(number, Some("u"), "{}")).collect());
        let lines = text(&log, Format::Ndjson);
        assert_eq!(log.slices.load(Ordering::Relaxed), slices);
        let ids: Vec<String> = lines.lines().map(|line| line[13..49].to_owned()).collect();
        let expected: Vec<String> = log.events.iter().map(|event| event.get().id().to_string()).collect();
        assert_eq!(ids, expected);
        assert_eq!(text(&log, Format::Csv).lines().count(), 1 + ids.len());
    }
}

#[test]
fn chunks_are_bounded_and_hold_whole_lines() {
    let properties = format!(r#"{{"x":"{}"}}"#, "y".repeat(30_000));
    let log = log((0..20).map(|number| event(number, Some("u"), &properties)).collect());
    for format in [Format::Ndjson, Format::Csv] {
        let chunks = chunks(Export::new(log.clone(), format, TimeRange::ALL)).expect("the log works");
        assert!(chunks.len() >= 5, "{}", chunks.len());
        for chunk in chunks {
            assert!(chunk.len() < 100_000 && chunk.ends_with(b"\n"), "{}", chunk.len());
        }
    }
}

#[test]
fn only_the_range_goes_out() {
    let log = log((0..10).map(|number| event(number, Some("u"), "{}")).collect());
    let at = |micros| Timestamp::from_micros(micros).expect("a time");
    let range = TimeRange::new(at(3), at(5)).expect("a range");
    let lines = chunks(Export::new(log, Format::Csv, range)).expect("the log works").concat();
    assert_eq!(String::from_utf8_lossy(&lines).lines().count(), 1 + 2);
}

#[test]
fn a_log_that_fails_on_the_way_is_an_error_and_no_end() {
    let slice = u32::try_from(SLICE_EVENTS).expect("a small number");
    let events = (0..2 * slice).map(|number| event(number, Some("u"), "{}")).collect();
    let log = Arc::new(Log { events, slices_until_failure: 1, slices: AtomicUsize::new(0) });
    for format in [Format::Ndjson, Format::Csv] {
        log.slices.store(0, Ordering::Relaxed);
        let mut export = Export::new(log.clone(), format, TimeRange::ALL);
        let mut chunks = 0;
        let error = loop {
            match now(export.next()) {
                Ok(Some(_)) => chunks += 1,
                Ok(None) => panic!("a part passed for the whole"),
                Err(error) => break error,
            }
        };
        assert!(chunks > 0 && matches!(error, StoreError::Failed(_)), "{chunks} {error}");
        assert!(now(export.next()).is_err(), "it does not end well later either");
    }
}
