//! Users' activity by 4-hour window.

use footfall_domain::time::{DAY_US, HOUR_US, TimeRange, Timestamp};
use footfall_domain::windows::{Due, MetricFilter, Window};

use crate::{Draft, Trial, batch_of, instant, range, user_names};

const WINDOW_US: i64 = 4 * HOUR_US;

/// A time at which a window begins.
fn start() -> Timestamp {
    instant("2025-05-26T12:00")
}

fn after(micros: i64) -> Timestamp {
    start().plus_micros(micros)
}

fn all() -> MetricFilter {
    MetricFilter::default()
}

/// Users' rows as `(hours after the start, user, events)`.
async fn rows(trial: &Trial, filter: MetricFilter) -> Vec<(i64, String, u64)> {
    let rows = trial.user_metrics(filter, None, 1_000).await;
    let hours = |window: Window| (window.start().micros() - start().micros()) / HOUR_US;
    rows.into_iter().map(|row| (hours(row.window), row.user, row.events)).collect()
}

fn row(hours: i64, user: &str, events: u64) -> (i64, String, u64) {
    (hours, user.to_owned(), events)
}

/// Only windows that are over, only users who did something, each event in exactly one window; nobody's events in none.
pub async fn completed_windows_have_rows(mut trial: Trial) {
    trial
        .append(&[
            Draft::view(1, after(0), "ann", "/"),
            Draft::plain(2, after(WINDOW_US - 1), "ann", "click"),
            Draft::plain(3, after(WINDOW_US), "ann", "click"),
            Draft::plain(4, after(HOUR_US), "bob", "signup"),
            Draft::mail(5, after(HOUR_US), "delivered", "example.com"),
            Draft::plain(6, after(2 * WINDOW_US), "cid", "click"),
            Draft::plain(7, after(-1), "dan", "click"),
        ])
        .await;
    assert!(rows(&trial, all()).await.is_empty());
    let told = trial.calculate(Due::Latest, after(2 * WINDOW_US + 1)).await;
    let told: Vec<(u64, u64)> = told.iter().map(|totals| (totals.users, totals.events)).collect();
    assert_eq!(told, [(1, 1), (2, 3), (1, 1)]);
    let expected = [row(-4, "dan", 1), row(0, "ann", 2), row(0, "bob", 1), row(4, "ann", 1)];
    assert_eq!(rows(&trial, all()).await, expected);
    let created = trial.user_metrics(all(), None, 1).await[0].created_at;
    assert_eq!(created, after(2 * WINDOW_US + 1));
}

/// The rows, their times included; the last window is told of each time.
pub async fn calculating_again_changes_nothing(mut trial: Trial) {
    let drafts: Vec<Draft> = (0..100)
        .map(|number| {
            Draft::plain(number, after(number as i64 * HOUR_US / 4), &format!("u{}", number % 9), "click")
        })
        .collect();
    trial.append(&drafts).await;
    assert_eq!(trial.calculate(Due::Latest, after(5 * WINDOW_US)).await.len(), 5);
    let before = trial.user_metrics(all(), None, 1_000).await;
    for minutes in 1..4 {
        let told = trial.calculate(Due::Latest, after(5 * WINDOW_US + minutes * HOUR_US / 60)).await;
        assert_eq!(told.len(), 1);
    }
    assert_eq!(trial.user_metrics(all(), None, 1_000).await, before);
    // Later, without anything new: the last window is another one, and has events.
    assert_eq!(trial.calculate(Due::Latest, after(6 * WINDOW_US)).await.len(), 1);
    assert_eq!(trial.calculate(Due::Latest, after(40 * WINDOW_US)).await.len(), 1);
    assert_eq!(trial.calculate(Due::Latest, after(40 * WINDOW_US)).await.len(), 0);
}

