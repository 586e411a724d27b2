//! Users in segments.
//!
//! Each segment knows how many of its users outlast a second that all share, `counted_s`. Counting moves that second on to
//! now, and takes out who has left meanwhile. So it costs by segments, and by what expired since it was done last.

use std::collections::{BTreeMap, HashMap};

use footfall_domain::membership::{Joined, Membership, SET_BACK_S, second_of};
use footfall_domain::time::Timestamp;
use footfall_ports::{ENDED_KNOWN_S, SEGMENTS_TOLD_MAX, SegmentCounts};
use rusqlite::{Connection, OptionalExtension};

use super::{People, count};
use crate::database::{DiskError, fact, set_fact};

/// Names of numbers: the second up to which who leaves is counted out, and when all were counted last.
const COUNTED: &str = "counted_s";
const TAKEN_AT: &str = "taken_at";
/// Memberships forgotten at a time: others wait for no more.
const FORGOTTEN_AT_A_TIME: i64 = 5_000;

/// What becomes of the segments' numbers, by their ids.
#[derive(Debug, Default)]
struct Changes(BTreeMap<i64, Change>);

#[derive(Debug, Default)]
struct Change {
    held: i64,
    live: i64,
}

impl Changes {
    fn add(&mut self, segment: i64, held: i64, live: i64) {
        let change = self.0.entry(segment).or_default();
        change.held += held;
        change.live += live;
    }

    /// Stores them, and forgets segments in which nobody is known any more.
    fn store(&self, connection: &Connection) -> Result<(), DiskError> {
        let mut update = connection
            .prepare_cached("UPDATE segments SET held = held + ?2, live = live + ?3 WHERE id = ?1")?;
        let mut forget = connection.prepare_cached("DELETE FROM segments WHERE id = ?1 AND held <= 0")?;
        for (segment, Change { held, live }) in &self.0 {
            if (*held, *live) != (0, 0) {
                update.execute([segment, held, live])?;
            }
            if *held < 0 {
                forget.execute([segment])?;
            }
        }
        Ok(())
    }
}

/// A membership of a batch, with the ids of its names.
struct Placed {
    user: i64,
    segment: i64,
    place: usize,
}

impl People {
    /// Puts users in segments, and says of each membership what it was.
    pub(crate) fn join(&self, memberships: &[Membership]) -> Result<Vec<Joined>, DiskError> {
        if memberships.is_empty() {
            return Ok(Vec::new());
        }
        let mut by_user: Vec<usize> = (0..memberships.len()).collect();
        by_user.sort_by_key(|place| &memberships[*place].user);
        self.change(|transaction| {
            let counted_s = counted_s(transaction)?;
            let placed = place(transaction, memberships, &by_user)?;
            let mut joined = vec![Joined::Renewed; memberships.len()];
            let mut changes = Changes::default();
            for same in
                placed.chunk_by(|left, right| (left.user, left.segment) == (right.user, right.segment))
            {
                let Placed { user, segment, place } = same[0];
                let expires_at_s = memberships[same[same.len() - 1].place].expires_at_s;
                let before = put(transaction, user, segment, expires_at_s)?;
                let is_live = |expires_at_s: i64| i64::from(expires_at_s > counted_s);
                changes.add(
                    segment,
                    i64::from(before.is_none()),
                    is_live(expires_at_s) - before.map_or(0, is_live),
                );
                if before.is_none() {
                    joined[place] = Joined::Created;
                }
            }
            changes.store(transaction)?;
            Ok(joined)
        })
    }

    /// Counts the users of all segments.
    pub(crate) fn segment_counts(&self, now: Timestamp) -> Result<SegmentCounts, DiskError> {
        self.change(|transaction| {
            count_out(transaction, second_of(now))?;
            let before = fact(transaction, TAKEN_AT)?.map_or(Timestamp::MIN, Timestamp::from_micros_clamped);
            let taken_at = now.max(before.plus_micros(1));
            set_fact(transaction, TAKEN_AT, taken_at.micros())?;
            let query = "SELECT title, live FROM segments WHERE live > 0 ORDER BY live DESC, title LIMIT ?1";
            let mut statement = transaction.prepare_cached(query)?;
            let rows =
                statement.query_map([SEGMENTS_TOLD_MAX as i64], |row| Ok((row.get(0)?, count(row, 1)?)))?;
            Ok(SegmentCounts { taken_at, counts: rows.collect::<Result<_, _>>()? })
        })
    }

