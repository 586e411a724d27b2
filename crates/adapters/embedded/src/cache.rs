//! The blocks that were read last.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use footfall_event_blocks::block::Block;

/// Blocks kept: some ten megabytes. Few enough to look through one by one.
const BLOCKS_MAX: usize = 64;

/// Unpacked blocks, the one used last first.
#[derive(Debug, Default)]
pub(crate) struct BlockCache {
    blocks: Mutex<Blocks>,
}

#[derive(Debug, Default)]
struct Blocks {
    recent: VecDeque<Arc<Block>>,
    /// How often all were forgotten.
    epoch: u64,
}

impl BlockCache {
    /// The block that the ordinal is in, read with `read` where it isn't there.
    pub(crate) fn get<E>(
        &self,
        ordinal: u64,
        read: impl FnOnce() -> Result<Option<Block>, E>,
    ) -> Result<Option<Arc<Block>>, E> {
        let epoch = {
            let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
            let holds = |block: &Arc<Block>| block.holds(ordinal);
            if let Some(place) = blocks.recent.iter().position(holds) {
                let block = blocks.recent.remove(place).expect("it is at its place");
                blocks.recent.push_front(Arc::clone(&block));
                return Ok(Some(block));
            }
            blocks.epoch
        };
        let Some(block) = read()?.map(Arc::new) else { return Ok(None) };
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        // One that was read before the others were forgotten may hold what is gone.
        if blocks.epoch == epoch {
            blocks.recent.push_front(Arc::clone(&block));
            blocks.recent.truncate(BLOCKS_MAX);
        }
        Ok(Some(block))
    }

    /// Forgets all: what was stored has changed.
    pub(crate) fn clear(&self) {
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        blocks.epoch += 1;
        blocks.recent.clear();
    }
}
