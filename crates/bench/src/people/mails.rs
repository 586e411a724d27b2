//! Mails: two to each of very many domains, and many to few.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use footfall_domain::answers::{DomainCounts, DomainStatus};
use footfall_domain::event::{EventBatch, EventId, EventParts, Subject};
use footfall_domain::mail::Mail;
use footfall_domain::time::Timestamp;
use footfall_ports::{Clock, Domains, EventLog, Outcome};

use super::options::Options;
use super::sheet::{Aim, Sheet};
use crate::history::random_id;
use crate::load::Failure;
use crate::load::histogram::Histogram;
use crate::load::random::Random;
use crate::stores::{Store, SystemClock};

const BATCH: u64 = 1_000;
const IN_FLIGHT: usize = 4;
const EVENTS_A_SECOND: f64 = 100_000.0;
const BATCH_P95_MS: f64 = 200.0;
/// Domains that are looked up in the end, at most.
const LOOKUPS: u64 = 10_000;
/// Times the second mails' domains come in another order than the first ones'. A prime, so that each comes once.
const STRIDE: u64 = 7_919_981;
const FEW: u32 = 8_000;
/// One in so many of the few domains' mails bounces.
const BOUNCE_IN: u32 = 5_000;
/// The service's own, unless it is told otherwise.
const CATCH_ALL: u64 = 1_000;

/// What appending has shown.
struct Appended {
    batches: u64,
    times: Histogram,
}

/// Appends batches by their numbers, some at once, until the time is up.
async fn append(
    log: &Arc<dyn EventLog>,
    numbers: std::ops::Range<u64>,
    until: Option<Instant>,
    make: impl Fn(u64, Timestamp) -> EventBatch + Clone + Send + 'static,
) -> Result<Appended, Box<dyn Error>> {
    let next = Arc::new(AtomicU64::new(numbers.start));
    let writers: Vec<_> = (0..IN_FLIGHT)
        .map(|_| {
            let (log, next, make) = (Arc::clone(log), Arc::clone(&next), make.clone());
            tokio::spawn(async move {
                let (mut times, mut batches) = (Histogram::default(), 0);
                while until.is_none_or(|until| Instant::now() < until) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= numbers.end {
                        break;
                    }
                    let batch = Arc::new(make(number, SystemClock.now()));
                    let start = Instant::now();
                    let outcomes = log.append(batch).await?;
                    times.record(start.elapsed());
                    batches += 1;
                    if outcomes.contains(&Outcome::Duplicate) {
                        return Err(Failure::from("an event that is new was called a duplicate"));
                    }
                }
                Ok(Appended { batches, times })
            })
        })
        .collect();
    let mut all = Appended { batches: 0, times: Histogram::default() };
    for writer in writers {
        let Appended { batches, times } = writer.await?.map_err(|error| -> Box<dyn Error> { error })?;
        all.batches += batches;
        all.times.merge(&times);
    }
    Ok(all)
}