    /// Counts the users of one segment.
    pub(crate) fn segment_count(&self, title: &str, now: Timestamp) -> Result<u64, DiskError> {
        let now_s = second_of(now);
        let counted_s = self.database.fact(COUNTED)?.unwrap_or(i64::MIN);
        if now_s.abs_diff(counted_s) > SET_BACK_S.unsigned_abs() {
            // Or each such question would look through all that has expired. It can be answered all the same where this
            // fails, such as on a full disk.
            let _ = self.change(|transaction| count_out(transaction, now_s));
        }
        // One statement sees one moment.
        let query = "SELECT live - (SELECT count(*) FROM memberships INDEXED BY by_expiry
                WHERE expires_at_s > counted_s AND expires_at_s <= ?2 AND segment = id)
            FROM segments, (SELECT coalesce((SELECT value FROM facts WHERE name = ?3), ?4) AS counted_s)
            WHERE title = ?1";
        let users = self.database.read(|connection| {
            connection
                .prepare_cached(query)?
                .query_row((title, now_s, COUNTED, i64::MIN), |row| count(row, 0))
                .optional()
        })?;
        Ok(users.unwrap_or(0))
    }

    /// Forgets memberships that ended long enough ago, and says how many.
    pub(crate) fn forget_ended(&self, now: Timestamp) -> Result<u64, DiskError> {
        let before_s = second_of(now) - ENDED_KNOWN_S;
        let mut forgotten = 0;
        while self.has_ended(before_s)? {
            forgotten += self.change(|transaction| forget_some_ended(transaction, before_s))?;
            self.database.bound_log()?;
        }
        Ok(forgotten)
    }

    /// Holds what is counted of each segment to its memberships. Says what differs, at most so many.
    pub(crate) fn segment_differences(&self, most: usize) -> Result<Vec<String>, DiskError> {
        // One statement sees one moment.
        let query = "WITH mark AS (SELECT coalesce((SELECT value FROM facts WHERE name = ?1), ?2) AS counted_s),
            there AS (SELECT segment, count(*) AS users FROM memberships, mark WHERE expires_at_s > counted_s GROUP BY segment)
            SELECT title, live, coalesce(users, 0) FROM segments LEFT JOIN there ON segment = id
            WHERE live <> coalesce(users, 0) LIMIT ?3";
        self.database.read(|connection| {
            let mut statement = connection.prepare_cached(query)?;
            let most = most.min(i64::MAX as usize) as i64;
            let rows = statement.query_map((COUNTED, i64::MIN, most), |row| {
                let (title, held, there): (String, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
                Ok(format!("segment {title:?}: {held} users counted, {there} there"))
            })?;
            rows.collect()
        })
    }

    fn has_ended(&self, before_s: i64) -> Result<bool, DiskError> {
        let query = "SELECT EXISTS (SELECT 1 FROM memberships INDEXED BY by_expiry WHERE expires_at_s < ?1)";
        self.database
            .read(|connection| connection.prepare_cached(query)?.query_row([before_s], |row| row.get(0)))
    }
}

fn counted_s(connection: &Connection) -> Result<i64, DiskError> {
    Ok(fact(connection, COUNTED)?.unwrap_or(i64::MIN))
}

/// Counts out who has left by that second, or in who hasn't where the clock was set back.
fn count_out(connection: &Connection, now_s: i64) -> Result<(), DiskError> {
    let counted_s = counted_s(connection)?;
    if now_s <= counted_s && counted_s.saturating_sub(now_s) <= SET_BACK_S {
        return Ok(());
    }
    let sign = if now_s > counted_s { -1 } else { 1 };
    let query = "SELECT segment, count(*) FROM memberships INDEXED BY by_expiry
        WHERE expires_at_s > ?1 AND expires_at_s <= ?2 GROUP BY segment";
    let mut changes = Changes::default();
    let mut statement = connection.prepare_cached(query)?;
    let mut rows = statement.query([counted_s.min(now_s), counted_s.max(now_s)])?;
    while let Some(row) = rows.next()? {
        changes.add(row.get(0)?, 0, sign * row.get::<_, i64>(1)?);
    }
    changes.store(connection)?;
    Ok(set_fact(connection, COUNTED, now_s)?)
}

/// Finds the ids of a batch's names, giving new ones where they are new. The result is in the order of the memberships'
/// tree; of one user and segment in the order of the batch.
fn place<'a>(
    connection: &Connection,
    memberships: &'a [Membership],
    by_user: &[usize],
) -> Result<Vec<Placed>, DiskError> {
    let mut segments: HashMap<&'a str, i64> = HashMap::new();
    let mut placed = Vec::with_capacity(memberships.len());
    let mut next = first_free_user(connection)?;
    for same in by_user.chunk_by(|left, right| memberships[*left].user == memberships[*right].user) {
        let user = user_id(connection, &memberships[same[0]].user, &mut next)?;
        for place in same {
            let title = &*memberships[*place].segment;
            let segment = match segments.get(title) {
                Some(segment) => *segment,
                None => *segments.entry(title).or_insert(segment_id(connection, title)?),
            };
            placed.push(Placed { user, segment, place: *place });
        }
    }
    placed.sort_by_key(|placed| (placed.user, placed.segment));
    Ok(placed)
}

