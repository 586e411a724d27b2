//! The event as it is stored: one compact, self-contained record, and batches of them.
//!
//! A record is what every store keeps and what every read model is counted from. It is plain bytes, so that a batch is
//! one allocation however many events it holds and can cross to another thread or a file as it stands.

use std::fmt;

use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::time::Timestamp;

/// Longest user id, in characters.
pub const USER_MAX_CHARS: usize = 255;
/// Most bytes that an event's properties may have, as sent.
pub const PROPERTIES_MAX_BYTES: usize = 32 * 1024;
/// Most levels of objects and arrays in an event's properties, themselves being the first.
pub const PROPERTIES_MAX_DEPTH: usize = 16;

/// An event's identity, by which it is deduplicated: a UUID of any version.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId([u8; 16]);

impl EventId {
    /// The identity with these sixteen bytes, most significant first.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Reads a UUID in any of its common spellings.
    pub fn parse(text: &str) -> Option<Self> {
        Uuid::try_parse(text).ok().map(|uuid| Self(uuid.into_bytes()))
    }

    /// A version 7 UUID (RFC 9562 §5.7) for an event received at that time, with 74 random bits.
    pub fn version_7(received: Timestamp, random: [u8; 10]) -> Self {
        let milliseconds = u64::try_from(received.micros() / 1_000).unwrap_or_default();
        Self(uuid::Builder::from_unix_timestamp_millis(milliseconds, &random).into_uuid().into_bytes())
    }

    /// The sixteen bytes, most significant first.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Uuid::from_bytes(self.0).hyphenated().encode_lower(&mut Uuid::encode_buffer()))
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for EventId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What an event is about, in its normal form.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Subject<'a> {
    /// Nothing that is counted by itself.
    None,
    /// The page of a page view.
    Page(&'a str),
    /// The mail domain of a delivery or a bounce.
    Domain(&'a str),
}

/// What an event is about, less its name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SubjectKind {
    /// Nothing that is counted by itself.
    None,
    /// A page.
    Page,
    /// A mail domain.
    Domain,
}

impl<'a> Subject<'a> {
    /// What kind of thing it is.
    pub const fn kind(self) -> SubjectKind {
        match self {
            Self::None => SubjectKind::None,
            Self::Page(_) => SubjectKind::Page,
            Self::Domain(_) => SubjectKind::Domain,
        }
    }

    /// The page, where it is one.
    pub const fn page(self) -> Option<&'a str> {
        if let Self::Page(page) = self { Some(page) } else { None }
    }

    /// The domain, where it is one.
    pub const fn domain(self) -> Option<&'a str> {
        if let Self::Domain(domain) = self { Some(domain) } else { None }
    }
}

/// The parts of a valid event, borrowed from wherever they stand.
#[derive(Clone, Copy, Debug)]
pub struct EventParts<'a> {
    /// The identity.
    pub id: EventId,
    /// When it happened.
    pub at: Timestamp,
    /// A registered type's name.
    pub event_type: &'a str,
    /// Whose it is, where it says.
    pub user: Option<&'a str>,
    /// What it is about.
    pub subject: Subject<'a>,
    /// A JSON object, as sent.
    pub properties: &'a str,
}

/// Bytes before a record's text: id 16, time 8, lengths of type 1, user 2 and properties 2, kind of subject 1, its
/// place 2 and its length 2.
const HEADER: usize = 34;

const KIND_NONE: u8 = 0;
const KIND_PAGE: u8 = 1;
const KIND_DOMAIN: u8 = 2;

/// A stored event, read in place.
#[derive(Clone, Copy)]
pub struct EventRef<'a> {
    record: &'a [u8],
}

impl<'a> EventRef<'a> {
    /// Reads a record that [`EventBatch::push`] wrote.
    ///
    /// # Panics
    /// Accessors panic on bytes that are no such record.
    pub const fn new(record: &'a [u8]) -> Self {
        Self { record }
    }

