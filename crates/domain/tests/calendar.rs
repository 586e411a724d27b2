//! Time ranges cut at zones' clocks: the known odd days, and the rule itself for any zone and time.

use std::time::Duration;

use chrono::{DateTime, Offset, TimeZone as _};
use chrono_tz::{TZ_VARIANTS, Tz};
use footfall_domain::calendar::{Interval, TimeZone, TooMany, intervals};
use footfall_domain::time::{DAY_US, HOUR_US, MINUTE_US, SECOND_US, TimeRange, Timestamp};
use proptest::prelude::*;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn range(from: &str, to: &str) -> TimeRange {
    TimeRange::new(at(from), at(to)).unwrap()
}

fn minutes(piece: TimeRange) -> i64 {
    (piece.to().micros() - piece.from().micros()) / MINUTE_US
}

/// Checks where the pieces start, written as the zone's clock shows it, and how many minutes they last.
fn check(zone: &str, interval: Interval, from: &str, to: &str, expected: &[(&str, i64)]) {
    let pieces = intervals(range(from, to), interval, TimeZone::parse(zone).unwrap(), 100).unwrap();
    let tz: Tz = zone.parse().unwrap();
    let shown: Vec<_> = pieces
        .iter()
        .map(|piece| {
            let start = DateTime::from_timestamp_micros(piece.from().micros()).unwrap();
            (start.with_timezone(&tz).format("%d %H:%M:%S").to_string(), minutes(*piece))
        })
        .collect();
    let shown: Vec<_> = shown.iter().map(|(start, length)| (start.as_str(), *length)).collect();
    assert_eq!(shown, expected, "{zone} {}", interval.as_str());
}

#[test]
fn berlin_has_days_of_23_and_25_hours_and_repeats_an_hour() {
    check(
        "Europe/Berlin",
        Interval::Day,
        "2025-03-28T23:00:00Z",
        "2025-03-30T22:00:01Z",
        &[("29 00:00:00", 1440), ("30 00:00:00", 23 * 60), ("31 00:00:00", 1440)],
    );
    check(
        "Europe/Berlin",
        Interval::Day,
        "2025-10-25T22:00:00Z",
        "2025-10-26T23:00:00Z",
        &[("26 00:00:00", 25 * 60)],
    );
    check(
        "Europe/Berlin",
        Interval::Hour,
        "2025-03-30T00:30:00Z",
        "2025-03-30T02:00:00Z",
        &[("30 01:00:00", 60), ("30 03:00:00", 60)],
    );
    check(
        "Europe/Berlin",
        Interval::Hour,
        "2025-10-25T23:59:59Z",
        "2025-10-26T02:00:00.000001Z",
        &[("26 01:00:00", 60), ("26 02:00:00", 60), ("26 02:00:00", 60), ("26 03:00:00", 60)],
    );
    // Local mean time was 53 minutes and 28 seconds ahead until April 1893.
    check(
        "Europe/Berlin",
        Interval::Hour,
        "1893-03-31T22:00:00Z",
        "1893-03-31T23:30:00Z",
        &[("31 22:00:00", 60), ("31 23:00:00", 60), ("01 00:06:32", 53)],
    );
    check(
        "Europe/Berlin",
        Interval::Day,
        "1893-03-31T12:00:00Z",
        "1893-03-31T23:06:33Z",
        &[("31 00:00:00", 1440), ("01 00:06:32", 1433)],
    );
}

#[test]
fn new_york_shifts_at_two() {
    check(
        "America/New_York",
        Interval::Day,
        "2025-03-09T12:00:00Z",
        "2025-03-10T12:00:00Z",
        &[("09 00:00:00", 23 * 60), ("10 00:00:00", 1440)],
    );
    check(
        "America/New_York",
        Interval::Day,
        "2025-11-02T12:00:00Z",
        "2025-11-02T12:00:01Z",
        &[("02 00:00:00", 25 * 60)],
    );
    check(
        "America/New_York",
        Interval::Hour,
        "2025-11-02T05:00:00Z",
        "2025-11-02T08:00:00Z",
        &[("02 01:00:00", 60), ("02 01:00:00", 60), ("02 02:00:00", 60)],
    );
    // The day of two noons: at 12:03:58 of local mean time it was made 12:00:00.
    check(
        "America/New_York",
        Interval::Minute,
        "1883-11-18T16:59:00Z",
        "1883-11-18T17:01:00Z",
        &[("18 12:02:00", 1), ("18 12:03:00", 0), ("18 12:00:00", 1)],
    );
}

