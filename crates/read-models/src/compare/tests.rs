use footfall_domain::event::Subject;
use footfall_domain::time::{DAY_US, Timestamp};

use super::*;
use crate::models::Fact;
use crate::rows::Location;

/// The first hour of a span of 64 days.
const START: &str = "2025-05-16T00:00:00.000000Z";

fn at(hours: i64) -> Timestamp {
    let start = Timestamp::from_micros_clamped(1_748_268_000_000_000).floor_to(64 * DAY_US);
    assert_eq!(start.to_string(), START);
    start.plus_micros(hours * HOUR_US)
}

fn fact<'a>(place: u64, hours: i64, user: &'a str, subject: Subject<'a>) -> Fact<'a> {
    let event_type = match subject {
        Subject::None => "click",
        Subject::Page(_) => PAGE_VIEW,
        Subject::Domain(_) => "bounced",
    };
    let user = Some(user).filter(|user| !user.is_empty());
    Fact { at: at(hours), event_type, user, subject, location: Location::new(place) }
}

const USERS: [&str; 4] = ["ann", "bob", "cid", ""];

fn facts() -> Vec<Fact<'static>> {
    (0..120)
        .map(|place| {
            let subject =
                [Subject::Page("/a"), Subject::None, Subject::Page("/b"), Subject::Domain("b.example")];
            fact(
                place,
                place as i64 * 37 % 400,
                USERS[(place % 7 % 4) as usize],
                subject[(place % 4) as usize],
            )
        })
        .collect()
}

