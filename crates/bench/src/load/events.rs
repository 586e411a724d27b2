//! Prepared requests: the bytes of a whole HTTP request in which only identifiers, visitors, page numbers and times are
//! overwritten from one sending to the next. Building JSON anew would cost more than the server takes to answer.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use super::{
    random::{Random, Zipf, scale},
    requests::{
        DOMAINS, Events, ID, KINDS, Load, Number, Request, Slots, TIME, event, get, mail_event, post,
        put_mail,
    },
};

/// Pages that visits fall on, by Zipf's law.
pub const PAGES: u32 = 10_000;
/// Visitors; the n-th is drawn with a density falling as 1/√n.
pub const VISITORS: u32 = 1_000_000;
/// One in so many of single mails bounces.
const BOUNCE_IN: u32 = 1_000;

/// When the events are said to have happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// In the present second, as from a live site.
    Present,
    /// Evenly over the last so many days, as from an import.
    LastDays(u32),
}

/// The stream of requests of one connection.
#[derive(Debug)]
pub struct Traffic {
    load: Load,
    /// One for each kind of event, the one batch or question, or a delivery and a bounce.
    requests: Vec<Request>,
    draws: Draws,
}

impl Traffic {
    /// Requests for `address`, determined by `seed` and `stream` but for the time.
    pub fn new(
        address: SocketAddr,
        load: Load,
        times: Times,
        seed: u64,
        stream: u64,
        pages: Arc<Zipf>,
    ) -> Self {
        let mut draws = Draws::new(times, Random::new(seed, stream), pages);
        let requests = match load {
            Load::Single => KINDS.iter().map(|kind| post(address, &event(kind))).collect(),
            Load::Batch(events, what) => {
                let one = |_| match what {
                    Events::Mixed => event(&KINDS[draws.kind()]),
                    Events::Mails => mail_event(),
                };
                let body: Vec<String> = (0..events).map(one).collect();
                vec![post(address, &format!("[{}]", body.join(",")))]
            }
            Load::Mail => ["delivered", "bounced"].map(|outcome| put_mail(address, outcome)).into(),
            Load::Counts(_) => vec![get(address, "/segments/count")],
        };
        Self { load, requests, draws }
    }

    /// What each request carries.
    pub fn load(&self) -> Load {
        self.load
    }

    /// The next request, whole. `now` is passed in because the caller has just looked at the clock.
    pub fn next_request(&mut self, now: Instant) -> &[u8] {
        let index = match self.load {
            Load::Single => self.draws.kind(),
            Load::Mail => usize::from(self.draws.random.below(BOUNCE_IN) == 0),
            Load::Batch(..) | Load::Counts(_) => 0,
        };
        let Request { bytes, slots } = &mut self.requests[index];
        self.draws.begin(now);
        for slot in slots.iter() {
            self.draws.overwrite(bytes, *slot);
        }
        bytes
    }
}

/// The random draws, and the clock that the times are taken from.
#[derive(Debug)]
struct Draws {
    random: Random,
    pages: Arc<Zipf>,
    times: Times,
    started: Instant,
    started_unix: Duration,
    /// The present second and how it is written.
    second: u64,
    text: [u8; TIME.len()],
}

impl Draws {
    fn new(times: Times, random: Random, pages: Arc<Zipf>) -> Self {
        let mut text = [0; TIME.len()];
        text.copy_from_slice(TIME.as_bytes());
        Self { random, pages, times, started: Instant::now(), started_unix: unix_time(), second: 0, text }
    }

    /// The index of a kind, drawn by the mix.
    fn kind(&mut self) -> usize {
        let mut percent = self.random.below(100);
        KINDS
            .iter()
            .position(|kind| {
                let hit = percent < kind.percent;
                percent = percent.wrapping_sub(kind.percent);
                hit
            })
            .unwrap_or(0)
    }

    /// Sets the clock for one request.
    fn begin(&mut self, now: Instant) {
        let second = (self.started_unix + now.saturating_duration_since(self.started)).as_secs();
        if second != self.second {
            self.second = second;
            write_second(&mut self.text, second);
        }
    }

