//! What one commit stores: events of several batches, numbered one after the other.

use std::sync::Arc;

use footfall_domain::event::{EventBatch, EventRef};
use footfall_domain::time::Timestamp;
use footfall_read_models::{Fact, Location};

use crate::block::{Block, BlockWriter, PackedBlock, Packing, PlacedBlock, place};

/// The events of a batch that were stored, with consecutive ordinals.
#[derive(Clone, Debug)]
pub struct Stored {
    batch: Arc<EventBatch>,
    /// Their places in the batch; `None`: all.
    places: Option<Vec<u32>>,
    own_blocks: bool,
}

impl Stored {
    /// The events of those places in the batch, or all. They may stand in blocks of their own.
    pub const fn new(batch: Arc<EventBatch>, places: Option<Vec<u32>>, own_blocks: bool) -> Self {
        Self { batch, places, own_blocks }
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.places.as_ref().map_or(self.batch.len(), Vec::len)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of their records.
    pub fn bytes(&self) -> usize {
        match self.places {
            None => self.batch.bytes(),
            Some(_) => self.events().map(|event| event.record().len()).sum(),
        }
    }

    /// Whether they stand in blocks of their own, which stay.
    pub const fn own_blocks(&self) -> bool {
        self.own_blocks
    }

    /// The events, in order.
    pub fn events(&self) -> impl Iterator<Item = EventRef<'_>> {
        (0..self.len())
            .map(|index| self.batch.get(self.places.as_ref().map_or(index, |places| places[index] as usize)))
    }
}

/// What one commit stored.
#[derive(Clone, Debug)]
pub struct Group {
    first: u64,
    past: u64,
    stored: Vec<Stored>,
}

impl Group {
    /// A group without events, that begins at that ordinal.
    pub const fn new(first: u64) -> Self {
        Self { first, past: first, stored: Vec::new() }
    }

    /// Adds what was stored next.
    pub fn push(&mut self, stored: Stored) {
        self.past += stored.len() as u64;
        self.stored.push(stored);
    }

    /// The ordinal of the first event.
    pub const fn first(&self) -> u64 {
        self.first
    }

    /// The ordinal after the last event's.
    pub const fn past(&self) -> u64 {
        self.past
    }

    /// How many events.
    pub const fn len(&self) -> usize {
        (self.past - self.first) as usize
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.first == self.past
    }

    /// Bytes of its records.
    pub fn bytes(&self) -> usize {
        self.stored.iter().map(Stored::bytes).sum()
    }

    /// What it is made of.
    pub fn stored(&self) -> &[Stored] {
        &self.stored
    }

    /// What the read models need to know of it.
    pub fn facts(&self) -> impl Iterator<Item = Fact<'_>> {
        let events = self.stored.iter().flat_map(Stored::events);
        (self.first..).zip(events).map(|(ordinal, event)| Fact::of(event, Location::new(ordinal)))
    }
}

/// The blocks of a commit, in the making.
#[derive(Debug)]
pub struct GroupBlocks {
    packing: Packing,
    next: u64,
    writer: BlockWriter,
    closed: Vec<PlacedBlock>,
}

impl GroupBlocks {
    /// None yet; the first event will have that ordinal.
    pub fn new(first: u64, packing: Packing) -> Self {
        Self { packing, next: first, writer: BlockWriter::default(), closed: Vec::new() }
    }

    /// Adds an event's record.
    pub fn add(&mut self, record: &[u8]) {
        self.writer.push(record);
        if self.writer.is_full() {
            self.close();
        }
    }

    /// Adds blocks that were packed before.
    pub fn add_packed(&mut self, packed: Vec<PackedBlock>) {
        self.close();
        self.closed.extend(place(packed, &mut self.next));
    }

    /// All of them, in their places.
    pub fn finish(mut self) -> Vec<PlacedBlock> {
        self.close();
        self.closed
    }

    fn close(&mut self) {
        if self.writer.len() > 0 {
            let packed = self.writer.pack(self.packing);
            self.closed.extend(place(vec![packed], &mut self.next));
        }
    }
}

/// What blocks hold for the read models, of the events that `counts` takes by ordinal and time.
pub fn facts(blocks: &[Block], counts: impl Fn(u64, Timestamp) -> bool) -> impl Iterator<Item = Fact<'_>> {
    let ordinals = blocks.iter().flat_map(|block| (block.first()..block.past()).map(move |at| (block, at)));
    ordinals.filter_map(move |(block, ordinal)| {
        let event = block.event(ordinal).filter(|event| counts(ordinal, event.at()))?;
        Some(Fact::of(event, Location::new(ordinal)))
    })
}
