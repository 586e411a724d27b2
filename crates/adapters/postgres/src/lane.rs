//! Lanes: streams that one task of one instance appends to at a time.

use std::ops::Range;

use uuid::Uuid;

use crate::connect::Connections;
use crate::error::DatabaseError;
use crate::statements::{ADD_LANE, FREE_LANE, TAKE_LANE};

/// A lane's number is all of a position from this bit on.
const ORDINAL_BITS: u32 = 32;
/// Events in a lane, about; as `take_lane.sql` has it.
const EVENTS_MAX: u64 = 4_000_000_000;
/// So often a lane is looked for before it is given up: another instance may always be quicker.
const TRIES: usize = 50;

/// The lane that a position is in.
pub(crate) const fn lane_of(position: u64) -> i32 {
    (position >> ORDINAL_BITS) as i32
}

/// The positions of a lane.
pub(crate) const fn positions_of(lane: i32) -> Range<u64> {
    let first = (lane as u64) << ORDINAL_BITS;
    first..first + (1 << ORDINAL_BITS)
}

/// A lane that is ours to append to, for as long as every commit finds it so.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) number: i32,
    pub(crate) holder: Uuid,
    /// Where it goes on.
    pub(crate) next: u64,
}

impl Lane {
    /// Takes a lane that nobody uses, or a new one.
    pub(crate) async fn take(connections: &Connections, holder: Uuid) -> Result<Self, DatabaseError> {
        for _ in 0..TRIES {
            for statement in [&TAKE_LANE, &ADD_LANE] {
                if let Some(row) = connections.query(statement, &[&holder]).await?.first() {
                    return Ok(Self { number: row.get(0), holder, next: row.get::<_, i64>(1) as u64 });
                }
            }
        }
        Err(DatabaseError::Changed("no lane to append to is to be had"))
    }

    /// Whether another one should be taken: a lane has room for 2³² events, and a commit must not run into the next lane.
    pub(crate) const fn is_full(&self) -> bool {
        self.next - positions_of(self.number).start >= EVENTS_MAX
    }

    /// Gives it back, for others to take at once and not only when its lease is over.
    pub(crate) async fn free(self, connections: &Connections) {
        // Not given back, it is free in half a minute.
        let _ = connections.query(&FREE_LANE, &[&self.holder]).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_tell_their_lane() {
        for lane in [0, 1, 7, 65_535] {
            let positions = positions_of(lane);
            assert_eq!((lane_of(positions.start), lane_of(positions.end - 1)), (lane, lane));
            assert!(positions.end <= 1 << 48);
        }
    }
}
