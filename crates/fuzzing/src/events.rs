//! Bodies of `POST /events`: one event, an array, newline-delimited JSON.

use std::sync::Arc;

use footfall_domain::event::{Event, EventRef, PROPERTIES_MAX_BYTES, USER_MAX_CHARS};
use footfall_domain::time::{TimeRange, Timestamp};
use footfall_import_formats::csv::{ByteRecord, Header, Records};
use footfall_import_formats::ndjson;
use footfall_services::export::{Export, Format};
use footfall_services::live::{Live, LiveLimits};
use footfall_services::{BatchReport, Ingest, IngestError, Item, Limits};
use futures_util::FutureExt;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::event::{RULES, Verdict, check_errors, judge};
use crate::recorder::Recorder;

/// Most events of a body: few, so that inputs reach it.
const BATCH_EVENTS: usize = 8;

/// A body is taken as JSON exactly if it is JSON, in whichever form it comes an event gets the same verdict, every event is
/// accounted for, what is accepted is within the limits, and comes back the same when it is exported and imported.
///
/// # Panics
/// When one of these doesn't hold.
pub fn events(data: &[u8]) {
    as_json(data);
    as_lines(data);
}

fn as_json(body: &[u8]) {
    let (recorder, ingest) = service();
    let outcome = now(ingest.json(body));
    // JSON is UTF-8 (RFC 8259, §8.1), which serde_json doesn't look at in what it ignores.
    let is_json =
        std::str::from_utf8(body).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok());
    let is_refused = matches!(outcome, Err(IngestError::Malformed(_) | IngestError::NotUtf8(_)));
    assert_eq!(is_json, !is_refused, "JSON or not: {:?}", outcome.err());
    let Ok(text) = std::str::from_utf8(body) else { return };
    match outcome {
        Ok(Item::One(verdict)) => {
            let kept = recorder.events();
            assert_eq!(kept.len(), 1, "one event is one event");
            assert_eq!(kept[0].get().id(), verdict.event_id);
            assert_eq!(judge(body), valid(&kept[0]));
        }
        Ok(Item::Batch(report)) => check_batch(&elements(text), &report, &recorder),
        Err(IngestError::Invalid(errors)) => {
            check_errors(&errors, text);
            assert!(matches!(judge(body), Verdict::Refused(_)));
        }
        Err(IngestError::TooManyEvents(_)) => assert!(elements(text).len() > BATCH_EVENTS, "not too many"),
        Err(IngestError::Malformed(_)) => {}
        Err(other) => panic!("{other}"),
    }
    come_back(&recorder);
}

fn as_lines(body: &[u8]) {
    let (recorder, ingest) = service();
    let lines: Vec<&[u8]> =
        body.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).collect();
    match now(ingest.ndjson(body)) {
        Ok(report) => check_batch(&lines, &report, &recorder),
        Err(IngestError::Invalid(_)) => assert!(lines.is_empty(), "a batch of something is judged"),
        Err(IngestError::TooManyEvents(_)) => assert!(lines.len() > BATCH_EVENTS, "not too many"),
        Err(other) => panic!("{other}"),
    }
    come_back(&recorder);
}

/// Every event of a batch has the verdict that it has alone.
fn check_batch(items: &[&[u8]], report: &BatchReport, recorder: &Recorder) {
    assert!(items.len() <= BATCH_EVENTS, "more than allowed");
    assert_eq!(report.accepted + report.rejected, items.len(), "one is missing");
    assert_eq!(report.duplicates, 0);
    assert_eq!(report.errors.len(), report.rejected, "one has no reason");
    let (mut kept, mut rejected) = (recorder.events().into_iter(), report.errors.iter());
    for (index, item) in items.iter().enumerate() {
        let alone = if std::str::from_utf8(item).is_ok() { judge(item) } else { Verdict::Malformed };
        match alone {
            Verdict::Valid(record) => {
                let next = kept.next().as_ref().map(valid);
                assert_eq!(next, Some(Verdict::Valid(record)), "another event");
            }
            Verdict::Malformed | Verdict::Refused(_) => {
                let rejected = rejected.next().expect("it is told");
                assert_eq!(rejected.index, index, "another one is told of");
                let codes: Vec<_> = rejected.errors.iter().map(|error| error.code.as_str()).collect();
                let expected = if let Verdict::Refused(codes) = alone { codes } else { vec!["malformed"] };
                assert_eq!(codes, expected, "another reason");
            }
        }
    }
    assert!(kept.next().is_none() && rejected.next().is_none(), "more than was sent");
}

