use footfall_domain::event::Subject;
use footfall_domain::time::{DAY_US, HOUR_US, Timestamp};

use super::*;
use crate::growth;
use crate::interner::Interner;
use crate::models::Fact;
use crate::series::Series;

fn at(hours: i64) -> Timestamp {
    Timestamp::from_micros_clamped(1_748_268_000_000_000).floor_to(64 * DAY_US).plus_micros(hours * HOUR_US)
}

fn view<'a>(hours: i64, user: Option<&'a str>, page: &'a str, place: u64) -> Fact<'a> {
    Fact {
        at: at(hours),
        event_type: PAGE_VIEW,
        user,
        subject: Subject::Page(page),
        location: Location::new(place),
    }
}

/// Exactly what is left of a type that was there once is its empty series; users and pages leave nothing.
fn has_given_everything_back(models: &ReadModels) {
    let types = growth::vec_bytes::<Series>(models.by_type.len());
    assert_eq!(models.bytes, types as isize);
    assert_eq!([&models.users, &models.pages, &models.domains].map(Interner::heap_bytes), [0; 3]);
    assert!(models.hours.is_empty() && models.by_page.is_empty() && models.by_domain.is_empty());
    assert!(models.everyone.is_empty() && models.everyone.open.is_none());
}

#[test]
fn forgetting_every_user_gives_back_every_byte_in_whatever_order_they_came_and_go() {
    for (step, reverse) in [(1, false), (7, false), (7, true), (23, true)] {
        let mut models = ReadModels::default();
        let names: Vec<String> =
            (0..700).map(|number| format!("a user with a longer name {number}")).collect();
        for group in 0..40_u64 {
            let facts = (0..100_u64).map(|number| {
                let place = group * 100 + number;
                let hours = (place * step % 4_000) as i64;
                let user = &names[(place * 31 % 700) as usize];
                view(
                    hours,
                    Some(user),
                    ["/a", "/b", &names[(place % 50) as usize]][(place % 3) as usize],
                    place,
                )
            });
            models.add(facts);
        }
        let mut order: Vec<&String> = names.iter().collect();
        if reverse {
            order.reverse();
        }
        let located: usize = order.into_iter().map(|user| models.forget_user(user).len()).sum();
        assert_eq!(located, 4_000);
        has_given_everything_back(&models);
    }
}

#[test]
fn forgetting_by_user_and_by_age_gives_back_every_byte() {
    let mut models = ReadModels::default();
    models.add((0..900).map(|place| {
        let user = ["ann", "bob", "cid"][(place % 3) as usize];
        view(place as i64 * 5, Some(user), ["/a", "/b"][(place % 2) as usize], place)
    }));
    assert_eq!(models.forget_user("bob").len(), 300);
    assert!(!models.forget_before(at(2_000)).is_empty());
    // Late ones below the floor have rows and no cells.
    models.add([view(3, Some("ann"), "/a", 1_000), view(4, Some("late"), "/late", 1_001)].into_iter());
    assert_eq!(models.forget_user("late"), [(at(4), Location::new(1_001))]);
    assert!(models.forget_user("ann").contains(&(at(3), Location::new(1_000))));
    assert_eq!(models.forget_user("ann"), []);
    assert_eq!(models.forget_before(at(9_000)).len(), 167);
    has_given_everything_back(&models);
}

#[test]
fn the_latest_hour_may_lose_its_cell_and_get_it_back() {
    let mut models = ReadModels::default();
    models.add([view(0, Some("bob"), "/", 0), view(30, Some("ann"), "/", 1)].into_iter());
    models.forget_user("ann");
    assert_eq!(models.everyone.set_aside, 0);
    // Before what was the latest hour, in it, and after it.
    for (place, hours) in [(2, 29), (3, 30), (4, 30), (5, 31), (6, 28)] {
        models.add([view(hours, Some("cid"), "/", place)].into_iter());
        let mut fresh = models.emptied();
        let facts = [(0, 0), (2, 29), (3, 30), (4, 30), (5, 31), (6, 28)].into_iter();
        let facts = facts.filter(|(other, _)| *other <= place);
        let user = |place: u64| if place == 0 { "bob" } else { "cid" };
        fresh.add(facts.map(|(place, hours)| view(hours, Some(user(place)), "/", place)));
        assert_eq!(models.differences(&fresh, 9), [""; 0]);
    }
    assert_eq!(models.forget_user("cid").len() + models.forget_user("bob").len(), 6);
    has_given_everything_back(&models);
}

#[test]
fn what_is_nobodys_stays() {
    let mut models = ReadModels::default();
    models.add([view(0, None, "/", 0), view(0, Some("ann"), "/", 1), view(9, None, "/", 2)].into_iter());
    assert_eq!(models.forget_user("ann"), [(at(0), Location::new(1))]);
    assert_eq!(models.forget_user(""), []);
    let mut fresh = ReadModels::default();
    fresh.add([view(9, None, "/", 2), view(0, None, "/", 0)].into_iter());
    assert_eq!(models.differences(&fresh, 9), [""; 0]);
}

/// Raising the floor where nothing is dropped leaves wider cells that begin before it, and they no longer grow.
#[test]
fn wider_cells_that_begin_before_the_floor_are_no_obstacle() {
    let mut models = ReadModels::default();
    models.add([view(10, Some("ann"), "/", 0), view(12, Some("bob"), "/", 1)].into_iter());
    assert!(models.forget_before(at(5)).is_empty());
    models.add((2..9).map(|place| view(10, Some("ann"), "/", place)));
    models.add([view(40, Some("bob"), "/", 9)].into_iter());
    assert_eq!(models.forget_user("ann").len(), 8);
    let mut fresh = models.emptied();
    fresh.add([view(12, Some("bob"), "/", 1), view(40, Some("bob"), "/", 9)].into_iter());
    assert_eq!(models.differences(&fresh, 9), [""; 0]);
    assert_eq!(models.forget_user("bob").len(), 2);
    has_given_everything_back(&models);
}
