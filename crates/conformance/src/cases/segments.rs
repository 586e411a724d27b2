//! Users in segments.

use footfall_domain::membership::{Joined, Membership, second_of};
use footfall_domain::time::{DAY_US, SECOND_US, Timestamp};

use crate::{Draft, Trial, instant};

fn now() -> Timestamp {
    instant("2025-05-26T12:00")
}

fn after(micros: i64) -> Timestamp {
    now().plus_micros(micros)
}

/// A membership that lasts for so many seconds from now on.
fn of(user: &str, segment: &str, seconds: i64) -> Membership {
    Membership { user: user.into(), segment: segment.into(), expires_at_s: second_of(now()) + seconds }
}

fn counts(expected: &[(&str, u64)]) -> Vec<(String, u64)> {
    expected.iter().map(|(title, users)| ((*title).to_owned(), *users)).collect()
}

/// The largest first, ties by title; a user may be in many; a segment without users is none.
pub async fn users_are_counted_in_each_segment(mut trial: Trial) {
    assert!(trial.segment_counts(now()).await.is_empty());
    assert_eq!(trial.segment_count("RU", now()).await, 0);
    let memberships =
        [of("a", "RU", 9), of("b", "RU", 99), of("a", "DE", 9), of("c", "EN", 5), of("b", "Z", -1)];
    assert_eq!(trial.join(&memberships).await, [Joined::Created; 5]);
    assert_eq!(trial.segment_counts(now()).await, counts(&[("RU", 2), ("DE", 1), ("EN", 1)]));
    assert_eq!(trial.segment_count("RU", now()).await, 2);
    assert_eq!(trial.segment_count("Z", now()).await, 0);
    assert_eq!(trial.segment_count("ru", now()).await, 0);
}

/// With the same expiry, with a later and with an earlier one; and after it has ended.
pub async fn a_second_time_renews(mut trial: Trial) {
    assert_eq!(trial.join(&[of("a", "s", 10)]).await, [Joined::Created]);
    for seconds in [10, 20, 5, -7, 3, 10] {
        assert_eq!(trial.join(&[of("a", "s", seconds)]).await, [Joined::Renewed]);
        assert_eq!(trial.segment_counts(now()).await.len(), usize::from(seconds > 0));
    }
    assert_eq!(trial.segment_count("s", after(9 * SECOND_US)).await, 1);
    assert_eq!(trial.segment_count("s", after(10 * SECOND_US)).await, 0);
    assert_eq!(trial.join(&[of("a", "s", 30), of("b", "s", 30)]).await, [Joined::Renewed, Joined::Created]);
    assert_eq!(trial.segment_count("s", after(11 * SECOND_US)).await, 2);
}

/// Not a microsecond before and not one after.
pub async fn users_leave_at_their_second(mut trial: Trial) {
    let memberships: Vec<Membership> = (1..=40)
        .map(|number| of(&format!("user-{number}"), ["s", "t"][number % 2], number as i64 / 2))
        .collect();
    trial.join(&memberships).await;
    for second in 0..22 {
        for micros in [0, 1, SECOND_US - 1] {
            trial.segment_counts(after(second * SECOND_US + micros)).await;
        }
    }
    assert!(trial.segment_counts(after(22 * SECOND_US)).await.is_empty());
}

/// All but the first of a user and segment renew.
pub async fn within_one_batch_the_last_counts(mut trial: Trial) {
    let joined = trial
        .join(&[of("a", "s", 10), of("b", "s", 10), of("a", "s", -5), of("a", "t", 1), of("a", "s", 7)])
        .await;
    let expected = [Joined::Created, Joined::Created, Joined::Renewed, Joined::Created, Joined::Renewed];
    assert_eq!(joined, expected);
    assert_eq!(trial.segment_count("s", after(8 * SECOND_US)).await, 1);
    assert!(trial.join(&[]).await.is_empty());
}