    /// The record's bytes.
    pub const fn record(self) -> &'a [u8] {
        self.record
    }

    /// The identity.
    pub fn id(self) -> EventId {
        EventId(self.array(0))
    }

    /// When it happened.
    pub fn at(self) -> Timestamp {
        Timestamp::from_micros_clamped(i64::from_le_bytes(self.array(16)))
    }

    /// The type's name.
    pub fn event_type(self) -> &'a str {
        self.text(0, usize::from(self.record[24]))
    }

    /// Whose it is, where it says.
    pub fn user(self) -> Option<&'a str> {
        let length = self.user_length();
        (length > 0).then(|| self.text(usize::from(self.record[24]), length))
    }

    /// What it is about.
    pub fn subject(self) -> Subject<'a> {
        let subject = || self.text(usize::from(self.short(30)), usize::from(self.short(32)));
        match self.subject_kind() {
            SubjectKind::Page => Subject::Page(subject()),
            SubjectKind::Domain => Subject::Domain(subject()),
            SubjectKind::None => Subject::None,
        }
    }

    /// The bytes of the type's name, of the user (none where there is none) and of the subject, for copying them
    /// without a look at what they hold.
    pub fn names(self) -> [&'a [u8]; 3] {
        let type_length = usize::from(self.record[24]);
        let subject = HEADER + usize::from(self.short(30));
        [
            &self.record[HEADER..HEADER + type_length],
            &self.record[HEADER + type_length..HEADER + type_length + self.user_length()],
            self.record.get(subject..subject + usize::from(self.short(32))).unwrap_or_default(),
        ]
    }

    /// What kind of thing the event is about; the name of it is the last of [`EventRef::names`].
    pub const fn subject_kind(self) -> SubjectKind {
        match self.record[29] {
            KIND_PAGE => SubjectKind::Page,
            KIND_DOMAIN => SubjectKind::Domain,
            _ => SubjectKind::None,
        }
    }

    /// The properties as sent.
    pub fn properties(self) -> &'a str {
        let length = usize::from(self.short(27));
        self.text(usize::from(self.record[24]) + self.user_length(), length)
    }

    /// Whether the event was erased: then the identity and the time are all that is left of it.
    pub const fn is_erased(self) -> bool {
        // Every type has a name.
        self.record[24] == 0
    }

    /// Appends the event as the API shows it.
    pub fn write_json(self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"event_id\":\"");
        out.extend_from_slice(self.id().to_string().as_bytes());
        out.extend_from_slice(b"\",\"user_id\":");
        match self.user() {
            Some(user) => write_json_string(user, out),
            None => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(b",\"event_type\":");
        write_json_string(self.event_type(), out);
        out.extend_from_slice(b",\"timestamp\":\"");
        out.extend_from_slice(self.at().to_string().as_bytes());
        out.extend_from_slice(b"\",\"properties\":");
        out.extend_from_slice(self.properties().as_bytes());
        out.push(b'}');
    }

    fn user_length(self) -> usize {
        usize::from(self.short(25))
    }

    fn short(self, at: usize) -> u16 {
        u16::from_le_bytes(self.array(at))
    }

    fn array<const N: usize>(self, at: usize) -> [u8; N] {
        *self.record[at..].first_chunk().expect("a record is longer than its header")
    }

    fn text(self, at: usize, length: usize) -> &'a str {
        let at = HEADER + at;
        std::str::from_utf8(&self.record[at..at + length]).expect("records are written from text")
    }
}

impl fmt::Debug for EventRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("id", &self.id())
            .field("at", &self.at())
            .field("event_type", &self.event_type())
            .field("user", &self.user())
            .field("subject", &self.subject())
            .field("properties", &self.properties())
            .finish()
    }
}

fn write_json_string(text: &str, out: &mut Vec<u8>) {
    // Writing to memory can't fail, and neither can a string.
    let _ = serde_json::to_writer(out, text);
}

/// One stored event, owned.
#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    record: Box<[u8]>,
}

impl Event {
    /// A copy of the event.
    pub fn copy_of(event: EventRef<'_>) -> Self {
        Self { record: event.record.into() }
    }

    /// What is left of an event that was erased: so much that a late retry of it can be told for one, and that it goes
    /// when it is too old.
    pub fn erased(id: EventId, at: Timestamp) -> Self {
        let mut record = [0; HEADER];
        record[..16].copy_from_slice(id.as_bytes());
        record[16..24].copy_from_slice(&at.micros().to_le_bytes());
        Self { record: record.into() }
    }

    /// The event to read.
    pub fn get(&self) -> EventRef<'_> {
        EventRef::new(&self.record)
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

/// Valid events on their way into a store, in the order in which they came.
#[derive(Clone, Default, Debug)]
pub struct EventBatch {
    records: Vec<u8>,
    ends: Vec<usize>,
}

impl EventBatch {
    /// An empty batch with room for about so many events and bytes.
    pub fn with_capacity(events: usize, bytes: usize) -> Self {
        Self { records: Vec::with_capacity(bytes), ends: Vec::with_capacity(events) }
    }

    /// Adds an event. Its parts must be within the limits of this module; validation sees to that.
    pub fn push(&mut self, event: &EventParts<'_>) {
        let start = self.records.len();
        let user = event.user.unwrap_or("");
        let before_properties = event.event_type.len() + user.len();
        let (kind, subject) = match event.subject {
            Subject::None => (KIND_NONE, ""),
            Subject::Page(page) => (KIND_PAGE, page),
            Subject::Domain(domain) => (KIND_DOMAIN, domain),
        };
        // Most subjects stand in the properties just as they are counted: those are pointed at, not written twice.
        let within = find(event.properties, subject);
        let subject_at = before_properties + within.unwrap_or(event.properties.len());
        let records = &mut self.records;
        records.extend_from_slice(event.id.as_bytes());
        records.extend_from_slice(&event.at.micros().to_le_bytes());
        records.push(event.event_type.len() as u8);
        records.extend_from_slice(&(user.len() as u16).to_le_bytes());
        records.extend_from_slice(&(event.properties.len() as u16).to_le_bytes());
        records.push(kind);
        records.extend_from_slice(&(subject_at as u16).to_le_bytes());
        records.extend_from_slice(&(subject.len() as u16).to_le_bytes());
        debug_assert_eq!(records.len() - start, HEADER);
        records.extend_from_slice(event.event_type.as_bytes());
        records.extend_from_slice(user.as_bytes());
        records.extend_from_slice(event.properties.as_bytes());
        if within.is_none() {
            records.extend_from_slice(subject.as_bytes());
        }
        self.ends.push(records.len());
    }

