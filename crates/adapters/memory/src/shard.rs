//! A sixteenth of the events, by identity: all that changes together when one of them is stored.

use footfall_domain::event::{EventRef, Subject, SubjectKind};
use footfall_domain::time::Timestamp;
use footfall_read_models::{BYTES_PER_IDENTITY, Fact, Identities, Location};

use crate::log::Log;

/// The most that the read models may grow by one event beside its names: a new cell of each width in three series, a
/// new hour, page and visitor, with room to grow. Reserved until it is folded; then what it really took is counted.
const FOLDED_BYTES_MAX: usize = 3 * 1024;

#[derive(Debug)]
pub(crate) struct Shard {
    number: u32,
    identities: Identities,
    pub(crate) log: Log,
    open: Open,
}

/// Events that are stored and not in the read models yet, with copies of their names, so that folding them needs no
/// lock on the shard.
#[derive(Debug, Default)]
pub(crate) struct Open {
    facts: Vec<OpenFact>,
    text: Vec<u8>,
    reserved_bytes: usize,
}

#[derive(Clone, Copy, Debug)]
struct OpenFact {
    at: Timestamp,
    location: Location,
    /// Where the texts of this one end; the one before tells where they start.
    type_end: u32,
    user_end: u32,
    subject_end: u32,
    kind: SubjectKind,
}

impl Open {
    pub(crate) fn len(&self) -> usize {
        self.facts.len()
    }

    pub(crate) const fn reserved_bytes(&self) -> usize {
        self.reserved_bytes
    }

    fn push(&mut self, event: EventRef<'_>, location: Location) {
        let [event_type, user, subject] = event.names();
        let mut add = |name: &[u8]| {
            self.text.extend_from_slice(name);
            self.text.len() as u32
        };
        let (type_end, user_end, subject_end) = (add(event_type), add(user), add(subject));
        let (at, kind) = (event.at(), event.subject_kind());
        self.facts.push(OpenFact { at, location, type_end, user_end, subject_end, kind });
        self.reserved_bytes += open_bytes(event.record().len());
    }

    pub(crate) fn facts(&self) -> impl Iterator<Item = Fact<'_>> {
        // Checked once as a whole: the names end where they ended when they were copied.
        let text = std::str::from_utf8(&self.text).expect("names are copied from text");
        let mut start = 0;
        self.facts.iter().map(move |fact| {
            let mut take = |end: u32| &text[std::mem::replace(&mut start, end as usize)..end as usize];
            let (event_type, user, subject) =
                (take(fact.type_end), take(fact.user_end), take(fact.subject_end));
            let user = Some(user).filter(|user| !user.is_empty());
            let subject = match fact.kind {
                SubjectKind::None => Subject::None,
                SubjectKind::Page => Subject::Page(subject),
                SubjectKind::Domain => Subject::Domain(subject),
            };
            Fact { at: fact.at, event_type, user, subject, location: fact.location }
        })
    }
}

/// What is reserved for an event from before it is stored until it is folded: for the fact and its names here (twice,
/// for buffers grow by doubling), for its names and cells in the read models.
const fn open_bytes(record_bytes: usize) -> usize {
    2 * size_of::<OpenFact>() + 3 * record_bytes + FOLDED_BYTES_MAX
}

/// The most bytes that storing an event may take at once.
pub(crate) const fn append_bytes_max(record_bytes: usize) -> usize {
    open_bytes(record_bytes) + BYTES_PER_IDENTITY
}

/// A shard's log can't tell more records apart.
#[derive(Debug)]
pub(crate) struct PositionsUsedUp;

impl Shard {
    pub(crate) fn new(number: usize, chunk_bytes: usize) -> Self {
        Self {
            number: number as u32,
            identities: Identities::default(),
            log: Log::new(chunk_bytes),
            open: Open::default(),
        }
    }

    /// Stores the event and says how many bytes that took; `None` when one of its identity is stored already.
    pub(crate) fn append(
        &mut self,
        hash: u64,
        event: EventRef<'_>,
    ) -> Result<Option<usize>, PositionsUsedUp> {
        if self.find(hash, event.id().as_bytes()).is_some() {
            return Ok(None);
        }
        let (position, allocated) = self.log.append(event.record()).ok_or(PositionsUsedUp)?;
        self.identities.insert(hash, position);
        self.open.push(event, self.location(position));
        Ok(Some(allocated + BYTES_PER_IDENTITY + open_bytes(event.record().len())))
    }

    /// Where the event of that identity is.
    pub(crate) fn find(&self, hash: u64, id: &[u8; 16]) -> Option<u32> {
        self.identities.find(hash, |position| self.log.get(position).id().as_bytes() == id)
    }

    /// What the read models know the record at that position by.
    pub(crate) const fn location(&self, position: u32) -> Location {
        Location::new((self.number as u64) << 32 | position as u64)
    }

    /// How many events are not folded yet.
    pub(crate) fn open_len(&self) -> usize {
        self.open.len()
    }

    /// Where the events are that are not folded yet, in order.
    pub(crate) fn open_locations(&self) -> Vec<Location> {
        let mut locations: Vec<Location> = self.open.facts.iter().map(|fact| fact.location).collect();
        locations.sort_unstable();
        locations
    }

    /// Takes what is not folded yet.
    pub(crate) fn take_open(&mut self) -> Open {
        std::mem::take(&mut self.open)
    }

    /// Forgets an event. Returns how many bytes were freed.
    pub(crate) fn forget(&mut self, hash: u64, position: u32) -> usize {
        self.identities.remove(hash, position);
        self.log.forget(position) + BYTES_PER_IDENTITY
    }

    /// The facts of all events that are stored and not erased.
    pub(crate) fn facts(&self) -> impl Iterator<Item = Fact<'_>> {
        self.log.records().map(|(position, event)| Fact::of(event, self.location(position)))
    }

    /// Bytes really held for identities, and events stored.
    pub(crate) fn identity_bytes(&self) -> (usize, usize) {
        (self.identities.heap_bytes(), self.identities.len())
    }
}
