//! Users' activity by window, as it was computed last.
//!
//! There is no index by user. One would write itself nearly anew with every window; a user's rows are found by looking for
//! them in each window that was computed, of which there are six a day.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use footfall_domain::time::Timestamp;
use footfall_domain::windows::{Due, MetricFilter, UserMetric, Window, WindowTotals};
use footfall_ports::MetricPosition;
use rusqlite::{Connection, OptionalExtension, Row};

use super::{People, count};
use crate::database::DiskError;
use crate::store::Inner;

impl Inner {
    /// Computes the windows that are due, each in one step.
    pub(crate) fn calculate_metrics(&self, due: Due, now: Timestamp) -> Result<Vec<WindowTotals>, DiskError> {
        let people = &self.people;
        // Held throughout: who is erased meanwhile is taken out afterwards.
        let _calculating = people.calculating();
        let (held, oldest) = {
            let models = self.settled();
            (models.windows(due.span(now)), models.oldest())
        };
        let mut stored = people.totals()?;
        let mut told = Vec::new();
        for (window, events) in held {
            // One that retention has begun to drop stays as it was.
            let is_new =
                stored.get(&window).is_none_or(|totals| events > totals.events && window.start() >= oldest);
            if is_new {
                let users = self.settled().users_in(window);
                let totals = people.put_window(window, &users, now)?;
                stored.insert(window, totals);
                people.database.bound_log()?;
            }
            if is_new || due.tells_unchanged(window, now) {
                told.extend(stored.get(&window));
            }
        }
        Ok(told)
    }

    /// Forgets windows that were over by then. Where a calculation is under way it is left for the next time.
    pub(crate) fn forget_metrics_before(&self, oldest: Timestamp) -> Result<(), DiskError> {
        if !self.people.has_windows_before(Window::of(oldest))? {
            return Ok(());
        }
        let Ok(_calculating) = self.people.calculating.try_lock() else { return Ok(()) };
        self.people.forget_windows_before(Window::of(oldest))
    }
}

impl People {
    /// The rows that pass the filter, from a place on.
    pub(crate) fn user_metrics(
        &self,
        filter: &MetricFilter,
        after: Option<MetricPosition>,
        limit: usize,
    ) -> Result<Vec<UserMetric>, DiskError> {
        let (first, past) = filter.windows();
        // No name is empty: what comes after that are all.
        let (from, after) = match after {
            Some((window, user)) if window.number() >= first => (window.number(), user),
            _ => (first, String::new()),
        };
        let limit = limit.min(i64::MAX as usize) as i64;
        self.database.read(|connection| {
            if let Some(user) = &filter.user {
                // The place may be before the user's row in its window, or after it.
                let from = if *user > after { from } else { from.saturating_add(1) };
                let query = "SELECT user_metrics.number, user, user_metrics.events, created_at
                    FROM windows CROSS JOIN user_metrics ON user_metrics.number = windows.number AND user = ?1
                    WHERE windows.number >= ?2 AND windows.number < ?3 ORDER BY windows.number LIMIT ?4";
                let mut statement = connection.prepare_cached(query)?;
                return statement.query_map((user, from, past, limit), metric)?.collect::<Result<_, _>>();
            }
            let query = "SELECT number, user, events, created_at FROM user_metrics
                WHERE (number, user) > (?1, ?2) AND number < ?3 ORDER BY number, user LIMIT ?4";
            let mut statement = connection.prepare_cached(query)?;
            statement.query_map((from, after, past, limit), metric)?.collect::<Result<_, _>>()
        })
    }