/// A whole batch of new ones, the same once more, and half of them shortened.
pub async fn thousands_at_once(mut trial: Trial) {
    let membership = |number: i64, seconds: i64| {
        of(&format!("user-{}", number * 7_919 % 4_001), &format!("segment-{}", number % 50), seconds)
    };
    let all: Vec<Membership> = (0..10_000).map(|number| membership(number, 100 + number % 1_000)).collect();
    trial.join(&all).await;
    trial.segment_counts(now()).await;
    trial.join(&all).await;
    trial.segment_counts(after(SECOND_US)).await;
    trial.join(&(0..5_000).map(|number| membership(number, 50)).collect::<Vec<_>>()).await;
    for seconds in [2, 49, 50, 500, 1_100] {
        trial.segment_counts(after(seconds * SECOND_US)).await;
        trial.verify().await;
    }
}

/// The same and other memberships from many at the same moment: each is created once and counts once.
pub async fn many_at_once_count_once(mut trial: Trial) {
    const TASKS: i64 = 8;
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let segments = trial.backend().segments.clone();
            tokio::spawn(async move {
                let mut created = 0;
                for round in 0..20_i64 {
                    // The same users in another order, and each to another second.
                    let memberships: Vec<Membership> = (0..50)
                        .map(|number| (number * (2 * task + 1) + round) % 50)
                        .map(|user| {
                            of(&format!("user-{user}"), &format!("s{}", user % 3), 60 + (task + round) % 5)
                        })
                        .collect();
                    let joined = segments.join(memberships).await.unwrap();
                    created += joined.iter().filter(|joined| **joined == Joined::Created).count();
                    let counted = segments.segment_counts(after(round)).await.unwrap();
                    assert_eq!(counted.counts.iter().map(|(_, users)| users).sum::<u64>(), 50);
                }
                created
            })
        })
        .collect();
    let mut created = 0;
    for task in tasks {
        created += task.await.unwrap();
    }
    assert_eq!(created, 50);
    let all: Vec<Membership> =
        (0..50).map(|user| of(&format!("user-{user}"), &format!("s{}", user % 3), 61)).collect();
    // All of them to one second, as the reference has them from now on.
    assert_eq!(trial.backend().segments.join(all.clone()).await.unwrap(), [Joined::Renewed; 50]);
    trial.note_memberships(&all);
    assert_eq!(
        trial.segment_counts(after(60 * SECOND_US)).await,
        counts(&[("s0", 17), ("s1", 17), ("s2", 16)])
    );
    trial.verify().await;
    assert!(trial.segment_counts(after(61 * SECOND_US)).await.is_empty());
    trial.verify().await;
}

/// From every segment, whether they did anything or not; and they may come again.
pub async fn the_erased_are_in_none(mut trial: Trial) {
    trial.join(&[of("ann", "s", 10), of("ann", "t", 20), of("bob", "s", 10), of("ann", "u", -10)]).await;
    trial.append(&[Draft::view(1, now(), "ann", "/")]).await;
    trial.segment_counts(now()).await;
    assert_eq!(trial.erase("ann").await, 1);
    assert_eq!(trial.segment_counts(now()).await, counts(&[("s", 1)]));
    assert_eq!(trial.erase("bob").await, 0);
    assert!(trial.segment_counts(now()).await.is_empty());
    assert_eq!(trial.join(&[of("ann", "s", 10), of("ann", "u", 5)]).await, [Joined::Created; 2]);
    let trial = trial.restart().await;
    assert_eq!(trial.segment_counts(now()).await, counts(&[("s", 1), ("u", 1)]));
    assert_eq!(trial.segment_counts(after(10 * SECOND_US)).await, counts(&[]));
}

