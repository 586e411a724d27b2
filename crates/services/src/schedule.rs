//! When something is due again: cron expressions in UTC.

use chrono::{DateTime, Utc};
use croner::parser::{CronParser, Seconds};
use footfall_domain::time::Timestamp;

/// A cron expression, of five fields or six with seconds first.
#[derive(Clone, Debug)]
pub struct Schedule(Box<croner::Cron>);

impl Schedule {
    /// Reads an expression such as `1 */4 * * *`.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parser = CronParser::builder().seconds(Seconds::Optional).build();
        let cron = parser.parse(text).map_err(|error| error.to_string())?;
        let schedule = Self(Box::new(cron));
        // One that never comes is a mistake.
        match schedule.next_after(Timestamp::from_micros_clamped(0)) {
            Some(_) => Ok(schedule),
            None => Err("it is never due".into()),
        }
    }

    /// The first instant after this one at which it is due; `None` where there is none within reach.
    pub fn next_after(&self, at: Timestamp) -> Option<Timestamp> {
        let at: DateTime<Utc> = DateTime::from_timestamp_micros(at.micros())?;
        let next = self.0.find_next_occurrence(&at, false).ok()?;
        Timestamp::from_micros(next.timestamp_micros())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(expression: &str, after: &str) -> String {
        let schedule = Schedule::parse(expression).unwrap();
        schedule.next_after(Timestamp::parse(after).unwrap()).unwrap().to_string()
    }

    #[test]
    fn five_fields_are_minutes_and_six_seconds_first() {
        assert_eq!(next("1 */4 * * *", "2025-05-26T16:01:00Z"), "2025-05-26T20:01:00.000000Z");
        assert_eq!(next("1 */4 * * *", "2025-05-26T16:00:59.9Z"), "2025-05-26T16:01:00.000000Z");
        assert_eq!(next("* * * * *", "2025-05-26T16:00:00Z"), "2025-05-26T16:01:00.000000Z");
        assert_eq!(next("* * * * * *", "2025-05-26T16:00:00.25Z"), "2025-05-26T16:00:01.000000Z");
        assert_eq!(next("0 0 * * *", "2025-05-26T16:00:00Z"), "2025-05-27T00:00:00.000000Z");
        assert_eq!(next("*/10 * * * * *", "2025-12-31T23:59:55Z"), "2026-01-01T00:00:00.000000Z");
        assert_eq!(next("0 0 29 2 *", "2025-05-26T16:00:00Z"), "2028-02-29T00:00:00.000000Z");
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for text in ["", "* * * *", "61 * * * *", "* * * * * * * *", "every minute", "0 0 30 2 *"] {
            assert!(Schedule::parse(text).is_err(), "{text:?}");
        }
    }
}