    fn overwrite(&mut self, bytes: &mut [u8], slots: Slots) {
        self.write_id(&mut bytes[slots.id..slots.id + ID.len()]);
        let bits = self.random.next_u64();
        if let Some(time) = slots.time {
            let microsecond = scale(bits as u32, 1_000_000);
            if let Times::LastDays(days) = self.times {
                let age = self.random.below(days * 86_400);
                write_second(&mut self.text, self.second - u64::from(age));
            }
            write_digits(&mut self.text[20..26], microsecond);
            bytes[time..time + TIME.len()].copy_from_slice(&self.text);
        }
        if let Some(user) = slots.user {
            // A uniform number squared: a tenth of the visitors makes a third of the visits.
            let uniform = bits >> 32;
            write_digits(&mut bytes[user..user + 7], scale(((uniform * uniform) >> 32) as u32, VISITORS));
        }
        match slots.number {
            Some(Number::Page(at)) => write_digits(&mut bytes[at..at + 4], self.pages.draw(&mut self.random)),
            Some(Number::Domain(at)) => write_digits(&mut bytes[at..at + 4], scale(bits as u32, DOMAINS)),
            Some(Number::NewDomain(at)) => {
                write_digits(&mut bytes[at..at + 6], self.random.below(1_000_000));
                write_digits(&mut bytes[at + 7..at + 13], self.random.below(1_000_000));
            }
            None => {}
        }
    }

    /// A random UUID, version 4 (RFC 9562 §5.4).
    fn write_id(&mut self, bytes: &mut [u8]) {
        let high = self.random.next_u64() & !0xf000 | 0x4000;
        let low = self.random.next_u64() & !(0b11 << 62) | (0b10 << 62);
        let octets = high.to_be_bytes().into_iter().chain(low.to_be_bytes());
        for (octet, at) in octets.zip([0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34]) {
            bytes[at..at + 2].copy_from_slice(&HEX[usize::from(octet)]);
        }
    }
}

const HEX: [[u8; 2]; 256] = {
    let digits = b"0123456789abcdef";
    let mut table = [[0; 2]; 256];
    let mut octet = 0;
    while octet < 256 {
        table[octet] = [digits[octet >> 4], digits[octet & 15]];
        octet += 1;
    }
    table
};

const PAIRS: [[u8; 2]; 100] = {
    let mut table = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        table[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    table
};

/// Fills all of `bytes` with the last decimal digits of `number`.
fn write_digits(bytes: &mut [u8], mut number: u32) {
    let mut pairs = bytes.rchunks_exact_mut(2);
    for pair in &mut pairs {
        pair.copy_from_slice(&PAIRS[(number % 100) as usize]);
        number /= 100;
    }
    if let [first] = pairs.into_remainder() {
        *first = b'0' + (number % 10) as u8;
    }
}

/// Writes date and time of a Unix second over the first nineteen bytes of an RFC 3339 time.
fn write_second(text: &mut [u8], unix_second: u64) {
    let (year, month, day) = civil((unix_second / 86_400) as u32);
    let second = (unix_second % 86_400) as u32;
    write_digits(&mut text[0..4], year);
    write_digits(&mut text[5..7], month);
    write_digits(&mut text[8..10], day);
    write_digits(&mut text[11..13], second / 3600);
    write_digits(&mut text[14..16], second / 60 % 60);
    write_digits(&mut text[17..19], second % 60);
}

/// Year, month and day of a day since 1970 (Hinnant, <https://howardhinnant.github.io/date_algorithms.html>).
fn civil(unix_day: u32) -> (u32, u32, u32) {
    let shifted = unix_day + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + u32::from(month <= 2), month, day)
}

/// The start of the UTC day `offset_days` from today's, as RFC 3339: the same all day, so that a range that begins there loses
/// no events between two questions.
pub fn day_from_today(offset_days: i64) -> String {
    const DAY_SECONDS: u64 = 86_400;
    let mut text = *b"2000-01-01T00:00:00Z";
    let today = unix_time().as_secs() / DAY_SECONDS;
    write_second(&mut text, today.saturating_add_signed(offset_days) * DAY_SECONDS);
    String::from_utf8_lossy(&text).into_owned()
}

