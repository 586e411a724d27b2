//! The built-in types are checked by hand for speed and described by published JSON Schemas for people. Both must draw
//! the same line, and do so for whatever properties are sent.

use footfall_domain::event::{EventBatch, EventId};
use footfall_domain::json::Scanner;
use footfall_domain::problem::FieldError;
use footfall_domain::time::Timestamp;
use footfall_domain::types::{BUILT_IN, EventTypes};
use footfall_domain::validate::{Envelope, Receipt, Rules};
use footfall_services::read_types;
use proptest::prelude::*;
use serde_json::{Value, json};

/// The name under which a built-in type's schema is registered beside the type itself.
fn described(name: &str) -> String {
    format!("described.{name}")
}

/// The built-in types, and their schemas as if an operator had brought them.
fn rules() -> Rules {
    let described = |name: &str, schema: &str| {
        let schema: Value = serde_json::from_str(schema).expect("a published schema is JSON");
        json!({ "name": described(name), "schema": schema, "user_id": "optional" })
    };
    let entries: Vec<Value> =
        BUILT_IN.iter().map(|built_in| described(built_in.name, built_in.schema)).collect();
    let mut types = EventTypes::new(false);
    read_types(&json!({ "types": entries }).to_string(), &mut types).expect("published schemas can be used");
    Rules { types, ..Rules::default() }
}

