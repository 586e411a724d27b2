//! What is kept of people beside their events: in a file of its own, which may be missing, damaged, full or copied.

mod backup;
mod failing;
mod opening;
mod retention;
mod traces;

use std::path::Path;

use footfall_conformance::Draft;
use footfall_domain::membership::{Membership, second_of};
use footfall_domain::time::{HOUR_US, Timestamp};
use footfall_domain::windows::{Due, MetricFilter, UserMetric};
use footfall_embedded::EmbeddedStore;
use footfall_ports::{Segments, UserMetrics};
use rusqlite::Connection;

use crate::support::events::{after, spread};

const FILE: &str = "people.db";
const WINDOW_US: i64 = 4 * HOUR_US;

/// The database of people as another program sees it.
fn database(folder: &Path) -> Connection {
    let connection = Connection::open(folder.join(FILE)).unwrap();
    connection.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    connection
}

fn membership(user: &str, segment: &str, lasts_s: i64) -> Membership {
    let expires_at_s = second_of(after(0)) + lasts_s;
    Membership { user: user.into(), segment: segment.into(), expires_at_s }
}

/// An event of a user, so many windows after the first one.
fn in_window(number: u128, user: &str, window: i64) -> Draft {
    let at = after(0).floor_to(WINDOW_US).plus_micros(window * WINDOW_US + number as i64 % WINDOW_US);
    Draft { id: footfall_conformance::id(spread(number)), ..Draft::plain(0, at, user, "click") }
}

/// When so many windows are over.
fn over(windows: i64) -> Timestamp {
    after(0).floor_to(WINDOW_US).plus_micros(windows * WINDOW_US)
}

async fn calculate(store: &EmbeddedStore, windows: i64) -> usize {
    store.calculate_metrics(Due::Latest, over(windows)).await.unwrap().len()
}

async fn rows(store: &EmbeddedStore) -> Vec<UserMetric> {
    store.user_metrics(MetricFilter::default(), None, 100_000).await.unwrap()
}

async fn counts(store: &EmbeddedStore) -> Vec<(String, u64)> {
    store.segment_counts(after(0)).await.unwrap().counts
}