/// What is stored is within the limits, is shown as an event that is stored the same, and so is what is exported.
fn come_back(recorder: &Arc<Recorder>) {
    let kept = recorder.events();
    for event in &kept {
        let event = event.get();
        assert!(event.properties().len() <= PROPERTIES_MAX_BYTES);
        assert!(event.user().is_none_or(|user| (1..=USER_MAX_CHARS).contains(&user.chars().count())));
        let mut shown = Vec::new();
        event.write_json(&mut shown);
        same(event, &shown, false);
    }
    let lines = exported(recorder, Format::Ndjson);
    for (event, line) in kept.iter().zip(lines.split(|byte| *byte == b'\n')) {
        let mut imported = Vec::new();
        ndjson::write_event(line, unneeded_id, &mut imported).expect("import takes what is exported");
        same(event.get(), &imported, true);
    }
    let table = exported(recorder, Format::Csv);
    if table.is_empty() {
        return;
    }
    let (mut records, mut record) = (Records::new(&*table), ByteRecord::new());
    records.read(&mut record).expect("a table");
    let header = Header::parse(&record).expect("its header");
    for event in &kept {
        assert!(records.read(&mut record).expect("a table").is_some(), "a record is missing");
        let mut imported = Vec::new();
        header.write_event(&record, unneeded_id, &mut imported).expect("import takes what is exported");
        same(event.get(), &imported, true);
    }
    assert!(records.read(&mut record).expect("a table").is_none(), "a record too many");
}

fn unneeded_id(_: &[u8]) -> Uuid {
    panic!("what is exported has an id")
}

/// Whether that JSON is stored as the event is; where lines were made of it, with spaces for line breaks between members.
fn same(event: EventRef<'_>, json: &[u8], is_line: bool) {
    let Verdict::Valid(record) = judge(json) else {
        panic!("{event:?} is not taken back: {:?}", judge(json));
    };
    let back = EventRef::new(&record);
    let properties =
        if is_line { event.properties().replace(['\n', '\r'], " ") } else { event.properties().into() };
    assert_eq!(
        (back.id(), back.at(), back.event_type(), back.user(), back.subject(), back.properties()),
        (event.id(), event.at(), event.event_type(), event.user(), event.subject(), &*properties),
    );
}

fn exported(recorder: &Arc<Recorder>, format: Format) -> Vec<u8> {
    let range = TimeRange::new(Timestamp::MIN, Timestamp::MAX).expect("it is a range");
    let mut export = Export::new(recorder.clone(), format, range);
    let mut bytes = Vec::new();
    while let Some(chunk) = now(export.next()).expect("the recorder doesn't fail") {
        bytes.extend_from_slice(&chunk);
    }
    bytes
}

fn valid(event: &Event) -> Verdict {
    Verdict::Valid(event.get().record().to_vec())
}

/// The texts of an array's elements.
fn elements(array: &str) -> Vec<&[u8]> {
    let elements: Vec<&RawValue> = serde_json::from_str(array).expect("it is an array");
    elements.into_iter().map(|element| element.get().as_bytes()).collect()
}

fn service() -> (Arc<Recorder>, Ingest) {
    let recorder = Arc::new(Recorder::default());
    let live = Live::new(None, recorder.clone(), LiveLimits { listeners: 1, buffer_bytes: 1 });
    let limits = Limits { batch_events: BATCH_EVENTS };
    let ingest =
        Ingest::new(recorder.clone(), live, recorder.clone(), recorder.clone(), RULES.clone(), limits, None);
    (recorder, ingest)
}

/// Nothing here waits for anything.
fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("the recorder answers at once")
}