/// What is wrong with an event of that type and with those properties (`None`: without any).
fn errors(rules: &Rules, event_type: &str, properties: Option<&str>) -> Vec<FieldError> {
    let properties = properties.map_or(String::new(), |properties| format!(r#","properties":{properties}"#));
    let text = format!(r#"{{"user_id":"u","event_type":"{event_type}"{properties}}}"#);
    let mut scanner = Scanner::new(&text);
    let envelope = Envelope::read(&mut scanner).expect("the test writes JSON");
    let mut new_id = || EventId::from_bytes([1; 16]);
    let mut receipt = Receipt { now: Timestamp::default(), oldest: Timestamp::MIN, new_id: &mut new_id };
    envelope.validate(rules, &mut receipt, &mut EventBatch::default()).err().unwrap_or_default()
}

/// Both verdicts on the same properties.
fn agree(rules: &Rules, properties: Option<&str>) -> Result<(), TestCaseError> {
    for built_in in &BUILT_IN {
        let direct = errors(rules, built_in.name, properties);
        let by_schema = errors(rules, &described(built_in.name), properties);
        prop_assert_eq!(
            direct.is_empty(),
            by_schema.is_empty(),
            "{} {:?}: {:?} / {:?}",
            built_in.name,
            properties,
            direct,
            by_schema
        );
        for error in direct.iter().chain(&by_schema) {
            prop_assert!(error.pointer.starts_with("/properties"), "{error:?}");
        }
    }
    Ok(())
}

/// Pages and domains, right and wrong and at the edge; each may come where the other belongs.
fn texts() -> impl Strategy<Value = String> {
    let words = [
        "",
        " ",
        "/",
        "/home",
        "//",
        "home",
        "?q",
        "#f",
        "http://example.com",
        "HTTP://EXAMPLE.com:80/a?b#c",
        "https://",
        "http:///a",
        "ftp://a/",
        "mailto:a@b.c",
        "http://a b/",
        "http://a:99999/",
        "http://[::1]/",
        "http://[::1",
        "/a\nb",
        "/ü",
        "http://bücher.example/",
        "example.com",
        "EXAMPLE.COM.",
        "bücher.example",
        "localhost",
        "a..b",
        "-a.b",
        "a_b.c",
        "a b",
        "user@example.com",
        "1.2.3.4",
        "[::1]",
        "xn--bcher-kva.example",
        "xn--zzzzzzzzz999.example",
        ".",
        "a.1",
        "\u{7f}",
        "\u{3000}",
        "p",
        "\"",
        "\\",
    ];
    prop_oneof![
        6 => prop::sample::select(words.to_vec()).prop_map(str::to_owned),
        2 => "[ -~é😀\\t]{0,12}",
        1 => "(https?://|/)[a-zA-Z0-9.%/?#:@_~ \\\\-]{0,16}",
        1 => "[a-zA-Z0-9.-]{0,10}\\.[a-z0-9]{0,4}",
        1 => (60_usize..70).prop_map(|length| format!("{}.example", "a".repeat(length))),
        1 => (8_185_usize..8_200).prop_map(|length| format!("/{}", "a".repeat(length))),
    ]
}

/// Numbers as JSON writes them, as far as a double can hold them. It is all that the schemas' validator sees of a
/// number: of `1e999` it sees nothing, and `-1e-999` is not negative to it. The direct check reads the digits.
fn numbers() -> impl Strategy<Value = String> {
    let words = [
        "0",
        "-0",
        "0.0",
        "-0.0",
        "-0e5",
        "0e999",
        "1",
        "-1",
        "0.01",
        "-0.01",
        "1e308",
        "-1e308",
        "1e-300",
        "-1e-300",
        "5e-324",
        "-5e-324",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775809",
        "0.1000000000000000055511151231257827",
        "123456789012345678901234567890",
        "1E+2",
        "1.7976931348623157e308",
    ];
    prop_oneof![
        3 => prop::sample::select(words.to_vec()).prop_map(str::to_owned),
        1 => any::<i64>().prop_map(|number| number.to_string()),
        1 => prop::num::f64::NORMAL.prop_map(|number| Value::from(number).to_string()),
    ]
}

/// Any value, as JSON text.
fn values() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => texts().prop_map(|text| Value::from(text).to_string()),
        4 => numbers(),
        2 => prop::sample::select(vec!["null", "true", "false", "[]", "{}", "[1]", r#"["/home"]"#, r#"{"page":"/"}"#])
            .prop_map(str::to_owned),
        1 => prop::sample::select(vec![r#""\u002fhome""#, r#""\/home""#, r#""\ud83d\ude00""#, r#""\u0065xample.com""#])
            .prop_map(str::to_owned),
    ]
}

/// An object with some of the members that are asked about, each once, among others.
fn objects() -> impl Strategy<Value = String> {
    let names = ["page", "amount", "product_id", "domain", "Page", "", "other"];
    let member =
        |name: &'static str| prop::option::weighted(0.6, values()).prop_map(move |value| (name, value));
    let members: Vec<_> = names.into_iter().map(member).collect();
    (members, prop::sample::select(vec!["", " ", "\n\t"])).prop_map(|(members, space)| {
        let written =
            |(name, value): (&str, Option<String>)| Some(format!("{space}\"{name}\"{space}:{}", value?));
        let members: Vec<String> = members.into_iter().filter_map(written).collect();
        format!("{{{}{space}}}", members.join(","))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn the_direct_checks_and_the_published_schemas_agree(properties in objects()) {
        thread_local!(static RULES: Rules = rules());
        RULES.with(|rules| agree(rules, Some(&properties)))?;
    }
}

#[test]
fn they_agree_at_each_boundary() {
    let rules = rules();
    let strings = [
        "/",
        "/home",
        "http://example.com",
        "example.com",
        "",
        " ",
        "ftp://a",
        "a..b",
        "p",
        "\u{1}",
        "http://",
        "1.2.3.4",
    ];
    let mut values: Vec<String> = strings.iter().map(|text| Value::from(*text).to_string()).collect();
    for value in ["null", "true", "[]", "{}", "0", "-0", "-0.0", "1", "-1", "1e308", "5e-324", "-5e-324"] {
        values.push(value.to_owned());
    }
    let mut cases = 0;
    for value in &values {
        for other in [r#""p""#, r#""""#, "1", "-1", "null"] {
            for properties in [
                format!(r#"{{"page":{value}}}"#),
                format!(r#"{{"domain":{value}}}"#),
                format!(r#"{{"amount":{value},"product_id":{other}}}"#),
                format!(r#"{{"product_id":{value},"amount":{other}}}"#),
                format!(r#"{{"product_id":{value}}}"#),
                format!(r#"{{"amount":{value}}}"#),
            ] {
                agree(&rules, Some(&properties)).unwrap_or_else(|error| panic!("{error}"));
                cases += 1;
            }
        }
    }
    for properties in [None, Some("{}"), Some("null"), Some("[]"), Some("1"), Some(r#""x""#), Some("true")] {
        agree(&rules, properties).unwrap_or_else(|error| panic!("{error}"));
    }
    assert!(cases > 500);
}

/// So that the agreement is not one of two checks that accept everything, or nothing.
#[test]
fn both_draw_a_line() {
    let rules = rules();
    for (event_type, good, bad) in [
        ("page_view", r#"{"page":"/home"}"#, r#"{"page":"home"}"#),
        ("purchase", r#"{"amount":0,"product_id":"p"}"#, r#"{"amount":-1,"product_id":"p"}"#),
        ("purchase", r#"{"amount":1e308,"product_id":"p"}"#, r#"{"amount":1e309,"product_id":"p"}"#),
        ("delivered", r#"{"domain":"example.com"}"#, r#"{"domain":"a b"}"#),
        ("bounced", r#"{"domain":"example.com"}"#, "{}"),
        ("click", "{}", "[]"),
        ("signup", r#"{"page":7}"#, "1"),
    ] {
        for name in [event_type.to_owned(), described(event_type)] {
            assert_eq!(errors(&rules, &name, Some(good)), [], "{name} {good}");
            assert_ne!(errors(&rules, &name, Some(bad)), [], "{name} {bad}");
        }
    }
}
