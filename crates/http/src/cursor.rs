//! Cursors: a place in the list of events, as an opaque word.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use footfall_domain::answers::{Order, Position};
use footfall_domain::event::EventId;
use footfall_domain::time::Timestamp;

/// Version and direction; time; identity; a check against words that were made up or cut short.
const BYTES: usize = 1 + 8 + 16 + 4;
const ASCENDING: u8 = 0x10;
const DESCENDING: u8 = 0x11;

pub(crate) fn write((at, id): Position, order: Order) -> String {
    let mut bytes = Vec::with_capacity(BYTES);
    bytes.push(if order == Order::Ascending { ASCENDING } else { DESCENDING });
    bytes.extend_from_slice(&at.micros().to_be_bytes());
    bytes.extend_from_slice(id.as_bytes());
    bytes.extend_from_slice(&check(&bytes).to_be_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// `None` for a word that [`write`] did not make, or made for a list that runs the other way.
pub(crate) fn read(word: &str, order: Order) -> Option<Position> {
    let bytes: [u8; BYTES] = URL_SAFE_NO_PAD.decode(word).ok()?.try_into().ok()?;
    let (place, checked) = bytes.split_last_chunk::<4>()?;
    let (at, id) = place[1..].split_first_chunk::<8>()?;
    let direction = if order == Order::Ascending { ASCENDING } else { DESCENDING };
    if place[0] != direction || u32::from_be_bytes(*checked) != check(place) {
        return None;
    }
    Some((Timestamp::from_micros(i64::from_be_bytes(*at))?, EventId::from_bytes(id.try_into().ok()?)))
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
}
