//! Parameters that several operations take. `params.rs` reads them.

use serde_json::{Value, json};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, Required};

use super::schemas::{NOT_BLANK, formatted, integer, text, time, words};

fn parameter(place: ParameterIn, name: &str, description: &str, schema: ObjectBuilder) -> ParameterBuilder {
    let mut schema = schema.build();
    // Not the same twice.
    schema.description.take_if(|said| said == description);
    let required = if matches!(place, ParameterIn::Path) { Required::True } else { Required::False };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(required)
        .description(Some(description))
        .schema(Some(schema))
}

/// A parameter in the query that may be left out.
pub(crate) fn query(name: &str, description: &str, schema: ObjectBuilder) -> Parameter {
    parameter(ParameterIn::Query, name, description, schema).build()
}

/// A parameter in the query that must be there.
pub(crate) fn required(parameter: Parameter, example: &str) -> Parameter {
    ParameterBuilder::from(parameter).required(Required::True).example(Some(Value::from(example))).build()
}

/// A part of the path.
pub(crate) fn path(name: &str, description: &str, schema: ObjectBuilder, example: &str) -> Parameter {
    parameter(ParameterIn::Path, name, description, schema).example(Some(example.into())).build()
}

/// A header that may be left out.
pub(crate) fn header(name: &str, description: &str, schema: ObjectBuilder) -> Parameter {
    parameter(ParameterIn::Header, name, description, schema).build()
}

/// One of some words, and which one where nothing is said.
pub(crate) fn choice<'a>(
    name: &str,
    description: &str,
    choices: impl IntoIterator<Item = &'a str>,
    default: Option<&str>,
) -> Parameter {
    query(name, description, words(choices, description).default(default.map(Value::from)))
}

/// `from` and `to`, each of which may be left out.
pub(crate) fn open_range() -> [Parameter; 2] {
    bounds("By default everything from the start on.", "By default to the end.")
}

/// `from` and `to`, both of which must be given.
pub(crate) fn closed_range() -> [Parameter; 2] {
    let [from, to] = bounds("Before `to`.", "");
    [required(from, "2025-05-26T13:00:00Z"), required(to, "2025-05-26T16:00:00Z")]
}

/// `window`, or both of `from` and `to`.
pub(crate) fn window_or_range() -> [Parameter; 3] {
    let [from, to] = bounds("Given with `to`, and not beside `window`.", "Given with `from`.");
    [choice("window", "So long until now.", ["1h", "24h", "7d"], Some("24h")), from, to]
}

/// `from` and `to`, both or neither.
pub(crate) fn range_or_none() -> [Parameter; 2] {
    bounds("Given with `to`.", "Given with `from`.")
}

fn bounds(from: &str, to: &str) -> [Parameter; 2] {
    let from = format!("The first instant that belongs to the range. {from}");
    let to = format!("The first instant after the range. {to}");
    [query("from", from.trim(), time(from.trim())), query("to", to.trim(), time(to.trim()))]
}

/// How many at most.
pub(crate) fn limit(default: usize, max: usize) -> Parameter {
    let description = "How many at most.";
    query("limit", description, integer(1, Some(max as i64), description).default(Some(json!(default))))
}

/// Where to go on.
pub(crate) fn cursor() -> Parameter {
    let description = "The `next_cursor` of the answer before, with the same other parameters.";
    query("cursor", description, formatted("cursor", description))
}

pub(crate) fn user_id() -> Parameter {
    query("user_id", "Only of this user.", text("Exactly so."))
}

pub(crate) fn event_type() -> Parameter {
    query("event_type", "Only of this type.", text("Exactly so."))
}

pub(crate) fn page(name: &str, description: &str) -> Parameter {
    query(name, description, formatted("page", "An absolute http(s) URL, or a path; in any spelling."))
}

/// A mail domain in the path.
pub(crate) fn domain_in_path() -> Parameter {
    path("domain", "A mail domain, in any spelling.", formatted("domain", "A host name."), "mail.example")
}

/// A name of 1 to 255 characters in the path.
pub(crate) fn name_in_path(name: &str, description: &str, example: &str) -> Parameter {
    let schema = text(description).min_length(Some(1)).max_length(Some(255)).pattern(Some(NOT_BLANK));
    path(name, description, schema, example)
}

/// How a body is compressed.
pub(super) fn content_encoding() -> Parameter {
    let description = "How the body is compressed. Limits hold for what it is decoded.";
    header("Content-Encoding", description, words(["gzip", "br", "zstd"], description))
}
