//! Instants to the microsecond and half-open ranges of them. No clock lives here: "now" is always an argument.

use std::fmt;

use chrono::{DateTime, Datelike, Timelike, Utc};
use serde::{Serialize, Serializer};

/// Microseconds in a second.
pub const SECOND_US: i64 = 1_000_000;
/// Microseconds in a minute.
pub const MINUTE_US: i64 = 60 * SECOND_US;
/// Microseconds in an hour.
pub const HOUR_US: i64 = 60 * MINUTE_US;
/// Microseconds in a day of 24 hours.
pub const DAY_US: i64 = 24 * HOUR_US;

/// An instant, in microseconds since 1970-01-01T00:00:00Z; what is finer is truncated.
///
/// Only instants of the years 0000 to 9999 exist, the ones that RFC 3339 can write.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 0000-01-01T00:00:00Z.
    pub const MIN: Self = Self(-62_167_219_200 * SECOND_US);
    /// The last microsecond of the year 9999.
    pub const MAX: Self = Self(253_402_300_800 * SECOND_US - 1);

    /// The instant so many microseconds after (or before) 1970; `None` outside the years 0000 to 9999.
    pub const fn from_micros(micros: i64) -> Option<Self> {
        if micros >= Self::MIN.0 && micros <= Self::MAX.0 { Some(Self(micros)) } else { None }
    }

    /// The instant so many microseconds after (or before) 1970, moved to the nearest one that exists.
    pub const fn from_micros_clamped(micros: i64) -> Self {
        if micros < Self::MIN.0 {
            Self::MIN
        } else if micros > Self::MAX.0 {
            Self::MAX
        } else {
            Self(micros)
        }
    }

    /// Reads RFC 3339 with any offset. `None` when the text is not that, or is outside the years 0000 to 9999 in UTC.
    pub fn parse(text: &str) -> Option<Self> {
        // RFC 3339 is ASCII; the library takes U+2212 for a minus sign besides.
        let parsed = DateTime::parse_from_rfc3339(text).ok().filter(|_| text.is_ascii())?;
        // Euclidean, so that what is finer than a microsecond is cut towards the past on both sides of 1970.
        let micros = parsed.timestamp() * SECOND_US + i64::from(parsed.timestamp_subsec_micros());
        Self::from_micros(micros)
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// The instant `micros` later, or earlier where negative, kept within the years 0000 to 9999.
    #[must_use]
    pub const fn plus_micros(self, micros: i64) -> Self {
        Self::from_micros_clamped(self.0.saturating_add(micros))
    }

    /// The latest multiple of `unit_us` microseconds since 1970 that is not after this instant.
    #[must_use]
    pub const fn floor_to(self, unit_us: i64) -> Self {
        Self::from_micros_clamped(self.0.div_euclid(unit_us) * unit_us)
    }

    /// The same instant for calendar work.
    pub(crate) fn to_chrono(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or(DateTime::UNIX_EPOCH)
    }
}

/// RFC 3339 in UTC with six digits, `2025-05-26T14:00:00.000000Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        let at = self.to_chrono();
        let mut put = |from: usize, digits: usize, mut value: u32| {
            for place in (from..from + digits).rev() {
                text[place] = b'0' + (value % 10) as u8;
                value /= 10;
            }
        };
        put(0, 4, at.year().unsigned_abs());
        put(5, 2, at.month());
        put(8, 2, at.day());
        put(11, 2, at.hour());
        put(14, 2, at.minute());
        put(17, 2, at.second());
        put(20, 6, at.timestamp_subsec_micros());
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A half-open range of instants, `from` inclusive and `to` exclusive, never empty.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimeRange {
    from: Timestamp,
    to: Timestamp,
}

impl TimeRange {
    /// Every instant there is but the very last.
    pub const ALL: Self = Self { from: Timestamp::MIN, to: Timestamp::MAX };

    /// `None` where `from` is not before `to`.
    pub fn new(from: Timestamp, to: Timestamp) -> Option<Self> {
        (from < to).then_some(Self { from, to })
    }

    /// The first instant of the range.
    pub const fn from(self) -> Timestamp {
        self.from
    }

    /// The first instant after the range.
    pub const fn to(self) -> Timestamp {
        self.to
    }

    /// Whether the instant lies in the range.
    pub fn contains(self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_offset_is_read_and_utc_with_six_digits_is_written() {
        let at = Timestamp::parse("2025-05-26T16:30:00.1234569+02:30").unwrap();
        assert_eq!(at.to_string(), "2025-05-26T14:00:00.123456Z");
        assert_eq!(Timestamp::parse("1969-12-31T23:59:59.9999999Z").unwrap().micros(), -1);
        assert_eq!(Timestamp::parse(&at.to_string()), Some(at));
    }

    #[test]
    fn the_ends_of_time_print_and_parse() {
        for end in [Timestamp::MIN, Timestamp::MAX] {
            assert_eq!(Timestamp::parse(&end.to_string()), Some(end));
        }
        assert_eq!(Timestamp::MIN.to_string(), "0000-01-01T00:00:00.000000Z");
        assert_eq!(Timestamp::parse("0000-01-01T00:00:00+01:00"), None);
        assert_eq!(Timestamp::parse("yesterday"), None);
        assert_eq!(Timestamp::parse("2025-05-26T14:00:00\u{2212}01:00"), None);
    }

    #[test]
    fn ranges_are_half_open_and_never_empty() {
        let at = |micros| Timestamp::from_micros(micros).unwrap();
        let range = TimeRange::new(at(1), at(3)).unwrap();
        assert!(range.contains(at(1)) && range.contains(at(2)) && !range.contains(at(3)));
        assert_eq!(TimeRange::new(at(1), at(1)), None);
    }
}
