//! Which events a listener wants, and which listeners want an event.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use foldhash::fast::RandomState;
use footfall_domain::event::{EventRef, SubjectKind};
use hashbrown::{Equivalent, HashMap};

use super::inbox::Inbox;

/// Which events a listener wants; every condition given must hold.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LiveFilter {
    /// Only of this type.
    pub event_type: Option<String>,
    /// Only this user's.
    pub user: Option<String>,
    /// Only views of this page, in its normal form.
    pub page: Option<String>,
}

impl LiveFilter {
    /// One that lets nothing through: every event has a type.
    pub fn nothing() -> Self {
        Self { event_type: Some(String::new()), ..Self::default() }
    }

    fn kind(&self) -> Kind {
        Kind {
            by_type: self.event_type.is_some(),
            by_user: self.user.is_some(),
            by_page: self.page.is_some(),
        }
    }

    fn parts(&self) -> Parts<'_> {
        Parts([&self.event_type, &self.user, &self.page].map(|part| part.as_deref().map(str::as_bytes)))
    }

    /// Whether the event is wanted.
    pub(super) fn wants(&self, event: EventRef<'_>) -> bool {
        self.kind().of(&Names::of(event)) == Some(self.parts())
    }
}

impl Hash for LiveFilter {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

/// By what a filter chooses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Kind {
    by_type: bool,
    by_user: bool,
    by_page: bool,
}

/// What a filter is told by: of an event it is read in place.
#[derive(PartialEq, Eq, Hash)]
struct Parts<'a>([Option<&'a [u8]>; 3]);

impl Equivalent<LiveFilter> for Parts<'_> {
    fn equivalent(&self, filter: &LiveFilter) -> bool {
        *self == filter.parts()
    }
}

/// What an event has that filters choose by.
struct Names<'a> {
    event_type: &'a [u8],
    user: Option<&'a [u8]>,
    page: Option<&'a [u8]>,
}

impl<'a> Names<'a> {
    fn of(event: EventRef<'a>) -> Self {
        let [event_type, user, subject] = event.names();
        let page = (event.subject_kind() == SubjectKind::Page).then_some(subject);
        Self { event_type, user: (!user.is_empty()).then_some(user), page }
    }
}

impl Kind {
    /// The filter of this kind that lets the event through, if there can be one.
    fn of<'a>(self, names: &Names<'a>) -> Option<Parts<'a>> {
        if (self.by_user && names.user.is_none()) || (self.by_page && names.page.is_none()) {
            return None;
        }
        Some(Parts([
            self.by_type.then_some(names.event_type),
            names.user.filter(|_| self.by_user),
            names.page.filter(|_| self.by_page),
        ]))
    }
}

/// All listeners by what they want, so that an event costs a look-up for each *kind* of filter in use, however many listeners
/// there are. Never changed: whoever adds or removes one makes another index.
#[derive(Clone, Default)]
pub(super) struct Index {
    kinds: Vec<Kind>,
    groups: HashMap<LiveFilter, Vec<Arc<Inbox>>, RandomState>,
    listeners: usize,
}

impl Index {
    pub(super) const fn listeners(&self) -> usize {
        self.listeners
    }

    pub(super) fn with(&self, filter: &LiveFilter, inbox: Arc<Inbox>) -> Self {
        let mut index = self.clone();
        index.groups.entry(filter.clone()).or_default().push(inbox);
        index.listeners += 1;
        index.count_kinds();
        index
    }

    pub(super) fn without(&self, filter: &LiveFilter, inbox: &Arc<Inbox>) -> Self {
        let mut index = self.clone();
        let Some(group) = index.groups.get_mut(filter) else { return index };
        let before = group.len();
        group.retain(|other| !Arc::ptr_eq(other, inbox));
        index.listeners -= before - group.len();
        if group.is_empty() {
            index.groups.remove(filter);
        }
        index.count_kinds();
        index
    }

    fn count_kinds(&mut self) {
        self.kinds.clear();
        for kind in self.groups.keys().map(LiveFilter::kind) {
            if !self.kinds.contains(&kind) {
                self.kinds.push(kind);
            }
        }
    }

    /// The listeners that want the event, a group for each filter.
    pub(super) fn wanting<'a>(&'a self, event: EventRef<'a>) -> impl Iterator<Item = &'a [Arc<Inbox>]> {
        let names = Names::of(event);
        let group = move |kind: &Kind| self.groups.get(&kind.of(&names)?).map(Vec::as_slice);
        self.kinds.iter().filter_map(group)
    }

