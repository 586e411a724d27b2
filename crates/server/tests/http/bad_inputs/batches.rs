//! Batches with something wrong in them: what is valid is stored, what is not is named by its place.

use serde_json::{Value, json};

use crate::support::{Answer, Request, Server};

const CLICK: &str = r#"{"user_id":"u","event_type":"click"}"#;

/// `(accepted, duplicates, rejected)`.
fn counts(answer: &Value) -> [u64; 3] {
    ["accepted", "duplicates", "rejected"]
        .map(|name| answer[name].as_u64().unwrap_or_else(|| panic!("{answer}")))
}

/// Place, code and pointer of each first error.
fn errors(answer: &Value) -> Vec<(u64, String, String)> {
    let items = answer["errors"].as_array().expect("a list of errors");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let error = |item: &Value| {
        let first = &item["errors"][0];
        (item["index"].as_u64().expect("a place"), text(&first["code"]), text(&first["pointer"]))
    };
    items.iter().map(error).collect()
}

fn error(index: u64, code: &str, pointer: &str) -> (u64, String, String) {
    (index, code.to_owned(), pointer.to_owned())
}

/// The document of a batch of which nothing is valid.
#[track_caller]
fn nothing_valid(answer: &Answer) -> Value {
    assert_eq!(answer.status, 422, "{}", answer.text());
    assert_eq!(answer.flaw_of_problem(), None, "{}", answer.text());
    answer.json()
}

#[test]
fn an_empty_batch_is_refused() {
    let server = Server::start(&[]);
    let bodies = ["[]", " [ ] "].map(|body| Request::post("/events", body));
    let lines = ["", "\n", "\n\n \t\r\n", "   "].map(Request::ndjson);
    for request in bodies.into_iter().chain(lines) {
        let answer = server.ask(&request);
        let document = nothing_valid(&answer);
        assert_eq!(
            document["errors"],
            json!([{"pointer": "", "code": "empty_batch", "message": document["errors"][0]["message"]}])
        );
    }
}

#[test]
fn a_batch_without_a_valid_event_is_a_problem_with_the_report_in_it() {
    let server = Server::start(&[]);
    let body = r#"[1, null, "x", [], [[{}]], {}, {"event_type":"click","event_id":"mine"}]"#;
    let document = nothing_valid(&server.ask(&Request::post("/events", body)));
    assert_eq!(counts(&document), [0, 0, 7]);
    let expected = [
        error(0, "wrong_type", ""),
        error(1, "wrong_type", ""),
        error(2, "wrong_type", ""),
        error(3, "wrong_type", ""),
        error(4, "wrong_type", ""),
        error(5, "required", "/event_type"),
        error(6, "required", "/user_id"),
    ];
    assert_eq!(errors(&document), expected);
    assert_eq!(document["errors"][6]["event_id"], "mine");
    assert_eq!(document["errors"][0]["event_id"], Value::Null);
    assert_eq!(server.get("/events")["events"], json!([]));
}

