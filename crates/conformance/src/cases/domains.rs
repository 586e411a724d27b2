//! Mail domains: what was delivered and what bounced.

use footfall_domain::answers::DomainCounts;
use footfall_domain::time::{HOUR_US, Timestamp};
use footfall_ports::Outcome::Duplicate;

use crate::{Draft, Trial, batch_of, instant};

fn after(micros: i64) -> Timestamp {
    instant("2025-05-26T12:00").plus_micros(micros)
}

/// Each kind for itself, each domain for itself; a domain never seen has none; a page of that name is none.
pub async fn mails_are_counted_by_domain(mut trial: Trial) {
    assert_eq!(trial.domain("example.com").await, (0, 0));
    trial
        .append(&[
            Draft::mail(1, after(0), "delivered", "example.com"),
            Draft::mail(2, after(1), "delivered", "example.com"),
            Draft::mail(3, after(HOUR_US), "bounced", "example.com"),
            Draft::mail(4, after(2), "delivered", "a.example"),
            Draft::view(5, after(3), "ann", "example.com"),
            Draft::plain(6, after(4), "ann", "click"),
        ])
        .await;
    assert_eq!(trial.domain("example.com").await, (2, 1));
    assert_eq!(trial.domain("a.example").await, (1, 0));
    assert_eq!(trial.domain("never.example").await, (0, 0));
    trial.verify().await;
}

/// Ten thousand domains at once, and a few of them again.
pub async fn many_domains(mut trial: Trial) {
    let mail = |number: u128| {
        let kind = if number.is_multiple_of(7) { "bounced" } else { "delivered" };
        Draft::mail(number, after(number as i64 * 1_000), kind, &format!("d{}.example", number % 10_000))
    };
    trial.append(&(0..10_000).map(mail).collect::<Vec<_>>()).await;
    trial.append(&(10_000..12_000).map(mail).collect::<Vec<_>>()).await;
    for number in [0, 1, 7, 1_999, 2_000, 9_999] {
        trial.domain(&format!("d{number}.example")).await;
    }
    trial.verify().await;
}

/// Many appenders, one domain: every mail counts.
pub async fn counts_lose_nothing_under_concurrency(trial: Trial) {
    const TASKS: u128 = 8;
    const EACH: u128 = 60;
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let backend = trial.backend().clone();
            tokio::spawn(async move {
                for number in task * EACH..(task + 1) * EACH {
                    let kind = if number % 10 == 0 { "bounced" } else { "delivered" };
                    let mail = Draft::mail(number, after(number as i64), kind, "example.com");
                    backend.log.append(batch_of(&[mail])).await.unwrap();
                    let counts = backend.domains.domain("example.com".into()).await.unwrap();
                    assert!(u128::from(counts.delivered + counts.bounced) > number - task * EACH);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let counts = trial.backend().domains.domain("example.com".into()).await.unwrap();
    assert_eq!(counts, DomainCounts { delivered: 432, bounced: 48 });
}

/// What is stored already counts once, and what was erased not at all.
pub async fn duplicates_and_the_erased_count_nowhere(mut trial: Trial) {
    let mails = [
        Draft::mail(1, after(0), "delivered", "example.com"),
        Draft { user: Some("ann".into()), ..Draft::mail(2, after(0), "bounced", "example.com") },
        Draft { user: Some("ann".into()), ..Draft::mail(3, after(0), "delivered", "own.example") },
    ];
    trial.append(&mails).await;
    assert_eq!(trial.append(&mails).await, [Duplicate; 3]);
    assert_eq!(trial.domain("example.com").await, (1, 1));
    trial.erase("ann").await;
    assert_eq!(trial.domain("example.com").await, (1, 0));
    assert_eq!(trial.domain("own.example").await, (0, 0));
    assert_eq!(trial.append(&mails).await, [Duplicate; 3]);
    let trial = trial.restart().await;
    assert_eq!(trial.domain("example.com").await, (1, 0));
    assert_eq!(trial.domain("own.example").await, (0, 0));
    trial.verify().await;
}
