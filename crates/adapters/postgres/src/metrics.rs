//! Users' activity by window: computed from the read models, kept in rows that instances share.

use std::collections::HashMap;
use std::sync::Arc;

use footfall_domain::time::Timestamp;
use footfall_domain::windows::{Due, MetricFilter, UserMetric, Window, WindowTotals};
use footfall_ports::{MetricPosition, StoreError};
use tokio_postgres::Row;

use crate::error::DatabaseError;
use crate::lease::Lease;
use crate::statements::{
    ADD_TO_WINDOW, DROP_METRICS, DROP_WINDOWS, FORGET_METRICS, HOLD_FACTS, HOLD_WINDOW, HOLD_WINDOWS_OF,
    KNOWN_METRICS, METRIC_WINDOWS, METRICS_OF_USER, PUT_METRICS, USER_METRICS,
};
use crate::store::Inner;

/// The job's name in the table of leases.
const JOB: &str = "metrics";
/// Rows read or written by one statement.
const ROWS_AT_A_TIME: usize = 10_000;
/// How often a window is computed anew because someone was erased meanwhile.
const TRIES_MAX: usize = 10;

impl Inner {
    pub(crate) async fn calculate_metrics(
        self: &Arc<Self>,
        due: Due,
        now: Timestamp,
    ) -> Result<Vec<WindowTotals>, StoreError> {
        // One at a time here too: each holds the names of a window's users.
        let _calculating = self.calculating.lock().await;
        let lease = self.lease(JOB).await?;
        let told = self.calculate(due, now, &lease).await;
        self.free(lease).await;
        told
    }

    async fn calculate(
        self: &Arc<Self>,
        due: Due,
        now: Timestamp,
        lease: &Lease,
    ) -> Result<Vec<WindowTotals>, StoreError> {
        self.catch_up().await?;
        let (held, oldest) = self.ask(move |models| (models.windows(due.span(now)), models.oldest())).await?;
        let (first, past) = due.span(now).numbers();
        let rows = self.connections.query(&METRIC_WINDOWS, &[&first, &past]).await?;
        let known: HashMap<i32, WindowTotals> =
            rows.iter().filter_map(totals).map(|totals| (totals.window.number(), totals)).collect();
        let mut told = Vec::new();
        for (window, events) in held {
            // One that retention has begun to drop stays as it was.
            let is_settled = |totals: &&WindowTotals| totals.events >= events || window.start() < oldest;
            match known.get(&window.number()).filter(is_settled) {
                Some(totals) if due.tells_unchanged(window, now) => told.push(*totals),
                Some(_) => {}
                None => told.extend(self.calculate_window(window, now, lease).await?),
            }
        }
        Ok(told)
    }

    async fn calculate_window(
        self: &Arc<Self>,
        window: Window,
        now: Timestamp,
        lease: &Lease,
    ) -> Result<Option<WindowTotals>, StoreError> {
        for _ in 0..TRIES_MAX {
            // Looked at first: who is forgotten between the two is found out in the end.
            let known = {
                let progress = self.progress.lock().await;
                (progress.erasures, progress.floor)
            };
            let users = self.ask(move |models| models.users_in(window)).await?;
            let mut totals = None;
            let mut chunks = users.chunks(ROWS_AT_A_TIME);
            let is_done = loop {
                let Some(chunk) = chunks.next() else { break true };
                self.prolong(lease).await?;
                match self.put_rows(window, chunk, now, known).await? {
                    Some(put) => totals = Some(put),
                    None => break false,
                }
            };
            if is_done {
                return Ok(totals);
            }
            self.catch_up().await?;
        }
        Err(DatabaseError::Changed("users are erased faster than they can be counted").into())
    }

