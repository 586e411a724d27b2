//! Events as the cases write them, and short ways to write instants, ranges and identities.

use std::fmt::Write as _;
use std::sync::Arc;

use footfall_domain::event::{EventBatch, EventId, EventParts, EventRef, Subject};
use footfall_domain::time::{TimeRange, Timestamp};

/// What an event is about, owned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Topic {
    /// Nothing that is counted by itself.
    None,
    /// A page, of a page view.
    Page(String),
    /// A mail domain, of a delivery or a bounce.
    Domain(String),
}

/// An event with everything it has, owned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Draft {
    /// The identity.
    pub id: EventId,
    /// When it happened.
    pub at: Timestamp,
    /// The type's name.
    pub event_type: String,
    /// Whose it is.
    pub user: Option<String>,
    /// What it is about.
    pub topic: Topic,
    /// The properties as sent.
    pub properties: String,
}

impl Draft {
    /// A page view.
    pub fn view(number: u128, at: Timestamp, user: &str, page: &str) -> Self {
        Self {
            id: id(number),
            at,
            event_type: "page_view".into(),
            user: Some(user.into()),
            topic: Topic::Page(page.into()),
            properties: format!(r#"{{"page":"{page}"}}"#),
        }
    }

    /// An event of a type that is about nothing, such as `click`.
    pub fn plain(number: u128, at: Timestamp, user: &str, event_type: &str) -> Self {
        Self {
            id: id(number),
            at,
            event_type: event_type.into(),
            user: Some(user.into()),
            topic: Topic::None,
            properties: "{}".into(),
        }
    }

    /// A delivery or a bounce, which nobody does.
    pub fn mail(number: u128, at: Timestamp, event_type: &str, domain: &str) -> Self {
        Self {
            id: id(number),
            at,
            event_type: event_type.into(),
            user: None,
            topic: Topic::Domain(domain.into()),
            properties: format!(r#"{{"domain": "{domain}"}}"#),
        }
    }

    /// The same with other properties.
    #[must_use]
    pub fn with_properties(mut self, properties: impl Into<String>) -> Self {
        self.properties = properties.into();
        self
    }

    /// A stored event, copied out field by field.
    pub fn of(event: EventRef<'_>) -> Self {
        Self {
            id: event.id(),
            at: event.at(),
            event_type: event.event_type().into(),
            user: event.user().map(Into::into),
            topic: match event.subject() {
                Subject::None => Topic::None,
                Subject::Page(page) => Topic::Page(page.into()),
                Subject::Domain(domain) => Topic::Domain(domain.into()),
            },
            properties: event.properties().into(),
        }
    }

    fn push_to(&self, batch: &mut EventBatch) {
        // As validation does: a subject that stands in the properties is borrowed from there.
        let within = |name: &'_ str| -> Option<std::ops::Range<usize>> {
            let start = self.properties.find(name)?;
            Some(start..start + name.len())
        };
        let subject = match &self.topic {
            Topic::None => Subject::None,
            Topic::Page(page) => Subject::Page(within(page).map_or(page, |place| &self.properties[place])),
            Topic::Domain(domain) => {
                Subject::Domain(within(domain).map_or(domain, |place| &self.properties[place]))
            }
        };
        batch.push(&EventParts {
            id: self.id,
            at: self.at,
            event_type: &self.event_type,
            user: self.user.as_deref(),
            subject,
            properties: &self.properties,
        });
    }
}

/// The events as a batch.
pub fn batch_of(drafts: &[Draft]) -> Arc<EventBatch> {
    let mut batch = EventBatch::default();
    for draft in drafts {
        draft.push_to(&mut batch);
    }
    Arc::new(batch)
}

/// The identity with that number, most significant byte first: identities are ordered as their numbers are.
pub const fn id(number: u128) -> EventId {
    EventId::from_bytes(number.to_be_bytes())
}

/// An instant as RFC 3339 writes it; `2025-05-26T14:00` is completed to the full minute in UTC.
///
/// # Panics
/// On what is no instant.
pub fn instant(text: &str) -> Timestamp {
    let mut text = text.to_owned();
    if text.len() == "2025-05-26T14:00".len() {
        let _ = write!(text, ":00Z");
    }
    Timestamp::parse(&text).unwrap_or_else(|| panic!("`{text}` is no instant"))
}

/// The range between two instants.
///
/// # Panics
/// Where `from` is not before `to`.
pub fn range(from: Timestamp, to: Timestamp) -> TimeRange {
    TimeRange::new(from, to).unwrap_or_else(|| panic!("{from} is not before {to}"))
}

/// So many different users' names.
pub fn user_names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("user-{number}")).collect()
}
