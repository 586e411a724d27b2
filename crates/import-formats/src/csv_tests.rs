//! CSV as export writes it and as people do.

use serde_json::{Value, json};

use super::*;

/// What each record of a file becomes, with the line it begins on.
fn events_of(text: &[u8]) -> Vec<(u64, Result<String, Unreadable>)> {
    let mut records = Records::new(text);
    let mut record = ByteRecord::new();
    records.read(&mut record).unwrap();
    let header = Header::parse(&record).unwrap();
    let mut events = Vec::new();
    while let Some(line) = records.read(&mut record).unwrap() {
        let mut out = Vec::new();
        let written = header.write_event(&record, |_| Uuid::from_u128(7), &mut out);
        assert!(written.is_ok() || out.is_empty());
        events.push((line, written.map(|()| String::from_utf8(out).unwrap())));
    }
    events
}

fn only_event(text: &str) -> Result<String, Unreadable> {
    let mut events = events_of(text.as_bytes());
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0).1
}

fn json_of(event: &Result<String, Unreadable>) -> Value {
    serde_json::from_str(event.as_ref().unwrap()).unwrap()
}

#[test]
fn what_export_writes_comes_back_as_it_was() {
    let text = "event_id,user_id,event_type,timestamp,properties\n\
        018f,u1,page_view,2025-05-26T14:00:00.000000Z,\"{\"\"page\"\":\"\"/a,b\"\",\"\"price\"\":1.10}\"\n";
    let expected = concat!(
        r#"{"event_id":"018f","user_id":"u1","event_type":"page_view","#,
        r#""timestamp":"2025-05-26T14:00:00.000000Z","properties":{"page":"/a,b","price":1.10}}"#
    );
    assert_eq!(only_event(text).unwrap(), expected);
}