fn models(facts: &[Fact<'_>], group: usize) -> ReadModels {
    let mut models = ReadModels::default();
    for facts in facts.chunks(group) {
        models.add(facts.iter().copied());
    }
    models
}

fn told(ours: &ReadModels, log: &ReadModels) -> Vec<String> {
    ours.differences(log, 1_000)
}

#[test]
fn order_and_groups_make_no_difference() {
    let mut facts = facts();
    let first = models(&facts, 120);
    for group in [1, 7, 50] {
        facts.rotate_left(group);
        facts.reverse();
        assert_eq!(told(&models(&facts, group), &first), [""; 0]);
        assert_eq!(told(&first, &models(&facts, group)), [""; 0]);
    }
    assert_eq!(told(&ReadModels::default(), &ReadModels::default()), [""; 0]);
}

#[test]
fn an_event_too_few_or_too_many_is_told_wherever_it_counts() {
    let facts = facts();
    let all = models(&facts, 10);
    let mut more = facts.clone();
    more.push(fact(500, 37, "new", Subject::Page("/a")));
    let more = models(&more, 10);
    let sentences = told(&all, &more);
    for wanted in [
        "events in the hour from 2025-05-17T13:00:00.000000Z: 1 counted, 2 in the log",
        "visitors in the day from 2025-05-17T00:00:00.000000Z: 3 counted, 4 in the log",
        "page_view events in the 64 days from 2025-05-16T00:00:00.000000Z: 60 counted, 61 in the log",
        "visitors of page_view events in the hour from 2025-05-17T13:00:00.000000Z: 0 counted, 1 in the log",
        "views of /a in the 64 days from 2025-05-16T00:00:00.000000Z: 30 counted, 31 in the log",
        "visitors of /a in the 8 days from 2025-05-16T00:00:00.000000Z: 3 counted, 4 in the log",
        "events listed in the hour from 2025-05-17T13:00:00.000000Z: 1 held, 2 in the log, 1 the same",
        "users: 3 held, 4 in the log, 3 of as many events on both sides",
        "pages: 2 held, 2 in the log, 1 of as many events on both sides",
        "types: 3 held, 3 in the log, 2 of as many events on both sides",
    ] {
        assert!(sentences.iter().any(|sentence| sentence == wanted), "{wanted}\nis not in {sentences:#?}");
    }
    // Three series, counts and visitors, four widths; the hour's rows and three kinds of names.
    assert_eq!(sentences.len(), 3 * 2 * 4 + 1 + 3);
    assert_eq!(told(&more, &all).len(), sentences.len());
    assert_eq!(all.differences(&more, 5), sentences[..5]);
}

#[test]
fn an_event_of_another_kind_is_told() {
    let facts = facts();
    let all = models(&facts, 10);
    let place = facts.iter().position(|fact| fact.subject == Subject::Page("/a")).unwrap();
    let own = facts[place];
    let others = [
        Fact { user: Some("dan"), ..own },
        Fact { user: None, ..own },
        Fact { subject: Subject::Page("/b"), ..own },
        Fact { subject: Subject::Page("/new"), ..own },
        Fact { subject: Subject::None, event_type: "click", ..own },
        Fact { subject: Subject::Domain("/a"), event_type: "bounced", ..own },
        Fact { at: own.at.plus_micros(1), ..own },
        Fact { at: own.at.plus_micros(HOUR_US), ..own },
        Fact { location: Location::new(999), ..own },
    ];
    for other in others {
        let mut changed = facts.clone();
        changed[place] = other;
        let changed = models(&changed, 7);
        assert!(!told(&all, &changed).is_empty() && !told(&changed, &all).is_empty(), "{other:?}");
    }
}

#[test]
fn users_that_took_each_others_place_are_told() {
    let one = [fact(0, 0, "ann", Subject::None), fact(1, 1, "bob", Subject::None)];
    let other = [fact(0, 0, "bob", Subject::None), fact(1, 1, "ann", Subject::None)];
    let sentences = told(&models(&one, 2), &models(&other, 2));
    assert!(
        sentences.contains(&format!("visitors in the hour from {START}: 1 counted, 1 in the log, others"))
    );
    assert!(
        sentences
            .contains(&format!("events listed in the hour from {START}: 1 held, 1 in the log, 0 the same"))
    );
    assert!(!sentences.iter().any(|sentence| sentence.contains("ann") || sentence.contains("day")));
}

/// Each part of a model in turn is damaged, and each time it is told.
#[test]
fn a_damaged_cell_is_told() {
    let facts = facts();
    let log = models(&facts, 120);
    let page = log.pages.get("/b").unwrap();
    let click = log.types.get("click").unwrap();
    let expect = |damage: &dyn Fn(&mut ReadModels), wanted: &str| {
        let mut damaged = models(&facts, 120);
        damage(&mut damaged);
        let sentences = told(&damaged, &log);
        assert!(sentences.len() == 1 && sentences[0].starts_with(wanted), "{sentences:#?}");
    };
    for (width, within) in ["hour", "day", "8 days", "64 days"].into_iter().enumerate() {
        expect(
            &|models| models.everyone.cells[width][0].count += 1,
            &format!("events in the {within} from {START}: "),
        );
        expect(
            &|models| models.everyone.cells[width][0].visitors.add_sorted(&[9]),
            &format!("visitors in the {within} from {START}: "),
        );
        expect(
            &|models| models.by_type[click as usize].cells[width].first_mut().unwrap().count -= 1,
            &format!("click events in the {within} from "),
        );
        expect(
            &|models| {
                let cell = models.by_page[page as usize].as_mut().unwrap().cells[width].first_mut().unwrap();
                cell.visitors.remove(cell.visitors.to_sorted()[0]);
            },
            &format!("visitors of /b in the {within} from "),
        );
    }
    expect(
        &|models| {
            let domain = models.domains.get("b.example").unwrap();
            models.domains.release(domain);
        },
        "domains: 1 held, 1 in the log, 0 of as many events on both sides",
    );
}

#[test]
fn a_row_too_few_is_told() {
    let facts = facts();
    let (mut damaged, log) = (models(&facts, 120), models(&facts, 11));
    let hour = *damaged.hours.keys().next().unwrap();
    damaged.hours.remove(&hour);
    assert_eq!(
        told(&damaged, &log),
        [format!("events listed in the hour from {START}: 0 held, 1 in the log, 0 the same")]
    );
    assert_eq!(
        told(&log, &damaged),
        [format!("events listed in the hour from {START}: 1 held, 0 in the log, 0 the same")]
    );
}

#[test]
fn a_page_that_counts_without_events_is_told() {
    let facts = facts();
    let (mut damaged, log) = (models(&facts, 120), models(&facts, 11));
    let mut orphan = Series::default();
    orphan.add(0, 3, &[1], i32::MIN);
    damaged.by_page.push(Some(Box::new(orphan)));
    let sentences = told(&damaged, &log);
    assert_eq!(
        sentences[0],
        format!("views of {NO_NAME} in the hour from 1970-01-01T00:00:00.000000Z: 3 counted, 0 in the log")
    );
}

#[test]
fn another_floor_is_told() {
    let facts = facts();
    let (mut floored, log) = (models(&facts, 120), models(&facts, 11));
    floored.forget_before(at(50));
    assert_eq!(
        told(&floored, &log),
        ["the figures begin at 2025-05-18T02:00:00.000000Z, those of the log at 0000-01-01T00:00:00.000000Z"]
    );
    let mut rebuilt = floored.emptied();
    rebuilt.add(facts.iter().filter(|fact| fact.at >= at(50)).copied());
    assert_eq!(told(&floored, &rebuilt), [""; 0]);
}

#[test]
fn hours_of_many_rows_are_compared_in_parts() {
    assert_eq!(windows(0).collect::<Vec<_>>(), [(0, HOUR_US as u32)]);
    let parts: Vec<(u32, u32)> = windows(10 * WINDOW_ROWS).collect();
    assert_eq!((parts.len(), parts[0].0, parts[10].1), (11, 0, HOUR_US as u32));
    assert!(parts.windows(2).all(|pair| pair[0].1 == pair[1].0));
    let names: Vec<String> = (0..1_000).map(|number| number.to_string()).collect();
    let mut facts: Vec<Fact<'_>> = (0..200_000_u64)
        .map(|place| Fact {
            at: at(0).plus_micros((place * 7_919 % 200_000) as i64 * 18_000),
            ..fact(place, 0, &names[(place % 1_000) as usize], Subject::None)
        })
        .collect();
    let first = models(&facts, 9_000);
    facts.reverse();
    assert_eq!(told(&first, &models(&facts, 200_000)), [""; 0]);
    facts[77].location = Location::new(200_000);
    assert_eq!(
        told(&first, &models(&facts, 200_000)),
        [format!("events listed in the hour from {START}: 200000 held, 200000 in the log, 199999 the same")]
    );
}
