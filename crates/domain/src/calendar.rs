//! Time ranges cut at a time zone's own minutes, hours and days. The rules of the zones are chrono-tz's copy of the
//! IANA database; nothing here asks the system for its zone or its clock.

use chrono::{DateTime, Offset, TimeZone as _};
use chrono_tz::Tz;
use thiserror::Error;

use crate::time::{SECOND_US, TimeRange, Timestamp};

const MINUTE_S: i64 = 60;
const HOUR_S: i64 = 60 * MINUTE_S;
const DAY_S: i64 = 24 * HOUR_S;

/// How long the pieces are, by the zone's clock on the wall.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Interval {
    /// From one whole minute to the next.
    Minute,
    /// From one whole hour to the next.
    Hour,
    /// From one midnight to the next.
    Day,
}

impl Interval {
    /// Reads `minute`, `hour` or `day`.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Minute, Self::Hour, Self::Day].into_iter().find(|interval| interval.as_str() == text)
    }

    /// The name that [`Interval::parse`] reads.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    const fn seconds(self) -> i64 {
        match self {
            Self::Minute => MINUTE_S,
            Self::Hour => HOUR_S,
            Self::Day => DAY_S,
        }
    }
}

/// A time zone of the IANA database.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TimeZone(Tz);

impl TimeZone {
    /// Coordinated Universal Time.
    pub const UTC: Self = Self(Tz::UTC);

    /// The zone of that name, such as `Europe/Berlin`. Names are case-sensitive.
    pub fn parse(name: &str) -> Option<Self> {
        name.parse().ok().map(Self)
    }

    /// The name that [`TimeZone::parse`] reads.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// How many seconds the zone's clock is ahead of UTC from that second on.
    fn offset_s(self, at_s: i64) -> i64 {
        let at = DateTime::from_timestamp(at_s, 0).unwrap_or_default().naive_utc();
        i64::from(self.0.offset_from_utc_datetime(&at).fix().local_minus_utc())
    }

    /// The first second after `after_s` and not after `until_s` with another offset than `after_s` has.
    ///
    /// Takes it that there is one change at most in between, which holds for spans of a few days: in the database of
    /// chrono-tz 0.10.4 no two changes of a zone are closer together than 167 hours.
    fn change_within(self, after_s: i64, until_s: i64) -> Option<i64> {
        let offset_s = self.offset_s(after_s);
        if self.offset_s(until_s) == offset_s {
            return None;
        }
        let (mut same_s, mut changed_s) = (after_s, until_s);
        while changed_s - same_s > 1 {
            let middle_s = same_s + (changed_s - same_s) / 2;
            if self.offset_s(middle_s) == offset_s { same_s = middle_s } else { changed_s = middle_s }
        }
        Some(changed_s)
    }
}

/// The range would be cut into more pieces than the caller wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("the range has more than {limit} intervals")]
pub struct TooMany {
    /// How many there may be.
    pub limit: usize,
}

/// Cuts a range at the zone's own minutes, hours or days: consecutive whole intervals, the first of which contains
/// `range.from()` and the last of which contains the instant before `range.to()`. Only at the ends of time, in the
/// years 0000 and 9999, are they cut short.
///
/// Where the offset changes:
/// - **Minutes and hours** end, as well as where the clock shows a whole one. The hour that is repeated in autumn is
///   two intervals; Lord Howe Island's shift by 30 minutes makes an interval of 30 minutes.
/// - **Days** begin at the first instant at which the clock shows their date or a later one, so they last 23 or 25
///   hours, and a midnight that is skipped is the end of the gap. Days are not repeated: what the clock shows again
///   of yesterday when it is put back across midnight belongs to today. A date that was skipped whole has no interval.
///
/// # Errors
/// When there would be more than `limit` intervals; a range far beyond it is refused without cutting.
pub fn intervals(
    range: TimeRange,
    interval: Interval,
    zone: TimeZone,
    limit: usize,
) -> Result<Vec<TimeRange>, TooMany> {
    let unit_s = interval.seconds();
    let from_s = range.from().micros().div_euclid(SECOND_US);
    // Minutes and hours are never longer than they should be. Days can be, but over all of history that never adds up
    // to two of them: offsets lie between -16 and +16 hours, and no zone has skipped more than one date.
    let slack_s = if interval == Interval::Day { 2 * DAY_S } else { 0 };
    let length_s = range.to().micros().div_euclid(SECOND_US) - from_s;
    let at_least = usize::try_from((length_s - slack_s) / unit_s).unwrap_or(0);
    if at_least > limit {
        return Err(TooMany { limit });
    }
    let mut pieces = Vec::with_capacity(at_least.saturating_add(4).min(limit));
    if is_utc(zone) {
        cut(range, from_s.div_euclid(unit_s) * unit_s, limit, &mut pieces, |start_s| start_s + unit_s)?;
    } else if interval == Interval::Day {
        let first_s = day_start(zone, from_s);
        cut(range, first_s, limit, &mut pieces, |start_s| next_day(zone, start_s))?;
    } else {
        let first_s = clock_start(zone, unit_s, from_s);
        cut(range, first_s, limit, &mut pieces, |start_s| next_clock_unit(zone, unit_s, start_s))?;
    }
    Ok(pieces)
}

