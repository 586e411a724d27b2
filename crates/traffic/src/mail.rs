//! What becomes of mail: delivered or bounced, by domain.

use footfall_domain::event::EventId;
use footfall_domain::time::Timestamp;

use crate::ids::Ids;
use crate::random::{Random, Seed};
use crate::text::{TimeText, push_digits, push_id};
use crate::zipf::Zipf;

const IDS_LABEL: u64 = 4;
const DRAWS_LABEL: u64 = 5;

/// The events of a mail system, one after the other.
#[derive(Clone, Debug)]
pub struct Mail {
    ids: Ids,
    next: u64,
    random: Random,
    domains: Zipf,
    time: TimeText,
}

/// A mail that was sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MailEvent {
    id: EventId,
    domain: u32,
    bounced: bool,
}

impl Mail {
    /// Mail to that many domains (at least one), their popularity falling by Zipf's law. One in seven bounces at times, the
    /// others never do.
    pub fn new(seed: Seed, domains: u32) -> Self {
        Self {
            ids: Ids::new(seed, IDS_LABEL),
            next: 0,
            random: Random::new(seed, DRAWS_LABEL),
            domains: Zipf::new(domains.max(1)),
            time: TimeText::new(),
        }
    }

    /// The next one.
    pub fn draw(&mut self) -> MailEvent {
        let id = self.ids.id(self.next);
        self.next += 1;
        let domain = self.domains.draw(&mut self.random);
        MailEvent { id, domain, bounced: self.random.per_mille(bounces_per_mille(domain)) }
    }

    /// Appends the next one as JSON without line breaks, and hands it back. It happens at `time`.
    pub fn append(&mut self, time: Timestamp, out: &mut Vec<u8>) -> MailEvent {
        let event = self.draw();
        out.extend_from_slice(br#"{"event_id":""#);
        push_id(out, &event.id);
        out.extend_from_slice(br#"","event_type":""#);
        out.extend_from_slice(event.event_type().as_bytes());
        out.extend_from_slice(br#"","timestamp":""#);
        self.time.push(out, time);
        out.extend_from_slice(br#"","properties":{"domain":""#);
        push_domain(out, event.domain);
        out.extend_from_slice(br#""}}"#);
        event
    }
}

impl MailEvent {
    /// Its identity.
    pub fn id(&self) -> EventId {
        self.id
    }

    /// `delivered` or `bounced`.
    pub fn event_type(&self) -> &'static str {
        if self.bounced { "bounced" } else { "delivered" }
    }

    /// Where it went.
    pub fn domain(&self) -> String {
        let mut name = Vec::new();
        push_domain(&mut name, self.domain);
        String::from_utf8_lossy(&name).into_owned()
    }
}

/// A domain's own, whatever the seed: else every domain would have bounced after some runs.
fn bounces_per_mille(domain: u32) -> u32 {
    if domain % 7 == 3 { 10 + domain / 7 % 10 * 15 } else { 0 }
}

fn push_domain(out: &mut Vec<u8>, domain: u32) {
    out.extend_from_slice(b"mail-");
    push_digits(out, u64::from(domain), 3);
    out.extend_from_slice(b".example");
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use serde_json::Value;

    use super::*;

    fn events(seed: Seed, count: usize) -> Vec<Value> {
        let time = Timestamp::parse("2026-11-25T10:00:00Z").unwrap();
        let mut mail = Mail::new(seed, 200);
        (0..count)
            .map(|_| {
                let mut out = Vec::new();
                let event = mail.append(time, &mut out);
                let json: Value = serde_json::from_slice(&out).unwrap();
                assert_eq!(json["event_id"], event.id().to_string());
                assert_eq!(json["event_type"], event.event_type());
                assert_eq!(json["properties"]["domain"], event.domain());
                json
            })
            .collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_events_written_or_not() {
        assert_eq!(events(Seed::past(1), 1_000), events(Seed::past(1), 1_000));
        assert_ne!(events(Seed::past(1), 10), events(Seed::past(2), 10));
        let mut drawn = Mail::new(Seed::past(1), 200);
        for event in events(Seed::past(1), 100) {
            assert_eq!(event["event_id"], drawn.draw().id().to_string());
        }
    }

    #[test]
    fn most_domains_never_bounce_and_few_get_most_mail() {
        let (mut ids, mut domains) = (HashSet::new(), HashMap::<String, (u32, u32)>::new());
        for event in events(Seed::past(1), 10_000) {
            assert!(ids.insert(event["event_id"].to_string()));
            assert_eq!(event["timestamp"], "2026-11-25T10:00:00.000000Z");
            let (delivered, bounced) = domains.entry(event["properties"]["domain"].to_string()).or_default();
            if event["event_type"] == "bounced" { *bounced += 1 } else { *delivered += 1 }
        }
        let bouncing = domains.values().filter(|(_, bounced)| *bounced > 0).count();
        assert!(domains.len() > 180 && (10..30).contains(&bouncing), "{bouncing} of {}", domains.len());
        let mut delivered: Vec<u32> = domains.values().map(|(delivered, _)| *delivered).collect();
        delivered.sort_unstable();
        assert!(delivered.iter().rev().take(20).sum::<u32>() > 5_000);
        // Enough for a verdict on some domains, as servers are set by default.
        assert!(domains.values().any(|(delivered, bounced)| *delivered >= 1_000 && *bounced == 0));
    }
}
