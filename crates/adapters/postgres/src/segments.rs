//! Users in segments: rows that say until when, and counts that change with them in one statement.
//!
//! The counts hold whoever expires later than the *mark*. Whoever changes memberships shares the mark, whoever moves it on has it
//! alone: so a membership is either there when those that expired are counted out, or it is judged by the mark as it is then.

use std::collections::HashMap;

use footfall_domain::membership::{Joined, Membership, second_of};
use footfall_domain::time::Timestamp;
use footfall_ports::{ENDED_KNOWN_S, SEGMENTS_TOLD_MAX, SegmentCounts};

use crate::connect::Connection;
use crate::error::DatabaseError;
use crate::statements::{
    COUNT_OUT, DROP_TITLES, FORGET_ENDED, FORGET_MEMBERSHIPS, JOIN, MOVE_MARK, SEGMENT_COUNT, SEGMENT_COUNTS,
};
use crate::store::Inner;

/// Parts of a segment's count: as many may change it at once.
const PARTS: u128 = 16;
/// How often a batch that met others is tried again.
const TRIES_MAX: usize = 20;
/// Memberships forgotten in one statement.
const ENDED_AT_A_TIME: i64 = 5_000;

/// A batch, each user and segment once.
#[derive(Default)]
struct Distinct {
    users: Vec<String>,
    segments: Vec<String>,
    expiries: Vec<i64>,
}

impl Inner {
    pub(crate) async fn join(&self, memberships: Vec<Membership>) -> Result<Vec<Joined>, DatabaseError> {
        let mut joined = vec![Joined::Renewed; memberships.len()];
        let (batch, first_places) = distinct(memberships);
        if batch.users.is_empty() {
            return Ok(joined);
        }
        let mut tried = 0;
        let rows = loop {
            tried += 1;
            let parameters = (&batch.users, &batch.segments, &batch.expiries, self.part());
            let stored = self
                .connections
                .query(&JOIN, &[parameters.0, parameters.1, parameters.2, &parameters.3])
                .await;
            match stored {
                // Another one put the same user in the same segment at this moment. Now they are there.
                Err(error) if (error.is_lost_race() || error.is_collision()) && tried < TRIES_MAX => {}
                stored => break stored?,
            }
        };
        for row in rows {
            let place: i64 = row.get("place");
            joined[first_places[place as usize - 1]] = Joined::Created;
        }
        Ok(joined)
    }

    pub(crate) async fn segment_counts(&self, now: Timestamp) -> Result<SegmentCounts, DatabaseError> {
        let mut connection = self.connections.primary().await?;
        connection.begin().await?;
        let taken_at = move_mark(&mut connection, now).await?;
        let rows = connection.query(&SEGMENT_COUNTS, &[&(SEGMENTS_TOLD_MAX as i64)]).await?;
        connection.commit().await?;
        let count = |row: &tokio_postgres::Row| (row.get("segment"), row.get::<_, i64>("users") as u64);
        Ok(SegmentCounts { taken_at, counts: rows.iter().map(count).collect() })
    }

    pub(crate) async fn segment_count(&self, title: &str, now: Timestamp) -> Result<u64, DatabaseError> {
        let rows = self.connections.query(&SEGMENT_COUNT, &[&title, &second_of(now)]).await?;
        Ok(rows[0].get::<_, i64>("users").unsigned_abs())
    }

    pub(crate) async fn forget_memberships(&self, user: &str) -> Result<(), DatabaseError> {
        self.connections.query(&FORGET_MEMBERSHIPS, &[&user, &self.part()]).await.map(drop)
    }

    pub(crate) async fn forget_ended(&self, now: Timestamp) -> Result<u64, DatabaseError> {
        let before_s = second_of(now) - ENDED_KNOWN_S;
        // Counted out first: what goes then counts nowhere.
        self.segment_counts(now).await?;
        let mut forgotten = 0;
        loop {
            let rows = self.connections.query(&FORGET_ENDED, &[&before_s, &ENDED_AT_A_TIME]).await?;
            forgotten += rows.len() as u64;
            if (rows.len() as i64) < ENDED_AT_A_TIME {
                break;
            }
        }
        if forgotten > 0 {
            let mut connection = self.connections.primary().await?;
            connection.begin().await?;
            move_mark(&mut connection, now).await?;
            connection.query(&DROP_TITLES, &[]).await?;
            connection.commit().await?;
        }
        Ok(forgotten)
    }

    fn part(&self) -> i16 {
        ((self.random)() % PARTS) as i16
    }
}

/// Counts out who has left by then. The mark is held until the transaction ends.
async fn move_mark(connection: &mut Connection, now: Timestamp) -> Result<Timestamp, DatabaseError> {
    let rows = connection.query(&MOVE_MARK, &[&second_of(now), &now.micros()]).await?;
    let (before_s, counted_s): (i64, i64) = (rows[0].get("before_s"), rows[0].get("counted_s"));
    if before_s < counted_s {
        connection.query(&COUNT_OUT, &[&before_s, &counted_s]).await?;
    }
    Ok(Timestamp::from_micros_clamped(rows[0].get("taken_at")))
}

/// Each user and segment once, with the expiry that was given last and the place where it stood first.
fn distinct(memberships: Vec<Membership>) -> (Distinct, Vec<usize>) {
    let mut batch = Distinct::default();
    let (mut first_places, mut known) = (Vec::new(), HashMap::<(String, String), usize>::new());
    for (place, Membership { user, segment, expires_at_s }) in memberships.into_iter().enumerate() {
        let at = *known.entry((user, segment)).or_insert_with(|| {
            first_places.push(place);
            batch.expiries.push(expires_at_s);
            batch.expiries.len() - 1
        });
        batch.expiries[at] = expires_at_s;
    }
    let mut pairs: Vec<((String, String), usize)> = known.into_iter().collect();
    pairs.sort_unstable_by_key(|(_, at)| *at);
    (batch.users, batch.segments) = pairs.into_iter().map(|(pair, _)| pair).unzip();
    (batch, first_places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_for_one_user_and_segment_the_last_counts_and_the_first_is_told() {
        let of = |user: &str, segment: &str, expires_at_s: i64| Membership {
            user: user.into(),
            segment: segment.into(),
            expires_at_s,
        };
        let all = vec![of("a", "s", 1), of("b", "s", 2), of("a", "s", 3), of("a", "t", 4), of("b", "s", 5)];
        let (batch, first_places) = distinct(all);
        assert_eq!(batch.users, ["a", "b", "a"]);
        assert_eq!(batch.segments, ["s", "s", "t"]);
        assert_eq!(batch.expiries, [3, 5, 4]);
        assert_eq!(first_places, [0, 1, 3]);
    }
}
