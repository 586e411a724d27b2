//! A block: some events as one value of the database, with checksums over all of it.
//!
//! ```text
//! version 1 │ codec 1 │ events 4 │ plain bytes 4 │ CRC-32 of the body 4 │ CRC-32 of head and ordinal 4 │ body …
//! body, plain or compressed as a whole: for each event its length in 2 bytes and its record
//! ```
//!
//! Numbers are little-endian. An event keeps its place for ever: one that was dropped leaves a record of no length.

use footfall_domain::event::EventRef;

use crate::damage::Damage;
use crate::packing::{compress, decompress};

const VERSION: u8 = 1;
const PLAIN: u8 = 0;
const ZSTD: u8 = 1;
/// Bytes before the body.
pub const HEADER: usize = 18;

/// Events in a block, at most: reading one event means unpacking its whole block.
pub const EVENTS_MAX: usize = 512;
/// A block is closed when its records have come to so many bytes. One record more may stand in it.
const BYTES_MAX: usize = 128 * 1024;
/// More than any block has; what claims more is damaged.
const PLAIN_BYTES_LIMIT: usize = BYTES_MAX + 2 * 64 * 1024;

/// What packing has to be good at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Someone waits for it.
    Quick,
    /// Someone waits for it, and bytes cost more than they do on a disk of one's own: they cross a network, and are written
    /// by another process.
    Sent,
    /// It stays so.
    Small,
}

impl Packing {
    const fn level(self) -> i32 {
        match self {
            Self::Quick | Self::Sent => -1,
            Self::Small => 1,
        }
    }

    /// From so many bytes on a block is compressed: the small ones are merged soon.
    const fn compresses_from_bytes(self) -> usize {
        match self {
            Self::Quick => 16 * 1024,
            Self::Sent => 1_024,
            Self::Small => 0,
        }
    }
}

/// Gathers records for a block.
#[derive(Debug, Default)]
pub(crate) struct BlockWriter {
    plain: Vec<u8>,
    count: u32,
}

impl BlockWriter {
    /// Adds a record; an empty one for an event that was dropped.
    pub(crate) fn push(&mut self, record: &[u8]) {
        self.plain.extend_from_slice(&(record.len() as u16).to_le_bytes());
        self.plain.extend_from_slice(record);
        self.count += 1;
    }

    /// How many events it holds.
    pub(crate) const fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether no more should be added.
    pub(crate) fn is_full(&self) -> bool {
        self.len() >= EVENTS_MAX || self.plain.len() >= BYTES_MAX
    }

    /// The block of what was added, for any place. The writer is empty afterwards.
    pub(crate) fn pack(&mut self, packing: Packing) -> PackedBlock {
        let packed = (self.plain.len() >= packing.compresses_from_bytes())
            .then(|| compress(&self.plain, packing.level()).ok())
            .flatten()
            .filter(|packed| packed.len() < self.plain.len());
        let (codec, body) = packed.as_ref().map_or((PLAIN, &self.plain), |packed| (ZSTD, packed));
        let mut value = Vec::with_capacity(HEADER + body.len());
        value.extend_from_slice(&[VERSION, codec]);
        for number in [self.count, self.plain.len() as u32, crc32fast::hash(body), 0] {
            value.extend_from_slice(&number.to_le_bytes());
        }
        value.extend_from_slice(body);
        self.plain.clear();
        PackedBlock { count: std::mem::take(&mut self.count), value }
    }
}

/// A block in its place: the ordinal of its first event, and its value.
pub type PlacedBlock = (u64, Vec<u8>);

/// A block that has no place yet.
#[derive(Clone, Debug)]
pub struct PackedBlock {
    count: u32,
    value: Vec<u8>,
}

impl PackedBlock {
    /// How many events it holds.
    pub const fn events(&self) -> u64 {
        self.count as u64
    }

    /// The value of the block whose first event has that ordinal.
    pub fn at(mut self, first: u64) -> Vec<u8> {
        let sum = checksum(first, &self.value[..HEADER - 4]);
        self.value[HEADER - 4..HEADER].copy_from_slice(&sum.to_le_bytes());
        self.value
    }
}

/// The blocks of some records.
pub fn pack_all<'a>(records: impl Iterator<Item = &'a [u8]>, packing: Packing) -> Vec<PackedBlock> {
    let (mut writer, mut blocks) = (BlockWriter::default(), Vec::new());
    for record in records {
        writer.push(record);
        if writer.is_full() {
            blocks.push(writer.pack(packing));
        }
    }
    if writer.len() > 0 {
        blocks.push(writer.pack(packing));
    }
    blocks
}

/// Gives blocks their places, one after the other.
pub fn place(blocks: Vec<PackedBlock>, first: &mut u64) -> impl Iterator<Item = PlacedBlock> {
    blocks.into_iter().map(move |block| {
        let at = *first;
        *first += block.events();
        (at, block.at(at))
    })
}

/// A block, unpacked.
#[derive(Debug)]
pub struct Block {
    first: u64,
    plain: Vec<u8>,
    /// Where each record starts; it ends two bytes before the next one does.
    starts: Vec<u32>,
}

impl Block {
    /// Unpacks the value that stands at that ordinal.
    ///
    /// # Errors
    /// When it isn't what was written.
    pub fn read(first: u64, value: &[u8]) -> Result<Self, Damage> {
        let (count, plain_bytes) = check(first, value)?;
        let body = &value[HEADER..];
        let plain = match value[1] {
            PLAIN => body.to_vec(),
            ZSTD => decompress(body, plain_bytes)
                .map_err(|error| Damage::block(first, &format!("can't be unpacked: {error}")))?,
            codec => return Err(Damage::block(first, &format!("is packed in an unknown way ({codec})"))),
        };
        let mut starts = Vec::with_capacity(count + 1);
        let mut at = 0;
        while let Some(length) = plain.get(at..).and_then(|rest| rest.first_chunk()) {
            starts.push(at as u32 + 2);
            at += 2 + usize::from(u16::from_le_bytes(*length));
        }
        if plain.len() != plain_bytes || at != plain.len() || starts.len() != count {
            return Err(Damage::block(first, "doesn't hold what its head says"));
        }
        starts.push(at as u32 + 2);
        Ok(Self { first, plain, starts })
    }

