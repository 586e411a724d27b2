//! Stopping a store and starting it again: nothing may be seen of it. (For a store that keeps nothing, nothing happens.)

use footfall_domain::answers::{EventFilter, Order, PageOrder};
use footfall_domain::time::{DAY_US, HOUR_US, MINUTE_US, TimeRange, Timestamp};
use footfall_ports::Outcome::{Duplicate, Stored};

use crate::{Draft, Trial, id, instant};

fn after(micros: i64) -> Timestamp {
    instant("2025-05-26T12:00").plus_micros(micros)
}

/// Events of all kinds over days, in no order, with the users and pages of that number's remainders.
fn mixed(numbers: std::ops::Range<u128>) -> Vec<Draft> {
    let draft = |number: u128| {
        let at = after((number as i64 * 611 % 1_009) * 17 * MINUTE_US);
        let user = format!("user-{}", number % 13);
        match number % 5 {
            0 => Draft::plain(number, at, &user, "click").with_properties(r#"{ "é" : [1.0, "\u00e9"] }"#),
            1 => Draft::mail(number, at, "bounced", &format!("d{}.example", number % 3)),
            _ => Draft::view(number, at, &user, &format!("/{}", number % 7)),
        }
    };
    numbers.map(draft).collect()
}

fn asked() -> [Timestamp; 5] {
    [after(0), after(HOUR_US), after(DAY_US + 1), after(5 * DAY_US), after(20 * DAY_US)]
}

/// Every event, as it was, and every figure; and what is appended then goes on from there.
pub async fn everything_is_there_again(mut trial: Trial) {
    let drafts = mixed(0..1_000);
    trial.append(&drafts).await;
    let pages = trial.top_pages(TimeRange::ALL, PageOrder::Visitors, 10).await;
    let mut trial = trial.restart().await;
    for draft in drafts.iter().step_by(7) {
        assert_eq!(trial.event(draft.id).await.as_ref(), Some(draft));
    }
    assert_eq!(trial.walk(&EventFilter::default(), Order::Ascending, 300).await.len(), 1_000);
    assert_eq!(trial.top_pages(TimeRange::ALL, PageOrder::Visitors, 10).await, pages);
    trial.agrees_between(&asked()).await;
    assert_eq!(trial.append(&mixed(1_000..1_200)).await, [Stored; 200]);
    trial.agrees_between(&asked()).await;
    trial.verify().await;
}

/// What was stored before is a duplicate afterwards, in whole batches and between new events.
pub async fn duplicates_are_still_known(mut trial: Trial) {
    trial.append(&mixed(0..300)).await;
    let mut trial = trial.restart().await;
    assert_eq!(trial.append(&mixed(0..300)).await, [Duplicate; 300]);
    let outcomes = trial.append(&mixed(290..310)).await;
    assert_eq!((&outcomes[..10], &outcomes[10..]), (&[Duplicate; 10][..], &[Stored; 10][..]));
    let mut trial = trial.restart().await;
    assert_eq!(trial.append(&mixed(0..310)).await, [Duplicate; 310]);
    trial.agrees_between(&asked()).await;
    trial.verify().await;
}

/// Who was erased isn't back, and the identities of the erased events are known still.
pub async fn the_erased_stay_erased(mut trial: Trial) {
    let drafts = mixed(0..400);
    trial.append(&drafts[..300]).await;
    let erased = trial.erase("user-3").await;
    assert!(erased > 0);
    trial.append(&drafts[300..]).await;
    let mut trial = trial.restart().await;
    trial.agrees_between(&asked()).await;
    trial.verify().await;
    assert_eq!(trial.append(&drafts).await, [Duplicate; 400]);
    assert_eq!(trial.event(id(3)).await, None);
    // Since then the user has come again: only that goes now.
    assert_eq!(trial.erase("user-3").await, 7);
    let mut trial = trial.restart().await;
    assert_eq!(trial.erase("user-3").await, 0);
    assert_eq!(trial.append(&drafts).await, [Duplicate; 400]);
    trial.agrees_between(&asked()).await;
    trial.verify().await;
}

/// Stopping at any point of a history, twice in a row too, and of an empty store.
pub async fn time_and_again(trial: Trial) {
    let mut trial = trial.restart().await;
    trial.verify().await;
    for round in 0..12_u128 {
        trial.append(&mixed(round * 40..round * 50 + 10)).await;
        if round % 3 == 1 {
            trial.erase(&format!("user-{round}")).await;
        }
        trial = trial.restart().await;
        if round % 4 == 2 {
            trial = trial.restart().await;
        }
        trial.summary(crate::range(after(0), after(20 * DAY_US))).await;
    }
    trial.walk(&EventFilter::default(), Order::Descending, 100).await;
    trial.agrees_between(&asked()).await;
    trial.verify().await;
}
