//! Writing JSON's parts into a buffer. Nothing here needs an escape.

use footfall_domain::event::EventId;
use footfall_domain::time::{DAY_US, HOUR_US, MINUTE_US, Timestamp};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// The hyphenated form of an identity.
pub(crate) fn push_id(out: &mut Vec<u8>, id: &EventId) {
    let mut text = [b'-'; 36];
    // Where the two digits of each byte stand.
    let places = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
    for (byte, place) in id.as_bytes().iter().zip(places) {
        text[place] = HEX[usize::from(byte >> 4)];
        text[place + 1] = HEX[usize::from(byte & 15)];
    }
    out.extend_from_slice(&text);
}

/// A number with at least so many digits, zeros in front.
pub(crate) fn push_digits(out: &mut Vec<u8>, mut number: u64, least: usize) {
    let mut text = [b'0'; 20];
    let mut place = text.len();
    while number > 0 {
        place -= 1;
        text[place] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    out.extend_from_slice(&text[place.min(text.len() - least)..]);
}

/// Writes times; it remembers the day, since neighbours share it.
#[derive(Clone, Debug)]
pub(crate) struct TimeText {
    day: Timestamp,
    /// That day up to the letter `T`.
    date: [u8; 11],
}

impl TimeText {
    pub(crate) fn new() -> Self {
        Self { day: Timestamp::default(), date: *b"1970-01-01T" }
    }

    /// RFC 3339 in UTC, to the microsecond, as [`Timestamp`] displays itself.
    pub(crate) fn push(&mut self, out: &mut Vec<u8>, time: Timestamp) {
        let day = time.floor_to(DAY_US);
        if day != self.day {
            self.day = day;
            self.date.copy_from_slice(&day.to_string().as_bytes()[..11]);
        }
        let micros = (time.micros() - day.micros()) as u64;
        let (hour_us, minute_us) = (HOUR_US as u64, MINUTE_US as u64);
        out.extend_from_slice(&self.date);
        push_digits(out, micros / hour_us, 2);
        out.push(b':');
        push_digits(out, micros % hour_us / minute_us, 2);
        out.push(b':');
        push_digits(out, micros % minute_us / 1_000_000, 2);
        out.push(b'.');
        push_digits(out, micros % 1_000_000, 6);
        out.push(b'Z');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_and_times_are_written_as_the_domain_writes_them() {
        let id = EventId::from_bytes(std::array::from_fn(|place| (place * 17) as u8));
        let mut out = Vec::new();
        push_id(&mut out, &id);
        assert_eq!(String::from_utf8(out).unwrap(), id.to_string());

        let mut text = TimeText::new();
        for time in [
            "1970-01-01T00:00:00Z",
            "2024-02-29T23:59:59.999999Z",
            "2024-03-01T00:00:00.000001Z",
            "2026-11-25T02:39:54.5Z",
            "1969-12-31T23:59:59Z",
        ] {
            let time = Timestamp::parse(time).unwrap();
            let mut out = Vec::new();
            text.push(&mut out, time);
            assert_eq!(String::from_utf8(out).unwrap(), time.to_string());
        }
    }

    #[test]
    fn numbers_have_at_least_their_digits() {
        let written = |number, least| {
            let mut out = Vec::new();
            push_digits(&mut out, number, least);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            [written(0, 1), written(7, 3), written(1_234, 3), written(u64::MAX, 1)],
            ["0", "007", "1234", "18446744073709551615"]
        );
    }
}