    /// The ordinal of the first event.
    pub const fn first(&self) -> u64 {
        self.first
    }

    /// The ordinal after the last event's.
    pub fn past(&self) -> u64 {
        self.first + self.starts.len() as u64 - 1
    }

    /// The record at that ordinal, which is in the block; empty where the event was dropped.
    pub fn record(&self, ordinal: u64) -> &[u8] {
        let place = (ordinal - self.first) as usize;
        &self.plain[self.starts[place] as usize..self.starts[place + 1] as usize - 2]
    }

    /// Bytes of all records, unpacked.
    pub const fn bytes(&self) -> usize {
        self.plain.len()
    }

    /// Whether the ordinal is in the block.
    pub fn holds(&self, ordinal: u64) -> bool {
        (self.first..self.past()).contains(&ordinal)
    }

    /// The event at that ordinal, where there is one.
    pub fn event(&self, ordinal: u64) -> Option<EventRef<'_>> {
        let record = self.record(ordinal);
        (!record.is_empty()).then(|| EventRef::new(record)).filter(|event| !event.is_erased())
    }

    /// All records, with their ordinals.
    pub fn records(&self) -> impl Iterator<Item = (u64, &[u8])> {
        (self.first..self.past()).map(|ordinal| (ordinal, self.record(ordinal)))
    }
}

/// What a block's head says of all of it: the last of its checksums, which covers the others.
pub fn head_sum(head: &[u8]) -> u32 {
    let sum = head.get(HEADER - 4..HEADER).and_then(|sum| sum.first_chunk());
    sum.map_or(0, |sum| u32::from_le_bytes(*sum))
}

/// One number for blocks that follow each other, from their [`head_sum`]s: others have another one.
pub fn fingerprint(sums: impl IntoIterator<Item = u32>) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    sums.into_iter().for_each(|sum| hasher.update(&sum.to_le_bytes()));
    hasher.finalize()
}

/// How many events a block of this head holds.
///
/// # Errors
/// When it is no block's head.
pub fn count_of(first: u64, head: &[u8]) -> Result<u64, Damage> {
    check_head(first, head).map(|(count, _)| count as u64)
}

/// Checks all that can be checked without unpacking. Returns the number of events and of plain bytes.
///
/// # Errors
/// When it isn't what was written.
pub fn check(first: u64, value: &[u8]) -> Result<(usize, usize), Damage> {
    let numbers = check_head(first, value)?;
    if crc32fast::hash(&value[HEADER..]) != number_at(value, 10) {
        return Err(Damage::block(first, "doesn't have the checksum that it was written with"));
    }
    Ok(numbers)
}

fn check_head(first: u64, value: &[u8]) -> Result<(usize, usize), Damage> {
    if value.len() < HEADER {
        return Err(Damage::block(first, "is cut short"));
    }
    if checksum(first, &value[..HEADER - 4]) != number_at(value, 14) {
        return Err(Damage::block(first, "doesn't have the checksum that its head was written with"));
    }
    if value[0] != VERSION {
        return Err(Damage::block(first, &format!("has the unknown version {}", value[0])));
    }
    let (count, plain_bytes) = (number_at(value, 2) as usize, number_at(value, 6) as usize);
    if count == 0 || count > EVENTS_MAX || plain_bytes > PLAIN_BYTES_LIMIT {
        return Err(Damage::block(first, "has a head that no block has"));
    }
    Ok((count, plain_bytes))
}

fn number_at(value: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([value[at], value[at + 1], value[at + 2], value[at + 3]])
}

/// Over the ordinal too, so that a block in another's place is found out.
pub fn checksum(first: u64, data: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&first.to_le_bytes());
    hasher.update(data);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_gives_back_its_records_however_it_was_packed() {
        for packing in [Packing::Quick, Packing::Small] {
            let mut writer = BlockWriter::default();
            let records: Vec<Vec<u8>> =
                (0..EVENTS_MAX).map(|length| vec![length as u8; length % 300]).collect();
            for record in &records {
                writer.push(record);
            }
            assert!(writer.is_full());
            let value = writer.pack(packing).at(1_000);
            assert_eq!(writer.len(), 0);
            let block = Block::read(1_000, &value).unwrap();
            assert_eq!((block.first(), block.past()), (1_000, 1_000 + EVENTS_MAX as u64));
            assert_eq!(count_of(1_000, &value).unwrap(), EVENTS_MAX as u64);
            assert!(block.records().map(|(_, record)| record).eq(records.iter().map(|record| &record[..])));
        }
    }

    #[test]
    fn any_flipped_bit_and_any_other_length_is_damage() {
        let mut writer = BlockWriter::default();
        (0..20_u8).for_each(|byte| writer.push(&[byte; 90]));
        let value = writer.pack(Packing::Small).at(7);
        assert!(Block::read(8, &value).is_err(), "in another's place");
        for bit in 0..value.len() * 8 {
            let mut value = value.clone();
            value[bit / 8] ^= 1 << (bit % 8);
            assert!(Block::read(7, &value).is_err(), "bit {bit}");
        }
        for length in 0..value.len() {
            assert!(Block::read(7, &value[..length]).is_err(), "{length} bytes");
        }
    }
}
