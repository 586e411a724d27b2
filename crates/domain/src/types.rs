//! The registry of event types: which properties an event of each type must have, and whether it needs a user.
//!
//! The built-in types are checked directly; further ones bring a [`PropertiesSchema`]. What the built-in checks demand
//! is published as JSON Schemas under `schemas/`, and a test holds the two equal.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, RwLock};

use crate::problem::FieldError;

/// The type of events that count for pages.
pub const PAGE_VIEW: &str = "page_view";
/// A mail was delivered to a domain.
pub const DELIVERED: &str = "delivered";
/// A mail to a domain bounced.
pub const BOUNCED: &str = "bounced";

/// Longest name of an event type, in characters.
pub const NAME_MAX_CHARS: usize = 64;

/// Most unregistered types that one process accepts, where it is configured to accept any.
pub const UNKNOWN_TYPES_MAX: usize = 1_000;

/// Checks the properties of an operator's own event type.
pub trait PropertiesSchema: Send + Sync + fmt::Debug {
    /// What is wrong with the properties, given as JSON text; pointers are relative to the properties.
    fn check(&self, properties: &str) -> Vec<FieldError>;
}

/// What an event's properties must hold.
#[derive(Clone, Debug)]
pub enum Rule {
    /// Anything.
    Free,
    /// `page`: an absolute URL or a path.
    Page,
    /// `amount`: a number of at least 0; `product_id`: a non-empty string.
    Purchase,
    /// `domain`: a mail domain.
    Mail,
    /// What an operator's JSON Schema says.
    Schema(Arc<dyn PropertiesSchema>),
}

/// How events of one type are checked.
#[derive(Clone, Debug)]
pub struct EventType {
    /// What the properties must hold.
    pub rule: Rule,
    /// Whether an event must say whose it is.
    pub user_required: bool,
}

/// A built-in type and its published JSON Schema.
pub struct BuiltIn {
    /// The type's name.
    pub name: &'static str,
    /// A JSON Schema (draft 2020-12) for the properties; the formats `page` and `domain` are Footfall's own.
    pub schema: &'static str,
}

/// The types that every installation has.
pub const BUILT_IN: [BuiltIn; 6] = [
    BuiltIn { name: PAGE_VIEW, schema: include_str!("../schemas/page_view.json") },
    BuiltIn { name: "click", schema: include_str!("../schemas/click.json") },
    BuiltIn { name: "purchase", schema: include_str!("../schemas/purchase.json") },
    BuiltIn { name: "signup", schema: include_str!("../schemas/signup.json") },
    BuiltIn { name: DELIVERED, schema: include_str!("../schemas/delivered.json") },
    BuiltIn { name: BOUNCED, schema: include_str!("../schemas/bounced.json") },
];

const FREE: EventType = EventType { rule: Rule::Free, user_required: true };
const PAGE: EventType = EventType { rule: Rule::Page, user_required: true };
const PURCHASE: EventType = EventType { rule: Rule::Purchase, user_required: true };
const MAIL: EventType = EventType { rule: Rule::Mail, user_required: false };

/// Why a type can't be registered.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RegisterError {
    /// The name is empty, too long, or holds a character that names can't have.
    #[error("`{0}` is no name for an event type: 1 to 64 letters, digits, '_', '-', '.' or ':' are")]
    BadName(String),
    /// The name is a built-in type's or was registered before.
    #[error("the event type `{0}` exists already")]
    Taken(String),
}

/// The registered event types.
#[derive(Clone, Debug, Default)]
pub struct EventTypes {
    own: BTreeMap<Box<str>, EventType>,
    accept_unknown: bool,
    unknown: Arc<RwLock<BTreeSet<Box<str>>>>,
}

impl EventTypes {
    /// Only the built-in types; others are refused, or taken as free-form where `accept_unknown`.
    pub fn new(accept_unknown: bool) -> Self {
        Self { accept_unknown, ..Self::default() }
    }

    /// Adds an operator's own type.
    ///
    /// # Errors
    /// When the name can't be used, or is used already.
    pub fn register(&mut self, name: &str, event_type: EventType) -> Result<(), RegisterError> {
        if !is_name(name) {
            return Err(RegisterError::BadName(name.into()));
        }
        if built_in(name).is_some() || self.own.contains_key(name) {
            return Err(RegisterError::Taken(name.into()));
        }
        self.own.insert(name.into(), event_type);
        Ok(())
    }

    /// How events of this type are checked; `None` when the type is not registered.
    pub fn get(&self, name: &str) -> Option<&EventType> {
        built_in(name)
            .or_else(|| self.own.get(name))
            .or_else(|| (self.accept_unknown && is_name(name) && self.remember(name)).then_some(&FREE))
    }

    /// Whether the unregistered type is one of those seen so far, of which there is a limit: each is counted by itself
    /// for ever, so a producer that makes up names must not be able to fill the service with them.
    fn remember(&self, name: &str) -> bool {
        let seen = |names: &BTreeSet<Box<str>>| names.contains(name);
        if self.unknown.read().is_ok_and(|names| seen(&names)) {
            return true;
        }
        self.unknown.write().is_ok_and(|mut names| {
            seen(&names) || (names.len() < UNKNOWN_TYPES_MAX && names.insert(name.into()))
        })
    }

    /// The names of all registered types, built-in ones first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        BUILT_IN.iter().map(|built_in| built_in.name).chain(self.own.keys().map(|name| &**name))
    }
}

fn built_in(name: &str) -> Option<&'static EventType> {
    match name {
        PAGE_VIEW => Some(&PAGE),
        "click" | "signup" => Some(&FREE),
        "purchase" => Some(&PURCHASE),
        DELIVERED | BOUNCED => Some(&MAIL),
        _ => None,
    }
}

fn is_name(name: &str) -> bool {
    (1..=NAME_MAX_CHARS).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_types_are_refused_unless_configured() {
        assert!(EventTypes::new(false).get("video_play").is_none());
        assert!(EventTypes::new(true).get("video_play").is_some());
        assert!(EventTypes::new(true).get("video play").is_none());
        for built_in in &BUILT_IN {
            assert!(EventTypes::default().get(built_in.name).is_some());
        }
    }

    #[test]
    fn unknown_types_are_limited_in_number() {
        let types = EventTypes::new(true);
        for number in 0..UNKNOWN_TYPES_MAX {
            assert!(types.get(&format!("type-{number}")).is_some());
        }
        assert!(types.get("one-more").is_none());
        assert!(types.get("type-0").is_some() && types.get("click").is_some());
    }

    #[test]
    fn names_are_taken_once() {
        let mut types = EventTypes::default();
        let free = || EventType { rule: Rule::Free, user_required: false };
        assert_eq!(types.register("video_play", free()), Ok(()));
        assert_eq!(types.register("video_play", free()), Err(RegisterError::Taken("video_play".into())));
        assert_eq!(types.register("click", free()), Err(RegisterError::Taken("click".into())));
        assert_eq!(types.register("a b", free()), Err(RegisterError::BadName("a b".into())));
        assert!(!types.get("video_play").unwrap().user_required);
    }
}
