//! A shard's part of the log: records one after another in chunks that never move.

use footfall_domain::event::{EventRef, erase_record};

/// Positions count in steps of so many bytes, so that 13 bits reach every record of a chunk.
const STEP: usize = 8;
const OFFSET_BITS: u32 = 13;
/// The most bytes of a chunk. A record is always smaller: its parts are limited.
const CHUNK_MAX: usize = STEP << OFFSET_BITS;
/// The record's length stands before it.
const LENGTH_BYTES: usize = 2;

#[derive(Debug)]
pub(crate) struct Log {
    chunk_bytes: usize,
    chunks: Vec<Chunk>,
    /// Chunks that hold nothing any more.
    free: Vec<usize>,
    current: Option<usize>,
    /// Bytes freed when a chunk that had emptied stopped being current, and not told yet.
    freed: usize,
}

#[derive(Debug, Default)]
struct Chunk {
    bytes: Vec<u8>,
    /// Records that are not forgotten.
    live: u32,
}

impl Log {
    /// A log whose chunks have about so many bytes.
    pub(crate) fn new(chunk_bytes: usize) -> Self {
        Self {
            chunk_bytes: chunk_bytes.min(CHUNK_MAX),
            chunks: Vec::new(),
            free: Vec::new(),
            current: None,
            freed: 0,
        }
    }

    /// Appends a record; `None` when the positions are used up. Otherwise where it is, and how many bytes were
    /// allocated for it.
    pub(crate) fn append(&mut self, record: &[u8]) -> Option<(u32, usize)> {
        let needed = LENGTH_BYTES + record.len();
        let room = |chunk: &Chunk| chunk.bytes.capacity() - chunk.bytes.len() >= needed;
        let mut allocated = 0;
        let index = if let Some(current) = self.current.filter(|&current| room(&self.chunks[current])) {
            current
        } else {
            let bytes = Vec::with_capacity(self.chunk_bytes.max(needed.next_multiple_of(STEP)));
            allocated = bytes.capacity() + size_of::<Chunk>();
            self.open_chunk(Chunk { bytes, live: 0 })?
        };
        let chunk = &mut self.chunks[index];
        let position = (index as u32) << OFFSET_BITS | (chunk.bytes.len() / STEP) as u32;
        chunk.bytes.extend_from_slice(&(record.len() as u16).to_le_bytes());
        chunk.bytes.extend_from_slice(record);
        let padded = chunk.bytes.len().next_multiple_of(STEP).min(chunk.bytes.capacity());
        chunk.bytes.resize(padded, 0);
        chunk.live += 1;
        Some((position, allocated))
    }

    pub(crate) fn get(&self, position: u32) -> EventRef<'_> {
        let chunk = &self.chunks[(position >> OFFSET_BITS) as usize];
        record_at(&chunk.bytes, offset_of(position))
    }

    /// Erases a record: its identity and its time stay, so that it can still be found and forgotten.
    pub(crate) fn erase(&mut self, position: u32) {
        let chunk = &mut self.chunks[(position >> OFFSET_BITS) as usize];
        let offset = offset_of(position);
        let length = record_at(&chunk.bytes, offset).record().len();
        erase_record(&mut chunk.bytes[offset + LENGTH_BYTES..][..length]);
    }

    /// Forgets a record. Returns how many bytes were freed: a chunk's, when it was the last one in it.
    pub(crate) fn forget(&mut self, position: u32) -> usize {
        // The chunk may stay for long, and the record must not be taken for one that is stored.
        self.erase(position);
        let index = (position >> OFFSET_BITS) as usize;
        let chunk = &mut self.chunks[index];
        chunk.live -= 1;
        if chunk.live > 0 || self.current == Some(index) {
            return std::mem::take(&mut self.freed);
        }
        self.free_chunk(index);
        std::mem::take(&mut self.freed)
    }

    fn free_chunk(&mut self, index: usize) {
        let bytes = std::mem::take(&mut self.chunks[index].bytes);
        self.freed += bytes.capacity() + size_of::<Chunk>();
        self.free.push(index);
    }

    /// Every record that is neither forgotten nor erased, with its position.
    pub(crate) fn records(&self) -> impl Iterator<Item = (u32, EventRef<'_>)> {
        let chunks = self.chunks.iter().enumerate();
        chunks.flat_map(|(index, chunk)| records_of(index, 0, &chunk.bytes))
    }

    /// How far each chunk is written; 0 where no record in it is left.
    pub(crate) fn ends(&self) -> Vec<usize> {
        self.chunks.iter().map(|chunk| if chunk.live > 0 { chunk.bytes.len() } else { 0 }).collect()
    }

    /// What a chunk holds between two of its [`Self::ends`], for [`records_of`].
    pub(crate) fn written(&self, index: usize, from: usize, to: usize) -> &[u8] {
        &self.chunks[index].bytes[from..to]
    }

    /// The most that one append may allocate.
    pub(crate) fn allocation_max(&self, record_bytes: usize) -> usize {
        self.chunk_bytes.max(LENGTH_BYTES + record_bytes + STEP) + size_of::<Chunk>()
    }

    fn open_chunk(&mut self, chunk: Chunk) -> Option<usize> {
        let index = if let Some(index) = self.free.pop() {
            self.chunks[index] = chunk;
            index
        } else {
            if self.chunks.len() >= 1 << (u32::BITS - OFFSET_BITS) {
                return None;
            }
            self.chunks.push(chunk);
            self.chunks.len() - 1
        };
        // The one that was current may have emptied while it was kept open.
        if let Some(last) = self.current.replace(index)
            && self.chunks[last].live == 0
        {
            self.free_chunk(last);
        }
        Some(index)
    }
}

/// The records in what a chunk holds from there on, less the forgotten and erased ones, with their positions.
pub(crate) fn records_of(
    index: usize,
    from: usize,
    bytes: &[u8],
) -> impl Iterator<Item = (u32, EventRef<'_>)> {
    let mut next = 0;
    let records = std::iter::from_fn(move || {
        let here = next;
        bytes.get(here..).filter(|rest| rest.len() > LENGTH_BYTES)?;
        let record = record_at(bytes, here);
        next = (here + LENGTH_BYTES + record.record().len()).next_multiple_of(STEP);
        Some(((index as u32) << OFFSET_BITS | ((from + here) / STEP) as u32, record))
    });
    records.filter(|(_, record)| !record.is_erased())
}

const fn offset_of(position: u32) -> usize {
    (position as usize % (1 << OFFSET_BITS)) * STEP
}

fn record_at(bytes: &[u8], offset: usize) -> EventRef<'_> {
    let length = usize::from(u16::from_le_bytes([bytes[offset], bytes[offset + 1]]));
    EventRef::new(&bytes[offset + LENGTH_BYTES..offset + LENGTH_BYTES + length])
}
