//! Parcels made of generated items.

use actix_web::web::Bytes;
use footfall_domain::time::Timestamp;
use footfall_traffic::{Mail, Site, Spread, Users};

use super::options::Rate;
use super::parcel::{Content, Parcel};

/// What items there are.
pub(crate) enum Source {
    /// Events of a site.
    Site(Box<Site>),
    /// Events of a mail system.
    Mail(Box<Mail>),
    /// Memberships in segments.
    Users(Box<Users>),
}

/// When they happen.
pub(crate) enum Times {
    /// Long ago.
    Past(Box<Spread>),
    /// As they are made.
    Now,
}

/// Where parcels come from.
pub(crate) struct Supply {
    source: Source,
    times: Times,
    batch_size: u16,
    /// How many items are still to come, if they end.
    left: Option<u64>,
}

impl Supply {
    pub(crate) fn new(source: Source, times: Times, batch_size: u16, count: Option<u64>) -> Self {
        Self { source, times, batch_size, left: count }
    }

    /// How many items the next parcel should have: 0 at the end.
    pub(super) fn next_items(&self) -> u64 {
        self.left.map_or(u64::from(self.batch_size), |left| left.min(u64::from(self.batch_size)))
    }

    /// The next parcel, of that many items; `None` if it would be empty. The last of those of a live parcel happens `now`, the
    /// others before it at the rate's distance.
    pub(super) fn take(&mut self, items: u64, now: Timestamp, rate: Option<Rate>) -> Option<Parcel> {
        if items == 0 {
            return None;
        }
        self.left = self.left.map(|left| left.saturating_sub(items));
        let times = &mut self.times;
        let mut time = |number: u64| match times {
            Times::Past(spread) => spread.next().unwrap_or(now),
            Times::Now => {
                let before = rate.map(|rate| rate.time_of(items - 1 - number)).unwrap_or_default();
                now.plus_micros(-i64::try_from(before.as_micros()).unwrap_or(i64::MAX))
            }
        };
        let content = match (&mut self.source, self.batch_size) {
            (Source::Mail(mail), 1) => Content::Mail(mail.draw()),
            (Source::Site(site), 1) => {
                let mut body = Vec::new();
                let id = site.append(time(0), &mut body);
                Content::Event { id, body: body.into() }
            }
            (Source::Users(users), 1) => {
                let mut body = Vec::new();
                users.append(now, &mut body);
                Content::User(body.into())
            }
            (Source::Site(site), _) => Content::Events(joined(items, b"", b"\n", b"", |number, body| {
                site.append(time(number), body);
            })),
            (Source::Mail(mail), _) => Content::Events(joined(items, b"", b"\n", b"", |number, body| {
                mail.append(time(number), body);
            })),
            (Source::Users(users), _) => {
                Content::Users(joined(items, b"[", b",\n", b"]", |_, body| users.append(now, body)))
            }
        };
        Some(Parcel { content, items: items as usize })
    }
}

/// Items with something before the first, between any two, and after the last.
fn joined(
    items: u64,
    before: &[u8],
    between: &[u8],
    after: &[u8],
    mut append: impl FnMut(u64, &mut Vec<u8>),
) -> Bytes {
    let mut body = before.to_vec();
    for number in 0..items {
        if number > 0 {
            body.extend_from_slice(between);
        }
        append(number, &mut body);
    }
    body.extend_from_slice(after);
    body.into()
}

#[cfg(test)]
mod tests {
    use footfall_traffic::{Seed, SiteOptions};
    use serde_json::Value;

    use super::*;

    const SEED: Seed = Seed::past(1);

    fn now() -> Timestamp {
        Timestamp::parse("2026-11-25T10:00:00Z").unwrap()
    }

    fn site() -> Source {
        Source::Site(Box::new(Site::new(SEED, SiteOptions::new(10, 10, 1.0))))
    }

    fn take(supply: &mut Supply, rate: Option<Rate>) -> Option<Parcel> {
        supply.take(supply.next_items(), now(), rate)
    }

    #[test]
    fn a_count_is_cut_into_parcels_and_ends() {
        let spread = Spread::new(SEED, now(), 1, 25);
        let mut supply = Supply::new(site(), Times::Past(Box::new(spread)), 10, Some(25));
        for items in [10, 10, 5] {
            let parcel = take(&mut supply, None).unwrap();
            let Content::Events(body) = &parcel.content else { panic!("not NDJSON") };
            assert_eq!((parcel.items, body.split(|&byte| byte == b'\n').count()), (items, items));
        }
        assert!(take(&mut supply, None).is_none());
        assert!(Supply::new(site(), Times::Now, 10, None).next_items() == 10);
    }

    #[test]
    fn live_events_stand_at_the_distance_of_their_rate_up_to_now() {
        let mut supply = Supply::new(site(), Times::Now, 3, None);
        let parcel = take(&mut supply, Some("4".parse().unwrap())).unwrap();
        let Content::Events(body) = parcel.content else { panic!("not NDJSON") };
        let times: Vec<String> = body
            .split(|&byte| byte == b'\n')
            .map(|line| {
                serde_json::from_slice::<Value>(line).unwrap()["timestamp"].as_str().unwrap()[17..23]
                    .to_owned()
            })
            .collect();
        assert_eq!(times, ["59.500", "59.750", "00.000"]);
    }

    #[test]
    fn parcels_of_one_go_their_own_way() {
        let of = |source| take(&mut Supply::new(source, Times::Now, 1, Some(1)), None).unwrap().content;
        assert!(matches!(of(site()), Content::Event { body, .. } if body.starts_with(b"{")));
        assert!(matches!(of(Source::Mail(Box::new(Mail::new(SEED, 5)))), Content::Mail(_)));
        assert!(
            matches!(of(Source::Users(Box::new(Users::new(SEED, 5)))), Content::User(body) if body.starts_with(b"{"))
        );
        let mut users = Supply::new(Source::Users(Box::new(Users::new(SEED, 5))), Times::Now, 3, Some(3));
        let Content::Users(body) = take(&mut users, None).unwrap().content else { panic!("not an array") };
        assert_eq!(serde_json::from_slice::<Value>(&body).unwrap().as_array().map(Vec::len), Some(3));
    }
}
