//! Users in segments: putting them there, counting them while they leave, and a second in which many leave at once.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use footfall_domain::membership::{DEFAULT_LASTS_S, Joined, Membership, second_of};
use footfall_domain::time::{DAY_US, HOUR_US, MINUTE_US, SECOND_US, Timestamp};
use footfall_ports::{Clock, SegmentCounts, Segments};

use super::options::Options;
use super::sheet::{Aim, Sheet};
use crate::load::histogram::Histogram;
use crate::load::random::{Random, Zipf};
use crate::stores::{Store, SystemClock};

const SEGMENTS: u32 = 500;
const BATCH: u64 = 10_000;
const REFRESHES: i64 = 60;
const REFRESH_MS: f64 = 200.0;
const LOOKUPS: u32 = 2_000;

/// Which user is in which segment until which second, counted by this program.
type Plain = HashMap<(u32, u32), i64>;

/// Determines the memberships of each batch.
struct Draws {
    users: u32,
    sizes: Zipf,
    now_s: i64,
}

impl Draws {
    /// User, segment and expiry of each membership of a batch.
    fn batch(&self, number: u64, length: u64) -> impl Iterator<Item = ((u32, u32), i64)> {
        let mut random = Random::new(30, number);
        (0..length).map(move |_| {
            let key = (random.below(self.users), self.sizes.draw(&mut random));
            (key, self.now_s + 1 + i64::from(random.below(DEFAULT_LASTS_S as u32)))
        })
    }
}

fn title_of(segment: u32) -> String {
    format!("segment-{segment:03}")
}

fn membership(((user, segment), expires_at_s): ((u32, u32), i64)) -> Membership {
    Membership { user: format!("user-{user:08}"), segment: title_of(segment), expires_at_s }
}

/// How many are in each segment then, as the store is to tell it.
fn counted(plain: &Plain, now: Timestamp) -> Vec<(String, u64)> {
    let mut users = vec![0; SEGMENTS as usize];
    for (&(_, segment), &expires_at_s) in plain {
        users[segment as usize] += u64::from(expires_at_s > second_of(now));
    }
    let counts = (0..SEGMENTS).zip(users).filter(|(_, users)| *users > 0);
    let mut counts: Vec<_> = counts.map(|(segment, users)| (title_of(segment), users)).collect();
    counts.sort_unstable_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
    counts
}

/// Holds the counts to the plain ones. Only sums are printed: there are many segments.
fn check(sheet: &mut Sheet, when: &str, found: &SegmentCounts, plain: &Plain, now: Timestamp) {
    let expected = counted(plain, now);
    let sum = |counts: &[(String, u64)]| counts.iter().map(|(_, users)| users).sum::<u64>();
    sheet.check(&format!("users of all segments {when}"), &sum(&found.counts), &sum(&expected));
    sheet.check(&format!("each segment's users are right {when}"), &(found.counts == expected), &true);
}

/// Users in segments.
///
/// # Errors
/// When the store can't be had or fails.
pub async fn measure(options: &Options, sheet: &mut Sheet) -> Result<(), Box<dyn Error>> {
    let store = Store::start(&options.backend, Arc::new(SystemClock)).await?;
    let (segments, start) = (store.segments(), SystemClock.now());
    let draws = Draws { users: options.users() as u32, sizes: Zipf::new(SEGMENTS), now_s: second_of(start) };
    let (joined, created) = fill(&*segments, &draws, options, sheet).await?;
    sheet.memory(&store, "membership", created);
    sheet.disk(&store, "membership", created).await?;
    let mut plain = Plain::new();
    for number in 0..joined.div_ceil(BATCH) {
        plain.extend(draws.batch(number, BATCH.min(joined - number * BATCH)));
    }
    sheet.check("memberships that were created", &created, &(plain.len() as u64));

    let now = refresh_by_the_minute(&*segments, start, &plain, sheet).await?;
    let now = leave_together(&*segments, now, &draws, options.ending_together(), &mut plain, sheet).await?;
    look_up(&*segments, now, &plain, sheet).await?;
    after_a_day(&*segments, now, &plain, sheet).await
}

/// Puts all of them in. How many those were, and how many were new.
async fn fill(
    segments: &dyn Segments,
    draws: &Draws,
    options: &Options,
    sheet: &Sheet,
) -> Result<(u64, u64), Box<dyn Error>> {
    let (mut times, mut done, mut created) = (Histogram::default(), 0, 0);
    let (until, start) = (options.deadline(), Instant::now());
    while done < options.memberships && Instant::now() < until {
        let length = BATCH.min(options.memberships - done);
        let batch = draws.batch(done / BATCH, length).map(membership).collect();
        let began = Instant::now();
        let joined = segments.join(batch).await?;
        times.record(began.elapsed());
        created += joined.into_iter().filter(|joined| *joined == Joined::Created).count() as u64;
        done += length;
    }
    sheet.rate("memberships/s", done, start.elapsed(), Aim::None);
    sheet.times("a batch of 10,000 memberships, one at a time", &times, Aim::None);
    sheet.figure("of them new", created as f64, 0, Aim::None);
    Ok((done, created))
}

