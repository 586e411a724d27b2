//! Whether the figures are what the log says: the read models are built from it once more, and compared.
//!
//! It takes as long as folding the whole log does and half as long again, in all about two microseconds an event. It takes
//! as much memory as the read models hold and a quarter more, which is reserved within the bound: where there is no room for
//! that, it can't be done. Appending and asking go on while the log is read. Only for the last third of the time, while what
//! came meanwhile is added and the two are compared, the read models are held: then nothing can be folded, so questions
//! wait, and so does appending once too much is not folded. Erasing and forgetting wait for all of it.

use std::sync::{MutexGuard, RwLockReadGuard, TryLockError};
use std::time::Duration;

use footfall_ports::{DIFFERENCES_MAX, StoreError};
use footfall_read_models::{Fact, Location, ReadModels};

use crate::budget::Budget;
use crate::erased::Erased;
use crate::log::records_of;
use crate::store::{Inner, RETRY_AFTER, SHARDS};

/// When whoever is refused because another one runs may try again.
const BUSY_RETRY_AFTER: Duration = Duration::from_secs(1);

/// About how many bytes of the log are copied at a time, where the bound is not small: more make it no quicker.
const COPIED_BYTES: usize = 8 << 20;
/// At most such a part of the bound.
const COPIED_PART: usize = 128;

/// How far the chunks of each shard's log are written.
type Ends = [Vec<usize>; SHARDS];

/// A part of a chunk, copied.
struct Piece {
    shard: usize,
    chunk: usize,
    from: usize,
    bytes: std::ops::Range<usize>,
}

/// The models that are built again, and what they take.
struct Rebuilt<'a> {
    models: ReadModels,
    room: Room<'a>,
    copied: Vec<u8>,
    pieces: Vec<Piece>,
}

/// Bytes reserved for as long as this is there.
struct Room<'a> {
    budget: &'a Budget,
    bytes: usize,
}

impl Inner {
    /// What the read models and the log don't agree on.
    pub(crate) fn verify(&self) -> Result<Vec<String>, StoreError> {
        let _verifying = match self.verifying.try_lock() {
            Ok(verifying) => verifying,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Unavailable { retry_after: BUSY_RETRY_AFTER, source: None });
            }
        };
        // Nothing leaves the log from here on, and so the floor stays where it is.
        let removing = self.removing();
        let mut rebuilt = Rebuilt::new(&self.budget);
        {
            let mut models = self.models_while_removing(&removing);
            // What is reserved until it is folded is far more than it takes then.
            self.fold_all(&mut models);
            rebuilt.models = models.emptied();
            rebuilt.room.grow_to(with_comparison(models.heap_bytes()))?;
        }
        let first = self.ends();
        rebuilt.add(self, &Ends::default(), &first, |_| false)?;
        let models = self.settled_while_removing(&removing);
        // What came after the models were settled isn't folded: both sides are of this moment.
        let mut open: Vec<Location> = Vec::new();
        let second = std::array::from_fn(|shard| {
            let shard = self.shard_whatever(shard);
            open.extend(shard.open_locations());
            shard.log.ends()
        });
        rebuilt.add(self, &first, &second, |location| open.binary_search(&location).is_ok())?;
        let mut differences = models.differences(&rebuilt.models, DIFFERENCES_MAX);
        differences.extend(self.segment_differences(DIFFERENCES_MAX - differences.len()));
        Ok(differences)
    }

    fn ends(&self) -> Ends {
        std::array::from_fn(|shard| self.shard_whatever(shard).log.ends())
    }

    fn settled_while_removing(&self, removing: &MutexGuard<'_, Erased>) -> RwLockReadGuard<'_, ReadModels> {
        loop {
            self.fold_all(&mut self.models_while_removing(removing));
            if let Ok(models) = self.models.read() {
                return models;
            }
        }
    }
}

impl<'a> Rebuilt<'a> {
    fn new(budget: &'a Budget) -> Self {
        let room = Room { budget, bytes: 0 };
        Self { models: ReadModels::default(), room, copied: Vec::new(), pieces: Vec::new() }
    }

    /// Adds what the logs hold between two of their ends, less what is left out.
    ///
    /// Chunk by chunk, of all shards at once: about what came at one time, so that neighbours share work. They are copied,
    /// so that no shard is locked for longer than that takes.
    fn add(
        &mut self,
        store: &Inner,
        from: &Ends,
        to: &Ends,
        left_out: impl Fn(Location) -> bool,
    ) -> Result<(), StoreError> {
        let chunks = to.iter().map(Vec::len).max().unwrap_or_default();
        let enough = COPIED_BYTES.min(store.budget.max() / COPIED_PART);
        for chunk in 0..chunks {
            for shard in 0..SHARDS {
                let end = |ends: &Ends| ends[shard].get(chunk).copied().unwrap_or_default();
                if end(from) < end(to) {
                    self.copy(store, shard, chunk, (end(from), end(to)));
                }
            }
            if self.copied.len() >= enough {
                self.add_copied(&left_out)?;
            }
        }
        self.add_copied(&left_out)
    }

    fn add_copied(&mut self, left_out: impl Fn(Location) -> bool) -> Result<(), StoreError> {
        let Self { models, copied, pieces, .. } = self;
        let facts = pieces.iter().flat_map(|piece| facts_of(piece, copied));
        models.add(facts.filter(|fact| !left_out(fact.location)));
        // The copy is there twice while it grows, or as facts.
        let bytes = with_comparison(models.heap_bytes()) + 2 * copied.capacity();
        copied.clear();
        pieces.clear();
        self.room.grow_to(bytes)
    }

    fn copy(&mut self, store: &Inner, shard: usize, chunk: usize, (from, to): (usize, usize)) {
        let start = self.copied.len();
        self.copied.extend_from_slice(store.shard_whatever(shard).log.written(chunk, from, to));
        self.pieces.push(Piece { shard, chunk, from, bytes: start..self.copied.len() });
    }
}

fn facts_of<'a>(piece: &Piece, copied: &'a [u8]) -> impl Iterator<Item = Fact<'a>> {
    let shard = piece.shard as u64;
    records_of(piece.chunk, piece.from, &copied[piece.bytes.clone()])
        .map(move |(position, event)| Fact::of(event, Location::new(shard << 32 | u64::from(position))))
}

/// Models of that size, and what comparing them takes.
const fn with_comparison(models_bytes: usize) -> usize {
    models_bytes + models_bytes / 4
}

impl Room<'_> {
    /// Reserves so many bytes all told, where there is room for them.
    fn grow_to(&mut self, bytes: usize) -> Result<(), StoreError> {
        let more = bytes.saturating_sub(self.bytes);
        if !self.budget.reserve(more) {
            let source =
                Some("the memory store has no room to build the figures again beside themselves".into());
            return Err(StoreError::Unavailable { retry_after: RETRY_AFTER, source });
        }
        self.bytes += more;
        Ok(())
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.budget.release(self.bytes);
    }
}