    /// The windows that were computed.
    fn totals(&self) -> Result<BTreeMap<Window, WindowTotals>, DiskError> {
        self.database.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT number, users, events FROM windows")?;
            let rows = statement.query_map([], |row| {
                let window = window(row)?;
                Ok((window, WindowTotals { window, users: count(row, 1)?, events: count(row, 2)? }))
            })?;
            rows.collect()
        })
    }

    /// Stores what users, in order of their names, did in a window: only the rows that are not so already.
    fn put_window(
        &self,
        window: Window,
        users: &[(String, u64)],
        now: Timestamp,
    ) -> Result<WindowTotals, DiskError> {
        let events: u64 = users.iter().map(|(_, events)| events).sum();
        self.change(|transaction| {
            let known = known_users(transaction, window)?;
            let mut users_known = known.as_ref().map_or(0, |known| known.len() as u64);
            let mut known = known.unwrap_or_default().into_iter().peekable();
            let mut insert = transaction.prepare_cached(
                "INSERT INTO user_metrics (number, user, events, created_at) VALUES (?1, ?2, ?3, ?4)",
            )?;
            let mut update = transaction
                .prepare_cached("UPDATE user_metrics SET events = ?3 WHERE number = ?1 AND user = ?2")?;
            for (user, events) in users {
                while known.next_if(|(known, _)| known < user).is_some() {}
                match known.next_if(|(known, _)| known == user) {
                    Some((_, before)) if before == *events => {}
                    Some(_) => drop(update.execute((window.number(), user, events.cast_signed()))?),
                    None => {
                        insert.execute((window.number(), user, events.cast_signed(), now.micros()))?;
                        users_known += 1;
                    }
                }
            }
            let put = "INSERT OR REPLACE INTO windows (number, users, events) VALUES (?1, ?2, ?3)";
            transaction.prepare_cached(put)?.execute([
                i64::from(window.number()),
                users_known.cast_signed(),
                events.cast_signed(),
            ])?;
            Ok(WindowTotals { window, users: users_known, events })
        })
    }

    fn has_windows_before(&self, window: Window) -> Result<bool, DiskError> {
        self.database.read(|connection| {
            connection
                .prepare_cached("SELECT EXISTS (SELECT 1 FROM windows WHERE number < ?1)")?
                .query_row([window.number()], |row| row.get(0))
        })
    }

    fn forget_windows_before(&self, window: Window) -> Result<(), DiskError> {
        loop {
            let forgotten = self.change(|transaction| forget_first_before(transaction, window))?;
            if !forgotten {
                return Ok(());
            }
            self.database.bound_log()?;
        }
    }
}

/// Users of a window that was computed before, in order of their names, with their events.
fn known_users(connection: &Connection, window: Window) -> Result<Option<Vec<(String, u64)>>, DiskError> {
    let mut is_known = connection.prepare_cached("SELECT 1 FROM windows WHERE number = ?1")?;
    if !is_known.exists([window.number()])? {
        return Ok(None);
    }
    let query = "SELECT user, events FROM user_metrics WHERE number = ?1 ORDER BY user";
    let mut statement = connection.prepare_cached(query)?;
    let rows = statement.query_map([window.number()], |row| Ok((row.get(0)?, count(row, 1)?)))?;
    Ok(Some(rows.collect::<Result<_, _>>()?))
}

/// Forgets the first window, where it is before that one. Whether there was one.
fn forget_first_before(connection: &Connection, window: Window) -> Result<bool, DiskError> {
    let query = "SELECT number FROM windows WHERE number < ?1 ORDER BY number LIMIT 1";
    let first: Option<i64> =
        connection.prepare_cached(query)?.query_row([window.number()], |row| row.get(0)).optional()?;
    let Some(first) = first else { return Ok(false) };
    connection.prepare_cached("DELETE FROM user_metrics WHERE number = ?1")?.execute([first])?;
    connection.prepare_cached("DELETE FROM windows WHERE number = ?1")?.execute([first])?;
    Ok(true)
}

/// Takes a user out of every window. After the read models have forgotten them, and while nobody computes.
pub(super) fn forget_user(connection: &Connection, user: &str) -> Result<(), DiskError> {
    let query = "SELECT windows.number, windows.users, windows.events, user_metrics.events
        FROM windows CROSS JOIN user_metrics ON user_metrics.number = windows.number AND user = ?1";
    let mut statement = connection.prepare_cached(query)?;
    let rows = statement
        .query_map([user], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get::<_, i64>(3)?)))?;
    let rows: Vec<(i64, i64, i64, i64)> = rows.collect::<Result<_, _>>()?;
    let mut forget = connection.prepare_cached("DELETE FROM user_metrics WHERE number = ?1 AND user = ?2")?;
    let mut update =
        connection.prepare_cached("UPDATE windows SET users = ?2, events = ?3 WHERE number = ?1")?;
    let mut forget_window = connection.prepare_cached("DELETE FROM windows WHERE number = ?1")?;
    for (number, users, events, of_user) in rows {
        forget.execute((number, user))?;
        match users.cmp(&1) {
            Ordering::Greater => update.execute([number, users - 1, events - of_user])?,
            _ => forget_window.execute([number])?,
        };
    }
    Ok(())
}

fn metric(row: &Row<'_>) -> rusqlite::Result<UserMetric> {
    Ok(UserMetric {
        user: row.get(1)?,
        window: window(row)?,
        events: count(row, 2)?,
        created_at: Timestamp::from_micros_clamped(row.get(3)?),
    })
}

/// The window whose number is in the first column.
fn window(row: &Row<'_>) -> rusqlite::Result<Window> {
    let number: i64 = row.get(0)?;
    let window = i32::try_from(number).ok().and_then(Window::of_number);
    window.ok_or(rusqlite::Error::IntegralValueOutOfRange(0, number))
}