    /// Adds an event as it stands in another batch or in a store.
    pub fn push_record(&mut self, event: EventRef<'_>) {
        self.records.extend_from_slice(event.record());
        self.ends.push(self.records.len());
    }

    /// How many events the batch holds.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether the batch holds none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The bytes of all records together.
    pub fn bytes(&self) -> usize {
        self.records.len()
    }

    /// The bytes of memory that it holds, with the room that is not used.
    pub fn bytes_held(&self) -> usize {
        self.records.capacity() + self.ends.capacity() * size_of::<usize>()
    }

    /// The event at that place.
    ///
    /// # Panics
    /// Where there is none.
    pub fn get(&self, index: usize) -> EventRef<'_> {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        EventRef::new(&self.records[start..self.ends[index]])
    }

    /// The events in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = EventRef<'_>> + Clone {
        (0..self.len()).map(|index| self.get(index))
    }
}

/// Erases an event where it stands: of its record only the identity and the time are left, and zeros in place of all
/// else. [`EventRef::is_erased`] tells such a record.
///
/// # Panics
/// On bytes that are no record.
pub fn erase_record(record: &mut [u8]) {
    record[24..].fill(0);
}

/// Where `part` lies in `whole`: by address where it was borrowed from there, so without a search.
fn find(whole: &str, part: &str) -> Option<usize> {
    let offset = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    (whole.as_bytes().get(offset..offset + part.len()) == Some(part.as_bytes())).then_some(offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts<'a>(user: Option<&'a str>, subject: Subject<'a>, properties: &'a str) -> EventParts<'a> {
        let id = EventId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap();
        let at = Timestamp::parse("2025-05-26T14:00:00.000001Z").unwrap();
        EventParts { id, at, event_type: PAGE_VIEW, user, subject, properties }
    }

    use crate::types::PAGE_VIEW;

    #[test]
    fn a_record_gives_back_what_was_pushed() {
        let properties = r#"{"page":"/é"}"#;
        let mut batch = EventBatch::default();
        batch.push(&parts(Some("ann"), Subject::Page(&properties[9..12]), properties));
        batch.push(&parts(None, Subject::Page("/other"), properties));
        batch.push(&parts(Some("bob"), Subject::None, "{}"));
        let [first, second, third] = [batch.get(0), batch.get(1), batch.get(2)];
        assert_eq!(
            (first.user(), first.subject(), first.properties()),
            (Some("ann"), Subject::Page("/é"), properties)
        );
        assert_eq!((second.user(), second.subject()), (None, Subject::Page("/other")));
        assert_eq!(second.record().len() + 3, first.record().len() + "/other".len());
        assert_eq!(
            (third.subject(), third.properties(), third.event_type()),
            (Subject::None, "{}", PAGE_VIEW)
        );
        assert_eq!(
            (first.id(), first.at()),
            (parts(None, Subject::None, "").id, parts(None, Subject::None, "").at)
        );
    }

    #[test]
    fn the_json_is_the_canonical_event() {
        let mut batch = EventBatch::default();
        batch.push(&parts(Some("a\"n"), Subject::None, r#"{ "x": 1.0 }"#));
        let mut json = Vec::new();
        batch.get(0).write_json(&mut json);
        assert_eq!(
            String::from_utf8(json).unwrap(),
            r#"{"event_id":"01890a5d-ac96-774b-bcce-b302099a8057","user_id":"a\"n","event_type":"page_view","timestamp":"2025-05-26T14:00:00.000001Z","properties":{ "x": 1.0 }}"#
        );
    }

    #[test]
    fn of_an_erased_event_identity_and_time_are_left() {
        let properties = r#"{"page":"/é"}"#;
        let mut batch = EventBatch::default();
        batch.push(&parts(Some("ann"), Subject::Page(&properties[9..12]), properties));
        let mut record = batch.get(0).record().to_vec();
        erase_record(&mut record);
        let fresh = Event::erased(batch.get(0).id(), batch.get(0).at());
        for erased in [EventRef::new(&record), fresh.get()] {
            assert!(erased.is_erased() && !batch.get(0).is_erased());
            assert_eq!((erased.id(), erased.at()), (batch.get(0).id(), batch.get(0).at()));
            assert_eq!((erased.user(), erased.subject(), erased.properties()), (None, Subject::None, ""));
            assert_eq!((erased.event_type(), erased.names()), ("", [&b""[..]; 3]));
        }
        assert!(record[24..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn version_7_carries_the_time() {
        let at = Timestamp::parse("2025-05-26T14:00:00.123456Z").unwrap();
        let id = EventId::version_7(at, [0xFF; 10]);
        assert_eq!(id.to_string(), "01970ce4-a37b-7fff-bfff-ffffffffffff");
    }
}