    /// Whether anyone wants any of the events.
    pub(super) fn wants_any<'a>(&self, mut events: impl Iterator<Item = EventRef<'a>>) -> bool {
        // Without any condition, anything will do.
        let is_any = |kind: &Kind| *kind == Kind { by_type: false, by_user: false, by_page: false };
        self.kinds.iter().any(is_any) || events.any(|event| self.wanting(event).next().is_some())
    }

    pub(super) fn everyone(&self) -> impl Iterator<Item = &Arc<Inbox>> {
        self.groups.values().flatten()
    }

    /// Everyone who may miss something.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Inbox>> {
        // Who wants nothing misses nothing.
        let groups = self.groups.iter().filter(|(filter, _)| **filter != LiveFilter::nothing());
        groups.flat_map(|(_, group)| group)
    }
}

#[cfg(test)]
mod tests {
    use footfall_domain::event::{EventBatch, EventId, EventParts, Subject};
    use footfall_domain::time::Timestamp;

    use super::*;

    fn filter(event_type: Option<&str>, user: Option<&str>, page: Option<&str>) -> LiveFilter {
        let [event_type, user, page] = [event_type, user, page].map(|part| part.map(str::to_owned));
        LiveFilter { event_type, user, page }
    }

    fn batch() -> EventBatch {
        let mut batch = EventBatch::default();
        let event = |event_type, user, subject| EventParts {
            id: EventId::from_bytes([1; 16]),
            at: Timestamp::MIN,
            event_type,
            user,
            subject,
            properties: "{}",
        };
        batch.push(&event("page_view", Some("ann"), Subject::Page("/home")));
        batch.push(&event("delivered", None, Subject::Domain("/home")));
        batch
    }

    type Case = (Option<&'static str>, Option<&'static str>, Option<&'static str>, [bool; 2]);

    /// The filter, and whether it lets the page view and the mail through.
    const CASES: [Case; 10] = [
        (None, None, None, [true, true]),
        (Some("page_view"), None, None, [true, false]),
        (Some("delivered"), None, None, [false, true]),
        (None, Some("ann"), None, [true, false]),
        (None, Some("bob"), None, [false, false]),
        (None, None, Some("/home"), [true, false]),
        (Some("page_view"), Some("ann"), Some("/home"), [true, false]),
        (Some("page_view"), Some("bob"), Some("/home"), [false, false]),
        (Some("click"), Some("ann"), None, [false, false]),
        (Some("delivered"), None, Some("/home"), [false, false]),
    ];

    #[test]
    fn every_condition_must_hold() {
        let batch = batch();
        for (event_type, user, page, expected) in CASES {
            let filter = filter(event_type, user, page);
            let index = Index::default().with(&filter, Arc::new(Inbox::new(1)));
            for (event, expected) in batch.iter().zip(expected) {
                assert_eq!(filter.wants(event), expected, "{filter:?} {event:?}");
                assert_eq!(index.wanting(event).count(), usize::from(expected), "{filter:?} {event:?}");
            }
        }
    }

    #[test]
    fn an_event_finds_each_listener_once_and_only_while_it_is_there() {
        let batch = batch();
        let inboxes: Vec<_> = CASES.iter().map(|_| Arc::new(Inbox::new(1))).collect();
        let filters: Vec<_> = CASES.iter().map(|(a, b, c, _)| filter(*a, *b, *c)).collect();
        let mut index = Index::default();
        for (filter, inbox) in filters.iter().zip(&inboxes) {
            index = index.with(filter, inbox.clone());
        }
        let wanting = |index: &Index, place: usize| index.wanting(batch.get(place)).flatten().count();
        assert_eq!((index.listeners(), index.all().count()), (10, 10));
        for place in 0..2 {
            assert_eq!(wanting(&index, place), CASES.iter().filter(|case| case.3[place]).count());
        }
        assert!(index.wants_any(batch.iter()));
        for (filter, inbox) in filters.iter().zip(&inboxes) {
            index = index.without(filter, inbox);
            index = index.without(filter, inbox);
        }
        assert_eq!((index.listeners(), index.kinds.len()), (0, 0));
        assert!(!index.wants_any(batch.iter()));
    }
}