#[test]
fn convenience_columns_become_properties() {
    let text = "event_type,user_id,page,domain,product_id,amount,properties\n\
        purchase,\"a\"\"b\",/home,example.com,p1,10.50,\"{ \"\"color\"\": \"\"red\"\" }\"\n";
    let expected = json!({
        "event_id": "00000000-0000-0000-0000-000000000007",
        "event_type": "purchase",
        "user_id": "a\"b",
        "properties": {"page": "/home", "domain": "example.com", "product_id": "p1", "amount": 10.5, "color": "red"},
    });
    let event = only_event(text);
    assert_eq!(json_of(&event), expected);
    assert!(event.unwrap().contains(r#""amount":10.50"#), "the digits are kept");
}

#[test]
fn empty_cells_are_absent() {
    let event = only_event("event_type,event_id,user_id,timestamp,properties,page,amount\nsignup,,,,,,\n");
    assert_eq!(
        json_of(&event),
        json!({"event_type": "signup", "event_id": "00000000-0000-0000-0000-000000000007"})
    );
}

#[test]
fn quoted_cells_may_hold_line_breaks_and_stay_one_line_of_json() {
    let events = events_of(
        b"event_type,page,properties\npage_view,\"/a\nb\",\"{\r\n \"\"x\"\": 1\n}\"\npage_view,/c,\nclick\nclick,,\n",
    );
    assert_eq!(json_of(&events[0].1)["properties"], json!({"page": "/a\nb", "x": 1}));
    assert!(!events[0].1.as_ref().unwrap().contains(['\n', '\r']));
    let lines: Vec<u64> = events.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [2, 6, 7, 8]);
    assert_eq!(events[2].1, Err(Unreadable::FieldCount { found: 1, expected: 3 }));
    assert!(events[3].1.is_ok());
}

#[test]
fn lines_are_counted_with_windows_line_ends_and_blank_lines_too() {
    let lines_of = |text: &[u8]| events_of(text).iter().map(|(line, _)| *line).collect::<Vec<u64>>();
    assert_eq!(lines_of(b"event_type\r\nclick\r\n\r\n\r\nclick\r\n\nclick\r\n"), [2, 5, 7]);
    assert_eq!(lines_of(b"event_type\nclick\n\n\n\"a\n\nb\"\nclick"), [2, 5, 8]);
    assert_eq!(lines_of(b"event_type\r\n\"a\r\nb\"\r\nclick"), [2, 4]);
    // A quote that is never closed: the last line feed is within it.
    assert_eq!(lines_of(b"event_type\nclick\n\"a\n"), [2, 3]);
    assert_eq!(lines_of(b"event_type\n\"\n\n"), [2]);
    // Further than csv reads ahead.
    let long = ["event_type\r\n", &"click\r\n".repeat(5_000)].concat();
    assert_eq!(lines_of(long.as_bytes()), (2..=5_001).collect::<Vec<u64>>());
}

#[test]
fn broken_cells_are_unreadable_and_say_why() {
    let cases = [
        ("amount", "12,50", Unreadable::AmountNotANumber),
        ("amount", "ten", Unreadable::AmountNotANumber),
        ("amount", "0x10", Unreadable::AmountNotANumber),
        ("amount", "NaN", Unreadable::AmountNotANumber),
        ("properties", "[]", Unreadable::PropertiesNotAnObject("it does not start with {".to_owned())),
    ];
    for (column, cell, why) in cases {
        assert_eq!(only_event(&format!("event_type,{column}\nclick,\"{cell}\"\n")), Err(why), "{cell}");
    }
    let unclosed = only_event("event_type,properties\nclick,{\n");
    assert!(matches!(unclosed, Err(Unreadable::PropertiesNotAnObject(_))), "{unclosed:?}");
    let twice = only_event("event_type,page,properties\nclick,/a,\"{\"\"page\"\":null}\"\n");
    assert_eq!(twice, Err(Unreadable::StatedTwice("page")));
    let latin1 = events_of(b"event_type,user_id\nclick,j\xf6rg\n");
    assert_eq!(latin1[0].1, Err(Unreadable::NotUtf8));
}

#[test]
fn a_header_must_be_understood_whole() {
    let refusal = |header: &str| {
        let record = ByteRecord::from(header.split(',').collect::<Vec<_>>());
        Header::parse(&record).map(|_| ())
    };
    assert_eq!(refusal(" event_type ,page"), Ok(()));
    assert!(
        refusal("event_type,colour")
            .unwrap_err()
            .starts_with("no column is called `colour`; there are event_id,")
    );
    assert!(refusal("event_type,").unwrap_err().contains("no column is called ``"));
    assert!(refusal("Event_Type").is_err());
    assert_eq!(refusal("event_type,page,page").unwrap_err(), "the column `page` stands there twice");
    assert_eq!(refusal("user_id,page").unwrap_err(), "the header row has no column `event_type`");
}

#[test]
fn an_id_depends_on_the_cells_and_not_on_how_they_are_written() {
    let identities = |text: &str| {
        let mut records = Records::new(text.as_bytes());
        let mut record = ByteRecord::new();
        records.read(&mut record).unwrap();
        let header = Header::parse(&record).unwrap();
        let mut identities = Vec::new();
        while records.read(&mut record).unwrap().is_some() {
            identities.push(header.identity(&record));
        }
        identities
    };
    let plain = identities("event_type,user_id,page\nclick,a,\nclick,a,b\nclick,ab,\n");
    let quoted =
        identities("event_type,user_id,page\r\n\"click\",\"a\",\"\"\r\nclick,\"a\",b\r\nclick,ab,\r\n");
    assert_eq!(plain, quoted);
    let distinct: std::collections::HashSet<_> = plain.iter().collect();
    assert_eq!(distinct.len(), 3);
}

#[test]
fn a_quote_that_is_never_closed_ends_the_file_before_it_fills_the_memory() {
    let text = ["event_type,user_id\nclick,\"", &"x".repeat(3 * MAX_RECORD_BYTES)].concat();
    let mut records = Records::new(text.as_bytes());
    let mut record = ByteRecord::new();
    records.read(&mut record).unwrap();
    let error = records.read(&mut record).unwrap_err();
    assert!(error.to_string().contains("never closed"), "{error}");
}