#[test]
fn lord_howe_shifts_by_half_an_hour() {
    check(
        "Australia/Lord_Howe",
        Interval::Hour,
        "2025-04-05T14:00:00Z",
        "2025-04-05T16:00:00Z",
        &[("06 01:00:00", 60), ("06 01:30:00", 30), ("06 02:00:00", 60)],
    );
    check(
        "Australia/Lord_Howe",
        Interval::Hour,
        "2025-10-04T14:30:00Z",
        "2025-10-04T16:30:00Z",
        &[("05 01:00:00", 60), ("05 02:30:00", 30), ("05 03:00:00", 60)],
    );
    check(
        "Australia/Lord_Howe",
        Interval::Day,
        "2025-04-06T00:00:00Z",
        "2025-04-06T00:00:01Z",
        &[("06 00:00:00", 24 * 60 + 30)],
    );
    check(
        "Australia/Lord_Howe",
        Interval::Day,
        "2025-10-05T00:00:00Z",
        "2025-10-05T00:00:01Z",
        &[("05 00:00:00", 23 * 60 + 30)],
    );
}

#[test]
fn zones_may_be_half_and_quarter_hours_off() {
    check(
        "Asia/Kolkata",
        Interval::Hour,
        "2025-05-26T14:00:00Z",
        "2025-05-26T15:00:00Z",
        &[("26 19:00:00", 60), ("26 20:00:00", 60)],
    );
    check(
        "Asia/Kolkata",
        Interval::Day,
        "2025-05-26T18:29:59.999999Z",
        "2025-05-26T18:30:00.000001Z",
        &[("26 00:00:00", 1440), ("27 00:00:00", 1440)],
    );
    check(
        "Asia/Kathmandu",
        Interval::Hour,
        "2025-05-26T14:15:00Z",
        "2025-05-26T15:15:00Z",
        &[("26 20:00:00", 60)],
    );
}

#[test]
fn a_midnight_that_is_skipped_is_the_end_of_the_gap() {
    check(
        "America/Sao_Paulo",
        Interval::Day,
        "2018-11-03T12:00:00Z",
        "2018-11-05T02:00:01Z",
        &[("03 00:00:00", 1440), ("04 01:00:00", 23 * 60), ("05 00:00:00", 1440)],
    );
    check(
        "Asia/Beirut",
        Interval::Day,
        "2022-03-26T12:00:00Z",
        "2022-03-27T12:00:00Z",
        &[("26 00:00:00", 1440), ("27 01:00:00", 23 * 60)],
    );
}

#[test]
fn a_clock_put_back_across_midnight_repeats_no_day() {
    // At what would have been midnight, 23:00 came again.
    check(
        "America/Sao_Paulo",
        Interval::Day,
        "2018-02-18T02:30:00Z",
        "2018-02-18T03:00:01Z",
        &[("17 00:00:00", 25 * 60), ("18 00:00:00", 1440)],
    );
    check(
        "America/Sao_Paulo",
        Interval::Hour,
        "2018-02-18T01:00:00Z",
        "2018-02-18T03:30:00Z",
        &[("17 23:00:00", 60), ("17 23:00:00", 60), ("18 00:00:00", 60)],
    );
    // At 00:01 it was made 23:01 of the day before, when the new day had begun.
    check(
        "America/St_Johns",
        Interval::Day,
        "2010-11-07T03:00:00Z",
        "2010-11-07T03:30:00Z",
        &[("07 00:00:00", 25 * 60)],
    );
    check(
        "America/St_Johns",
        Interval::Hour,
        "2010-11-07T02:00:00Z",
        "2010-11-07T03:31:00Z",
        &[("06 23:00:00", 60), ("07 00:00:00", 1), ("06 23:01:00", 59), ("07 00:00:00", 60)],
    );
}

