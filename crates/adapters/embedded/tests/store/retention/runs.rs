//! What dropping does to the runs on the disk: those that are mostly gone are written again, those that are gone vanish.

use footfall_conformance::Draft;
use footfall_domain::time::{DAY_US, HOUR_US};
use footfall_embedded::EmbeddedStore;

use super::{HOUR, agrees};
use crate::support::database::{number, records_between, values};
use crate::support::events::{START, after, event};
use crate::support::{TestClock, append, backend, forget_expired, open};

/// Consecutive arrivals that become one run.
const RUN: u128 = 32_768;

/// A run of whose events so many in a hundred are old.
async fn append_run(store: &EmbeddedStore, first: u128, old_in_100: u128) -> Vec<Draft> {
    let at = |number: u128| {
        let age = if number * 37 % 100 < old_in_100 { 30 * HOUR_US } else { 2 * HOUR_US };
        after(-age + number as i64 % 1_000)
    };
    let drafts: Vec<Draft> = (first..first + RUN).map(|number| event(number, at(number))).collect();
    // Of sizes that stand in blocks of their own, and that don't.
    let mut rest = &drafts[..];
    for size in [700, 13, 1, 2_000, 90].into_iter().cycle() {
        let (part, others) = rest.split_at(rest.len().min(size));
        append(store, part).await;
        rest = others;
        if rest.is_empty() {
            return drafts;
        }
    }
    unreachable!()
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_kept_written_again_or_dropped_by_what_is_left_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let clock = TestClock::at("2025-05-20T00:00");
    let store = open(folder.path(), Some(24 * HOUR), &clock).unwrap();
    let mut drafts = Vec::new();
    let shares = [0, 10, 60, 100, 40, 99];
    for (place, share) in shares.into_iter().enumerate() {
        drafts.extend(append_run(&store, place as u128 * RUN, share).await);
        store.compact().unwrap();
    }
    let held = || {
        let of_run = |place: usize| {
            let first = place as u64 * RUN as u64;
            records_between(folder.path(), first, first + RUN as u64)
        };
        (0..shares.len()).map(of_run).collect::<Vec<_>>()
    };
    assert_eq!(held(), [(RUN as usize, RUN as usize); 6]);
    assert_eq!(values(folder.path(), "checkpoints").len(), 6);
    clock.set(after(0));
    forget_expired(&store).await;
    let whole = (RUN as usize, RUN as usize);
    let rewritten = |place: usize| (RUN as usize, kept_of_run(&drafts, place));
    let expected = [whole, whole, rewritten(2), (0, 0), whole, rewritten(5)];
    assert_eq!(held(), expected);
    assert_eq!(number(folder.path(), "SELECT first FROM dropped"), 3 * RUN as i64);
    assert_eq!(number(folder.path(), "SELECT past FROM dropped"), 4 * RUN as i64);
    let sample: Vec<Draft> = drafts.iter().step_by(97).cloned().collect();
    holds(&store, &drafts, &sample).await;
    drop(store);
    let store = open(folder.path(), Some(24 * HOUR), &clock).unwrap();
    assert_eq!(held(), expected);
    holds(&store, &drafts, &sample).await;
}

fn kept_of_run(drafts: &[Draft], place: usize) -> usize {
    let run = &drafts[place * RUN as usize..][..RUN as usize];
    run.iter().filter(|draft| draft.at >= after(-24 * HOUR_US)).count()
}

/// The events that are kept are there and counted, and no other is.
async fn holds(store: &EmbeddedStore, drafts: &[Draft], sample: &[Draft]) {
    let kept: Vec<&Draft> = drafts.iter().filter(|draft| draft.at >= after(-24 * HOUR_US)).collect();
    let all = footfall_conformance::range(after(-100 * HOUR_US), after(DAY_US));
    let summary = footfall_ports::Analytics::summary(store, all).await.unwrap();
    assert_eq!(summary.total_events, kept.len() as u64);
    let clicks = kept.iter().filter(|draft| draft.event_type == "click").count();
    assert_eq!(summary.events_by_type["click"], clicks as u64);
    let differences = footfall_ports::Analytics::verify(store).await.unwrap();
    assert!(differences.is_empty(), "{differences:?}");
    for draft in sample {
        let found = footfall_ports::EventLog::event(store, draft.id).await.unwrap();
        let found = found.map(|event| Draft::of(event.get()));
        assert_eq!(found, (draft.at >= after(-24 * HOUR_US)).then(|| draft.clone()));
    }
}

/// A run shrinks time and again, until nothing is left of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_bit_by_bit() {
    let folder = tempfile::tempdir().unwrap();
    let clock = TestClock::at(START);
    let mut store = open(folder.path(), Some(10 * HOUR), &clock).unwrap();
    let drafts: Vec<Draft> =
        (0..6_000).map(|number| event(number, after(number as i64 % 10 * HOUR_US))).collect();
    for part in drafts.chunks(450) {
        append(&store, part).await;
    }
    store.compact().unwrap();
    footfall_ports::EventLog::erase_user(&store, "user-5".into()).await.unwrap();
    let left: Vec<Draft> =
        drafts.into_iter().filter(|draft| draft.user.as_deref() != Some("user-5")).collect();
    let mut sizes = Vec::new();
    for hours_on in 10..=20 {
        clock.set(after(hours_on * HOUR_US));
        forget_expired(&store).await;
        agrees(&backend(&store), &left, after((hours_on - 10) * HOUR_US), after(2 * DAY_US)).await;
        if hours_on % 3 == 0 {
            drop(store);
            store = open(folder.path(), Some(10 * HOUR), &clock).unwrap();
        }
        sizes.push(records_between(folder.path(), 0, 6_000).1);
    }
    println!("records held: {sizes:?}");
    assert!(sizes.is_sorted_by(|before, after| before >= after), "{sizes:?}");
    // At any time at most about half of what is held is gone.
    for (hour, held) in sizes.iter().enumerate() {
        assert!(*held <= 2 * (10 - hour) * 600 + 600, "{sizes:?}");
    }
    assert_eq!(
        (sizes[10], values(folder.path(), "blocks").len(), values(folder.path(), "checkpoints").len()),
        (0, 0, 0)
    );
}
