//! Events that follow from their numbers, so that what is read back can be told to be what was sent.

use footfall_domain::time::{SECOND_US, Timestamp};

const USERS: u64 = 300;
const PAGES: u64 = 25;

/// Where in time the events lie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stock {
    first: Timestamp,
    seconds: u64,
    filler_max: u64,
}

impl Stock {
    /// Events over so many seconds from that instant on.
    pub(crate) const fn new(first: Timestamp, seconds: u64) -> Self {
        Self { first, seconds, filler_max: 1_500 }
    }

    /// Events of a fortnight long ago.
    pub(crate) fn long_ago() -> Self {
        Self::new(Timestamp::parse("2025-05-20T00:00:00Z").expect("an instant"), 14 * 86_400)
    }

    /// The same, with one event in eight having properties of up to so many characters.
    pub(crate) const fn with_up_to(self, characters: u64) -> Self {
        Self { filler_max: characters, ..self }
    }

    pub(crate) fn at(self, number: u64) -> Timestamp {
        self.first.plus_micros((spread(number) % self.seconds) as i64 * SECOND_US + number as i64 % SECOND_US)
    }

    /// The event, as it is sent and as an export shows it, to the letter.
    pub(crate) fn event(self, number: u64) -> String {
        let (event_type, properties) = match number % 8 {
            0 => ("click", format!(r#"{{ "n" : {number}, "é": "\u00e9😀\"\\" }}"#)),
            1 => ("delivered", format!(r#"{{"domain":"d{}.example"}}"#, number % 9)),
            2 => (
                "page_view",
                format!(r#"{{"page":"{}","filler":"{}"}}"#, page_at(number), filler(number, self.filler_max)),
            ),
            _ => ("page_view", format!(r#"{{"page":"{}"}}"#, page_at(number))),
        };
        let user = user_of(number).map_or("null".into(), |user| format!("\"{user}\""));
        let (id, at) = (id_of(number), self.at(number));
        format!(
            r#"{{"event_id":"{id}","user_id":{user},"event_type":"{event_type}","timestamp":"{at}","properties":{properties}}}"#
        )
    }

    /// The events as lines.
    pub(crate) fn lines(self, numbers: &[u64]) -> String {
        numbers.iter().map(|number| self.event(*number)).collect::<Vec<_>>().join("\n")
    }
}

/// Whose event it is.
pub(crate) fn user_of(number: u64) -> Option<String> {
    (number % 8 != 1).then(|| format!("user-{}", number / 8 % USERS))
}

/// Which page it is a view of.
pub(crate) fn page_of(number: u64) -> Option<String> {
    (number % 8 > 1).then(|| page_at(number))
}

fn page_at(number: u64) -> String {
    format!("/page/{}", number / 3 % PAGES)
}

/// Up to so many letters and digits that hardly compress.
fn filler(number: u64, max: u64) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let letter = |place: u64| {
        char::from(ALPHABET[(spread(number ^ (place / 10) << 40) >> (place % 10 * 6) & 63) as usize])
    };
    (0..spread(number) % max).map(letter).collect()
}

/// Identities in no order, from which the number can be told.
pub(crate) fn id_of(number: u64) -> String {
    let bits = spread(number);
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{number:012x}",
        bits as u32,
        bits as u16,
        bits >> 52,
        bits >> 40 & 0xFFF
    )
}

/// The number of the event with that identity; `None` where no event has it.
pub(crate) fn number_of(id: &str) -> Option<u64> {
    let number = u64::from_str_radix(id.get(24..)?, 16).ok()?;
    (id_of(number) == id).then_some(number)
}

const fn spread(number: u64) -> u64 {
    let bits = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}