#[test]
fn a_date_that_was_skipped_has_no_day() {
    check(
        "Pacific/Apia",
        Interval::Day,
        "2011-12-29T12:00:00Z",
        "2011-12-31T10:00:00Z",
        &[("29 00:00:00", 1440), ("31 00:00:00", 1440)],
    );
    check(
        "Pacific/Apia",
        Interval::Hour,
        "2011-12-30T09:00:00Z",
        "2011-12-30T11:00:00Z",
        &[("29 23:00:00", 60), ("31 00:00:00", 60)],
    );
    // At midnight Kwajalein put its clock back to 01:00 of the day that had just ended.
    check(
        "Pacific/Kwajalein",
        Interval::Day,
        "1969-09-30T12:30:00Z",
        "1969-09-30T12:30:01Z",
        &[("30 00:00:00", 47 * 60)],
    );
}

#[test]
fn the_limit_is_held() {
    let zone = |name| TimeZone::parse(name).unwrap();
    let day = range("2025-10-25T22:00:00Z", "2025-10-26T23:00:00Z");
    assert_eq!(intervals(day, Interval::Hour, zone("Europe/Berlin"), 25).unwrap().len(), 25);
    assert_eq!(intervals(day, Interval::Hour, zone("Europe/Berlin"), 24), Err(TooMany { limit: 24 }));
    assert_eq!(intervals(day, Interval::Day, zone("Europe/Berlin"), 1).unwrap().len(), 1);
    assert_eq!(intervals(day, Interval::Day, zone("UTC"), 1), Err(TooMany { limit: 1 }));
    assert_eq!(intervals(day, Interval::Day, zone("UTC"), 0), Err(TooMany { limit: 0 }));
}

#[test]
fn the_ends_of_time_are_no_trap() {
    for name in ["UTC", "Etc/GMT+12", "Etc/GMT-14", "Europe/Berlin", "Asia/Manila", "America/Metlakatla"] {
        let zone = TimeZone::parse(name).unwrap();
        for interval in [Interval::Minute, Interval::Hour, Interval::Day] {
            assert!(intervals(TimeRange::ALL, interval, zone, 10_000).is_err());
            for moment in [Timestamp::MIN, Timestamp::MAX.plus_micros(-1)] {
                let moment = TimeRange::new(moment, moment.plus_micros(1)).unwrap();
                assert_eq!(intervals(moment, interval, zone, 10).unwrap().len(), 1, "{name} {moment:?}");
            }
        }
    }
}

#[test]
fn all_days_there_are_can_be_cut() {
    // Manila begins 16 hours behind UTC and ends 8 hours ahead, so one more date at each end; in 1844 it skipped one.
    for (name, count) in [("UTC", 3_652_425), ("Asia/Manila", 3_652_426)] {
        let zone = TimeZone::parse(name).unwrap();
        let days = intervals(TimeRange::ALL, Interval::Day, zone, count).unwrap();
        assert_eq!(days.len(), count, "{name}");
        assert_eq!((days[0].from(), days[count - 1].to()), (Timestamp::MIN, Timestamp::MAX));
        assert!(days.windows(2).all(|pair| pair[0].to() == pair[1].from()));
        assert_eq!(
            intervals(TimeRange::ALL, Interval::Day, zone, count - 1),
            Err(TooMany { limit: count - 1 })
        );
    }
}

#[test]
fn names_are_read_and_written() {
    for name in ["minute", "hour", "day"] {
        assert_eq!(Interval::parse(name).unwrap().as_str(), name);
    }
    assert_eq!(Interval::parse("Hour"), None);
    for zone in TZ_VARIANTS {
        assert_eq!(TimeZone::parse(zone.name()).unwrap().name(), zone.name());
    }
    assert_eq!(TimeZone::UTC.name(), "UTC");
    for name in ["", "europe/berlin", "Mars/Olympus", "+01:00"] {
        assert_eq!(TimeZone::parse(name), None);
    }
}