/// Windows to which events came late are computed again, and only those; rows that were there keep their time.
pub async fn late_events_are_computed(mut trial: Trial) {
    trial
        .append(&[
            Draft::plain(1, after(0), "ann", "click"),
            Draft::plain(2, after(0), "bob", "click"),
            Draft::plain(3, after(WINDOW_US), "ann", "click"),
        ])
        .await;
    trial.calculate(Due::Latest, after(2 * WINDOW_US)).await;
    trial
        .append(&[
            Draft::plain(4, after(5), "ann", "click"),
            Draft::plain(5, after(6), "cid", "click"),
            Draft::plain(6, after(-20 * DAY_US), "dan", "click"),
        ])
        .await;
    let told = trial.calculate(Due::Latest, after(3 * WINDOW_US)).await;
    assert_eq!(told.iter().map(|totals| totals.events).collect::<Vec<_>>(), [1, 4]);
    let of_window = MetricFilter { user: None, range: range(after(0), after(1)) };
    let rows = trial.user_metrics(of_window, None, 10).await;
    let rows: Vec<_> = rows.iter().map(|row| (&*row.user, row.events, row.created_at)).collect();
    let (first, second) = (after(2 * WINDOW_US), after(3 * WINDOW_US));
    assert_eq!(rows, [("ann", 2, first), ("bob", 1, first), ("cid", 1, second)]);
}

/// The completed windows wholly inside, and no others.
pub async fn a_range_computes_its_whole_windows(mut trial: Trial) {
    let drafts: Vec<Draft> =
        (0..6).map(|number| Draft::plain(number, after(number as i64 * WINDOW_US), "ann", "click")).collect();
    trial.append(&drafts).await;
    let now = after(5 * WINDOW_US + 1);
    let within = Due::Within(range(after(1), after(3 * WINDOW_US)));
    assert_eq!(trial.calculate(within, now).await.len(), 2);
    assert_eq!(trial.calculate(within, now).await.len(), 2);
    assert_eq!(rows(&trial, all()).await, [row(4, "ann", 1), row(8, "ann", 1)]);
    assert!(trial.calculate(Due::Within(range(after(1), after(WINDOW_US))), now).await.is_empty());
    assert_eq!(trial.calculate(Due::Within(TimeRange::ALL), now).await.len(), 5);
    assert_eq!(rows(&trial, all()).await.len(), 5);
    assert!(trial.calculate(Due::Within(range(after(-DAY_US), after(0))), now).await.is_empty());
}

/// By user, by the start of the window, and on from any place with any limit.
pub async fn rows_are_listed_by_filter_and_place(mut trial: Trial) {
    let users = user_names(7);
    let drafts: Vec<Draft> = (0..140)
        .map(|number: u128| {
            let at = after((number as i64 % 5) * WINDOW_US + number as i64);
            Draft::plain(number, at, &users[number as usize % 7], "click")
        })
        .collect();
    trial.append(&drafts).await;
    trial.calculate(Due::Latest, after(5 * WINDOW_US)).await;
    assert_eq!(trial.user_metrics(all(), None, 1_000).await.len(), 35);
    for limit in [1, 2, 6, 7, 8, 34, 35, 36] {
        for user in [None, Some("user-3".to_owned()), Some("nobody".to_owned())] {
            for span in
                [TimeRange::ALL, range(after(0), after(WINDOW_US)), range(after(1), after(3 * WINDOW_US))]
            {
                let filter = MetricFilter { user: user.clone(), range: span };
                let mut after = None;
                loop {
                    let rows = trial.user_metrics(filter.clone(), after.take(), limit).await;
                    let Some(last) = rows.last() else { break };
                    after = Some((last.window, last.user.clone()));
                }
            }
        }
    }
}

/// Calculations at the same moment leave what one leaves.
pub async fn many_at_once_leave_the_same_rows(mut trial: Trial) {
    let drafts: Vec<Draft> = (0..2_000)
        .map(|number: u128| {
            let at = after(number as i64 * HOUR_US / 50);
            Draft::plain(number, at, &format!("user-{}", number * 7_919 % 211), "click")
        })
        .collect();
    trial.append(&drafts).await;
    let now = after(11 * WINDOW_US);
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let metrics = trial.backend().metrics.clone();
            let due = if task % 2 == 0 { Due::Latest } else { Due::Within(TimeRange::ALL) };
            tokio::spawn(async move { metrics.calculate_metrics(due, now).await.map(drop) })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    // The reference computes for the first time here; the store has nothing left to do, and tells of what is there.
    trial.calculate(Due::Within(TimeRange::ALL), now).await;
    trial.user_metrics(all(), None, 10_000).await;
}