/// The names of UTC that are in use; other zones without changes of offset only take longer.
fn is_utc(zone: TimeZone) -> bool {
    matches!(zone.0, Tz::UTC | Tz::Etc__UTC | Tz::GMT | Tz::Etc__GMT)
}

/// Collects the pieces from the one that starts at `start_s` until the range is covered.
fn cut(
    range: TimeRange,
    mut start_s: i64,
    limit: usize,
    pieces: &mut Vec<TimeRange>,
    next: impl Fn(i64) -> i64,
) -> Result<(), TooMany> {
    let to_us = range.to().micros();
    while start_s * SECOND_US < to_us {
        if pieces.len() == limit {
            return Err(TooMany { limit });
        }
        let end_s = next(start_s);
        let start = Timestamp::from_micros_clamped(start_s * SECOND_US);
        let end = Timestamp::from_micros_clamped(end_s * SECOND_US);
        pieces.extend(TimeRange::new(start, end));
        start_s = end_s;
    }
    Ok(())
}

/// The latest whole minute or hour of the zone's clock, or change of its offset, that is not after `at_s`.
fn clock_start(zone: TimeZone, unit_s: i64, at_s: i64) -> i64 {
    let since_s = (at_s + zone.offset_s(at_s)).rem_euclid(unit_s);
    let whole_s = at_s - since_s;
    zone.change_within(whole_s, at_s).unwrap_or(whole_s)
}

/// The next whole minute or hour of the zone's clock after `start_s`, or the change of its offset before that.
fn next_clock_unit(zone: TimeZone, unit_s: i64, start_s: i64) -> i64 {
    let since_s = (start_s + zone.offset_s(start_s)).rem_euclid(unit_s);
    let whole_s = start_s - since_s + unit_s;
    zone.change_within(start_s, whole_s).unwrap_or(whole_s)
}

/// The start of the day that `at_s` belongs to.
fn day_start(zone: TimeZone, at_s: i64) -> i64 {
    let midnight_s = (at_s + zone.offset_s(at_s)).div_euclid(DAY_S) * DAY_S;
    // No clock is a day ahead of UTC, so there the date is an earlier one.
    let mut start_s = first_showing(zone, midnight_s - DAY_S, midnight_s);
    loop {
        let next_s = next_day(zone, start_s);
        // Put back across midnight, the clock shows yesterday's date in a day that has begun.
        if next_s > at_s {
            return start_s;
        }
        start_s = next_s;
    }
}

/// The start of the day after the one that starts at `start_s`.
fn next_day(zone: TimeZone, start_s: i64) -> i64 {
    let midnight_s = ((start_s + zone.offset_s(start_s)).div_euclid(DAY_S) + 1) * DAY_S;
    first_showing(zone, start_s, midnight_s)
}

/// The first instant after `after_s` at which the zone's clock shows `clock_s` (seconds since 1970 by that clock) or
/// later; at `after_s` it must show an earlier time.
fn first_showing(zone: TimeZone, mut after_s: i64, clock_s: i64) -> i64 {
    loop {
        let unchanged_s = clock_s - zone.offset_s(after_s);
        let Some(change_s) = zone.change_within(after_s, unchanged_s) else { return unchanged_s };
        if change_s + zone.offset_s(change_s) >= clock_s {
            return change_s;
        }
        after_s = change_s;
    }
}
