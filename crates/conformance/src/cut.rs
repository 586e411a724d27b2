//! Users' activity at the edge of retention, for stores that are set up with one.

use footfall_domain::time::{HOUR_US, Timestamp};
use footfall_domain::windows::{Due, MetricFilter, WindowTotals};

use crate::{Backend, Draft, TestClock, batch_of, instant};

/// A window of which retention has dropped a part stays as it was computed, whoever comes late or is erased; and others are computed
/// as ever. The store keeps events for three hours by the clock; `sweep` drops what is older.
///
/// # Panics
/// When the store does otherwise.
pub async fn windows_that_are_cut_stay(backend: &Backend, clock: &TestClock, sweep: impl AsyncFn()) {
    let start = instant("2025-05-26T00:00");
    let at = |hours: i64, minutes: i64| start.plus_micros(hours * HOUR_US + minutes * 60_000_000);
    let append = async |number: u128, user: &str, at: Timestamp, count: u128| {
        let drafts: Vec<Draft> =
            (0..count).map(|place| Draft::plain(number + place, at, user, "click")).collect();
        backend.log.append(batch_of(&drafts)).await.expect("it is taken");
    };
    let calculate = async |now: Timestamp| -> Vec<(u64, u64)> {
        let told = backend.metrics.calculate_metrics(Due::Latest, now).await.expect("it is computed");
        told.iter().map(|WindowTotals { users, events, .. }| (*users, *events)).collect()
    };
    clock.set(at(2, 10));
    append(0, "ann", at(0, 30), 5).await;
    append(10, "bob", at(3, 30), 1).await;
    assert_eq!(calculate(at(4, 0)).await, [(2, 6)]);
    // Hour 0 goes, and with it what Ann did.
    clock.set(at(4, 0));
    sweep().await;
    append(20, "cid", at(3, 40), 7).await;
    append(30, "cid", at(5, 0), 2).await;
    assert_eq!(calculate(at(7, 59)).await, [(2, 6)], "the last window, as it was");
    backend.log.erase_user("cid".into()).await.expect("it is erased");
    assert_eq!(calculate(at(7, 59)).await, [(2, 6)]);
    backend.log.erase_user("ann".into()).await.expect("it is erased");
    append(40, "dan", at(3, 50), 9).await;
    append(50, "dan", at(5, 0), 2).await;
    assert_eq!(calculate(at(8, 0)).await, [(1, 2)], "the window after it is computed");
    let rows =
        backend.metrics.user_metrics(MetricFilter::default(), None, 10).await.expect("they are listed");
    let rows: Vec<(&str, u64)> = rows.iter().map(|row| (&*row.user, row.events)).collect();
    assert_eq!(rows, [("bob", 1), ("dan", 2)]);
}
