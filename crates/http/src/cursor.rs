//! Cursors: a place in the list of events, as an opaque word.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use footfall_domain::answers::{Order, Position};
use footfall_domain::event::EventId;
use footfall_domain::time::Timestamp;
use footfall_domain::windows::Window;
use footfall_ports::MetricPosition;

/// What a cursor begins with: which list it is for, and which way that runs.
const ASCENDING: u8 = 0x10;
const DESCENDING: u8 = 0x11;
const METRICS: u8 = 0x20;

/// A place in the list of events.
pub fn write((at, id): Position, order: Order) -> String {
    seal(direction(order), &[&at.micros().to_be_bytes(), id.as_bytes()])
}

/// `None` for a word that [`write()`] did not make, or made for a list that runs the other way.
pub fn read(word: &str, order: Order) -> Option<Position> {
    let place = open(word, direction(order))?;
    let (at, id) = place.split_first_chunk::<8>()?;
    Some((Timestamp::from_micros(i64::from_be_bytes(*at))?, EventId::from_bytes(id.try_into().ok()?)))
}

/// A place in the list of users' activity.
pub fn write_metric(window: Window, user: &str) -> String {
    seal(METRICS, &[&window.number().to_be_bytes(), user.as_bytes()])
}

/// `None` for a word that [`write_metric`] did not make.
pub fn read_metric(word: &str) -> Option<MetricPosition> {
    let place = open(word, METRICS)?;
    let (window, user) = place.split_first_chunk::<4>()?;
    // Cursors can be made up, and no name holds one.
    if user.contains(&0) {
        return None;
    }
    Some((Window::of_number(i32::from_be_bytes(*window))?, String::from_utf8(user.to_vec()).ok()?))
}

const fn direction(order: Order) -> u8 {
    match order {
        Order::Ascending => ASCENDING,
        Order::Descending => DESCENDING,
    }
}

/// The kind, the parts, and a check against words that were made up or cut short.
fn seal(kind: u8, parts: &[&[u8]]) -> String {
    let mut bytes = vec![kind];
    for part in parts {
        bytes.extend_from_slice(part);
    }
    let check = check(&bytes);
    bytes.extend_from_slice(&check.to_be_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn open(word: &str, kind: u8) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(word).ok()?;
    let (sealed, checked) = bytes.split_last_chunk::<4>()?;
    let (found, place) = sealed.split_first()?;
    (*found == kind && u32::from_be_bytes(*checked) == check(sealed)).then(|| place.to_vec())
}

/// FNV-1a, 32 bits. Not a signature: a cursor gives access to nothing.
fn check(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811C_9DC5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_and_a_changed_one_does_not() {
        let place = (Timestamp::from_micros(-5).unwrap(), EventId::from_bytes([7; 16]));
        let word = write(place, Order::Ascending);
        assert_eq!(read(&word, Order::Ascending), Some(place));
        assert_eq!(read(&word, Order::Descending), None);
        for position in 0..word.len() {
            let mut changed = word.clone().into_bytes();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            assert_eq!(read(std::str::from_utf8(&changed).unwrap(), Order::Ascending), None);
        }
        assert_eq!(read(&word[1..], Order::Ascending), None);
        assert_eq!(read("", Order::Ascending), None);
    }

    #[test]
    fn a_place_among_the_metrics_comes_back_and_is_none_among_events() {
        let window = Window::of(Timestamp::from_micros_clamped(-1));
        let word = write_metric(window, "jörg/\u{1F600}");
        assert_eq!(read_metric(&word), Some((window, "jörg/\u{1F600}".to_owned())));
        assert_eq!(read(&word, Order::Ascending), None);
        let event =
            write((Timestamp::from_micros_clamped(5), EventId::from_bytes([7; 16])), Order::Ascending);
        assert_eq!(read_metric(&event), None);
        assert_eq!(read_metric(&word[1..]), None);
    }
}
