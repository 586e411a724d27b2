//! Parts of the document that many operations share: problems, reports of batches, headers.

use actix_web::http::StatusCode;
use footfall_domain::problem::Code;
use serde_json::{Value, json};
use utoipa::openapi::content::{Content, ContentBuilder};
use utoipa::openapi::example::{Example, ExampleBuilder};
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::schema::{
    AllOfBuilder, AnyOfBuilder, ArrayBuilder, OneOfBuilder, Schema, SchemaFormat, SchemaType,
};
use utoipa::openapi::{
    Header, KnownFormat, Object, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder, Type,
};
use utoipa::{PartialSchema, ToSchema};

pub(crate) const JSON: &str = "application/json";
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// Text with a character in it that is not white space.
pub(crate) const NOT_BLANK: &str = r"\S";

/// Text, of which more is said.
pub(crate) fn text(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description))
}

/// Text of that format.
pub(crate) fn formatted(format: &str, description: &str) -> ObjectBuilder {
    text(description).format(Some(SchemaFormat::Custom(format.to_owned())))
}

/// An instant.
pub(crate) fn time(description: &str) -> ObjectBuilder {
    text(description).format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
}

/// One of some words.
pub(crate) fn words<'a>(words: impl IntoIterator<Item = &'a str>, description: &str) -> ObjectBuilder {
    text(description).enum_values(Some(words))
}

/// A whole number within bounds.
pub(crate) fn integer(min: i64, max: Option<i64>, description: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .description(Some(description))
        .minimum(Some(min as f64))
        .maximum(max.map(|max| max as f64))
}

/// A user's id: text, or a number that is kept as its decimal text.
pub(crate) fn user_id(description: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Integer]))
        .description(Some(description))
        .min_length(Some(1))
        .max_length(Some(footfall_domain::event::USER_MAX_CHARS))
        .pattern(Some(NOT_BLANK))
        .minimum(Some(0))
}

/// A page, as it is sent.
pub(crate) fn page() -> ObjectBuilder {
    formatted(
        "page",
        "An absolute `http` or `https` URL, or a path such as `/home`. Its spellings are one page.",
    )
    .min_length(Some(1))
    .max_length(Some(8_192))
}

/// One of these, or a list of them.
pub(crate) fn one_or_many<T: ToSchema>(max: usize, shown: [(&str, Value); 2]) -> Content {
    let item = || Ref::from_schema_name(T::name());
    let many = ArrayBuilder::new().items(item()).min_items(Some(1)).max_items(Some(max));
    let either = OneOfBuilder::new().item(item()).item(many);
    ContentBuilder::new().schema(Some(either)).examples_from_iter(examples(shown)).build()
}

/// Examples by their names.
pub(crate) fn examples(examples: [(&str, Value); 2]) -> [(String, Example); 2] {
    examples.map(|(name, value)| (name.to_owned(), ExampleBuilder::new().value(Some(value)).build()))
}

/// An error as every operation answers it (RFC 9457).
#[derive(ToSchema)]
#[schema(as = Problem)]
#[expect(dead_code, reason = "only its schema is used: documents are written by `problem.rs`")]
pub(crate) struct ProblemDocument {
    /// What sort of problem it is: `urn:footfall:problem:` and a word. It never changes.
    #[schema(
        format = "uri",
        pattern = "^urn:footfall:problem:[a-z]+(-[a-z]+)*$",
        example = "urn:footfall:problem:invalid-query"
    )]
    r#type: String,
    /// The same for people.
    title: String,
    /// The answer's status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What is wrong this time.
    detail: String,
    /// Leads to the request in the service's log.
    request_id: String,
    /// After so many seconds it is worth sending it again; as the header `Retry-After`, where that is there.
    #[schema(nullable = false, minimum = 1)]
    retry_after: Option<u32>,
    /// Everything in the request that is at fault.
    #[schema(nullable = false)]
    errors: Option<Vec<Fault>>,
}

/// One thing that is wrong in a request.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used: the domain's `FieldError` is written")]
pub(crate) struct Fault {
    /// Where: a JSON pointer (RFC 6901) into the body, or into the item of a batch; or `query:NAME`, `header:NAME`, `path:NAME`.
    /// Empty: the whole.
    #[schema(example = "/properties/amount")]
    pointer: String,
    #[schema(schema_with = codes)]
    code: String,
    /// What, for people. It may change.
    message: String,
}

