//! A checkpoint: of a run of events all that the read models and the deduplication index need, ready to be taken in.
//!
//! It holds what the blocks of the run say, in columns, with each name once. It is drawn from them and can be drawn
//! again, so one that is damaged, of another version or of other blocks than are there is simply made anew.
//!
//! ```text
//! version 1 │ events 4 │ plain bytes 4 │ body (zstd) … │ identities 16 each │ the blocks' CRC-32 4 │ CRC-32 4
//! body: state, time, type, user and subject of each event, column by column; the names of each kind
//! ```

use footfall_domain::event::{EventId, EventRef, SubjectKind};
use footfall_domain::time::Timestamp;
use footfall_read_models::{Coded, CodedRow, Location};

use crate::block::checksum;
use crate::columns::{Columns, Reader};
use crate::damage::Damage;
use crate::names::Names;
use crate::packing::{compress, decompress};

const VERSION: u8 = 1;
const BLOCKS: usize = 4;
const HEADER: usize = 9;
const CHECKSUM: usize = 4;
const LEVEL: i32 = 1;
/// Stands for the user or subject where there is none.
const NONE: u32 = u32::MAX;
/// More than any run has; what claims more is damaged.
const EVENTS_LIMIT: usize = 1 << 20;
const PLAIN_BYTES_LIMIT: usize = 1 << 30;

/// What became of an event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// It is stored, and about such a thing.
    Stored(SubjectKind),
    /// Its user was erased; the identity stays known.
    Erased,
    /// It was dropped, and nothing of it is known.
    Dropped,
}

impl State {
    const ALL: [Self; 5] = [
        Self::Stored(SubjectKind::None),
        Self::Stored(SubjectKind::Page),
        Self::Stored(SubjectKind::Domain),
        Self::Erased,
        Self::Dropped,
    ];

    fn code(self) -> u8 {
        Self::ALL.iter().position(|state| *state == self).expect("all states are listed") as u8
    }
}

/// Gathers the events of a run, in order.
#[derive(Debug, Default)]
struct CheckpointWriter {
    ids: Vec<u8>,
    states: Vec<u8>,
    /// Each as its distance from the one before: events come nearly in order of time.
    times: Vec<i64>,
    last_us: i64,
    types: Vec<u32>,
    users: Vec<u32>,
    subjects: Vec<u32>,
    names: [Names; 4],
}

const TYPES: usize = 0;
const USERS: usize = 1;
const PAGES: usize = 2;
const DOMAINS: usize = 3;

impl CheckpointWriter {
    /// Adds the event of a record; of an empty one, that it was dropped.
    fn push(&mut self, record: &[u8]) {
        if record.is_empty() {
            self.ids.extend_from_slice(&[0; 16]);
            self.push_row(State::Dropped, self.last_us, [NONE; 3]);
            return;
        }
        let event = EventRef::new(record);
        self.ids.extend_from_slice(event.id().as_bytes());
        if event.is_erased() {
            self.push_row(State::Erased, event.at().micros(), [NONE; 3]);
            return;
        }
        let kind = event.subject_kind();
        let [event_type, user, subject] = event.names();
        let event_type = self.names[TYPES].code(event_type);
        let user = if user.is_empty() { NONE } else { self.names[USERS].code(user) };
        let subject = match kind {
            SubjectKind::None => NONE,
            SubjectKind::Page => self.names[PAGES].code(subject),
            SubjectKind::Domain => self.names[DOMAINS].code(subject),
        };
        self.push_row(State::Stored(kind), event.at().micros(), [event_type, user, subject]);
    }

