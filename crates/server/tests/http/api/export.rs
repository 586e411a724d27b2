//! `GET /export`: what goes out, and that it comes in again as it was.

use std::collections::BTreeMap;

use insta::assert_json_snapshot;
use serde_json::{Value, json};

use super::click;
use crate::support::{Answer, Request, Server, footfall, url_encoded};

const EVER: &str = "from=2020-01-01T00:00:00Z&to=2031-01-01T00:00:00Z";

/// Events that are hard to write down: as they are sent, since a library would tidy them up. Two have one time, one is
/// from before 1970.
const NASTY: &[&str] = &[
    r#"{"event_id":"10000000-0000-4000-8000-000000000001","user_id":"a,b","event_type":"click","timestamp":"2025-05-26T14:00:00.000001Z"}"#,
    r#"{"event_id":"10000000-0000-4000-8000-000000000002","user_id":"\"quoted\"","event_type":"click","timestamp":"2025-05-26T14:00:00Z","properties":{ "a" : "\"", "b":[ 1.10, 1e400, -0 ] }}"#,
    r#"{"event_id":"10000000-0000-4000-8000-000000000003","user_id":"line\r\nbreak\ttab","event_type":"click","timestamp":"2025-05-26T14:00:00Z","properties":{"text":"a\nb\r\n\u2028","empty":""}}"#,
    "{\"event_id\":\"10000000-0000-4000-8000-000000000004\",\"user_id\":\"pretty\",\"event_type\":\"click\",\"timestamp\":\"2025-05-26T15:00:00Z\",\"properties\":{\r\n  \"a\": 1,\n\n  \"b\": {}\n}}",
    r#"{"event_id":"10000000-0000-4000-8000-000000000005","user_id":"jörg 😀 \u00e9\ud83d\ude00","event_type":"page_view","timestamp":"2025-05-26T16:00:00+02:00","properties":{"page":"HTTPS://Bücher.Example:443/ü?b=2,3&utm_source=x#\"y\""}}"#,
    r#"{"event_id":"10000000-0000-4000-8000-000000000006","user_id":42,"event_type":"page_view","timestamp":"2025-05-27T00:00:00Z","properties":{"page":"/a,b\"c"}}"#,
    r#"{"event_id":"10000000-0000-4000-8000-000000000007","user_id":18446744073709551616,"event_type":"purchase","timestamp":"2025-05-27T00:00:00Z","properties":{"amount":0.1000,"product_id":";=\t|"}}"#,
    r#"{"event_id":"10000000-0000-4000-8000-000000000008","event_type":"delivered","timestamp":"2025-05-27T01:00:00Z","properties":{"domain":"Example.COM."}}"#,
    r#"{"event_id":"10000000-0000-4000-8000-000000000009","user_id":"=1+1","event_type":"signup","timestamp":"1969-12-31T23:59:59.999999Z","properties":{ }}"#,
    r#"{"event_id":"10000000-0000-4000-8000-00000000000a","user_id":" spaces ","event_type":"click","timestamp":"2025-05-28T00:00:00Z","properties":{"page":"no page of a page view","event_id":"x","user_id":null,"timestamp":0}}"#,
    r#"{"event_id":"10000000-0000-4000-8000-00000000000b","user_id":"null","event_type":"click","timestamp":"2025-05-28T00:00:00Z","properties":{"a\\\"b":"\\"}}"#,
    r#"{"event_id":"10000000-0000-4000-8000-00000000000c","event_type":"bounced","user_id":"sender","timestamp":"2025-05-28T01:00:00Z","properties":{"domain":"xn--bcher-kva.example","nested":[[[{"deep":[null,true,"é"]}]]]}}"#,
];

fn with_nasty_events() -> Server {
    let server = Server::start(&[]);
    // Newest first, so that the order of the export is not the order of arrival.
    let events: Vec<&str> = NASTY.iter().rev().copied().collect();
    let answer = server.ask(&Request::post("/events", format!("[{}]", events.join(",")))).json_of(200);
    assert_eq!(answer["accepted"], NASTY.len(), "{answer}");
    server
}

