//! Users in segments: rows that say until when, and counts that change with them in one statement.
//!
//! The counts hold whoever expires later than the *mark*. Whoever changes memberships shares the mark, whoever moves it on has it
//! alone: so a membership is either there when those that expired are counted out, or it is judged by the mark as it is then.

use std::cmp::Ordering;
use std::collections::HashMap;

use footfall_domain::membership::{Joined, Membership, SET_BACK_S, second_of};
use footfall_domain::time::Timestamp;
use footfall_ports::{ENDED_KNOWN_S, SEGMENTS_TOLD_MAX, SegmentCounts};

use crate::connect::Connection;
use crate::error::DatabaseError;
use crate::statements::{
    COUNT_OUT, DROP_TITLES, FORGET_ENDED, FORGET_MEMBERSHIPS, HOLD_MARK, JOIN, MARK, MARK_STEP,
    MARK_STEP_BACK, MEMBERS_BETWEEN, MOVE_MARK, SEGMENT_COUNT, SEGMENT_COUNTS, SEGMENT_TOTALS,
};
use crate::store::Inner;
use tokio_postgres::Row;

/// Parts of a segment's count: as many may change it at once.
const PARTS: u128 = 16;
/// How often a batch that met others is tried again.
const TRIES_MAX: usize = 20;
/// Memberships forgotten in one statement.
const ENDED_AT_A_TIME: i64 = 5_000;

/// Memberships counted out, or compared, by one statement.
const MOVED_AT_A_TIME: i64 = 200_000;

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
        self.near(second_of(now)).await?;
        let mut connection = self.connections.primary().await?;
        let now_s = second_of(now);
        let to = |mark| if is_the_same(mark, now_s) { mark } else { now_s };
        let taken_at = move_mark(&mut connection, to, now).await?;
        let rows = connection.query(&SEGMENT_COUNTS, &[&(SEGMENTS_TOLD_MAX as i64)]).await?;
        connection.commit().await?;
        let count = |row: &Row| (row.get("segment"), row.get::<_, i64>("users") as u64);
        Ok(SegmentCounts { taken_at, counts: rows.iter().map(count).collect() })
    }

    pub(crate) async fn segment_count(&self, title: &str, now: Timestamp) -> Result<u64, DatabaseError> {
        let now_s = second_of(now);
        let ask = async || self.connections.query(&SEGMENT_COUNT, &[&title, &now_s]).await;
        let mut rows = ask().await?;
        if now_s.abs_diff(rows[0].get("counted_s")) > SET_BACK_S.unsigned_abs() {
            // Or each such question would look through all that has expired.
            self.segment_counts(now).await?;
            rows = ask().await?;
        }
        Ok(rows[0].get::<_, i64>("users").unsigned_abs())
    }

    pub(crate) async fn forget_memberships(&self, user: &str) -> Result<(), DatabaseError> {
        for _ in 1..TRIES_MAX {
            match self.connections.query(&FORGET_MEMBERSHIPS, &[&user, &self.part()]).await {
                Err(error) if error.is_collision() => {}
                forgotten => return forgotten.map(drop),
            }
        }
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
            connection.run(HOLD_MARK).await?;
            connection.query(&DROP_TITLES, &[]).await?;
            connection.commit().await?;
        }
        Ok(forgotten)
    }

    /// Brings the mark near to a second, in steps that are each done in time, however much has expired.
    async fn near(&self, now_s: i64) -> Result<(), DatabaseError> {
        loop {
            let mark: i64 = self.connections.query(&MARK, &[]).await?[0].get(0);
            if is_the_same(mark, now_s) {
                return Ok(());
            }
            let (statement, from, to) =
                if now_s < mark { (&MARK_STEP_BACK, now_s, mark) } else { (&MARK_STEP, mark, now_s) };
            let rows = self.connections.query(statement, &[&from, &to, &MOVED_AT_A_TIME]).await?;
            let Some(step) = rows.first() else { return Ok(()) };
            // Back to before it, or what it began with would be left where it is.
            let step = step.get::<_, i64>(0) - i64::from(now_s < mark);
            let mut connection = self.connections.primary().await?;
            move_mark(&mut connection, |_| step, Timestamp::MIN).await?;
            connection.commit().await?;
        }
    }

    /// Holds what is counted of each segment to its memberships. Says what differs, at most so many.
    pub(crate) async fn segment_differences(&self, most: usize) -> Result<Vec<String>, DatabaseError> {
        let mut connection = self.connections.primary().await?;
        connection.begin().await?;
        // All of one moment, in statements that are each done in time.
        connection.run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").await?;
        let mut differences: HashMap<String, (i64, i64)> = HashMap::new();
        for row in connection.query(&SEGMENT_TOTALS, &[]).await? {
            differences.insert(row.get("segment"), (row.get("users"), 0));
        }
        let mut from: i64 = connection.query(&MARK, &[]).await?[0].get(0);
        while from < i64::MAX {
            let rows = connection.query(&MARK_STEP, &[&from, &i64::MAX, &MOVED_AT_A_TIME]).await?;
            let to = rows.first().map_or(i64::MAX, |row| row.get(0));
            for row in connection.query(&MEMBERS_BETWEEN, &[&from, &to]).await? {
                differences.entry(row.get("segment")).or_default().1 += row.get::<_, i64>("users");
            }
            from = to;
        }
        connection.commit().await?;
        let differing = differences.into_iter().filter(|(_, (held, there))| held != there);
        let told = differing
            .map(|(title, (held, there))| format!("segment {title:?}: {held} users counted, {there} there"));
        Ok(told.take(most).collect())
    }

    fn part(&self) -> i16 {
        ((self.random)() % PARTS) as i16
    }
}

/// Begins a transaction in which nobody else changes memberships, and moves the mark: counts out who has left by then, or in who
/// hasn't where the clock was set back. Gives the time of this count, which is later than that of any before.
async fn move_mark(
    connection: &mut Connection,
    to: impl FnOnce(i64) -> i64 + Send,
    now: Timestamp,
) -> Result<Timestamp, DatabaseError> {
    connection.begin().await?;
    connection.run(HOLD_MARK).await?;
    let mark: i64 = connection.query(&MARK, &[]).await?[0].get(0);
    let to_s = to(mark);
    let moved = connection.query(&MOVE_MARK, &[&to_s, &now.micros()]).await?;
    match to_s.cmp(&mark) {
        Ordering::Greater => drop(connection.query(&COUNT_OUT, &[&mark, &to_s, &-1_i64]).await?),
        Ordering::Less => drop(connection.query(&COUNT_OUT, &[&to_s, &mark, &1_i64]).await?),
        Ordering::Equal => {}
    }
    Ok(Timestamp::from_micros_clamped(moved[0].get("taken_at")))
}

/// Whether the mark stays where it is: clocks that differ by a little don't move it to and fro.
const fn is_the_same(mark: i64, now_s: i64) -> bool {
    now_s <= mark && mark.saturating_sub(now_s) <= SET_BACK_S
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
