//! Events as they are sent and as they are answered. Both are read and written by hand, in one pass: only their schemas stand
//! here.

use std::borrow::Cow;

use footfall_domain::types::NAME_MAX_CHARS;
use serde_json::json;
use utoipa::openapi::schema::{OneOfBuilder, Schema, SchemaType};
use utoipa::openapi::{Object, ObjectBuilder, Ref, RefOr, Type};
use utoipa::{PartialSchema, ToSchema};

use super::schemas::{formatted, page, text, time, user_id, words};

/// A stored event.
#[derive(ToSchema)]
#[schema(as = Event)]
#[expect(dead_code, reason = "only its schema is used: the domain's `EventRef` is written")]
pub(crate) struct StoredEvent {
    /// Its identity, in lower case.
    #[schema(format = "uuid")]
    event_id: String,
    /// The visitor.
    #[schema(required = true)]
    user_id: Option<String>,
    /// Its type.
    event_type: String,
    /// When it happened; UTC, to the microsecond.
    #[schema(format = DateTime)]
    timestamp: String,
    /// As they were sent.
    #[schema(schema_with = free)]
    properties: (),
}

fn free() -> Object {
    ObjectBuilder::new().schema_type(Type::Object).description(Some("Any JSON, as it was sent.")).build()
}

/// An event as it is sent.
pub(crate) struct NewEvent;

/// The forms of it: what they are called, and their schemas.
fn forms() -> [(&'static str, Object); 5] {
    let builtin = "page_view|click|purchase|signup|delivered|bounced";
    let other = text("A type that the operator has registered, with its own schema for `properties`. (Others are refused, unless \
                      the service takes unknown types.)")
        .max_length(Some(NAME_MAX_CHARS))
        .pattern(Some(format!("^(?!({builtin})$)[A-Za-z0-9_.:-]+$")));
    let page = page().examples([json!("https://shop.example/shoes")]);
    let domain = formatted("domain", "A mail domain. Case does not matter; IDN is taken as punycode.")
        .examples([json!("mail.example")]);
    let amount =
        ObjectBuilder::new().schema_type(Type::Number).minimum(Some(0)).description(Some("At least 0."));
    let product = text("What was bought.").min_length(Some(1));
    let anything = || ObjectBuilder::new().schema_type(Type::Object);
    [
        (
            "PageView",
            event(
                words(["page_view"], "A view of a page; the only type that counts for pages."),
                true,
                anything().property("page", page).required("page"),
            ),
        ),
        ("Action", event(words(["click", "signup"], "What a visitor did."), true, anything())),
        (
            "Purchase",
            event(
                words(["purchase"], "Something bought."),
                true,
                anything()
                    .property("amount", amount)
                    .property("product_id", product)
                    .required("amount")
                    .required("product_id"),
            ),
        ),
        (
            "Mail",
            event(
                words(["delivered", "bounced"], "What became of a mail. It needs no user."),
                false,
                anything().property("domain", domain).required("domain"),
            ),
        ),
        ("OtherEvent", event(other, false, anything())),
    ]
}

fn event(event_type: ObjectBuilder, has_user: bool, properties: ObjectBuilder) -> Object {
    let properties = properties.build();
    let has_required = !properties.required.is_empty();
    let properties = ObjectBuilder::from(properties);
    let properties = if has_required {
        properties
    } else {
        properties.schema_type(SchemaType::from_iter([Type::Object, Type::Null]))
    };
    let nullable =
        |schema: ObjectBuilder| schema.schema_type(SchemaType::from_iter([Type::String, Type::Null]));
    let id = formatted(
        "uuid",
        "Its identity: an event counts once, however often it is sent. The server gives one.",
    );
    let at = time("When it happened; by default now. At most 24 hours ahead.");
    let mut user = user_id("The visitor. A number is kept as its decimal text.");
    if !has_user {
        user = user.schema_type(SchemaType::from_iter([Type::String, Type::Integer, Type::Null]));
    }
    let mut event = ObjectBuilder::new()
        .property("event_id", nullable(id))
        .property("user_id", user)
        .property("event_type", event_type)
        .property("timestamp", nullable(at))
        .property("properties", properties.description(Some("At most 32 KiB and 16 levels; kept as sent.")))
        .required("event_type");
    if has_user {
        event = event.required("user_id");
    }
    if has_required {
        event = event.required("properties");
    }
    event.build()
}

impl ToSchema for NewEvent {
    fn name() -> Cow<'static, str> {
        "NewEvent".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.extend(forms().map(|(name, form)| (name.to_owned(), form.into())));
    }
}

impl PartialSchema for NewEvent {
    fn schema() -> RefOr<Schema> {
        let forms = forms().into_iter().map(|(name, _)| Ref::from_schema_name(name));
        let description = "An event as it is sent. Members that are not listed are ignored; `null` for an optional one means that \
                           it is absent. A NUL character in any string is refused.";
        forms
            .fold(OneOfBuilder::new(), OneOfBuilder::item)
            .description(Some(description))
            .examples([json!({
                "event_id": "3f0d1c52-6a1e-4f0b-9d65-0c1b7a2e4d10",
                "user_id": "ann",
                "event_type": "page_view",
                "timestamp": "2025-05-26T14:03:11Z",
                "properties": { "page": "https://shop.example/shoes" }
            })])
            .into()
    }
}
