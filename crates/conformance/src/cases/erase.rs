//! Erasing users: nothing of theirs is left in any answer, and nothing of anybody else is missing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use footfall_domain::answers::{EventFilter, Metric, Order, PageOrder, SeriesFilter, Slice};
use footfall_domain::time::{DAY_US, HOUR_US, MINUTE_US, SECOND_US, TimeRange, Timestamp};
use footfall_ports::Outcome::{Duplicate, Stored};

use crate::{Draft, Trial, batch_of, id, instant, range, user_names};

fn noon() -> Timestamp {
    instant("2025-05-26T12:00")
}

fn after(micros: i64) -> Timestamp {
    noon().plus_micros(micros)
}

fn day() -> TimeRange {
    range(noon().floor_to(DAY_US), noon().floor_to(DAY_US).plus_micros(DAY_US))
}

fn of_user(user: &str) -> EventFilter {
    EventFilter { user: Some(user.into()), ..EventFilter::default() }
}

const FIRST: Slice = Slice { order: Order::Ascending, after: None, limit: 1_000 };

/// Neither by identity nor in a list, a count, a ranking or a chart; a page that nobody else viewed was never there.
pub async fn an_erased_user_is_in_no_answer(mut trial: Trial) {
    let events = [
        Draft::view(1, noon(), "ann", "/both"),
        Draft::view(2, after(1), "bob", "/both"),
        Draft::view(3, after(2), "ann", "/own"),
        Draft::plain(4, after(HOUR_US), "ann", "click"),
        Draft::plain(5, after(HOUR_US), "bob", "purchase"),
        Draft { user: Some("ann".into()), ..Draft::mail(6, after(3), "delivered", "example.com") },
    ];
    trial.append(&events).await;
    assert_eq!(trial.erase("ann").await, 4);
    for (number, there) in [(1, false), (2, true), (3, false), (4, false), (5, true), (6, false)] {
        assert_eq!(trial.event(id(number)).await.is_some(), there, "event {number}");
    }
    assert!(trial.events(of_user("ann"), FIRST).await.is_empty());
    assert_eq!(trial.events(EventFilter::default(), FIRST).await.len(), 2);
    assert_eq!(trial.page("/both", day()).await, (1, 1));
    assert_eq!(trial.page("/own", TimeRange::ALL).await, (0, 0));
    for order in [PageOrder::Visitors, PageOrder::Views] {
        let pages = trial.top_pages(TimeRange::ALL, order, 10).await;
        assert_eq!(pages.iter().map(|page| &*page.url).collect::<Vec<_>>(), ["/both"]);
    }
    let summary = trial.summary(day()).await;
    assert_eq!((summary.total_events, summary.unique_users), (2, 1));
    assert_eq!(summary.events_by_type.keys().collect::<Vec<_>>(), ["page_view", "purchase"]);
    for metric in [Metric::Events, Metric::Visitors, Metric::PageViews] {
        trial.series(metric, SeriesFilter::default(), vec![day()]).await;
    }
    trial.agrees_between(&[noon(), after(1), after(2), after(HOUR_US), after(DAY_US)]).await;
    trial.verify().await;
}

/// A late retry of an erased event is a duplicate and changes nothing, alone or beside new events, whatever it holds now.
pub async fn identities_stay_known(mut trial: Trial) {
    let events: Vec<Draft> =
        (0..200).map(|number| Draft::view(number, after(number as i64 * MINUTE_US), "ann", "/")).collect();
    trial.append(&events).await;
    assert_eq!(trial.erase("ann").await, 200);
    assert_eq!(trial.append(&events).await, vec![Duplicate; 200]);
    let other = Draft::plain(7, after(5 * HOUR_US), "bob", "click");
    assert_eq!(trial.append(&[other, Draft::view(200, noon(), "bob", "/")]).await, [Duplicate, Stored]);
    assert_eq!(trial.append(&events[..1]).await, [Duplicate]);
    assert_eq!(trial.event(id(7)).await, None);
    assert_eq!(trial.page("/", TimeRange::ALL).await, (1, 1));
    trial.agrees_between(&[noon(), after(HOUR_US), after(5 * HOUR_US), after(DAY_US)]).await;
    trial.verify().await;
}

/// Who was never there has nothing to erase, and neither has who is only a part of another's name.
pub async fn erasing_an_unknown_user_does_nothing(mut trial: Trial) {
    assert_eq!(trial.erase("ann").await, 0);
    trial
        .append(&[Draft::view(1, noon(), "ann", "/"), Draft::mail(2, noon(), "bounced", "example.com")])
        .await;
    for user in ["bob", "an", "annn", "ANN", "/", "page_view", "example.com", ""] {
        assert_eq!(trial.erase(user).await, 0, "{user:?}");
    }
    assert_eq!(trial.events(EventFilter::default(), FIRST).await.len(), 2);
    trial.verify().await;
}

