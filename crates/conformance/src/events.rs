//! Events for tests of what is beyond the suite: kinds, users and subjects follow from a number.

use std::ops::Range;

use footfall_domain::time::{MINUTE_US, Timestamp};

use crate::{Draft, instant};

/// The instant around which events happen.
pub const START: &str = "2025-05-26T12:00";

/// So long after that.
pub fn after(micros: i64) -> Timestamp {
    instant(START).plus_micros(micros)
}

/// Spread over all bits, as real identities are.
pub const fn spread(number: u128) -> u128 {
    number.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)
}

/// Events of all kinds over twelve days, in no order.
pub fn mixed(numbers: Range<u128>) -> Vec<Draft> {
    numbers.map(|number| event(number, after((number as i64 * 611 % 1_009) * 17 * MINUTE_US))).collect()
}

/// An event whose kind, user and subject follow from its number.
pub fn event(number: u128, at: Timestamp) -> Draft {
    let user = format!("user-{}", number % 83);
    let id = spread(number);
    match number % 5 {
        0 => Draft::plain(id, at, &user, "click")
            .with_properties(format!(r#"{{"number":{number}, "é":"\u00e9"}}"#)),
        1 => Draft::mail(id, at, "bounced", &format!("d{}.example", number % 11)),
        _ => Draft::view(id, at, &user, &format!("/{}", number % 29)),
    }
}