#[expect(clippy::disallowed_methods, reason = "the load benchmark is its own composition root")]
fn unix_time() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use serde_json::Value;

    use super::*;

    fn traffic(load: Load, times: Times) -> Traffic {
        Traffic::new(([127, 0, 0, 1], 8080).into(), load, times, 7, 1, Arc::new(Zipf::new(PAGES)))
    }

    fn body(request: &[u8]) -> Value {
        let (head, body) = str::from_utf8(request).unwrap().split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}", body.len())), "{head}");
        serde_json::from_str(body).unwrap()
    }

    #[test]
    fn requests_are_sound_and_of_the_mix() {
        let mut traffic = traffic(Load::Single, Times::Present);
        let (mut ids, mut types, mut bytes) = (HashSet::new(), HashMap::new(), 0);
        for _ in 0..10_000 {
            let event = body(traffic.next_request(Instant::now()));
            bytes += event.to_string().len();
            let id = event["event_id"].as_str().unwrap().to_owned();
            assert!(&id[14..15] == "4" && "89ab".contains(&id[19..20]), "{id}");
            assert!(ids.insert(id));
            *types.entry(event["event_type"].as_str().unwrap().to_owned()).or_insert(0) += 1;
            assert_eq!(event["timestamp"].as_str().unwrap().len(), TIME.len());
            assert!(event["user_id"].as_str().unwrap()[5..].parse::<u32>().unwrap() < VISITORS);
        }
        assert!((2_300_000..2_900_000).contains(&bytes), "{bytes}");
        for (name, percent) in [("page_view", 70), ("click", 20), ("purchase", 7), ("signup", 3)] {
            assert!((percent * 80..percent * 120).contains(&types[name]), "{types:?}");
        }
    }

    #[test]
    fn every_event_of_a_batch_is_overwritten() {
        let mut traffic = traffic(Load::Batch(1_000, Events::Mixed), Times::LastDays(30));
        let earliest = day_from_today(-31);
        let (mut ids, mut users) = (HashSet::new(), HashSet::new());
        for _ in 0..3 {
            for event in body(traffic.next_request(Instant::now())).as_array().unwrap() {
                assert!(ids.insert(event["event_id"].to_string()));
                users.insert(event["user_id"].to_string());
                assert!(event["timestamp"].as_str().unwrap() > earliest.as_str());
            }
        }
        assert_eq!(ids.len(), 3_000);
        assert!(users.len() > 2_900, "{}", users.len());
    }

    #[test]
    fn a_batch_of_mails_goes_to_domains_that_differ() {
        let mut traffic = traffic(Load::Batch(1_000, Events::Mails), Times::Present);
        let mut domains = HashSet::new();
        for _ in 0..3 {
            for event in body(traffic.next_request(Instant::now())).as_array().unwrap() {
                assert_eq!((&event["event_type"], event.get("user_id")), (&"delivered".into(), None));
                domains.insert(event["properties"]["domain"].as_str().unwrap().to_owned());
            }
        }
        assert_eq!(domains.len(), 3_000);
        assert!(domains.iter().all(|domain| domain.len() == "mail-000000-000000.example.com".len()));
    }

    #[test]
    fn a_single_mail_has_a_key_of_its_own() {
        let mut traffic = traffic(Load::Mail, Times::Present);
        let (mut keys, mut domains, mut bounced) = (HashSet::new(), HashSet::new(), 0);
        for _ in 0..20_000 {
            let request = str::from_utf8(traffic.next_request(Instant::now())).unwrap();
            let (domain, rest) = request.strip_prefix("PUT /events/").unwrap().split_once('/').unwrap();
            let key = rest.strip_suffix("\r\n\r\n").unwrap().split_once("Idempotency-Key: ").unwrap().1;
            assert_eq!(key.len(), ID.len());
            assert!(keys.insert(key.to_owned()));
            domains.insert(domain.to_owned());
            bounced += u32::from(rest.starts_with("bounced "));
        }
        assert!(domains.contains(&super::super::requests::domain_name(4_321)), "{}", domains.len());
        assert!((7_000..=8_000).contains(&domains.len()) && (5..60).contains(&bounced), "{bounced}");
    }

    #[test]
    fn the_calendar_is_right() {
        for (second, expected) in [
            (0, "1970-01-01T00:00:00"),
            (951_782_399, "2000-02-28T23:59:59"),
            (951_782_400, "2000-02-29T00:00:00"),
            (1_748_268_000, "2025-05-26T14:00:00"),
            (4_102_444_799, "2099-12-31T23:59:59"),
        ] {
            let mut text = *b"2000-01-01T00:00:00";
            write_second(&mut text, second);
            assert_eq!(str::from_utf8(&text).unwrap(), expected);
        }
    }
}