fn export(server: &Server, query: &str) -> Answer {
    let answer = server.ask(&Request::get(format!("/export{query}")));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer
}

/// The head that matters and the lines, for a snapshot.
fn shape(answer: &Answer) -> Value {
    let text = answer.text();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    json!({
        "content_type": answer.header("Content-Type"),
        "content_disposition": answer.header("Content-Disposition"),
        "lines": lines,
    })
}

#[test]
fn both_forms_are_oldest_first_and_hold_everything() {
    let server = with_nasty_events();
    assert_json_snapshot!("ndjson", shape(&export(&server, "?format=ndjson")));
    assert_json_snapshot!("csv", shape(&export(&server, "?format=csv")));
    assert_eq!(export(&server, "").body, export(&server, "?format=ndjson").body, "the default");
}

#[test]
fn a_line_is_the_event_as_it_is_shown() {
    let server = with_nasty_events();
    for line in export(&server, "").text().lines() {
        let shown = server.ask(&Request::get(format!("/events/{}", &line[13..49])));
        // Line breaks between the members of properties are the one thing that a line can't keep.
        assert_eq!(line, shown.text().replace(['\n', '\r'], " "));
    }
}

#[test]
fn nothing_is_nothing_or_a_header() {
    let server = Server::start(&[]);
    assert_eq!(export(&server, "").text(), "");
    assert_eq!(export(&server, "?format=csv").text(), "event_id,user_id,event_type,timestamp,properties\n");
}

#[test]
fn a_range_is_half_open_and_may_be_open_on_a_side() {
    let server = with_nasty_events();
    let last = |query: &str| -> String {
        let text = export(&server, query).text();
        let ids = text.lines().map(|line| line[13..49].rsplit('0').next().unwrap_or_default().to_owned());
        ids.collect::<Vec<_>>().concat()
    };
    assert_eq!(last("?to=2025-05-26T14:00:00Z"), "9");
    assert_eq!(last("?to=2025-05-26T14:00:00.000001Z"), "9235");
    assert_eq!(last("?from=2025-05-26T14:00:00.000001Z&to=2025-05-26T15:00:00Z"), "1");
    assert_eq!(last("?from=2025-05-28T02:00:00%2B02:00"), "abc");
    assert_eq!(last("?from=2025-05-28T02:00:00+02:00&key=secret"), "abc");
    assert_eq!(last("?from=2030-01-01T00:00:00Z"), "");
    let csv = export(&server, "?format=csv&from=2025-05-28T01:00:00Z").text();
    assert_eq!(csv.lines().count(), 2, "{csv}");
}

/// Everything that can be asked, over all of time, as text: no library has a number for 1e400. Line breaks between the
/// members of properties are the one thing that an export doesn't keep.
fn answers(server: &Server) -> BTreeMap<String, String> {
    let series = |metric: &str, interval: &str| {
        format!(
            "/analytics/timeseries?metric={metric}&interval={interval}&timezone=Asia/Kolkata&from=2025-05-25T00:00:00Z&to=2025-05-30T00:00:00Z"
        )
    };
    let mut targets = vec![
        format!("/analytics/summary?{EVER}"),
        "/analytics/summary?from=1969-12-31T00:00:00Z&to=1970-01-01T00:00:00Z".to_owned(),
        format!("/analytics/pages?{EVER}&limit=1000"),
        format!("/analytics/pages?{EVER}&order=views"),
        series("events", "hour"),
        series("visitors", "day"),
        series("page_views", "hour"),
        "/events?limit=1000".to_owned(),
        "/events?limit=1000&order=desc".to_owned(),
        "/events?domain=bücher.example".replace('ü', "%C3%BC"),
    ];
    for page in ["https://bücher.example/ü?b=2,3", "/a,b\"c", "/never"] {
        targets.push(format!("/analytics/visitors?url={}", url_encoded(page)));
    }
    for user in ["42", "18446744073709551616", "line\r\nbreak\ttab", " spaces ", "jörg 😀 é😀"] {
        targets.push(format!("/events?user_id={}", url_encoded(user)));
    }
    let ask = |target: String| {
        let answer = server.ask(&Request::get(&target));
        assert_eq!(answer.status, 200, "{target}: {}", answer.text());
        (target, answer.text().replace(['\n', '\r'], " "))
    };
    targets.into_iter().map(ask).collect()
}