    /// The checkpoint of a run that begins with that ordinal.
    fn finish(self, first: u64) -> std::io::Result<UnsealedCheckpoint> {
        let mut body = Columns::default();
        body.bytes(&self.states);
        body.i64s(&self.times);
        for column in [&self.types, &self.users, &self.subjects] {
            body.u32s(column);
        }
        for names in &self.names {
            body.u32s(names.lengths());
            body.bytes(names.text());
        }
        let plain = body.into_bytes();
        let packed = compress(&plain, LEVEL)?;
        let length = HEADER + packed.len() + self.ids.len() + BLOCKS + CHECKSUM;
        let mut value = Vec::with_capacity(length);
        value.push(VERSION);
        value.extend_from_slice(&(self.states.len() as u32).to_le_bytes());
        value.extend_from_slice(&(plain.len() as u32).to_le_bytes());
        value.extend_from_slice(&packed);
        value.extend_from_slice(&self.ids);
        Ok(UnsealedCheckpoint { first, past: first + self.states.len() as u64, value })
    }

    fn push_row(&mut self, state: State, at_us: i64, [event_type, user, subject]: [u32; 3]) {
        self.states.push(state.code());
        self.times.push(at_us - std::mem::replace(&mut self.last_us, at_us));
        self.types.push(event_type);
        self.users.push(user);
        self.subjects.push(subject);
    }
}

/// The checkpoint of a run of records.
///
/// # Errors
/// When there is no memory to compress it.
pub fn checkpoint<'a>(
    first: u64,
    records: impl Iterator<Item = &'a [u8]>,
) -> std::io::Result<UnsealedCheckpoint> {
    let mut writer = CheckpointWriter::default();
    records.for_each(|record| writer.push(record));
    writer.finish(first)
}

/// A checkpoint that isn't bound to the blocks it was drawn from yet.
#[derive(Debug)]
pub struct UnsealedCheckpoint {
    first: u64,
    past: u64,
    value: Vec<u8>,
}

impl UnsealedCheckpoint {
    /// The ordinals of its events.
    pub const fn ordinals(&self) -> std::ops::Range<u64> {
        self.first..self.past
    }

    /// Its value, good only beside blocks of that [fingerprint](crate::block::fingerprint).
    pub fn sealed(mut self, blocks: u32) -> Vec<u8> {
        self.value.extend_from_slice(&blocks.to_le_bytes());
        let checksum = checksum(self.first, &self.value);
        self.value.extend_from_slice(&checksum.to_le_bytes());
        self.value
    }
}

/// A checkpoint, unpacked.
#[derive(Debug)]
pub struct Checkpoint {
    first: u64,
    /// The fingerprint of the blocks it was drawn from.
    blocks: u32,
    ids: Vec<u8>,
    states: Vec<State>,
    times: Vec<Timestamp>,
    types: Vec<u32>,
    users: Vec<u32>,
    subjects: Vec<u32>,
    names: [(Vec<u32>, String); 4],
}

impl Checkpoint {
    /// Unpacks the value that stands at that ordinal.
    ///
    /// # Errors
    /// When it isn't what was written.
    pub fn read(first: u64, value: &[u8]) -> Result<Self, Damage> {
        let damage = |what: &str| Damage::checkpoint(first, what);
        let Some((data, sum)) =
            value.split_last_chunk::<CHECKSUM>().filter(|(data, _)| data.len() >= HEADER + BLOCKS)
        else {
            return Err(damage("is cut short"));
        };
        if checksum(first, data) != u32::from_le_bytes(*sum) {
            return Err(damage("doesn't have the checksum that it was written with"));
        }
        if data[0] != VERSION {
            return Err(damage("is of another version"));
        }
        let Some((data, blocks)) = data.split_last_chunk::<BLOCKS>() else {
            return Err(damage("is cut short"));
        };
        let number =
            |at: usize| u32::from_le_bytes([data[at], data[at + 1], data[at + 2], data[at + 3]]) as usize;
        let (count, plain_bytes) = (number(1), number(5));
        if count > EVENTS_LIMIT || plain_bytes > PLAIN_BYTES_LIMIT || data.len() < HEADER + 16 * count {
            return Err(damage("has a head that no checkpoint has"));
        }
        let (packed, ids) = data[HEADER..].split_at(data.len() - HEADER - 16 * count);
        let plain = decompress(packed, plain_bytes).map_err(|_| damage("can't be unpacked"))?;
        Self::read_columns(first, u32::from_le_bytes(*blocks), ids, &plain, count)
            .ok_or_else(|| damage("doesn't hold what it should"))
    }

