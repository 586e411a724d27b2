//! Reading events back.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use footfall_domain::answers::{EventFilter, Slice};
use footfall_domain::event::{Event, EventId, EventRef};
use footfall_event_blocks::Damage;
use footfall_event_blocks::block::Block;
use footfall_ports::StoreError;
use footfall_read_models::Location;

use crate::commit::uuid_of;
use crate::error::DatabaseError;
use crate::lane::lane_of;
use crate::statements::{BLOCK_OF_ID, BLOCKS_OF};
use crate::store::Inner;

/// How often a list is made again when events of it have gone before they were read.
const TRIES: usize = 5;
/// Positions asked for at a time.
const POSITIONS: usize = 4_096;

impl Inner {
    pub(crate) async fn event(self: &Arc<Self>, id: EventId) -> Result<Option<Event>, StoreError> {
        let rows = self.connections.query(&BLOCK_OF_ID, &[&uuid_of(id)]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let (position, first): (i64, i64) = (row.get("position"), row.get("first"));
        let block = Block::read(first as u64, row.get("value")).map_err(DatabaseError::Damaged)?;
        let position = position as u64;
        let oldest =
            self.models.read().map_or(footfall_domain::time::Timestamp::MIN, |models| models.oldest());
        let event = block.holds(position).then(|| block.event(position)).flatten();
        Ok(event.filter(|event| event.at() >= oldest).map(Event::copy_of))
    }

    pub(crate) async fn events(
        self: &Arc<Self>,
        filter: EventFilter,
        slice: Slice,
    ) -> Result<Vec<Event>, StoreError> {
        let mut ids: HashMap<Location, EventId> = HashMap::new();
        let mut tried = 0;
        while tried < TRIES {
            self.catch_up().await?;
            // Only events that happened at one instant are ordered by their identities, which the read models don't have.
            let (wanted, known) = (filter.clone(), std::mem::take(&mut ids));
            let (locations, unknown, known) = self
                .ask(move |models| {
                    let mut unknown = Vec::new();
                    let locations = models.list(&wanted, slice, |location| {
                        known.get(&location).copied().unwrap_or_else(|| {
                            unknown.push(location.bits());
                            EventId::from_bytes([0; 16])
                        })
                    });
                    (locations, unknown, known)
                })
                .await?;
            ids = known;
            if !unknown.is_empty() {
                let held = self.records_of(&unknown).await?;
                // Those that have gone are in no list the next time.
                tried += usize::from(held.len() < unknown.len());
                ids.extend(held.into_iter().map(|(at, event)| (Location::new(at), event.get().id())));
                continue;
            }
            let positions: Vec<u64> = locations.iter().map(|location| location.bits()).collect();
            let mut held = self.records_of(&positions).await?;
            let events: Vec<Event> = positions.iter().filter_map(|position| held.remove(position)).collect();
            if events.len() == positions.len() {
                return Ok(events);
            }
            tried += 1;
        }
        Err(DatabaseError::Damaged(Damage::other("events that are counted are not in the log")).into())
    }

    /// The events at some positions, as far as they are there.
    async fn records_of(&self, positions: &[u64]) -> Result<HashMap<u64, Event>, StoreError> {
        let blocks = self.blocks_of(positions).await?;
        let mut held = HashMap::with_capacity(positions.len());
        let mut wanted = positions.to_vec();
        wanted.sort_unstable();
        for block in &blocks {
            let from = wanted.partition_point(|position| *position < block.first());
            let of_block = wanted[from..].iter().take_while(|position| block.holds(**position));
            held.extend(of_block.filter_map(|at| Some((*at, Event::copy_of(block.event(*at)?)))));
        }
        Ok(held)
    }

    /// The blocks that hold some positions, each once, in no order.
    pub(crate) async fn blocks_of(&self, positions: &[u64]) -> Result<Vec<Block>, StoreError> {
        let (mut blocks, mut seen) = (Vec::new(), HashSet::new());
        for some in positions.chunks(POSITIONS) {
            let lanes: Vec<i32> = some.iter().map(|position| lane_of(*position)).collect();
            let places: Vec<i64> = some.iter().map(|position| *position as i64).collect();
            for row in self.connections.query(&BLOCKS_OF, &[&lanes, &places]).await? {
                let first: i64 = row.get("first");
                if !seen.insert(first) {
                    continue;
                }
                blocks.push(Block::read(first as u64, row.get("value")).map_err(DatabaseError::Damaged)?);
            }
        }
        Ok(blocks)
    }
}

/// What is left of the record of an erased event.
pub(crate) fn erased(event: EventRef<'_>) -> Vec<u8> {
    Event::erased(event.id(), event.at()).get().record().to_vec()
}
