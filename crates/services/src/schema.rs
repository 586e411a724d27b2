//! Operators' own event types, each with a JSON Schema for its properties, compiled once at start.

use footfall_domain::host::normalise_domain;
use footfall_domain::page::PageRules;
use footfall_domain::problem::{Code, FieldError};
use footfall_domain::types::{EventType, EventTypes, PropertiesSchema, RegisterError, Rule};
use jsonschema::Validator;
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;

/// Most errors reported of one event: a schema can find one in every member.
const ERRORS_MAX: usize = 20;

/// Why a file of event types can't be used. Every problem of the file is told at once.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TypesFileError {
    /// Not the JSON that it should be.
    #[error("not a list of event types: {0}")]
    Malformed(String),
    /// A type's name can't be used.
    #[error(transparent)]
    Name(#[from] RegisterError),
    /// A type's schema is no JSON Schema.
    #[error("the schema of `{name}` is not usable: {reason}")]
    Schema {
        /// The type.
        name: String,
        /// What is wrong with its schema.
        reason: String,
    },
}

/// A file of event types: `{"types": [{"name": …, "schema": …, "user_id": "required"|"optional"}]}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypesFile {
    types: Vec<TypeEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypeEntry {
    name: String,
    #[serde(default)]
    schema: Option<Value>,
    #[serde(default)]
    user_id: UserId,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "lowercase")]
enum UserId {
    #[default]
    Required,
    Optional,
}

/// Registers the types that a file describes.
///
/// # Errors
/// All that is wrong with the file; what is right is registered nevertheless.
pub fn read_types(file: &str, types: &mut EventTypes) -> Result<(), Vec<TypesFileError>> {
    let file: TypesFile =
        serde_json::from_str(file).map_err(|error| vec![TypesFileError::Malformed(error.to_string())])?;
    let mut errors = Vec::new();
    for entry in file.types {
        let user_required = entry.user_id == UserId::Required;
        let rule = match entry.schema {
            None => Rule::Free,
            Some(schema) => match compile(&schema) {
                Ok(validator) => Rule::Schema(Arc::new(CompiledSchema(validator))),
                Err(reason) => {
                    errors.push(TypesFileError::Schema { name: entry.name, reason });
                    continue;
                }
            },
        };
        errors.extend(types.register(&entry.name, EventType { rule, user_required }).err().map(Into::into));
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// Compiles a schema of draft 2020-12 (or the one its `$schema` names), with formats checked and Footfall's own formats
/// `page` and `domain`. References to other documents are not followed.
fn compile(schema: &Value) -> Result<Validator, String> {
    let pages = PageRules::default();
    jsonschema::options()
        .should_validate_formats(true)
        .with_format("page", move |page: &str| pages.normalise(page).is_ok())
        .with_format("domain", |domain: &str| normalise_domain(domain).is_ok())
        .build(schema)
        .map_err(|error| error.to_string())
}

#[derive(Debug)]
struct CompiledSchema(Validator);

impl PropertiesSchema for CompiledSchema {
    fn check(&self, properties: &str) -> Vec<FieldError> {
        let properties: Value = match serde_json::from_str(properties) {
            Ok(properties) => properties,
            // JSON that no number type can hold, such as 1e999.
            Err(error) => return vec![FieldError::new("", Code::SchemaViolation, error.to_string())],
        };
        let violation = |error: jsonschema::ValidationError<'_>| {
            FieldError::new(error.instance_path().to_string(), Code::SchemaViolation, error.to_string())
        };
        self.0.iter_errors(&properties).take(ERRORS_MAX).map(violation).collect()
    }
}