#[test]
fn an_export_into_a_second_server_gives_the_same_answers_and_the_same_export() {
    let first = with_nasty_events();
    let expected = answers(&first);
    for format in ["ndjson", "csv"] {
        let query = format!("?format={format}");
        let exported = export(&first, &query);
        let file =
            tempfile::Builder::new().suffix(&format!(".{format}")).tempfile().expect("a temporary file");
        std::fs::write(file.path(), &exported.body).expect("there is room");

        // On another backend, where the first one isn't on this one.
        let second = Server::start(&[("STORAGE__BACKEND", "memory")]);
        for (accepted, duplicates) in [(NASTY.len(), 0), (0, NASTY.len())] {
            let import = footfall()
                .args(["import", "--server", &second.url()])
                .arg(file.path())
                .output()
                .expect("it starts");
            let said = String::from_utf8_lossy(&import.stdout).into_owned();
            assert!(import.status.success(), "{said}{}", String::from_utf8_lossy(&import.stderr));
            assert!(said.contains(&format!("accepted:       {accepted}\n")), "{said}");
            assert!(said.contains(&format!("duplicates:     {duplicates}\n")), "{said}");
        }
        assert_eq!(answers(&second), expected, "{format}");
        assert_eq!(export(&second, &query).text(), exported.text(), "{format}");
        assert_eq!(export(&second, "").text(), export(&first, "").text(), "{format}, as lines");
    }
}

#[test]
fn lines_may_be_posted_as_they_are() {
    let first = with_nasty_events();
    let second = Server::start(&[]);
    let answer = second.ask(&Request::ndjson(export(&first, "").body)).json_of(200);
    assert_eq!(answer["accepted"], NASTY.len(), "{answer}");
    assert_eq!(export(&second, "").text(), export(&first, "").text());
}

/// More than a slice, at few instants, while events arrive: what was there before is there once, in order.
#[test]
fn a_long_export_is_whole_while_events_arrive() {
    const COUNT: usize = 9_000;
    let server = Server::start(&[]);
    let event = |number: usize| {
        let mut event = click(&format!("u{}", number % 10), &format!("2025-05-26T14:00:{:02}Z", number % 7));
        event["event_id"] =
            format!("{:04x}0000-0000-4000-8000-{number:012x}", number * 7_919 % 65_536).into();
        event
    };
    let events: Vec<Value> = (0..COUNT).map(event).collect();
    server.store(&json!(events));
    let text = std::thread::scope(|scope| {
        let exporting = scope.spawn(|| export(&server, "").text());
        for number in COUNT..COUNT + 200 {
            server.ask(&Request::post("/events", event(number).to_string()));
        }
        exporting.join().expect("the export doesn't panic")
    });
    let key = |line: &str| -> (String, String) {
        let event: Value = serde_json::from_str(line).expect("JSON");
        let text = |name: &str| event[name].as_str().expect("text").to_owned();
        (text("timestamp"), text("event_id"))
    };
    let found: Vec<_> = text.lines().map(key).collect();
    assert!(found.is_sorted() && found.windows(2).all(|pair| pair[0] != pair[1]));
    let found: std::collections::BTreeSet<_> = found.into_iter().map(|(_, id)| id).collect();
    assert!(events.iter().all(|event| found.contains(event["event_id"].as_str().expect("an id"))));
}