/// Erasing again finds nothing, also after the erased events were sent again.
pub async fn erasing_twice_finds_nothing_more(mut trial: Trial) {
    let events = [1, 2, 3].map(|number| Draft::view(number, after(number as i64), "ann", "/"));
    trial.append(&events).await;
    assert_eq!(trial.erase("ann").await, 3);
    assert_eq!(trial.erase("ann").await, 0);
    trial.append(&events).await;
    assert_eq!(trial.erase("ann").await, 0);
    trial.verify().await;
}

/// Others at the same page, in the same hour, at the same instant stay as they were.
pub async fn others_keep_counting(mut trial: Trial) {
    let users = user_names(6);
    let mut drafts = Vec::new();
    for step in 0..60_usize {
        let (user, at) = (&users[step % 6], after((step as i64 / 12) * 20 * MINUTE_US));
        drafts.push(Draft::view(step as u128 * 2, at, user, ["/a", "/b"][step % 2]));
        drafts.push(Draft::plain(step as u128 * 2 + 1, at, user, ["click", "signup"][step % 2]));
    }
    trial.append(&drafts).await;
    let asked = [noon(), after(1), after(HOUR_US), after(HOUR_US + 1), after(DAY_US)];
    for (gone, user) in users.iter().enumerate() {
        assert_eq!(trial.erase(user).await, 20);
        assert_eq!(trial.summary(day()).await.unique_users, 5 - gone as u64);
        trial.agrees_between(&asked).await;
        trial.verify().await;
    }
}

/// Events that are nobody's are not touched, however many users go.
pub async fn events_of_nobody_stay(mut trial: Trial) {
    let drafts: Vec<Draft> = (0..40)
        .map(|number| {
            let at = after(number as i64 * 13 * MINUTE_US);
            let mail = Draft::mail(number, at, "delivered", "example.com");
            if number % 4 == 0 { Draft { user: Some("ann".into()), ..mail } } else { mail }
        })
        .collect();
    trial.append(&drafts).await;
    assert_eq!(trial.erase("ann").await, 10);
    assert_eq!(trial.walk(&EventFilter::default(), Order::Descending, 7).await.len(), 30);
    trial.agrees_between(&[noon(), after(HOUR_US), after(DAY_US)]).await;
    trial.verify().await;
}

/// Events at the bounds of spans of all widths and beyond, of a user and of others, some of them late.
pub async fn events_of_every_age_go(mut trial: Trial) {
    let spans = [HOUR_US, DAY_US, 8 * DAY_US, 64 * DAY_US];
    let mut instants: Vec<Timestamp> = spans.iter().map(|width| noon().floor_to(*width)).collect();
    instants.extend([65, 200, 900].map(|days| after(-days * DAY_US)));
    instants.extend([instant("1969-12-31T23:59"), instant("0001-01-01T00:00"), noon()]);
    let mut drafts = Vec::new();
    for (place, at) in instants.iter().enumerate() {
        for (step, micros) in [-1, 0, 1].into_iter().enumerate() {
            let number = (place * 30 + step * 10) as u128;
            let user = ["ann", "bob", "ann"][(place + step) % 3];
            drafts.push(Draft::view(number, at.plus_micros(micros), user, ["/a", "/b"][place % 2]));
            drafts.push(Draft::plain(number + 1, at.plus_micros(micros), "ann", "click"));
        }
    }
    drafts.rotate_left(17);
    for part in drafts.chunks(5) {
        trial.append(part).await;
    }
    let all = drafts.iter().filter(|draft| draft.user.as_deref() == Some("ann")).count();
    assert_eq!(trial.erase("ann").await, all as u64);
    let mut asked = instants;
    asked.extend([after(-1), after(1), after(HOUR_US), after(70 * DAY_US)]);
    trial.agrees_between(&asked).await;
    trial.verify().await;
}

/// The latest hour, which stores may keep apart, with and without others in it, and what comes before and after it then.
pub async fn the_latest_hour_goes(mut trial: Trial) {
    let asked =
        [after(-DAY_US), noon(), after(HOUR_US), after(2 * HOUR_US), after(3 * HOUR_US), after(DAY_US)];
    trial.append(&[Draft::view(1, noon(), "bob", "/"), Draft::view(2, after(2 * HOUR_US), "ann", "/")]).await;
    assert_eq!(trial.erase("ann").await, 1);
    trial.agrees_between(&asked).await;
    trial.append(&[Draft::view(3, after(1), "cid", "/")]).await;
    trial.agrees_between(&asked).await;
    trial
        .append(&[Draft::view(4, after(HOUR_US), "bob", "/"), Draft::view(5, after(2 * HOUR_US), "bob", "/")])
        .await;
    trial.append(&[Draft::view(6, after(2 * HOUR_US + 1), "cid", "/")]).await;
    trial.agrees_between(&asked).await;
    assert_eq!(trial.erase("cid").await, 2);
    trial.append(&[Draft::view(7, after(3 * HOUR_US), "dan", "/")]).await;
    trial.agrees_between(&asked).await;
    trial.verify().await;
    assert_eq!(trial.erase("bob").await, 3);
    trial.agrees_between(&asked).await;
    trial.verify().await;
}

