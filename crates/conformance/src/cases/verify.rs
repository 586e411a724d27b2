//! The figures compared with the log: where nothing is wrong, nothing is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use footfall_domain::time::{DAY_US, HOUR_US, MINUTE_US, TimeRange, Timestamp};
use footfall_ports::StoreError;
use tokio::task::JoinSet;

use crate::{Draft, Trial, batch_of, instant};

fn after(micros: i64) -> Timestamp {
    instant("2025-05-26T12:00").plus_micros(micros)
}

/// Events of all kinds over months, in no order.
fn mixed(count: u128) -> Vec<Draft> {
    let draft = |number: u128| {
        let at = after((number as i64 * 7_919 % 5_003) * 31 * MINUTE_US);
        let user = format!("user-{}", number % 83);
        match number % 5 {
            0 => Draft::plain(number, at, &user, "click"),
            1 => Draft::mail(number, at, "delivered", &format!("d{}.example", number % 11)),
            _ => Draft::view(number, at, &user, &format!("/{}", number % 29)),
        }
    };
    (0..count).map(draft).collect()
}

/// Of an empty store, after events in any order and grouping, duplicates, and erasures.
pub async fn figures_are_what_the_log_says(mut trial: Trial) {
    trial.verify().await;
    let drafts = mixed(3_000);
    for (place, part) in drafts.chunks(377).enumerate() {
        trial.append(part).await;
        trial.append(&part[..part.len() / 2]).await;
        trial.verify().await;
        trial.erase(&format!("user-{place}")).await;
        trial.verify().await;
    }
}

/// Beside appends both sides are of one moment.
pub async fn beside_appends(mut trial: Trial) {
    let writing = Arc::new(AtomicBool::new(true));
    let writers: Vec<_> = (0..3)
        .map(|task| {
            let (log, flag) = (Arc::clone(&trial.backend().log), Arc::clone(&writing));
            tokio::spawn(async move {
                let drafts: Vec<Draft> = mixed(30_000).into_iter().skip(task).step_by(3).collect();
                let mut sent = 0;
                for part in drafts.chunks(5) {
                    if !flag.load(Ordering::Relaxed) {
                        break;
                    }
                    log.append(batch_of(part)).await.expect("there is room");
                    sent += part.len();
                    tokio::task::yield_now().await;
                }
                drafts[..sent].to_vec()
            })
        })
        .collect();
    for _ in 0..20 {
        trial.verify().await;
    }
    writing.store(false, Ordering::Relaxed);
    for writer in writers {
        trial.note(&writer.await.expect("the task did not panic"));
    }
    trial.agrees_between(&[after(0), after(HOUR_US + 1), after(30 * DAY_US), after(120 * DAY_US)]).await;
    trial.verify().await;
}

/// Of several at once one does the work, and the others are told to come back; nothing breaks.
pub async fn one_at_a_time(mut trial: Trial) {
    trial.append(&mixed(5_000)).await;
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let analytics = Arc::clone(&trial.backend().analytics);
        tasks.spawn(async move { analytics.verify().await });
    }
    let told = tasks.join_all().await;
    for told in &told {
        match told {
            Ok(differences) => assert!(differences.is_empty(), "{differences:?}"),
            Err(StoreError::Unavailable { retry_after, .. }) => assert!(!retry_after.is_zero()),
            Err(other) => panic!("{other}"),
        }
    }
    assert!(told.iter().any(Result::is_ok));
    trial.verify().await;
    trial.page("/2", TimeRange::ALL).await;
}
