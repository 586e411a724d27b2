//! A history taken in as a whole gives what it gives event by event.

use footfall_domain::event::{Subject, SubjectKind};
use footfall_domain::time::{HOUR_US, Timestamp};
use footfall_read_models::{BulkLoader, Coded, CodedRow, Fact, Location, ReadModels};
use proptest::prelude::*;

const USERS: [&str; 4] = ["ann", "bob", "a user whose name is too long to stand inline", "0"];
const PAGES: [&str; 3] = ["/", "/a", "https://example.com/a/page/of/some/length"];
const DOMAINS: [&str; 2] = ["example.com", "/a"];
const TYPES: [&str; 4] = ["page_view", "click", "delivered", "other"];

/// Indices of an event's names, and its time in minutes.
type Plain = (i64, usize, usize);

fn events() -> impl Strategy<Value = Vec<Plain>> {
    let minute = prop_oneof![-100..5_000_i64, -400_000..400_000_i64];
    prop::collection::vec((minute, 0..USERS.len(), 0..PAGES.len() + DOMAINS.len() + 2), 0..200)
}

fn fact(number: u64, &(minute, user, what): &Plain) -> Fact<'static> {
    let (event_type, subject) = match what {
        what if what < PAGES.len() => (TYPES[0], Subject::Page(PAGES[what])),
        what if what < PAGES.len() + DOMAINS.len() => {
            (TYPES[2], Subject::Domain(DOMAINS[what - PAGES.len()]))
        }
        what if what == PAGES.len() + DOMAINS.len() => (TYPES[1], Subject::None),
        _ => (TYPES[3], Subject::None),
    };
    let user = (event_type != TYPES[2]).then_some(USERS[user]);
    let at = Timestamp::from_micros_clamped(minute * 60_000_000 + number.cast_signed());
    Fact { at, event_type, user, subject, location: Location::new(number) }
}

fn code(names: &[&str], name: &str) -> u32 {
    names.iter().position(|other| *other == name).unwrap() as u32
}

fn row(fact: &Fact<'_>) -> CodedRow {
    let (kind, subject) = match fact.subject {
        Subject::Page(page) => (SubjectKind::Page, code(&PAGES, page)),
        Subject::Domain(domain) => (SubjectKind::Domain, code(&DOMAINS, domain)),
        Subject::None => (SubjectKind::None, 0),
    };
    CodedRow {
        at: fact.at,
        event_type: code(&TYPES, fact.event_type),
        user: fact.user.map(|user| code(&USERS, user)),
        kind,
        subject,
        location: fact.location,
    }
}

proptest! {
    #[test]
    fn in_bulk_and_event_by_event_are_the_same(
        (history, coded_from, later) in (events(), 0..200_usize, events()),
        floor in prop::option::of(-100..5_000_i64),
    ) {
        let facts: Vec<Fact<'_>> = (0..).zip(&history).map(|(number, event)| fact(number, event)).collect();
        let floor = floor.map_or(Timestamp::MIN, |minute| {
            Timestamp::from_micros_clamped(minute * 60_000_000).floor_to(HOUR_US)
        });
        let facts: Vec<Fact<'_>> = facts.into_iter().filter(|fact| fact.at >= floor).collect();
        let mut single = ReadModels::default();
        single.forget_before(floor);
        for fact in &facts {
            single.add(std::iter::once(*fact));
        }

        let (plain, coded) = facts.split_at(coded_from.min(facts.len()));
        let mut bulk = BulkLoader::new(single.emptied());
        bulk.add(plain.iter().copied());
        bulk.add_coded(&Coded {
            users: USERS.to_vec(),
            types: TYPES.to_vec(),
            pages: PAGES.to_vec(),
            domains: DOMAINS.to_vec(),
            rows: coded.iter().map(row).collect(),
        });
        let mut bulk = bulk.finish(|one, other| {
            one();
            other();
        });
        prop_assert_eq!(bulk.differences(&single, 100), Vec::<String>::new());
        prop_assert_eq!(single.differences(&bulk, 100), Vec::<String>::new());

        // And they stay the same, so what is kept of the latest hour is right too.
        for (number, event) in (1_000..).zip(&later) {
            let fact = fact(number, event);
            if fact.at >= floor {
                single.add(std::iter::once(fact));
                bulk.add(std::iter::once(fact));
            }
        }
        prop_assert_eq!(bulk.differences(&single, 100), Vec::<String>::new());
        for user in USERS {
            prop_assert_eq!(bulk.forget_user(user).len(), single.forget_user(user).len());
        }
        prop_assert_eq!(bulk.differences(&single, 100), Vec::<String>::new());
        bulk.forget_before(Timestamp::MAX);
        let [.., (_, rows), (_, series)] = bulk.heap_bytes_by_part();
        let empty = ReadModels::default().heap_bytes();
        prop_assert!(rows == 0 && series < 64 * 1024 + empty, "{rows} and {series} bytes are left");
    }
}