fn push(batch: &mut EventBatch, id: EventId, at: Timestamp, mail: Mail, domain: &str) {
    let properties = format!(r#"{{"domain":"{domain}"}}"#);
    let subject = Subject::Domain(&properties[11..11 + domain.len()]);
    batch.push(&EventParts {
        id,
        at,
        event_type: mail.event_type(),
        user: None,
        subject,
        properties: &properties,
    });
}

fn domain_name(number: u64) -> String {
    format!("mail-{number:08}.example.com")
}

/// One batch of the first mails or of the second ones: [`BATCH`] domains in a row, by the order of that pass.
fn one_each(pass: u64, domains: u64, number: u64, at: Timestamp) -> EventBatch {
    let mut random = Random::new(10 + pass, number);
    let mut batch = EventBatch::with_capacity(BATCH as usize, BATCH as usize * 120);
    for place in (number * BATCH..(number + 1) * BATCH).take_while(|place| *place < domains) {
        let domain = if pass == 0 { place } else { (place * STRIDE) % domains };
        push(&mut batch, random_id(&mut random), at, Mail::Delivered, &domain_name(domain));
    }
    batch
}

/// Two mails to each of very many domains.
///
/// # Errors
/// When the store can't be had or fails.
pub async fn many(options: &Options, sheet: &mut Sheet) -> Result<(), Box<dyn Error>> {
    let store = Store::start(&options.backend, Arc::new(SystemClock)).await?;
    let (log, domains) = (store.log(), store.domains());
    let (until, start) = (options.deadline(), Instant::now());
    // A multiple of the stride would have the second pass come to some domains only.
    let wanted = options.domains + u64::from(options.domains.is_multiple_of(STRIDE));
    let first = append(&log, 0..wanted.div_ceil(BATCH), Some(until), move |number, at| {
        one_each(0, wanted, number, at)
    })
    .await?;
    // Where the time was up, the domains that are there get their second mail all the same.
    let reached = wanted.min(first.batches * BATCH);
    domains.domain(domain_name(0)).await?;
    sheet.rate("first mails, events/s, counted", reached, start.elapsed(), Aim::AtLeast(EVENTS_A_SECOND));
    sheet.times("a batch of 1,000 first mails, 4 at a time", &first.times, Aim::Below(0.95, BATCH_P95_MS));
    let start = Instant::now();
    let second =
        append(&log, 0..reached.div_ceil(BATCH), None, move |number, at| one_each(1, reached, number, at))
            .await?;
    domains.domain(domain_name(0)).await?;
    sheet.rate("second mails, events/s, counted", reached, start.elapsed(), Aim::AtLeast(EVENTS_A_SECOND));
    sheet.times("a batch of 1,000 second mails, 4 at a time", &second.times, Aim::Below(0.95, BATCH_P95_MS));
    let expected = DomainCounts { delivered: 2, bounced: 0 };
    let every = reached.div_ceil(LOOKUPS).max(1) as usize;
    let asked = (0..reached).step_by(every).map(|number| (domain_name(number), expected));
    look_up(&*domains, asked, sheet).await?;
    sheet.memory(&store, "domain", reached);
    sheet.disk(&store, "event", 2 * reached).await?;
    Ok(())
}

/// Asks for each of the domains and holds the answers to what is expected.
async fn look_up(
    domains: &dyn Domains,
    asked: impl Iterator<Item = (String, DomainCounts)>,
    sheet: &mut Sheet,
) -> Result<[u64; 3], Box<dyn Error>> {
    let (mut times, mut verdicts) = (Histogram::default(), [0; 3]);
    for (name, expected) in asked {
        let start = Instant::now();
        let counts = domains.domain(name.clone()).await?;
        times.record(start.elapsed());
        sheet.check(&name, &counts, &expected);
        verdicts[DomainStatus::of(counts, CATCH_ALL) as usize] += 1;
    }
    sheet.times(&format!("a domain's counts ({} of them)", times.count()), &times, Aim::None);
    Ok(verdicts)
}

/// The mails of one batch to few domains.
fn few_mails(number: u64) -> impl Iterator<Item = (EventId, u32, Mail)> {
    let mut random = Random::new(20, number);
    (0..BATCH).map(move |_| {
        let mail = if random.below(BOUNCE_IN) == 0 { Mail::Bounced } else { Mail::Delivered };
        (random_id(&mut random), random.below(FEW), mail)
    })
}

/// Many mails to each of few domains.
///
/// # Errors
/// When the store can't be had or fails.
pub async fn few(options: &Options, sheet: &mut Sheet) -> Result<(), Box<dyn Error>> {
    let store = Store::start(&options.backend, Arc::new(SystemClock)).await?;
    let (log, domains) = (store.log(), store.domains());
    let (until, start) = (options.deadline(), Instant::now());
    let appended = append(&log, 0..options.events.div_ceil(BATCH), Some(until), |number, at| {
        let mut batch = EventBatch::with_capacity(BATCH as usize, BATCH as usize * 120);
        for (id, domain, mail) in few_mails(number) {
            push(&mut batch, id, at, mail, &domain_name(domain.into()));
        }
        batch
    })
    .await?;
    domains.domain(domain_name(0)).await?;
    let events = appended.batches * BATCH;
    sheet.rate("events/s, counted", events, start.elapsed(), Aim::AtLeast(EVENTS_A_SECOND));
    sheet.times("a batch of 1,000 mails, 4 at a time", &appended.times, Aim::Below(0.95, BATCH_P95_MS));
    let mut expected = vec![DomainCounts::default(); FEW as usize];
    for (_, domain, mail) in (0..appended.batches).flat_map(few_mails) {
        let counts = &mut expected[domain as usize];
        match mail {
            Mail::Delivered => counts.delivered += 1,
            Mail::Bounced => counts.bounced += 1,
        }
    }
    let mut expected_verdicts = [0; 3];
    for counts in &expected {
        expected_verdicts[DomainStatus::of(*counts, CATCH_ALL) as usize] += 1;
    }
    let asked = expected.into_iter().enumerate().map(|(number, counts)| (domain_name(number as u64), counts));
    let verdicts = look_up(&*domains, asked, sheet).await?;
    sheet.check("verdicts: catch-all, not catch-all, unknown", &verdicts, &expected_verdicts);
    for (verdict, count) in ["catch-all", "not catch-all", "unknown"].into_iter().zip(verdicts) {
        sheet.figure(&format!("domains that are {verdict}"), count as f64, 0, Aim::None);
    }
    sheet.memory(&store, "event", events);
    sheet.disk(&store, "event", events).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn domains_of(pass: u64, domains: u64) -> Vec<String> {
        let mut names = Vec::new();
        for number in 0..domains.div_ceil(BATCH) {
            let batch = one_each(pass, domains, number, Timestamp::MIN);
            names.extend(batch.iter().filter_map(|event| event.subject().domain().map(str::to_owned)));
        }
        names
    }

    #[test]
    fn each_pass_comes_to_each_domain_once() {
        for domains in [1, 999, 1_000, 2_500] {
            for pass in [0, 1] {
                let names = domains_of(pass, domains);
                assert_eq!(names.len() as u64, domains);
                assert_eq!(names.into_iter().collect::<HashSet<_>>().len() as u64, domains);
            }
        }
        assert_ne!(domains_of(0, 2_500), domains_of(1, 2_500));
    }

    #[test]
    fn a_batch_to_few_domains_is_the_same_each_time() {
        let once: Vec<_> = few_mails(3).collect();
        assert_eq!(once, few_mails(3).collect::<Vec<_>>());
        assert_ne!(once, few_mails(4).collect::<Vec<_>>());
        assert!(once.iter().all(|(_, domain, _)| *domain < FEW));
    }
}
