//! The API's description, held to the routes that there are and to its copy in `docs`.

use std::collections::BTreeSet;
use std::fs;

use footfall_http::{Description, Scopes, routes};
use serde_json::Value;

fn document() -> Value {
    serde_json::from_slice(Description::new().unwrap().json()).unwrap()
}

/// Methods and paths of the document, with the scopes of which a key needs one.
fn described(document: &Value) -> BTreeSet<(String, String, BTreeSet<String>)> {
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        let operations = item.as_object().unwrap().iter();
        operations.map(move |(method, operation)| (method.to_uppercase(), path.clone(), scopes(operation)))
    });
    operations.collect()
}

fn scopes(operation: &Value) -> BTreeSet<String> {
    let alternatives = operation["security"].as_array().unwrap().iter();
    let words = alternatives.flat_map(|alternative| alternative.as_object().unwrap().values());
    words.flat_map(|words| words.as_array().unwrap()).map(|word| word.as_str().unwrap().to_owned()).collect()
}

/// Files that browsers load are no part of the API.
const FILES: [&str; 7] =
    ["/", "/docs", "/assets/{name}", "/theme.js", "/tracker.js", "/favicon.svg", "/favicon.ico"];

#[test]
fn every_operation_is_described_with_its_scopes() {
    // `HEAD` is said to be answered wherever `GET` is; a WebSocket is no answer.
    let is_told = |method: &str, path: &str| method != "HEAD" && !FILES.contains(&path);
    let words = |needed: Scopes| {
        let named = [("ingest", Scopes::INGEST), ("read", Scopes::READ), ("admin", Scopes::ADMIN)];
        named.iter().filter(|(_, scope)| needed.has_any(*scope)).map(|(word, _)| (*word).to_owned()).collect()
    };
    let expected: BTreeSet<_> = routes()
        .into_iter()
        .filter(|(method, path, _)| is_told(method, path))
        .map(|(method, path, needed)| (method.to_owned(), path.to_owned(), words(needed)))
        .collect();
    assert_eq!(described(&document()), expected);
    for (method, path, _) in routes().into_iter().filter(|(method, ..)| *method == "GET") {
        let has_head = routes().iter().any(|route| (route.0, route.1) == ("HEAD", path));
        assert_eq!(has_head, path != "/ws/events", "{method} {path}");
    }
}

#[test]
fn every_operation_tells_its_refusals_and_its_id() {
    let document = document();
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = format!("{method} {path}");
            assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{name}");
            for status in ["414", "429", "431", "500", "503"] {
                assert!(operation["responses"][status].is_object(), "{name}: {status}");
            }
            for (status, answer) in operation["responses"].as_object().unwrap() {
                let is_shared = answer["$ref"].is_string();
                assert!(is_shared || answer["headers"]["X-Request-Id"].is_object(), "{name}: {status}");
            }
            let takes_body = operation["requestBody"].is_object();
            for status in ["400", "408", "413", "415", "422"] {
                let is_told = operation["responses"][status].is_object();
                assert!(is_told || !takes_body, "{name}: {status}");
            }
        }
    }
}

#[test]
fn nothing_is_referred_to_that_is_not_there() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    match member {
                        Value::String(target) if name == "$ref" => found.push(target),
                        other => references(other, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let document = document();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 100, "{}", found.len());
    for target in found {
        assert!(document.pointer(&target[1..]).is_some(), "{target}");
    }
    // Nor is anything there that is not referred to.
    for section in ["schemas", "responses", "headers"] {
        for name in document["components"][section].as_object().unwrap().keys() {
            let target = format!("#/components/{section}/{name}");
            assert!(document.to_string().contains(&format!("\"{target}\"")), "{target}");
        }
    }
}

#[test]
fn the_copy_in_docs_is_this_document() {
    let copy = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json")).unwrap_or_default();
    assert!(
        copy == Description::new().unwrap().json(),
        "docs/openapi.json is another one: run `make openapi`"
    );
}
