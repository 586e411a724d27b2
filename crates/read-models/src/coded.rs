//! Events with their names as places in lists: the form in which a store keeps what it needs to fill the models again.

use footfall_domain::event::SubjectKind;
use footfall_domain::time::Timestamp;

use crate::rows::Location;

/// Stored events, and the names that they have.
#[derive(Debug, Default)]
pub struct Coded<'a> {
    /// Users.
    pub users: Vec<&'a str>,
    /// Event types.
    pub types: Vec<&'a str>,
    /// Pages of page views.
    pub pages: Vec<&'a str>,
    /// Domains of deliveries and bounces.
    pub domains: Vec<&'a str>,
    /// The events.
    pub rows: Vec<CodedRow>,
}

/// What the read models need to know of a stored event, less its names.
#[derive(Clone, Copy, Debug)]
pub struct CodedRow {
    /// When it happened.
    pub at: Timestamp,
    /// The place of its type in the list of types.
    pub event_type: u32,
    /// The place of its user; `None` where it has none.
    pub user: Option<u32>,
    /// What kind of thing it is about.
    pub kind: SubjectKind,
    /// The place of what it is about, in the list of its kind.
    pub subject: u32,
    /// Where the log keeps it.
    pub location: Location,
}

/// One of a row's places.
pub(crate) type CodeOf = fn(&CodedRow) -> Option<u32>;

impl CodedRow {
    pub(crate) const fn user(&self) -> Option<u32> {
        self.user
    }

    #[expect(clippy::unnecessary_wraps, reason = "as the others, of which there may be none")]
    pub(crate) const fn event_type(&self) -> Option<u32> {
        Some(self.event_type)
    }

    pub(crate) fn page(&self) -> Option<u32> {
        (self.kind == SubjectKind::Page).then_some(self.subject)
    }

    pub(crate) fn domain(&self) -> Option<u32> {
        (self.kind == SubjectKind::Domain).then_some(self.subject)
    }
}
