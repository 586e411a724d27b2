//! Many at once. What these find depends on luck, so each does its work in many rounds.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use footfall_domain::answers::{EventFilter, Metric, Order, SeriesFilter, Slice};
use footfall_domain::time::{DAY_US, HOUR_US, MINUTE_US, SECOND_US, TimeRange, Timestamp};
use footfall_ports::Outcome::{Duplicate, Stored};
use tokio::task::JoinSet;

use crate::trial::position_of;
use crate::{Backend, Draft, Trial, batch_of, instant, range};

fn noon() -> Timestamp {
    instant("2025-05-26T12:00")
}

fn after(micros: i64) -> Timestamp {
    noon().plus_micros(micros)
}

/// Eight tasks send the same events, each in another order: one is told of each that it stored it, and once any of them
/// has its answer, all of the events are there.
pub async fn one_of_many_stores_an_event(mut trial: Trial) {
    for round in 0..12_u128 {
        let start = after(round as i64 * HOUR_US);
        let drafts: Arc<Vec<Draft>> = Arc::new(
            (0..400_u128)
                .map(|step| {
                    Draft::view(
                        round << 32 | step,
                        start.plus_micros(step as i64),
                        &format!("user-{step}"),
                        "/",
                    )
                })
                .collect(),
        );
        let stored: Arc<Vec<AtomicU64>> = Arc::new(drafts.iter().map(|_| AtomicU64::new(0)).collect());
        let mut tasks = JoinSet::new();
        for task in 0..8 {
            let (backend, drafts, stored) =
                (trial.backend().clone(), Arc::clone(&drafts), Arc::clone(&stored));
            tasks.spawn(async move {
                let mut order: Vec<usize> = (0..drafts.len()).collect();
                order.rotate_left(task * 50);
                if task % 2 == 1 {
                    order.reverse();
                }
                for part in order.chunks(if task < 4 { 400 } else { 100 }) {
                    let batch: Vec<Draft> = part.iter().map(|place| drafts[*place].clone()).collect();
                    let outcomes = backend.log.append(batch_of(&batch)).await.expect("there is room");
                    for (place, outcome) in part.iter().zip(outcomes) {
                        stored[*place].fetch_add(u64::from(outcome == Stored), Ordering::Relaxed);
                    }
                }
                let hour = range(start, start.plus_micros(HOUR_US));
                let counts = backend.analytics.page("/".into(), hour).await.expect("an answer");
                assert_eq!(
                    (counts.distinct_visitors, counts.page_views),
                    (400, 400),
                    "round {round}, task {task}"
                );
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.expect("the task did not panic");
        }
        assert!(stored.iter().all(|count| count.load(Ordering::Relaxed) == 1));
        trial.note(&drafts);
    }
    assert_eq!(trial.page("/", TimeRange::ALL).await, (400, 12 * 400));
}

/// Who is told that an event is a duplicate finds it stored and counted, though the batch that it came in first may still
/// be on its way.
pub async fn a_duplicate_is_visible_already(mut trial: Trial) {
    for round in 0..12_u128 {
        let start = after(round as i64 * HOUR_US);
        let drafts: Arc<Vec<Draft>> = Arc::new(
            (0..6_000_u128)
                .map(|step| Draft::view(round << 32 | step, start.plus_micros(step as i64), "ann", "/"))
                .collect(),
        );
        let whole = batch_of(&drafts);
        let log = Arc::clone(&trial.backend().log);
        let writer = tokio::spawn(async move { log.append(whole).await.expect("there is room") });
        let mut probes = JoinSet::new();
        for number in 0..3_usize {
            let (backend, drafts) = (trial.backend().clone(), Arc::clone(&drafts));
            // Half of the time they only look until the batch has begun to be stored, and so never store a thing.
            let patient = round % 2 == 0;
            probes.spawn(async move {
                for step in 0..60 {
                    probe(&backend, &drafts[(step * 61 + number * 7) % drafts.len()], patient).await;
                }
            });
        }
        while let Some(done) = probes.join_next().await {
            done.expect("the task did not panic");
        }
        writer.await.expect("the task did not panic");
        trial.note(&drafts);
        assert_eq!(trial.page("/", range(start, start.plus_micros(HOUR_US))).await, (1, 6_000));
    }
}

/// Sends an event that someone else sends too, where `patient` only once it is there, and looks whether it is counted.
async fn probe(backend: &Backend, draft: &Draft, patient: bool) {
    while patient && backend.log.event(draft.id).await.expect("an answer").is_none() {
        tokio::task::yield_now().await;
    }
    let outcomes = backend.log.append(batch_of(std::slice::from_ref(draft))).await.expect("there is room");
    let moment = range(draft.at, draft.at.plus_micros(1));
    let counts = backend.analytics.page("/".into(), moment).await.expect("an answer");
    assert_eq!(counts.page_views, 1, "{:?} was told of an event that is not counted", outcomes[0]);
    assert!(!patient || outcomes == [Duplicate]);
    let there = backend.log.event(draft.id).await.expect("an answer");
    assert!(there.is_some_and(|event| Draft::of(event.get()) == *draft));
}

/// Single events from many tasks, each seen by its own sender at once.
pub async fn each_task_sees_what_it_stored(mut trial: Trial) {
    let mut tasks = JoinSet::new();
    for task in 0..8_u128 {
        let backend = trial.backend().clone();
        tasks.spawn(async move {
            let mut drafts = Vec::new();
            for step in 0..80_u128 {
                let draft =
                    Draft::plain(task << 32 | step, after(step as i64), &format!("user-{task}"), "click");
                let outcomes =
                    backend.log.append(batch_of(std::slice::from_ref(&draft))).await.expect("there is room");
                assert_eq!(outcomes, [Stored]);
                drafts.push(draft);
                let filter = EventFilter { user: Some(format!("user-{task}")), ..EventFilter::default() };
                let slice = Slice { order: Order::Descending, after: None, limit: 1_000 };
                let listed = backend.log.events(filter, slice).await.expect("an answer");
                assert_eq!(listed.len(), drafts.len(), "task {task}");
            }
            drafts
        });
    }
    while let Some(drafts) = tasks.join_next().await {
        trial.note(&drafts.expect("the task did not panic"));
    }
    trial.agrees_between(&[after(-1), after(10), after(DAY_US)]).await;
}

/// Eight tasks append, with overlaps, while others read: no figure ever falls, and in the end all are exact.
pub async fn figures_only_grow_and_end_exact(mut trial: Trial) {
    let writing = Arc::new(AtomicBool::new(true));
    let mut readers = JoinSet::new();
    for _ in 0..2 {
        let (backend, writing) = (trial.backend().clone(), Arc::clone(&writing));
        readers.spawn(async move {
            let (mut last, mut reads) = ((0, 0, 0), 0_u64);
            let week = range(after(-DAY_US), after(6 * DAY_US));
            while writing.load(Ordering::Relaxed) || reads == 0 {
                let summary = backend.analytics.summary(week).await.expect("an answer");
                assert_eq!(summary.events_per_hour.iter().sum::<u64>(), summary.total_events);
                assert_eq!(summary.events_by_type.values().sum::<u64>(), summary.total_events);
                let page = backend.analytics.page("/3".into(), week).await.expect("an answer");
                let now = (summary.total_events, summary.unique_users, page.page_views);
                assert!(now.0 >= last.0 && now.1 >= last.1 && now.2 >= last.2, "{now:?} after {last:?}");
                let by_series = backend
                    .analytics
                    .series(Metric::Events, SeriesFilter::default(), vec![week])
                    .await
                    .expect("an answer");
                assert!(by_series[0] >= now.0);
                (last, reads) = (now, reads + 1);
                tokio::task::yield_now().await;
            }
        });
    }
    let mut writers = JoinSet::new();
    for task in 0..8_u128 {
        let log = Arc::clone(&trial.backend().log);
        writers.spawn(async move {
            let mut all = Vec::new();
            for batch in 0..15_u128 {
                let drafts: Vec<Draft> = (0..60_u128)
                    .map(|step| {
                        // Half of the identities are shared with the neighbouring task; what they hold is the same.
                        let number = (task + step % 2) * 10_000 + batch * 100 + step / 2 * 2;
                        let at = after((number as i64 * 37 % 5_000) * MINUTE_US);
                        Draft::view(number, at, &format!("user-{}", number % 97), &format!("/{}", number % 7))
                    })
                    .collect();
                log.append(batch_of(&drafts)).await.expect("there is room");
                all.extend(drafts);
                tokio::task::yield_now().await;
            }
            all
        });
    }
    while let Some(drafts) = writers.join_next().await {
        trial.note(&drafts.expect("the task did not panic"));
    }
    writing.store(false, Ordering::Relaxed);
    while let Some(done) = readers.join_next().await {
        done.expect("the task did not panic");
    }
    trial.agrees_between(&[after(-DAY_US), after(HOUR_US + 7), after(DAY_US), after(6 * DAY_US)]).await;
}

/// While a task appends everywhere in time, walks find each event that was there before them exactly once, in order.
pub async fn walks_hold_while_others_append(mut trial: Trial) {
    let first: Vec<Draft> = (0..300_u128)
        .map(|number| Draft::view(number << 64, after((number as i64 * 71 % 300) * SECOND_US), "ann", "/"))
        .collect();
    trial.append(&first).await;
    let walking = Arc::new(AtomicBool::new(true));
    let (log, flag) = (Arc::clone(&trial.backend().log), Arc::clone(&walking));
    let writer = tokio::spawn(async move {
        let mut all = Vec::new();
        for number in 0..3_000_u128 {
            if !flag.load(Ordering::Relaxed) {
                break;
            }
            let draft =
                Draft::view(number << 64 | 1, after((number as i64 * 37 % 330 - 15) * SECOND_US), "bob", "/");
            assert_eq!(
                log.append(batch_of(std::slice::from_ref(&draft))).await.expect("there is room"),
                [Stored]
            );
            all.push(draft);
            tokio::task::yield_now().await;
        }
        all
    });
    for order in [Order::Ascending, Order::Descending, Order::Ascending] {
        let (mut seen, mut last) = (BTreeSet::new(), None);
        loop {
            let slice = Slice { order, after: last, limit: 17 };
            let events = trial.backend().log.events(EventFilter::default(), slice).await.expect("an answer");
            let Some(end) = events.last() else { break };
            last = Some(position_of(&Draft::of(end.get())));
            for event in &events {
                assert!(seen.insert(position_of(&Draft::of(event.get()))), "{event:?} came twice");
            }
        }
        assert!(first.iter().all(|event| seen.contains(&position_of(event))), "an event was left out");
    }
    walking.store(false, Ordering::Relaxed);
    trial.note(&writer.await.expect("the task did not panic"));
    trial.walk(&EventFilter::default(), Order::Ascending, 500).await;
}

/// Two contents under one identity from two tasks at once: one of them is stored, whole, and counted.
pub async fn one_content_wins_a_race(mut trial: Trial) {
    for round in 0..100_u128 {
        let drafts = [
            Draft::view(round, after(1), "ann", "/ann"),
            Draft::view(round, after(2 * HOUR_US), "bob", "/bob").with_properties(r#"{"page":"/bob","b":1}"#),
        ];
        let mut tasks = JoinSet::new();
        for draft in drafts.clone() {
            let log = Arc::clone(&trial.backend().log);
            tasks.spawn(async move {
                let outcomes =
                    log.append(batch_of(std::slice::from_ref(&draft))).await.expect("there is room");
                (outcomes[0], draft)
            });
        }
        let told = tasks.join_all().await;
        let [(one, first), (other, second)] = <[_; 2]>::try_from(told).expect("two tasks");
        let winner = match (one, other) {
            (Stored, Duplicate) => first,
            (Duplicate, Stored) => second,
            both => panic!("{both:?} in round {round}"),
        };
        trial.note(std::slice::from_ref(&winner));
        assert_eq!(trial.event(winner.id).await, Some(winner));
    }
    trial.agrees_between(&[after(0), after(HOUR_US), after(DAY_US)]).await;
}