    /// Writes what has changed of some users in a window, in one transaction, and says what the window adds up to then. `None`, and
    /// nothing was done, when someone was erased or something dropped since their events were counted.
    async fn put_rows(
        &self,
        window: Window,
        users: &[(String, u64)],
        now: Timestamp,
        known: (i64, Timestamp),
    ) -> Result<Option<WindowTotals>, DatabaseError> {
        let number = window.number();
        let mut connection = self.connections.primary().await?;
        connection.begin().await?;
        // One at a time for each window, so that what is read here is what is written to.
        connection.query(&HOLD_WINDOW, &[&number]).await?;
        let names: Vec<&str> = users.iter().map(|(user, _)| &**user).collect();
        let rows = connection.query(&KNOWN_METRICS, &[&number, &names]).await?;
        let before: HashMap<String, i64> =
            rows.iter().map(|row| (row.get("user_id"), row.get("events"))).collect();
        let (mut names, mut counts, mut new_users, mut new_events) = (Vec::new(), Vec::new(), 0_i64, 0_i64);
        for (user, events) in users {
            let (known, events) = (before.get(user), *events as i64);
            // Counts only grow: who has counted fewer was asked earlier.
            if known.is_none_or(|known| *known < events) {
                names.push(&**user);
                counts.push(events);
                new_users += i64::from(known.is_none());
                new_events += events - known.copied().unwrap_or_default();
            }
        }
        if !names.is_empty() {
            connection.query(&PUT_METRICS, &[&number, &now.micros(), &names, &counts]).await?;
        }
        let added = connection.query(&ADD_TO_WINDOW, &[&number, &new_users, &new_events]).await?;
        // Last, so that erasing waits for this as short a time as can be. Who is erased after this is taken out of the rows when they
        // are there.
        let facts = connection.query(&HOLD_FACTS, &[]).await?;
        let floor = Timestamp::from_micros_clamped(facts[1].get("value"));
        if (facts[0].get("value"), floor) != known {
            return Ok(None);
        }
        connection.commit().await?;
        let sums = |name: &str| added.first().map_or(0, |row| row.get::<_, i64>(name)) as u64;
        Ok(Some(WindowTotals { window, users: sums("users"), events: sums("events") }))
    }

    pub(crate) async fn user_metrics(
        &self,
        filter: MetricFilter,
        after: Option<MetricPosition>,
        limit: usize,
    ) -> Result<Vec<UserMetric>, DatabaseError> {
        let (first, past) = filter.windows();
        let limit = limit as i64;
        if filter.user.as_ref().is_some_and(|user| user.contains('\0')) {
            // The database can't be asked for such a name, and nobody has one.
            return Ok(Vec::new());
        }
        let rows = if let Some(user) = &filter.user {
            // One row a window: the place is past it or before it.
            let from = after.map_or(first, |(window, other)| {
                let next = window.number() + i32::from(other >= *user);
                next.max(first)
            });
            self.connections.query(&METRICS_OF_USER, &[user, &from, &past, &limit]).await?
        } else {
            let after = after.filter(|(window, _)| window.number() >= first);
            // No name is empty: before all names of the first window.
            let (window, user) =
                after.map_or((first, String::new()), |(window, user)| (window.number(), user));
            self.connections.query(&USER_METRICS, &[&window, &past, &user, &limit]).await?
        };
        Ok(rows.iter().filter_map(metric).collect())
    }

    /// After the erasure was noted: what is computed from then on doesn't know the user.
    pub(crate) async fn forget_metrics(&self, user: &str) -> Result<(), DatabaseError> {
        let mut tried = 0;
        loop {
            tried += 1;
            match self.try_to_forget_metrics(user).await {
                Err(error) if error.is_collision() && tried < TRIES_MAX => {}
                forgotten => return forgotten,
            }
        }
    }

    async fn try_to_forget_metrics(&self, user: &str) -> Result<(), DatabaseError> {
        let mut connection = self.connections.primary().await?;
        connection.begin().await?;
        connection.query(&HOLD_WINDOWS_OF, &[&user]).await?;
        connection.query(&FORGET_METRICS, &[&user]).await?;
        connection.commit().await
    }

    /// Drops the windows that were over by then.
    pub(crate) async fn drop_metrics_before(&self, floor: Timestamp) -> Result<(), DatabaseError> {
        let window = Window::of(floor).number();
        let limit = ROWS_AT_A_TIME as i64;
        while self.connections.query(&DROP_METRICS, &[&window, &limit]).await?.len() == ROWS_AT_A_TIME {}
        self.connections.query(&DROP_WINDOWS, &[&window]).await.map(drop)
    }
}

fn totals(row: &Row) -> Option<WindowTotals> {
    let window = Window::of_number(row.get("window_number"))?;
    let number = |name| row.get::<_, i64>(name) as u64;
    Some(WindowTotals { window, users: number("users"), events: number("events") })
}

fn metric(row: &Row) -> Option<UserMetric> {
    Some(UserMetric {
        user: row.get("user_id"),
        window: Window::of_number(row.get("window_number"))?,
        events: row.get::<_, i64>("events") as u64,
        created_at: Timestamp::from_micros_clamped(row.get("created_at")),
    })
}