/// The id past all that are given. Whoever has one is in a segment.
fn first_free_user(connection: &Connection) -> Result<i64, DiskError> {
    let query = "SELECT coalesce(max(user), 0) + 1 FROM memberships";
    Ok(connection.prepare_cached(query)?.query_row([], |row| row.get(0))?)
}

/// The id of a user; the next free one where they are new.
fn user_id(connection: &Connection, name: &str, next: &mut i64) -> Result<i64, DiskError> {
    if let Some(id) = known_user(connection, name)? {
        return Ok(id);
    }
    let id = *next;
    connection.prepare_cached("INSERT INTO users (id, name) VALUES (?1, ?2)")?.execute((id, name))?;
    *next += 1;
    Ok(id)
}

fn known_user(connection: &Connection, name: &str) -> Result<Option<i64>, DiskError> {
    let mut statement = connection.prepare_cached("SELECT id FROM users WHERE name = ?1")?;
    Ok(statement.query_row([name], |row| row.get(0)).optional()?)
}

fn segment_id(connection: &Connection, title: &str) -> Result<i64, DiskError> {
    let mut statement = connection.prepare_cached("SELECT id FROM segments WHERE title = ?1")?;
    if let Some(id) = statement.query_row([title], |row| row.get(0)).optional()? {
        return Ok(id);
    }
    let insert = "INSERT INTO segments (title, held, live) VALUES (?1, 0, 0)";
    Ok(connection.prepare_cached(insert)?.insert([title])?)
}

/// Stores until when a user is in a segment. Says until when they were, if they were known there.
fn put(
    connection: &Connection,
    user: i64,
    segment: i64,
    expires_at_s: i64,
) -> Result<Option<i64>, DiskError> {
    let query = "SELECT expires_at_s FROM memberships WHERE user = ?1 AND segment = ?2";
    let before: Option<i64> =
        connection.prepare_cached(query)?.query_row([user, segment], |row| row.get(0)).optional()?;
    let statement = match before {
        None => "INSERT INTO memberships (user, segment, expires_at_s) VALUES (?1, ?2, ?3)",
        Some(before) if before == expires_at_s => return Ok(Some(before)),
        Some(_) => "UPDATE memberships SET expires_at_s = ?3 WHERE user = ?1 AND segment = ?2",
    };
    connection.prepare_cached(statement)?.execute([user, segment, expires_at_s])?;
    Ok(before)
}

/// Forgets some of the memberships that ended before a second, those that ended first, and says how many.
fn forget_some_ended(connection: &Connection, before_s: i64) -> Result<u64, DiskError> {
    let query = "SELECT user, segment, expires_at_s FROM memberships INDEXED BY by_expiry
        WHERE expires_at_s < ?1 ORDER BY expires_at_s LIMIT ?2";
    let mut statement = connection.prepare_cached(query)?;
    let rows = statement
        .query_map([before_s, FORGOTTEN_AT_A_TIME], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let mut ended: Vec<(i64, i64, i64)> = rows.collect::<Result<_, _>>()?;
    ended.sort_unstable();
    let counted_s = counted_s(connection)?;
    let mut forget = connection.prepare_cached("DELETE FROM memberships WHERE user = ?1 AND segment = ?2")?;
    let mut forget_user = connection.prepare_cached(
        "DELETE FROM users WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM memberships WHERE user = ?1)",
    )?;
    let mut changes = Changes::default();
    for of_user in ended.chunk_by(|left, right| left.0 == right.0) {
        for (user, segment, expires_at_s) in of_user {
            forget.execute([user, segment])?;
            changes.add(*segment, -1, -i64::from(*expires_at_s > counted_s));
        }
        forget_user.execute([of_user[0].0])?;
    }
    changes.store(connection)?;
    Ok(ended.len() as u64)
}

/// Takes a user out of every segment.
pub(super) fn forget_user(connection: &Connection, name: &str) -> Result<(), DiskError> {
    let Some(user) = known_user(connection, name)? else { return Ok(()) };
    let counted_s = counted_s(connection)?;
    let mut changes = Changes::default();
    let query = "SELECT segment, expires_at_s FROM memberships WHERE user = ?1";
    let mut statement = connection.prepare_cached(query)?;
    let mut rows = statement.query([user])?;
    while let Some(row) = rows.next()? {
        changes.add(row.get(0)?, -1, -i64::from(row.get::<_, i64>(1)? > counted_s));
    }
    drop(rows);
    connection.prepare_cached("DELETE FROM memberships WHERE user = ?1")?.execute([user])?;
    connection.prepare_cached("DELETE FROM users WHERE id = ?1")?.execute([user])?;
    changes.store(connection)
}
