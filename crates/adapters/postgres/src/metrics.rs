//! Users' activity by window: computed from the read models, kept in rows that instances share.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use footfall_domain::time::Timestamp;
use footfall_domain::windows::{Due, MetricFilter, UserMetric, Window, WindowTotals};
use footfall_ports::{MetricPosition, StoreError};
use tokio_postgres::Row;

use crate::connect::Connection;
use crate::error::DatabaseError;
use crate::lease::Lease;
use crate::statements::{
    DROP_METRICS, DROP_WINDOWS, FORGET_METRICS, HOLD_ERASURES, HOLD_WINDOW, HOLD_WINDOWS_OF, METRIC_WINDOWS,
    METRICS_OF_USER, PUT_METRICS, TOTAL_WINDOW, USER_METRICS, USERS_OF_WINDOW,
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
        let held = self.ask(move |models| models.windows(due.span(now))).await?;
        let (first, past) = due.span(now).numbers();
        let rows = self.connections.query(&METRIC_WINDOWS, &[&first, &past]).await?;
        let known: HashMap<i32, WindowTotals> =
            rows.iter().filter_map(totals).map(|totals| (totals.window.number(), totals)).collect();
        let mut told = Vec::new();
        for (window, events) in held {
            match known.get(&window.number()).filter(|totals| totals.events >= events) {
                Some(totals) if due.tells_unchanged(window, now) => told.push(*totals),
                Some(_) => {}
                None => {
                    self.prolong(lease).await?;
                    told.extend(self.calculate_window(window, now).await?);
                }
            }
        }
        Ok(told)
    }

    async fn calculate_window(
        self: &Arc<Self>,
        window: Window,
        now: Timestamp,
    ) -> Result<Option<WindowTotals>, StoreError> {
        for _ in 0..TRIES_MAX {
            let (users, erasures) = {
                // Held, so that it is known who is forgotten in what is read.
                let progress = self.progress.lock().await;
                (self.ask(move |models| models.users_in(window)).await?, progress.erasures)
            };
            let mut connection = self.connections.primary().await?;
            connection.begin().await?;
            let totals = put_window(&mut connection, window, users, now).await?;
            // Last, so that erasing waits for this as short a time as can be. Who is erased after this is taken out of the rows
            // when they are there.
            let erased: i64 = connection.query(&HOLD_ERASURES, &[]).await?[0].get(0);
            if erased == erasures {
                connection.commit().await?;
                return Ok(totals);
            }
            drop(connection);
            self.catch_up().await?;
        }
        Err(DatabaseError::Changed("users are erased faster than they can be counted").into())
    }

    pub(crate) async fn user_metrics(
        &self,
        filter: MetricFilter,
        after: Option<MetricPosition>,
        limit: usize,
    ) -> Result<Vec<UserMetric>, DatabaseError> {
        let (first, past) = filter.windows();
        let limit = limit as i64;
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

/// Writes what has changed in a window, unless more was computed before.
async fn put_window(
    connection: &mut Connection,
    window: Window,
    users: Vec<(String, u64)>,
    now: Timestamp,
) -> Result<Option<WindowTotals>, DatabaseError> {
    let number = window.number();
    let before: i64 = connection.query(&HOLD_WINDOW, &[&number]).await?[0].get(0);
    let events: u64 = users.iter().map(|(_, events)| events).sum();
    if events > before as u64 {
        let known = if before > 0 { users_of(connection, number).await? } else { BTreeMap::new() };
        let changed = users.into_iter().filter(|(user, events)| known.get(user) != Some(events));
        let (names, counts): (Vec<String>, Vec<i64>) =
            changed.map(|(user, events)| (user, events as i64)).unzip();
        for (names, counts) in names.chunks(ROWS_AT_A_TIME).zip(counts.chunks(ROWS_AT_A_TIME)) {
            connection.query(&PUT_METRICS, &[&number, &now.micros(), &names, &counts]).await?;
        }
    }
    let rows = connection.query(&TOTAL_WINDOW, &[&number]).await?;
    let totals = rows.first().map(|row| WindowTotals {
        window,
        users: row.get::<_, i64>("users") as u64,
        events: row.get::<_, i64>("events") as u64,
    });
    Ok(totals.filter(|totals| totals.events > 0))
}

async fn users_of(connection: &mut Connection, window: i32) -> Result<BTreeMap<String, u64>, DatabaseError> {
    let mut users = BTreeMap::new();
    let mut last = String::new();
    loop {
        let rows = connection.query(&USERS_OF_WINDOW, &[&window, &last, &(ROWS_AT_A_TIME as i64)]).await?;
        let is_last = rows.len() < ROWS_AT_A_TIME;
        for row in rows {
            last = row.get("user_id");
            users.insert(last.clone(), row.get::<_, i64>("events") as u64);
        }
        if is_last {
            return Ok(users);
        }
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