/// A store that is empty again answers as an empty one, and takes new events.
pub async fn the_only_user_goes(mut trial: Trial) {
    for round in 0..3_u128 {
        let drafts: Vec<Draft> = (0..30)
            .map(|step| {
                let at = after(step as i64 * 3 * DAY_US + round as i64);
                Draft::view(round << 32 | step, at, "ann", &format!("/{}", step % 4))
            })
            .collect();
        assert_eq!(trial.append(&drafts).await, vec![Stored; 30]);
        assert_eq!(trial.erase("ann").await, 30);
        assert!(trial.events(EventFilter::default(), FIRST).await.is_empty());
        assert!(trial.top_pages(TimeRange::ALL, PageOrder::Views, 10).await.is_empty());
        trial.agrees_between(&[noon(), after(DAY_US), after(90 * DAY_US)]).await;
        trial.verify().await;
    }
}

/// One after the other out of many: where stores change over to other structures, on the way down.
pub async fn one_of_many_visitors_goes(mut trial: Trial) {
    let users = user_names(700);
    let drafts: Vec<Draft> = (0..1_400_usize)
        .map(|number| {
            let at = after((number as i64 * 7 % 1_400) * 10 * SECOND_US);
            Draft::view(number as u128, at, &users[number % 700], ["/a", "/b"][number / 700])
        })
        .collect();
    trial.append(&drafts).await;
    for (gone, user) in users.iter().enumerate().take(500) {
        assert_eq!(trial.erase(user).await, 2);
        if gone % 50 == 0 || (180..=190).contains(&gone) {
            assert_eq!(trial.page("/a", day()).await, (699 - gone as u64, 699 - gone as u64));
            trial.page("/b", range(after(HOUR_US + 1), after(3 * HOUR_US))).await;
            trial.summary(day()).await;
        }
    }
    trial.verify().await;
}

/// A user with thousands of events in hundreds of hours, among others.
pub async fn thousands_of_events_go(mut trial: Trial) {
    let users = user_names(50);
    let drafts: Vec<Draft> = (0..9_000_usize)
        .map(|number| {
            let user = if number % 3 == 0 { "busy" } else { &*users[number % 50] };
            let at = after((number as i64 * 7_919 % 9_000) * 12 * MINUTE_US);
            Draft::view(number as u128, at, user, &format!("/{}", number % 90))
        })
        .collect();
    trial.append(&drafts).await;
    assert_eq!(trial.erase("busy").await, 3_000);
    assert_eq!(trial.walk(&EventFilter::default(), Order::Ascending, 1_000).await.len(), 6_000);
    assert_eq!(trial.page("/0", TimeRange::ALL).await, (0, 0));
    trial.agrees_between(&[noon(), after(HOUR_US + 1), after(8 * DAY_US), after(80 * DAY_US)]).await;
    trial.verify().await;
}

/// Who was erased and does something new counts again, with the new events alone, and can be erased again.
pub async fn a_user_may_come_again(mut trial: Trial) {
    let view = |number: u128, hours: i64| Draft::view(number, after(hours * HOUR_US), "ann", "/");
    trial.append(&[view(1, 0), view(2, 30), view(3, 31)]).await;
    assert_eq!(trial.erase("ann").await, 3);
    assert_eq!(trial.append(&[view(1, 0), view(4, 0), view(5, 31), view(6, 40)]).await[1..], [Stored; 3]);
    assert_eq!(trial.page("/", TimeRange::ALL).await, (1, 3));
    assert_eq!(trial.events(of_user("ann"), FIRST).await.len(), 3);
    let asked = [noon(), after(HOUR_US), after(31 * HOUR_US), after(41 * HOUR_US)];
    trial.agrees_between(&asked).await;
    trial.verify().await;
    assert_eq!(trial.erase("ann").await, 3);
    trial.agrees_between(&asked).await;
    trial.verify().await;
}