/// Seconds that the zone's clock is ahead.
fn offset_s(zone: Tz, at_us: i64) -> i64 {
    let at = DateTime::from_timestamp_micros(at_us).unwrap().naive_utc();
    i64::from(zone.offset_from_utc_datetime(&at).fix().local_minus_utc())
}

/// Times of the last two centuries and the next, some of them at a change of the zone's clock or close to it.
fn times_and_zones() -> impl Strategy<Value = (i64, Tz)> {
    let years = |from: i64, to: i64| (from - 1970) * 365 * DAY_US..(to - 1970) * 365 * DAY_US;
    let zone = (0..TZ_VARIANTS.len()).prop_map(|index| TZ_VARIANTS[index]);
    (prop_oneof![years(1840, 1970), years(1970, 2100)], zone, -2 * HOUR_US..2 * HOUR_US, any::<bool>())
        .prop_map(|(at_us, zone, near_us, is_near)| {
            // A year ahead in days, then the hour within the day.
            let differs = |us: &i64| offset_s(zone, *us) != offset_s(zone, at_us);
            let day = (1..400).map(|days| at_us + days * DAY_US).find(|us| is_near && differs(us));
            let change = day.and_then(|us| (0..=24).map(|hours| us + (hours - 24) * HOUR_US).find(differs));
            (change.map_or(at_us, |change| change + near_us), zone)
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn pieces_are_consecutive_cover_the_range_and_start_where_the_clock_says(
        (from_us, tz) in times_and_zones(),
        units in 1..60_i64,
        rest_us in 0..DAY_US,
    ) {
        for (interval, unit_us) in
            [(Interval::Minute, MINUTE_US), (Interval::Hour, HOUR_US), (Interval::Day, DAY_US)]
        {
            let to_us = from_us + units * unit_us - rest_us.rem_euclid(unit_us);
            let end = |us| Timestamp::from_micros(us).unwrap();
            let range = TimeRange::new(end(from_us), end(to_us)).unwrap();
            let pieces = intervals(range, interval, TimeZone::parse(tz.name()).unwrap(), 1_000).unwrap();
            prop_assert!(pieces[0].contains(range.from()));
            prop_assert!(pieces[pieces.len() - 1].contains(range.to().plus_micros(-1)));
            prop_assert!(pieces.windows(2).all(|pair| pair[0].to() == pair[1].from()));
            let mut latest = i64::MIN;
            for piece in &pieces {
                let start_us = piece.from().micros();
                let offset = offset_s(tz, start_us);
                let shown_s = start_us / SECOND_US + offset;
                prop_assert_eq!(start_us % SECOND_US, 0);
                let is_change = offset_s(tz, start_us - 1) != offset;
                prop_assert!(is_change || (shown_s * SECOND_US).rem_euclid(unit_us) == 0);
                let length_us = piece.to().micros() - start_us;
                let longest_us = if interval == Interval::Day { 2 * DAY_US } else { unit_us };
                prop_assert!(0 < length_us && length_us <= longest_us);
                if interval == Interval::Day {
                    // Each day is a later date than the one before, and just before its start that was not shown.
                    let date = shown_s.div_euclid(24 * 3600);
                    prop_assert!(date > latest);
                    let before_s = start_us / SECOND_US - 1;
                    prop_assert!((before_s + offset_s(tz, before_s * SECOND_US)).div_euclid(24 * 3600) < date);
                    latest = date;
                } else {
                    // Nothing in between is a boundary that was missed.
                    prop_assert_eq!(offset_s(tz, piece.to().micros() - 1), offset);
                }
            }
        }
    }
}

#[test]
fn ten_thousand_points_do_not_take_long() {
    // The time is generous: it is there for a loop gone quadratic, not for a slow machine.
    let started = std::time::Instant::now();
    let from = at("2024-01-01T00:00:00Z");
    for name in ["UTC", "Europe/Berlin", "Asia/Kathmandu"] {
        let range = TimeRange::new(from, from.plus_micros(9_998 * HOUR_US)).unwrap();
        let pieces = intervals(range, Interval::Hour, TimeZone::parse(name).unwrap(), 10_000).unwrap();
        assert!(pieces.len() >= 9_998);
    }
    assert!(started.elapsed() < Duration::from_secs(5));
}
