//! Figures over ranges of every size and in every age: stores keep sums over spans of time, and every bound of a span is
//! a place to be wrong by one.

use footfall_domain::time::{DAY_US, HOUR_US, MINUTE_US, TimeRange, Timestamp};

use crate::{Draft, Trial, instant, range};

/// Around each of the instants an event at it, a microsecond before and one after: by different users, on two pages, and
/// of three types.
async fn cluster(trial: &mut Trial, instants: &[Timestamp]) {
    let mut drafts = Vec::new();
    for (place, at) in instants.iter().enumerate() {
        for (step, micros) in [-1, 0, 1].into_iter().enumerate() {
            let number = (place * 30 + step * 10) as u128;
            let (at, user) = (at.plus_micros(micros), format!("user-{}", (place + step) % 5));
            drafts.push(Draft::view(number, at, &user, ["/a", "/b"][(place + step) % 2]));
            drafts.push(Draft::plain(number + 1, at, &user, "click"));
            drafts.push(Draft::mail(number + 2, at, "delivered", "example.com"));
        }
    }
    // Late and out of order: every third event first, then the others backwards.
    let late: Vec<Draft> =
        drafts.iter().rev().filter(|draft| draft.id.as_bytes()[15] % 3 != 0).cloned().collect();
    drafts.retain(|draft| draft.id.as_bytes()[15].is_multiple_of(3));
    for part in drafts.chunks(10).chain(late.chunks(10)) {
        trial.append(part).await;
    }
}

fn around(instants: &[Timestamp]) -> Vec<Timestamp> {
    instants.iter().flat_map(|at| [-1, 0, 1, 2].map(|micros| at.plus_micros(micros))).collect()
}

/// The multiples of a width around an instant.
fn bounds(near: Timestamp, width_us: i64, count: i64) -> Vec<Timestamp> {
    let first = near.floor_to(width_us);
    (0..count).map(|step| first.plus_micros(step * width_us)).collect()
}

/// Ranges within one hour, cut at minutes, seconds and microseconds.
pub async fn within_an_hour(mut trial: Trial) {
    let start = instant("2025-05-26T14:00");
    let instants = [0, 1, MINUTE_US, 59 * MINUTE_US, HOUR_US - 1].map(|micros| start.plus_micros(micros));
    cluster(&mut trial, &instants).await;
    trial.agrees_between(&around(&instants[1..4])).await;
}

/// Ranges from hour to hour.
pub async fn across_hours(mut trial: Trial) {
    let hours = bounds(instant("2025-05-26T22:30"), HOUR_US, 4);
    cluster(&mut trial, &hours).await;
    trial.agrees_between(&around(&hours)).await;
}

/// Ranges from day to day, over the end of a month and of February in a leap year.
pub async fn across_days(mut trial: Trial) {
    let mut days = bounds(instant("2024-02-28T10:00"), DAY_US, 3);
    days.push(instant("2024-03-01T07:30"));
    cluster(&mut trial, &days).await;
    trial.agrees_between(&around(&days)).await;
}

/// Ranges over spans of 8 days counted from 1970.
pub async fn across_spans_of_eight_days(mut trial: Trial) {
    let spans = bounds(instant("2025-05-26T14:00"), 8 * DAY_US, 4);
    cluster(&mut trial, &spans).await;
    trial.agrees_between(&around(&spans)).await;
}

/// Ranges over spans of 64 days, with events at the bounds of all narrower spans within them.
pub async fn across_spans_of_sixty_four_days(mut trial: Trial) {
    let mut instants = bounds(instant("2025-05-26T14:00"), 64 * DAY_US, 3);
    let second = instants[1];
    instants.extend([HOUR_US, DAY_US, 8 * DAY_US].map(|width| second.plus_micros(width)));
    cluster(&mut trial, &instants).await;
    let mut asked = around(&instants[..3]);
    asked.extend(&instants[3..]);
    trial.agrees_between(&asked).await;
}

/// Time before 1970 goes forward too.
pub async fn before_1970(mut trial: Trial) {
    let mut instants = bounds(instant("1969-12-31T23:30"), HOUR_US, 2);
    instants.extend([instant("1969-12-24T00:00"), instant("1969-10-29T00:00")]);
    cluster(&mut trial, &instants).await;
    trial.agrees_between(&around(&instants)).await;
}

/// The first years that can be written, and both ends of time.
pub async fn in_the_far_past_and_at_the_ends_of_time(mut trial: Trial) {
    let instants = [instant("0001-01-01T00:00"), instant("0000-02-29T12:00")];
    cluster(&mut trial, &instants).await;
    let first = Draft::view(90_001, Timestamp::MIN, "first", "/a");
    let last = Draft::view(90_002, Timestamp::MAX.plus_micros(-1), "last", "/a");
    trial.append(&[first, last]).await;
    let mut asked = around(&instants);
    asked.push(Timestamp::MIN);
    trial.agrees_between(&asked).await;
    trial
        .agrees_between(&[
            Timestamp::MAX.plus_micros(-HOUR_US),
            Timestamp::MAX.plus_micros(-1),
            Timestamp::MAX,
        ])
        .await;
    let (_, views) = trial.page("/a", TimeRange::ALL).await;
    assert!(views > 2);
}

/// Ranges that are open on either side, or on both.
pub async fn open_ranges(mut trial: Trial) {
    let instants = [instant("1969-12-31T23:00"), instant("1999-12-31T23:59"), instant("2025-05-26T14:00")];
    cluster(&mut trial, &instants).await;
    let mut asked = vec![Timestamp::MIN, Timestamp::MAX];
    asked.extend(around(&instants[1..]));
    trial.agrees_between(&asked).await;
}

/// What comes late is counted where it belongs, whatever was asked or came in between.
pub async fn late_events_are_counted_where_they_belong(mut trial: Trial) {
    let now = instant("2025-05-26T14:00");
    let ages = [
        0,
        1,
        HOUR_US,
        DAY_US,
        8 * DAY_US,
        64 * DAY_US,
        65 * DAY_US,
        HOUR_US - 1,
        200 * DAY_US,
        1,
        DAY_US - 1,
    ];
    let asked =
        [now.plus_micros(-300 * DAY_US), now.plus_micros(-64 * DAY_US), now.plus_micros(-HOUR_US), now];
    for (number, age) in ages.into_iter().enumerate() {
        let at = now.plus_micros(-age - 1);
        let user = format!("user-{}", number % 3);
        trial.append(&[Draft::view(number as u128, at, &user, "/late")]).await;
        trial.agrees_between(&asked).await;
    }
    let (visitors, views) = trial.page("/late", range(asked[0], now)).await;
    assert_eq!((visitors, views), (3, ages.len() as u64));
}