/// Not for a day after their end; then they are new again. What is in force stays.
pub async fn the_ended_are_forgotten_in_time(mut trial: Trial) {
    trial.join(&[of("a", "s", 10), of("b", "s", 4 * 86_400), of("c", "t", 3 * 86_400)]).await;
    let segments = trial.backend().segments.clone();
    assert_eq!(segments.forget_ended(after(10 * SECOND_US)).await.unwrap(), 0);
    assert_eq!(segments.forget_ended(after(10 * SECOND_US + DAY_US)).await.unwrap(), 0);
    assert_eq!(trial.join(&[of("a", "s", 10)]).await, [Joined::Renewed]);
    assert_eq!(segments.forget_ended(after(11 * SECOND_US + DAY_US)).await.unwrap(), 1);
    assert_eq!(segments.forget_ended(after(11 * SECOND_US + DAY_US)).await.unwrap(), 0);
    assert_eq!(segments.join(vec![of("a", "s", 10)]).await.unwrap(), [Joined::Created]);
    assert_eq!(trial.segment_counts(after(2 * DAY_US)).await, counts(&[("s", 1), ("t", 1)]));
    drop(segments);
}

/// Who is where, until when, and how many.
pub async fn memberships_stay_through_a_restart(mut trial: Trial) {
    let all: Vec<Membership> = (0..500)
        .map(|number| of(&format!("user-{}", number % 90), &format!("s{}", number % 7), 1 + number % 40))
        .collect();
    trial.join(&all).await;
    trial.segment_counts(after(5 * SECOND_US)).await;
    let mut trial = trial.restart().await;
    trial.segment_counts(after(5 * SECOND_US)).await;
    trial.join(&all[..250]).await;
    let trial = trial.restart().await;
    for seconds in [6, 20, 39, 40, 41] {
        trial.segment_counts(after(seconds * SECOND_US)).await;
    }
}

/// Also where the clock stands still or goes back, and after a restart.
pub async fn later_counts_have_later_times(trial: Trial) {
    let mut last = Timestamp::MIN;
    let mut trial = trial;
    for micros in [0, 0, 5, 3, 3, 2_000_000, 0] {
        let taken_at = trial.backend().segments.segment_counts(after(micros)).await.unwrap().taken_at;
        assert!(taken_at > last, "{taken_at} after {last}");
        assert!(taken_at >= after(micros));
        last = taken_at;
    }
    // What keeps nothing can't know, but has nothing to tell either.
    let kept = trial.backend().kept().is_some();
    trial = trial.restart().await;
    let taken_at = trial.backend().segments.segment_counts(after(0)).await.unwrap().taken_at;
    assert!(taken_at > last || !kept);
}

/// Whatever characters they have, and told apart by each of them.
pub async fn odd_names(mut trial: Trial) {
    let long = "é".repeat(255);
    let names = ["a", "A", "a ", " a", "ä", "a\u{308}", "'; --", "%", "_", "\\", "\n", "😀", &long];
    for name in names {
        trial.join(&[of(name, "users", 10), of("user", name, 10)]).await;
    }
    assert_eq!(trial.segment_counts(now()).await.len(), names.len() + 1);
    assert_eq!(trial.segment_count("users", now()).await, names.len() as u64);
    for name in names {
        assert_eq!(trial.segment_count(name, now()).await, 1, "{name:?}");
        trial.erase(name).await;
    }
    assert_eq!(trial.segment_count("users", now()).await, 0);
}

/// It counts as it goes, and then as if it had never been.
pub async fn a_clock_that_was_far_ahead_does_no_lasting_harm(mut trial: Trial) {
    trial.join(&[of("a", "s", 10), of("b", "s", 86_400), of("c", "t", 90 * 86_400)]).await;
    assert_eq!(trial.segment_counts(after(30 * DAY_US)).await, counts(&[("t", 1)]));
    trial.join(&[of("d", "s", 3_600), of("b", "s", 7_200)]).await;
    trial.segment_counts(after(30 * DAY_US)).await;
    trial.verify().await;
    assert_eq!(trial.segment_count("s", now()).await, 3);
    assert_eq!(trial.segment_counts(now()).await, counts(&[("s", 3), ("t", 1)]));
    trial.verify().await;
    trial.join(&[of("e", "t", 5)]).await;
    for seconds in [4, 5, 10, 3_600, 7_200] {
        trial.segment_counts(after(seconds * SECOND_US)).await;
    }
    trial.verify().await;
}
