//! Cursors, which clients send back and could make up.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use footfall_domain::answers::Order;
use footfall_domain::event::EventId;
use footfall_domain::time::Timestamp;
use footfall_domain::windows::Window;
use footfall_http::cursor::{read, read_metric, write, write_metric};

/// What is read from a word writes that very word again, and what is written is read back. The input is taken as a word,
/// as what a word is made of (so that made-up places get past the check), and as places to write.
///
/// # Panics
/// When one of these doesn't hold.
pub fn cursor(data: &[u8]) {
    if let Ok(word) = std::str::from_utf8(data) {
        is_read_as_written(word);
    }
    is_read_as_written(&sealed(data));
    if let Some((at, id)) = data.split_first_chunk::<8>()
        && let Some(id) = id.first_chunk::<16>()
    {
        let at = Timestamp::from_micros_clamped(i64::from_be_bytes(*at));
        let place = (at, EventId::from_bytes(*id));
        for (order, other) in [(Order::Ascending, Order::Descending), (Order::Descending, Order::Ascending)] {
            let word = write(place, order);
            assert_eq!(read(&word, order), Some(place), "not read back");
            assert_eq!(read(&word, other), None, "read in the other direction");
            assert_eq!(read_metric(&word), None, "read as a place of another list");
        }
        if let Ok(user) = std::str::from_utf8(&data[8..])
            && !user.contains('\0')
        {
            let window = Window::of(at);
            let word = write_metric(window, user);
            assert_eq!(read_metric(&word), Some((window, user.to_owned())), "not read back");
            assert_eq!(read(&word, Order::Ascending), None, "read as a place of another list");
        }
    }
}

fn is_read_as_written(word: &str) {
    for order in [Order::Ascending, Order::Descending] {
        if let Some(place) = read(word, order) {
            assert_eq!(write(place, order), word, "one place, two words");
        }
    }
    if let Some((window, user)) = read_metric(word) {
        assert_eq!(write_metric(window, &user), word, "one place, two words");
    }
}

/// The bytes with the check that makes a cursor of them: FNV-1a, 32 bits.
fn sealed(bytes: &[u8]) -> String {
    let check =
        bytes.iter().fold(0x811C_9DC5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    URL_SAFE_NO_PAD.encode([bytes, &check.to_be_bytes()].concat())
}