fn codes() -> Object {
    words(Code::ALL.map(Code::as_str), "What, for programs. It never changes.").build()
}

/// What became of a batch.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used: the service's `BatchReport` is written")]
pub(crate) struct BatchReport {
    /// Events stored now.
    accepted: u64,
    /// Events that were stored before, or stood earlier in the batch.
    duplicates: u64,
    /// Events that are not valid, and not stored.
    rejected: u64,
    /// What is wrong with each rejected one.
    errors: Vec<RejectedEvent>,
}

/// A rejected event of a batch.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used: the service's `Rejected` is written")]
pub(crate) struct RejectedEvent {
    /// Its place in the batch, from 0. Blank lines don't count.
    index: u64,
    /// Its id as it was sent, where one was.
    #[schema(required = true)]
    event_id: Option<String>,
    /// Everything that is wrong with it.
    errors: Vec<Fault>,
}

/// What became of an array of users.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used: the service's `MembershipReport` is written")]
pub(crate) struct MembershipReport {
    /// Users put in a segment now.
    created: u64,
    /// Users who were known there, and whose expiry is the new one now.
    renewed: u64,
    /// Items that can't be taken.
    rejected: u64,
    /// What is wrong with each of those.
    errors: Vec<RejectedMembership>,
}

/// A rejected item of an array of users.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used: the service's `RejectedMembership` is written")]
pub(crate) struct RejectedMembership {
    /// Its place in the array, from 0.
    index: u64,
    /// The user as it was sent, where one was.
    #[schema(required = true)]
    #[schema(rename = "ID")]
    user: Option<String>,
    /// Everything that is wrong with it.
    errors: Vec<Fault>,
}

/// A problem of a request that may be one item or a batch of them: of a batch of which nothing was taken, it has the report's
/// members as well, and `errors` is the report's.
macro_rules! problem_of_batch {
    ($name:ident, $as:literal, $report:ty) => {
        pub(crate) struct $name;

        impl ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                $as.into()
            }

            fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
                <$report>::schemas(schemas);
                schemas.push((<$report>::name().into_owned(), <$report>::schema()));
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let whole = without_errors();
                let batch = AllOfBuilder::new().item(whole).item(Ref::from_schema_name(<$report>::name()));
                AnyOfBuilder::new()
                    .item(Ref::from_schema_name("Problem"))
                    .item(batch)
                    .description(Some(
                        "A problem; where it is a batch of which nothing was taken, with the report on it.",
                    ))
                    .into()
            }
        }
    };
}

problem_of_batch!(EventsProblem, "EventsProblem", BatchReport);
problem_of_batch!(MembershipsProblem, "MembershipsProblem", MembershipReport);

/// A problem's members but `errors`, which is another list in a report.
fn without_errors() -> RefOr<Schema> {
    let mut schema = ProblemDocument::schema();
    if let RefOr::T(Schema::Object(object)) = &mut schema {
        object.properties.remove("errors");
    }
    schema
}

/// How a request is refused with that status, and the name of that among the document's responses.
pub(crate) fn refusal(status: StatusCode) -> (String, Response) {
    let name: String = status.canonical_reason().unwrap_or("Refused").split(' ').collect();
    if status == StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE {
        return (name, Response::new(reason(status)));
    }
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem")));
    let mut response = ResponseBuilder::new()
        .description(reason(status))
        .header_ref("X-Request-Id", Ref::new("#/components/headers/X-Request-Id"))
        .content(PROBLEM_JSON, content.example(Some(example(status))).build());
    if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        response = response.header_ref("Retry-After", Ref::new("#/components/headers/Retry-After"));
    }
    if status == StatusCode::UNAUTHORIZED {
        let header = header(words(["Bearer"], "How to show a key."), "How to show a key.");
        response = response.header("WWW-Authenticate", header);
    }
    if status == StatusCode::UPGRADE_REQUIRED {
        response = response.header("Upgrade", header(words(["websocket"], "To what."), "To what."));
    }
    (name, response.build())
}

