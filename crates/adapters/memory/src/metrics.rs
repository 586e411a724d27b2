//! Users' activity by window, as it was computed last.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{MutexGuard, PoisonError};

use footfall_domain::time::Timestamp;
use footfall_domain::windows::{Due, MetricFilter, UserMetric, Window, WindowTotals};
use footfall_ports::{MetricPosition, StoreError};

use crate::store::{Inner, full};

/// What a row takes beyond the user's name, with its part of the tree's nodes.
const ROW_BYTES: usize = size_of::<(Box<str>, Counted)>() + 32;

/// The windows that were computed.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    windows: BTreeMap<Window, Computed>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Computed {
    events: u64,
    users: BTreeMap<Box<str>, Counted>,
}

#[derive(Clone, Copy, Debug)]
struct Counted {
    events: u64,
    created_at: Timestamp,
}

impl Metrics {
    fn events(&self, window: Window) -> u64 {
        self.windows.get(&window).map_or(0, |computed| computed.events)
    }

    fn totals(&self, window: Window) -> Option<WindowTotals> {
        let computed = self.windows.get(&window)?;
        Some(WindowTotals { window, users: computed.users.len() as u64, events: computed.events })
    }

    fn put(&mut self, window: Window, users: Vec<(String, u64)>, now: Timestamp) {
        let computed = self.windows.entry(window).or_default();
        for (user, events) in users {
            let counted = computed.users.entry(user.into_boxed_str());
            if let std::collections::btree_map::Entry::Vacant(vacant) = &counted {
                self.bytes += ROW_BYTES + vacant.key().len();
            }
            let counted = counted.or_insert(Counted { events: 0, created_at: now });
            computed.events += events - counted.events;
            counted.events = events;
        }
    }

    fn forget_user(&mut self, user: &str) {
        let bytes = &mut self.bytes;
        self.windows.retain(|_, computed| {
            if let Some(counted) = computed.users.remove(user) {
                computed.events -= counted.events;
                *bytes -= ROW_BYTES + user.len();
            }
            !computed.users.is_empty()
        });
    }

    /// Forgets windows that were over by then.
    fn forget_before(&mut self, oldest: Timestamp) {
        let kept = self.windows.split_off(&Window::of(oldest));
        for computed in std::mem::replace(&mut self.windows, kept).values() {
            self.bytes -= computed.users.keys().map(|user| ROW_BYTES + user.len()).sum::<usize>();
        }
    }

    fn list(&self, filter: &MetricFilter, after: Option<MetricPosition>, limit: usize) -> Vec<UserMetric> {
        let (first, past) = filter.windows();
        let (from, after_user) = match after {
            Some((window, user)) if window.number() >= first => (window.number(), Some((window, user))),
            _ => (first, None),
        };
        let windows = self.windows.iter().skip_while(|(window, _)| window.number() < from);
        let rows = windows.take_while(|(window, _)| window.number() < past).flat_map(|(window, computed)| {
            let after = after_user.as_ref().filter(|(of, _)| of == window).map(|(_, user)| &**user);
            let after = after.map_or(Bound::Unbounded, Bound::Excluded);
            let users = computed.users.range::<str, _>((after, Bound::Unbounded));
            let one = filter.user.as_deref().map(|user| {
                computed.users.get_key_value(user).filter(|(name, _)| match after {
                    Bound::Excluded(after) => &***name > after,
                    _ => true,
                })
            });
            let all = one.is_none().then_some(users).into_iter().flatten();
            let row = |user: &str, counted: &Counted| UserMetric {
                user: user.to_owned(),
                window: *window,
                events: counted.events,
                created_at: counted.created_at,
            };
            one.flatten().into_iter().chain(all).map(move |(user, counted)| row(user, counted))
        });
        rows.take(limit).collect()
    }
}

impl Inner {
    pub(crate) fn calculate_metrics(
        &self,
        due: Due,
        now: Timestamp,
    ) -> Result<Vec<WindowTotals>, StoreError> {
        // Held throughout: who is erased meanwhile is taken out afterwards.
        let mut metrics = self.metrics();
        let (held, oldest) = {
            let models = self.settled();
            (models.windows(due.span(now)), models.oldest())
        };
        let mut told = Vec::new();
        for (window, events) in held {
            let known = metrics.events(window);
            // One that retention has begun to drop stays as it was.
            let is_new = events > known && (known == 0 || window.start() >= oldest);
            if is_new {
                let users = self.settled().users_in(window);
                let most = users.iter().map(|(user, _)| ROW_BYTES + user.len()).sum();
                if !self.budget.reserve(most) {
                    return Err(full());
                }
                let before = metrics.bytes;
                metrics.put(window, users, now);
                self.budget.release(most);
                self.budget.replace(before, metrics.bytes);
            }
            if is_new || due.tells_unchanged(window, now) {
                told.extend(metrics.totals(window));
            }
        }
        Ok(told)
    }

    pub(crate) fn user_metrics(
        &self,
        filter: &MetricFilter,
        after: Option<MetricPosition>,
        limit: usize,
    ) -> Vec<UserMetric> {
        self.metrics().list(filter, after, limit)
    }

    /// After the read models have forgotten the user: what is computed next doesn't know them.
    pub(crate) fn forget_metrics_of(&self, user: &str) {
        self.change_metrics(|metrics| metrics.forget_user(user));
    }

    pub(crate) fn forget_metrics_before(&self, oldest: Timestamp) {
        self.change_metrics(|metrics| metrics.forget_before(oldest));
    }

    fn change_metrics(&self, change: impl FnOnce(&mut Metrics)) {
        let mut metrics = self.metrics();
        let before = metrics.bytes;
        change(&mut metrics);
        self.budget.replace(before, metrics.bytes);
    }

    fn metrics(&self) -> MutexGuard<'_, Metrics> {
        self.metrics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