/// A list goes on where it stopped though the event that it stopped at was erased.
pub async fn listings_go_on_past_what_was_erased(mut trial: Trial) {
    let drafts: Vec<Draft> = (0..30)
        .map(|number| Draft::view(number, after(number as i64 / 3), ["ann", "bob"][number as usize % 2], "/"))
        .collect();
    trial.append(&drafts).await;
    for (order, first) in [(Order::Ascending, 0), (Order::Descending, 29)] {
        let slice = Slice { order, limit: 1, ..FIRST };
        let last = trial.events(EventFilter::default(), slice).await.pop().expect("an event");
        assert_eq!(last.id, id(first));
        let user = last.user.expect("a user");
        trial.erase(&user).await;
        let rest = Slice { order, after: Some((last.at, last.id)), limit: 100 };
        trial.events(EventFilter::default(), rest).await;
        trial.append(&[Draft { id: id(100 + first), ..drafts[first as usize].clone() }]).await;
    }
    trial.walk(&EventFilter::default(), Order::Ascending, 1).await;
    trial.verify().await;
}

/// While others append at the same pages and hours, one user after the other is erased: once told, nothing is left of
/// them, and nothing of the others is lost.
pub async fn beside_appends_of_others(mut trial: Trial) {
    let gone: Vec<Draft> = (0..1_200_usize)
        .map(|number| {
            let user = format!("gone-{}", number % 12);
            Draft::view(
                number as u128,
                after(number as i64 * 5 * MINUTE_US),
                &user,
                &format!("/{}", number % 7),
            )
        })
        .collect();
    trial.append(&gone).await;
    let erasing = Arc::new(AtomicBool::new(true));
    let writers: Vec<_> = (1..=3_u128)
        .map(|task| {
            let (log, erasing) = (Arc::clone(&trial.backend().log), Arc::clone(&erasing));
            tokio::spawn(async move {
                let mut all = Vec::new();
                for batch in 0..300_u128 {
                    if !erasing.load(Ordering::Relaxed) {
                        break;
                    }
                    let drafts: Vec<Draft> = (0..10_u128)
                        .map(|step| {
                            let number = task << 64 | batch << 8 | step;
                            let at = after((number as i64 * 37 % 1_200) * 5 * MINUTE_US);
                            Draft::view(number, at, &format!("user-{}", batch % 9), &format!("/{}", step % 7))
                        })
                        .collect();
                    log.append(batch_of(&drafts)).await.expect("there is room");
                    all.extend(drafts);
                    tokio::task::yield_now().await;
                }
                all
            })
        })
        .collect();
    for number in 0..12 {
        let user = format!("gone-{number}");
        assert_eq!(trial.erase(&user).await, 100);
        let left = trial.log().events(of_user(&user), FIRST).await.expect("an answer");
        assert!(left.is_empty(), "{user} has {} events left", left.len());
        let lost = trial.log().event(gone[number].id).await.expect("an answer");
        assert!(lost.is_none(), "{lost:?}");
        let retried = trial.log().append(batch_of(&gone[number..=number])).await.expect("there is room");
        assert_eq!(retried, [Duplicate]);
    }
    erasing.store(false, Ordering::Relaxed);
    for writer in writers {
        trial.note(&writer.await.expect("the task did not panic"));
    }
    trial.agrees_between(&[noon(), after(HOUR_US + 1), after(2 * DAY_US), after(9 * DAY_US)]).await;
    trial.walk(&EventFilter::default(), Order::Ascending, 1_000).await;
    trial.verify().await;
}

/// Whoever asks while users are erased sees each of them whole or not at all, and never one that is gone.
pub async fn beside_questions(mut trial: Trial) {
    let drafts: Vec<Draft> = (0..2_000_usize)
        .map(|number| {
            let user = format!("user-{}", number % 20);
            Draft::view(
                number as u128,
                after(number as i64 * 2 * MINUTE_US),
                &user,
                &format!("/{}", number % 3),
            )
        })
        .collect();
    trial.append(&drafts).await;
    let erasing = Arc::new(AtomicBool::new(true));
    let (backend, flag) = (trial.backend().clone(), Arc::clone(&erasing));
    let asking = tokio::spawn(async move {
        let week = range(noon(), after(7 * DAY_US));
        let mut last = 2_000;
        while flag.load(Ordering::Relaxed) {
            let summary = backend.analytics.summary(week).await.expect("an answer");
            assert_eq!(summary.total_events, summary.unique_users * 100);
            assert_eq!(summary.events_per_hour.iter().sum::<u64>(), summary.total_events);
            assert!(summary.total_events <= last);
            last = summary.total_events;
            let listed = backend.log.events(EventFilter::default(), Slice { limit: 3_000, ..FIRST }).await;
            let listed = listed.expect("an answer");
            assert!(
                listed.len() as u64 <= last && listed.len().is_multiple_of(100),
                "{} listed",
                listed.len()
            );
            assert!(listed.iter().all(|event| event.get().user().is_some()));
            tokio::task::yield_now().await;
        }
    });
    for number in 0..20 {
        assert_eq!(trial.erase(&format!("user-{number}")).await, 100);
        tokio::task::yield_now().await;
    }
    erasing.store(false, Ordering::Relaxed);
    asking.await.expect("the task did not panic");
    trial.verify().await;
}
