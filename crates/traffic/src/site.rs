//! Visitors on a site.

use footfall_domain::event::EventId;
use footfall_domain::time::Timestamp;

use crate::ids::Ids;
use crate::random::{Random, Seed, scale};
use crate::text::{TimeText, push_digits, push_id};
use crate::zipf::Zipf;

const IDS_LABEL: u64 = 2;
const DRAWS_LABEL: u64 = 3;

/// The time between two events of a visitor who is there, on average.
const SECONDS_BETWEEN: f64 = 40.0;
const MOST_SESSIONS: u32 = 10_000;
/// After each event so many of a thousand visitors stay: five events a session, on average.
const STAY_PER_MILLE: u32 = 800;
const LONGEST_SESSION: u8 = 60;

const SOURCES: [&str; 4] = [
    "https://search.example/",
    "https://news.example/daily",
    "https://social.example/",
    "https://partner.example/shop",
];
const ELEMENTS: [&str; 4] = ["add-to-cart", "menu", "image", "search"];
const PLANS: [&str; 3] = ["free", "free", "pro"];

/// What a site is like.
#[derive(Clone, Copy, Debug)]
pub struct SiteOptions {
    /// Visitors that there are. A tenth of them makes a third of the sessions.
    pub users: u32,
    /// Pages that there are, their popularity falling by Zipf's law.
    pub pages: u32,
    /// Visitors that are there at the same time. A session's events have about as many others between them.
    pub sessions: u32,
}

impl SiteOptions {
    /// A site with that many events a second: then as many visitors are there as make an event of each come every 40
    /// seconds.
    pub fn new(users: u32, pages: u32, events_per_second: f64) -> Self {
        let sessions = (events_per_second * SECONDS_BETWEEN).min(f64::from(MOST_SESSIONS)) as u32;
        Self { users: users.max(1), pages: pages.max(1), sessions: sessions.max(1) }
    }
}

/// The events of a site, one after the other.
#[derive(Clone, Debug)]
pub struct Site {
    ids: Ids,
    next: u64,
    random: Random,
    users: u32,
    pages: Zipf,
    sessions: Vec<Session>,
    time: TimeText,
}

/// A visitor who is there.
#[derive(Clone, Copy, Default, Debug)]
struct Session {
    user: u32,
    page: u32,
    left: u8,
}

impl Site {
    /// The site's first event is the next one.
    pub fn new(seed: Seed, options: SiteOptions) -> Self {
        Self {
            ids: Ids::new(seed, IDS_LABEL),
            next: 0,
            random: Random::new(seed, DRAWS_LABEL),
            users: options.users.max(1),
            pages: Zipf::new(options.pages.max(1)),
            sessions: vec![Session::default(); options.sessions.max(1) as usize],
            time: TimeText::new(),
        }
    }

    /// Appends the next event, as JSON without line breaks, and hands back its identity. It happens at `time`.
    pub fn append(&mut self, time: Timestamp, out: &mut Vec<u8>) -> EventId {
        let id = self.ids.id(self.next);
        self.next += 1;
        let place = self.random.below(self.sessions.len() as u32) as usize;
        let begins = self.sessions[place].left == 0;
        if begins {
            self.sessions[place] = self.begin();
        }
        let draw = if begins { 0 } else { self.random.below(1_000) };
        if draw < 620 && !begins {
            self.sessions[place].page = self.pages.draw(&mut self.random);
        }
        self.sessions[place].left -= 1;
        let session = self.sessions[place];

        out.extend_from_slice(br#"{"event_id":""#);
        push_id(out, &id);
        out.extend_from_slice(br#"","user_id":""#);
        push_user(out, session.user);
        out.extend_from_slice(br#"","event_type":""#);
        let event_type: &[u8] = match draw {
            0..620 => b"page_view",
            620..910 => b"click",
            910..930 => b"signup",
            _ => b"purchase",
        };
        out.extend_from_slice(event_type);
        out.extend_from_slice(br#"","timestamp":""#);
        self.time.push(out, time);
        out.extend_from_slice(br#"","properties":{"#);
        match draw {
            0..620 => self.page_view(session, begins, out),
            620..910 => named(out, session.page, "element", pick(&mut self.random, &ELEMENTS)),
            910..930 => named(out, session.page, "plan", pick(&mut self.random, &PLANS)),
            _ => purchase(session.page, 1 + self.random.below(1_000) / 800, out),
        }
        out.extend_from_slice(b"}}");
        id
    }

    fn begin(&mut self) -> Session {
        // A uniform number squared: the n-th visitor is met with a density that falls as 1/√n.
        let uniform = self.random.bits() >> 32;
        let user = scale(((uniform * uniform) >> 32) as u32, self.users);
        let page = self.pages.draw(&mut self.random);
        let mut left = 1;
        while left < LONGEST_SESSION && self.random.per_mille(STAY_PER_MILLE) {
            left += 1;
        }
        Session { user, page, left }
    }

    fn page_view(&mut self, session: Session, begins: bool, out: &mut Vec<u8>) {
        out.extend_from_slice(br#""page":""#);
        push_page(out, session.page);
        if begins {
            // It is the same page with and without.
            if self.random.per_mille(250) {
                out.extend_from_slice(b"?utm_source=newsletter");
            }
            out.extend_from_slice(br#"","referrer":""#);
            out.extend_from_slice(pick(&mut self.random, &SOURCES).as_bytes());
        }
        out.push(b'"');
    }
}

fn pick<'a>(random: &mut Random, from: &[&'a str]) -> &'a str {
    from[random.below(from.len() as u32) as usize]
}

/// The page and one more member.
fn named(out: &mut Vec<u8>, page: u32, name: &str, value: &str) {
    out.extend_from_slice(br#""page":""#);
    push_page(out, page);
    for part in ["\",\"", name, "\":\"", value, "\""] {
        out.extend_from_slice(part.as_bytes());
    }
}

fn purchase(page: u32, quantity: u32, out: &mut Vec<u8>) {
    // A product costs the same every time: from 4.90 to 203.90.
    let cents = u64::from(page.wrapping_mul(2_654_435_761) >> 8) % 200 * 100 + 490;
    let cents = cents * u64::from(quantity);
    out.extend_from_slice(br#""product_id":"product-"#);
    push_digits(out, u64::from(page), 5);
    out.extend_from_slice(br#"","amount":"#);
    push_digits(out, cents / 100, 1);
    out.push(b'.');
    push_digits(out, cents % 100, 2);
    out.extend_from_slice(br#","currency":"EUR","quantity":"#);
    push_digits(out, u64::from(quantity), 1);
}

fn push_page(out: &mut Vec<u8>, page: u32) {
    out.extend_from_slice(b"https://shop.example/");
    if page > 0 {
        out.extend_from_slice(b"products/");
        push_digits(out, u64::from(page), 5);
    }
}

/// A visitor's name, the same one for a site and for segments.
pub(crate) fn push_user(out: &mut Vec<u8>, user: u32) {
    out.extend_from_slice(b"user-");
    push_digits(out, u64::from(user), 7);
}

#[cfg(test)]
#[path = "site_tests.rs"]
mod tests;