/// Counts once, and then after each minute of an hour. The instant that it has come to.
async fn refresh_by_the_minute(
    segments: &dyn Segments,
    start: Timestamp,
    plain: &Plain,
    sheet: &mut Sheet,
) -> Result<Timestamp, Box<dyn Error>> {
    let first = sheet.once("the first refresh", Some(REFRESH_MS), segments.segment_counts(start)).await?;
    check(sheet, "at first", &first, plain, start);
    let (mut times, mut now) = (Histogram::default(), start);
    for minute in 1..=REFRESHES {
        now = start.plus_micros(minute * MINUTE_US);
        let began = Instant::now();
        let counts = segments.segment_counts(now).await?;
        times.record(began.elapsed());
        check(sheet, &format!("in minute {minute}"), &counts, plain, now);
    }
    sheet.times("a refresh a minute later, 60 times", &times, Aim::Below(1.0, REFRESH_MS));
    Ok(now)
}

/// Has many leave in one second. The instant when they have.
async fn leave_together(
    segments: &dyn Segments,
    now: Timestamp,
    draws: &Draws,
    count: u64,
    plain: &mut Plain,
    sheet: &mut Sheet,
) -> Result<Timestamp, Box<dyn Error>> {
    let end = now.plus_micros(MINUTE_US);
    let mut done = 0;
    while done < count {
        let length = BATCH.min(count - done);
        // Batches that come after all that were drawn before.
        let number = u64::from(u32::MAX) + done / BATCH;
        let batch: Vec<_> = draws.batch(number, length).map(|(key, _)| (key, second_of(end))).collect();
        plain.extend(batch.iter().copied());
        segments.join(batch.into_iter().map(membership).collect()).await?;
        done += length;
    }
    let before = end.plus_micros(-SECOND_US);
    check(sheet, "before many leave", &segments.segment_counts(before).await?, plain, before);
    let leaving: u64 = counted(plain, before).iter().map(|(_, users)| users).sum();
    let left: u64 = counted(plain, end).iter().map(|(_, users)| users).sum();
    let what = format!("the refresh after {} have left in a second", leaving - left);
    let counts = sheet.once(&what, Some(REFRESH_MS), segments.segment_counts(end)).await?;
    check(sheet, "after many have left", &counts, plain, end);
    Ok(end)
}

async fn look_up(
    segments: &dyn Segments,
    now: Timestamp,
    plain: &Plain,
    sheet: &mut Sheet,
) -> Result<(), Box<dyn Error>> {
    let expected: HashMap<String, u64> = counted(plain, now).into_iter().collect();
    let (mut times, mut random) = (Histogram::default(), Random::new(31, 0));
    for _ in 0..LOOKUPS {
        let title = title_of(random.below(SEGMENTS));
        let began = Instant::now();
        let users = segments.segment_count(title.clone(), now).await?;
        times.record(began.elapsed());
        sheet.check(&title, &users, &expected.get(&title).copied().unwrap_or(0));
    }
    sheet.times("the users of one segment", &times, Aim::None);
    Ok(())
}

/// What a service does that was away for a day: counts out those who left, and forgets them.
async fn after_a_day(
    segments: &dyn Segments,
    now: Timestamp,
    plain: &Plain,
    sheet: &mut Sheet,
) -> Result<(), Box<dyn Error>> {
    let later = now.plus_micros(DAY_US + HOUR_US);
    let counts = sheet.once("the first refresh after 25 hours", None, segments.segment_counts(later)).await?;
    check(sheet, "after 25 hours", &counts, plain, later);
    let forgotten =
        sheet.once("forgetting who ended a day before", None, segments.forget_ended(later)).await?;
    sheet.figure("forgotten", forgotten as f64, 0, Aim::None);
    let counts = segments.segment_counts(later.plus_micros(1)).await?;
    check(sheet, "after forgetting", &counts, plain, later);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_count_is_by_size_and_title_and_leaves_out_who_has_left() {
        let now = Timestamp::from_micros_clamped(10 * SECOND_US + 1);
        let plain = Plain::from([((1, 7), 11), ((2, 7), 10), ((1, 3), 11), ((1, 9), 12), ((2, 9), 12)]);
        let expected = [("segment-009", 2), ("segment-003", 1), ("segment-007", 1)];
        assert_eq!(counted(&plain, now), expected.map(|(title, users)| (title.to_owned(), users)));
    }

    #[test]
    fn a_batch_is_the_same_each_time_and_ends_within_two_weeks() {
        let draws = Draws { users: 1_000, sizes: Zipf::new(SEGMENTS), now_s: 100 };
        let once: Vec<_> = draws.batch(1, 500).collect();
        assert_eq!(once, draws.batch(1, 500).collect::<Vec<_>>());
        assert!(once.iter().all(|((user, segment), expires_at_s)| {
            *user < 1_000 && *segment < SEGMENTS && (101..=100 + DEFAULT_LASTS_S).contains(expires_at_s)
        }));
    }
}