fn reason(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => {
            "It can't be read: a parameter (`invalid-query`), a header (`invalid-header`) or the body (`malformed-body`)."
        }
        StatusCode::UNAUTHORIZED => "A key is needed, or the one that was sent is none (`unauthorized`).",
        StatusCode::FORBIDDEN => "The key has none of the scopes that are needed (`forbidden`).",
        StatusCode::NOT_FOUND => "There is no such thing (`not-found`).",
        StatusCode::REQUEST_TIMEOUT => "The body did not arrive in time; nothing was stored (`slow-body`).",
        StatusCode::PAYLOAD_TOO_LARGE => {
            "More bytes or events than allowed; nothing was stored (`too-large`)."
        }
        StatusCode::URI_TOO_LONG => "The URL is longer than allowed (`url-too-long`).",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            "Another `Content-Type` or `Content-Encoding` than those that are taken (`unsupported-media-type`)."
        }
        StatusCode::UNPROCESSABLE_ENTITY => "Well-formed, but not valid; nothing was stored (`invalid`).",
        StatusCode::UPGRADE_REQUIRED => "Asked without a WebSocket's handshake (`upgrade-required`).",
        StatusCode::TOO_MANY_REQUESTS => {
            "More requests than this key or address may make (`too-many-requests`)."
        }
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            "The head is larger than allowed. The HTTP layer refuses it by itself, without a document."
        }
        StatusCode::INTERNAL_SERVER_ERROR => "A defect of the service; its log has the cause (`internal`).",
        StatusCode::SERVICE_UNAVAILABLE => {
            "Not now: the store is full or can't be reached (`unavailable`), the time ran out (`timeout`), or too many listen \
             (`too-many-listeners`). Sending it again later is safe."
        }
        StatusCode::HTTP_VERSION_NOT_SUPPORTED => "HTTP/1.0 can't tell a cut answer from a whole one.",
        _ => "Refused.",
    }
}

fn example(status: StatusCode) -> Value {
    use crate::problem::{Kind, Problem};
    let kind = match status {
        StatusCode::BAD_REQUEST => Kind::InvalidQuery,
        StatusCode::UNAUTHORIZED => Kind::Unauthorized,
        StatusCode::FORBIDDEN => Kind::Forbidden,
        StatusCode::NOT_FOUND => Kind::NotFound,
        StatusCode::REQUEST_TIMEOUT => Kind::SlowBody,
        StatusCode::PAYLOAD_TOO_LARGE => Kind::TooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Kind::UnsupportedMediaType,
        StatusCode::UNPROCESSABLE_ENTITY => Kind::Invalid,
        StatusCode::UPGRADE_REQUIRED => Kind::UpgradeRequired,
        StatusCode::URI_TOO_LONG => Kind::UrlTooLong,
        StatusCode::TOO_MANY_REQUESTS => Kind::TooManyRequests,
        StatusCode::INTERNAL_SERVER_ERROR => Kind::Internal,
        StatusCode::SERVICE_UNAVAILABLE => Kind::Unavailable,
        other => Kind::Other(other),
    };
    let problem = Problem::new(kind, reason(status).split(" (`").next().unwrap_or_default());
    serde_json::from_slice(&problem.document("72dc5d3dd229f6490000000000000000", None)).unwrap_or(json!({}))
}

/// A header that is always there.
pub(crate) fn header(schema: ObjectBuilder, description: &str) -> Header {
    HeaderBuilder::new()
        .schema(Some(schema))
        .description(Some(description))
        .extensions(Some(Extensions::from_iter([("required", true)])))
        .build()
}

/// A header that may be there.
pub(crate) fn optional_header(schema: ObjectBuilder, description: &str) -> Header {
    HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build()
}

pub(super) fn request_id_header() -> Header {
    let schema =
        text("The caller's own, or one that the service made.").min_length(Some(1)).max_length(Some(128));
    header(schema, "The request's id. The caller's, where it has 1 to 128 letters, digits and `-_.:/+=~@`.")
}

pub(super) fn retry_after_header() -> Header {
    header(integer(1, None, "Seconds."), "After so many seconds it is worth sending it again.")
}
