//! The naive reference's part for users: rows by window, and memberships, each a plain list.

use std::collections::BTreeMap;

use footfall_domain::membership::{Joined, Membership};
use footfall_domain::time::Timestamp;
use footfall_domain::windows::{Due, MetricFilter, UserMetric, Window, WindowTotals};
use footfall_ports::MetricPosition;

use crate::Draft;

const WINDOW_MICROS: i64 = 4 * 3_600_000_000;

/// Rows as they were computed last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metrics(BTreeMap<(Window, String), (u64, Timestamp)>);

impl Metrics {
    pub(crate) fn calculate(&mut self, events: &[Draft], due: Due, now: Timestamp) -> Vec<WindowTotals> {
        let mut windows: BTreeMap<Window, BTreeMap<String, u64>> = BTreeMap::new();
        for event in events {
            let Some(user) = &event.user else { continue };
            let start = event.at.micros().div_euclid(WINDOW_MICROS) * WINDOW_MICROS;
            let inside = match due {
                Due::Latest => true,
                Due::Within(range) => {
                    range.from().micros() <= start && start + WINDOW_MICROS <= range.to().micros()
                }
            };
            if inside && start + WINDOW_MICROS <= now.micros() {
                *windows.entry(Window::of(event.at)).or_default().entry(user.clone()).or_default() += 1;
            }
        }
        let mut told = Vec::new();
        for (window, users) in windows {
            let mut is_new = false;
            for (user, events) in &users {
                let row = self.0.entry((window, user.clone())).or_insert_with(|| {
                    is_new = true;
                    (*events, now)
                });
                is_new |= row.0 != *events;
                row.0 = *events;
            }
            let is_last = now.micros() - window.start().micros() < 2 * WINDOW_MICROS;
            if is_new || is_last || matches!(due, Due::Within(_)) {
                told.push(WindowTotals { window, users: users.len() as u64, events: users.values().sum() });
            }
        }
        told
    }

    pub(crate) fn list(
        &self,
        filter: &MetricFilter,
        after: Option<&MetricPosition>,
        limit: usize,
    ) -> Vec<UserMetric> {
        let wanted = |(place, _): &(&(Window, String), &(u64, Timestamp))| {
            let start = place.0.start();
            filter.user.as_ref().is_none_or(|user| place.1 == *user)
                && filter.range.from() <= start
                && start < filter.range.to()
                && after.is_none_or(|after| *place > after)
        };
        let row = |(place, counted): (&(Window, String), &(u64, Timestamp))| UserMetric {
            user: place.1.clone(),
            window: place.0,
            events: counted.0,
            created_at: counted.1,
        };
        self.0.iter().filter(wanted).take(limit).map(row).collect()
    }

    pub(crate) fn erase(&mut self, user: &str) {
        self.0.retain(|(_, other), _| other != user);
    }
}

/// Who is where until when.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memberships(BTreeMap<(String, String), i64>);

impl Memberships {
    pub(crate) fn join(&mut self, membership: &Membership) -> Joined {
        let key = (membership.segment.clone(), membership.user.clone());
        match self.0.insert(key, membership.expires_at_s) {
            None => Joined::Created,
            Some(_) => Joined::Renewed,
        }
    }

    pub(crate) fn forget_ended(&mut self, now: Timestamp) -> u64 {
        let before = self.0.len();
        self.0.retain(|_, expires_at_s| *expires_at_s >= now.micros().div_euclid(1_000_000) - 86_400);
        (before - self.0.len()) as u64
    }

    pub(crate) fn counts(&self, now: Timestamp) -> Vec<(String, u64)> {
        let mut counts: BTreeMap<&String, u64> = BTreeMap::new();
        for ((segment, _), expires_at_s) in &self.0 {
            if is_in_force(*expires_at_s, now) {
                *counts.entry(segment).or_default() += 1;
            }
        }
        let mut counts: Vec<(String, u64)> =
            counts.into_iter().map(|(segment, users)| (segment.clone(), users)).collect();
        // Stable: what is equal stays in the order of titles.
        counts.sort_by_key(|(_, users)| std::cmp::Reverse(*users));
        counts
    }

    pub(crate) fn count(&self, title: &str, now: Timestamp) -> u64 {
        let is_one = |(key, expires_at_s): &(&(String, String), &i64)| {
            key.0 == title && is_in_force(**expires_at_s, now)
        };
        self.0.iter().filter(is_one).count() as u64
    }

    pub(crate) fn erase(&mut self, user: &str) {
        self.0.retain(|(_, other), _| other != user);
    }
}

fn is_in_force(expires_at_s: i64, now: Timestamp) -> bool {
    expires_at_s > now.micros().div_euclid(1_000_000)
}