/// Whatever is appended meanwhile is computed the next time at the latest, and nothing twice.
pub async fn calculating_beside_appends(trial: Trial) {
    const TASKS: u128 = 4;
    const EACH: u128 = 50;
    let now = after(3 * WINDOW_US);
    let appending: Vec<_> = (0..TASKS)
        .map(|task| {
            let log = trial.backend().log.clone();
            tokio::spawn(async move {
                for number in task * EACH..(task + 1) * EACH {
                    let draft = Draft::plain(number, after(number as i64 % 3 * WINDOW_US), "ann", "click");
                    log.append(batch_of(&[draft])).await.unwrap();
                }
            })
        })
        .collect();
    let metrics = trial.backend().metrics.clone();
    while appending.iter().any(|task| !task.is_finished()) {
        metrics.calculate_metrics(Due::Latest, now).await.unwrap();
        tokio::task::yield_now().await;
    }
    for task in appending {
        task.await.unwrap();
    }
    metrics.calculate_metrics(Due::Latest, now).await.unwrap();
    let rows = metrics.user_metrics(all(), None, 10).await.unwrap();
    let rows: Vec<u64> = rows.iter().map(|row| row.events).collect();
    assert_eq!(rows, [67, 67, 66]);
}

/// Neither in what was computed nor in what is computed afterwards, and what is left is not touched.
pub async fn the_erased_have_no_rows(mut trial: Trial) {
    let draft = |number: u128| {
        let user = if number.is_multiple_of(3) { "ann" } else { "bob" };
        Draft::plain(number, after(number as i64 * HOUR_US), user, "click")
    };
    trial.append(&(0..30).map(draft).collect::<Vec<_>>()).await;
    trial.append(&[Draft::plain(99, after(-DAY_US), "ann", "click")]).await;
    let now = after(9 * WINDOW_US);
    trial.calculate(Due::Latest, now).await;
    trial.erase("ann").await;
    let rows = trial.user_metrics(all(), None, 1_000).await;
    assert!(!rows.is_empty() && rows.iter().all(|row| row.user == "bob"));
    trial.calculate(Due::Within(TimeRange::ALL), now).await;
    trial
        .append(&[Draft::plain(100, after(1), "ann", "click"), Draft::plain(101, after(2), "bob", "click")])
        .await;
    assert_eq!(trial.calculate(Due::Latest, now).await.iter().map(|totals| totals.events).sum::<u64>(), 4);
    trial.user_metrics(all(), None, 1_000).await;
    let mut trial = trial.restart().await;
    trial.calculate(Due::Within(TimeRange::ALL), now).await;
    trial.user_metrics(all(), None, 1_000).await;
}

/// With their times, and what is late afterwards is found.
pub async fn rows_stay_through_a_restart(mut trial: Trial) {
    let draft = |number: u128| {
        Draft::plain(number, after(number as i64 * HOUR_US / 3), &format!("user-{}", number % 5), "click")
    };
    trial.append(&(0..60).map(draft).collect::<Vec<_>>()).await;
    trial.calculate(Due::Latest, after(3 * WINDOW_US)).await;
    let rows = trial.user_metrics(all(), None, 1_000).await;
    let mut trial = trial.restart().await;
    assert_eq!(trial.user_metrics(all(), None, 1_000).await, rows);
    trial.append(&[Draft::plain(100, after(0), "late", "click")]).await;
    trial.calculate(Due::Latest, after(4 * WINDOW_US)).await;
    let trial = trial.restart().await;
    trial.user_metrics(all(), None, 1_000).await;
}

/// Capital letters before small ones, and what is not ASCII last, on every store.
pub async fn names_are_ordered_by_their_bytes(mut trial: Trial) {
    let names = ["b", "a", "B", "é", "Ä", "_", "10", "9", "ab", "a b", "😀", "ﬀ", "a'b", "a%"];
    let drafts: Vec<Draft> =
        names.iter().zip(0..).map(|(name, number)| Draft::plain(number, after(5), name, "click")).collect();
    trial.append(&drafts).await;
    trial.calculate(Due::Latest, after(WINDOW_US)).await;
    let mut after = None;
    loop {
        let rows = trial.user_metrics(all(), after.take(), 3).await;
        let Some(last) = rows.last() else { break };
        after = Some((last.window, last.user.clone()));
    }
    for name in names {
        let filter = MetricFilter { user: Some(name.into()), ..all() };
        assert_eq!(trial.user_metrics(filter, None, 3).await.len(), 1);
        trial.erase(name).await;
        trial.user_metrics(all(), None, 100).await;
    }
}