#[test]
fn what_is_valid_in_a_batch_is_stored_though_the_rest_is_not() {
    let server = Server::start(&[]);
    let id = "0196fd2c-1111-7000-8000-00000000aaaa";
    let known = format!(r#"{{"event_id":"{id}","user_id":"u","event_type":"click"}}"#);
    // Deeper than any stack, and longer than the properties of one event may be: only that item is refused.
    let deep = format!(
        r#"{{"user_id":"u","event_type":"click","properties":{{"a":{}{}}}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let nested = format!("[{CLICK}]");
    let items =
        [CLICK, "7", &known, &known, r#"{"user_id":" ","event_type":"click"}"#, &deep, &nested, CLICK];
    let report = server.ask(&Request::post("/events", format!("[{}]", items.join(",")))).json_of(200);
    assert_eq!(counts(&report), [3, 1, 4]);
    let expected = [
        error(1, "wrong_type", ""),
        error(4, "blank", "/user_id"),
        error(5, "too_large", "/properties"),
        error(6, "wrong_type", ""),
    ];
    assert_eq!(errors(&report), expected);
    assert_eq!(server.get("/events")["events"].as_array().map(Vec::len), Some(3));
}

#[test]
fn a_batch_of_duplicates_is_no_problem() {
    let server = Server::start(&[]);
    let body =
        r#"[{"event_id":"0196fd2c-1111-7000-8000-00000000bbbb","user_id":"u","event_type":"click"}, 1]"#;
    let first = server.ask(&Request::post("/events", body)).json_of(200);
    let second = server.ask(&Request::post("/events", body)).json_of(200);
    assert_eq!((counts(&first), counts(&second)), ([1, 0, 1], [0, 1, 1]));
}

#[test]
fn bad_lines_are_rejected_items_and_blank_lines_do_not_count() {
    let server = Server::start(&[]);
    let mut body = Vec::new();
    let lines: [&[u8]; 13] = [
        b"",
        CLICK.as_bytes(),
        b"   \t",
        b"\r",
        b"{\"user_id\":\"u\"",
        b"hello\r",
        b"",
        b"{\"user_id\":\"\xFF\",\"event_type\":\"click\"}",
        b"\xEF\xBB\xBF{\"user_id\":\"u\",\"event_type\":\"click\"}",
        b"{\"user_id\":\"u\",\"event_type\":\"click\"} {\"user_id\":\"u\",\"event_type\":\"click\"}",
        b"[{\"user_id\":\"u\",\"event_type\":\"click\"}]",
        b"{\"user_id\":\"u\",\"event_type\":\"nope\"}\r",
        b"{\"user_id\":\"u\",\"event_type\":\"click\"}\r",
    ];
    for line in lines {
        body.extend_from_slice(line);
        body.push(b'\n');
    }
    // The last line needs no end.
    body.extend_from_slice(CLICK.as_bytes());
    let report = server.ask(&Request::ndjson(body)).json_of(200);
    assert_eq!(counts(&report), [3, 0, 7]);
    let expected = [
        error(1, "malformed", ""),
        error(2, "malformed", ""),
        error(3, "malformed", ""),
        error(4, "malformed", ""),
        error(5, "malformed", ""),
        error(6, "wrong_type", ""),
        error(7, "unknown_event_type", "/event_type"),
    ];
    assert_eq!(errors(&report), expected);
}

#[test]
fn a_batch_of_bad_lines_only_is_a_problem_with_the_report_in_it() {
    let server = Server::start(&[]);
    let document = nothing_valid(&server.ask(&Request::ndjson("x\n\n{}\n")));
    assert_eq!(counts(&document), [0, 0, 2]);
    assert_eq!(errors(&document), [error(0, "malformed", ""), error(1, "required", "/event_type")]);
}

#[test]
fn the_largest_batch_is_taken_and_a_larger_one_is_refused_whole() {
    let server = Server::start(&[("LIMITS__BATCH_EVENTS", "3")]);
    let batch = |count: usize| Request::post("/events", format!("[{}]", vec![CLICK; count].join(",")));
    let lines = |count: usize| Request::ndjson(format!("{CLICK}\n").repeat(count));
    for request in [batch(4), lines(4)] {
        let answer = server.ask(&request);
        assert_eq!((answer.status, answer.flaw_of_problem()), (413, None), "{}", answer.text());
        assert_eq!(answer.json()["errors"][0]["code"], "too_many_events");
    }
    assert_eq!(server.get("/events")["events"], json!([]));
    for request in [batch(3), lines(3)] {
        assert_eq!(counts(&server.ask(&request).json_of(200)), [3, 0, 0]);
    }
}

/// The limit on events must also bound what the refusal of a batch costs: half a million bad lines fit into a megabyte.
#[test]
fn a_body_of_nothing_but_bad_lines_costs_memory_in_proportion() {
    let server = Server::start(&[]);
    let answer = server.ask(&Request::ndjson("x\n".repeat(5 << 20)));
    assert_eq!((answer.status, answer.flaw_of_problem()), (413, None), "{}", answer.text());
    let Some(most) = server.memory_bytes("VmHWM") else {
        return eprintln!("SKIPPED: there is no /proc here");
    };
    assert!(most < 256 << 20, "a body of 10 MiB made the server hold {} MiB", most >> 20);
}

/// One event with a great many errors must not be answered with a great many of them.
#[test]
fn the_errors_of_one_event_are_bounded() {
    let server = Server::start(&[]);
    for member in [r#""x":"\u0000""#, r#""user_id":1"#, r#""properties":{"page":1,"page":1}"#] {
        let members = vec![member; (5 << 20) / member.len()].join(",");
        let body = format!(r#"{{"event_type":"click","user_id":"u",{members}}}"#);
        let answer = server.ask(&Request::post("/events", body.clone()));
        assert_eq!((answer.status, answer.flaw_of_problem()), (422, None));
        assert!(answer.body.len() < 1 << 20, "{member}: {} bytes answer {}", answer.body.len(), body.len());
    }
}