    fn read_columns(first: u64, blocks: u32, ids: &[u8], plain: &[u8], count: usize) -> Option<Self> {
        let mut body = Reader::new(plain);
        let states = body.bytes()?.iter().map(|code| State::ALL.get(usize::from(*code)).copied());
        let states: Vec<State> = states.collect::<Option<_>>()?;
        let mut at_us = 0_i64;
        let mut time = |distance: i64| {
            at_us = at_us.wrapping_add(distance);
            Timestamp::from_micros_clamped(at_us)
        };
        let times: Vec<Timestamp> = body.i64s()?.map(&mut time).collect();
        let [types, users, subjects] = [body.u32s()?, body.u32s()?, body.u32s()?];
        let mut names = || Some((body.u32s()?, String::from_utf8(body.bytes()?.to_vec()).ok()?));
        let names = [names()?, names()?, names()?, names()?];
        let whole = Self { first, blocks, ids: ids.to_vec(), states, times, types, users, subjects, names };
        let columns = [whole.types.len(), whole.users.len(), whole.subjects.len()];
        (whole.states.len() == count && whole.times.len() == count && columns == [count; 3]).then_some(whole)
    }

    /// The ordinal of the first event.
    pub const fn first(&self) -> u64 {
        self.first
    }

    /// The fingerprint of the blocks that it was drawn from.
    pub const fn blocks(&self) -> u32 {
        self.blocks
    }

    /// The ordinal after the last event's.
    pub const fn past(&self) -> u64 {
        self.first + self.states.len() as u64
    }

    /// What became of each event, its identity and its time.
    pub fn events(&self) -> impl Iterator<Item = (State, EventId, Timestamp)> {
        let ids = self.ids.as_chunks().0.iter().map(|id| EventId::from_bytes(*id));
        self.states.iter().copied().zip(ids).zip(&self.times).map(|((state, id), at)| (state, id, *at))
    }

    /// The stored events from that instant on, for the read models. `None` when a name is missing.
    pub fn coded(&self, floor: Timestamp) -> Option<Coded<'_>> {
        let [types, users, pages, domains] = &self.names;
        let mut coded = Coded {
            types: texts(types)?,
            users: texts(users)?,
            pages: texts(pages)?,
            domains: texts(domains)?,
            rows: Vec::with_capacity(self.states.len()),
        };
        for (place, state) in self.states.iter().enumerate() {
            let State::Stored(kind) = *state else { continue };
            if self.times[place] < floor {
                continue;
            }
            let row = CodedRow {
                at: self.times[place],
                event_type: self.types[place],
                user: Some(self.users[place]).filter(|user| *user != NONE),
                kind,
                subject: self.subjects[place],
                location: Location::new(self.first + place as u64),
            };
            let subjects = if kind == SubjectKind::Page { coded.pages.len() } else { coded.domains.len() };
            let is_known = (row.event_type as usize) < coded.types.len()
                && row.user.is_none_or(|user| (user as usize) < coded.users.len())
                && (kind == SubjectKind::None || (row.subject as usize) < subjects);
            if !is_known {
                return None;
            }
            coded.rows.push(row);
        }
        Some(coded)
    }
}

/// Texts that stand one after the other, with their lengths.
fn texts((lengths, text): &(Vec<u32>, String)) -> Option<Vec<&str>> {
    let mut at = 0;
    let mut take = |length: u32| {
        let start = at;
        at += length as usize;
        text.get(start..at)
    };
    lengths.iter().map(|length| take(*length)).collect()
}
