//! Events that follow from their numbers, so that what comes back can be told to be what was sent. Few users, pages and
//! domains: what a store holds besides the events themselves stops growing early.

use std::fmt::Write as _;

const USERS: u64 = 20_000;
const PAGES: u64 = 500;
const DOMAINS: u64 = 200;
/// The types, and how many of a hundred events are of each.
pub(super) const TYPES: [(&str, u64); 6] =
    [("page_view", 68), ("click", 20), ("purchase", 5), ("signup", 2), ("delivered", 4), ("bounced", 1)];

/// Appends the event as JSON. Its time is that of its receipt.
pub(super) fn write_event(number: u64, out: &mut Vec<u8>) {
    let mut text = String::with_capacity(192);
    let bits = spread(number);
    let (user, page, domain) = (bits % USERS, bits / USERS % PAGES, bits / USERS % DOMAINS);
    let event_type = TYPES[type_of(number)].0;
    // Writing to a string can't fail.
    let _ = write!(text, r#"{{"event_id":"{}","event_type":"{event_type}","#, id_of(number));
    let _ = match event_type {
        "page_view" => write!(
            text,
            r#""user_id":"user-{user}","properties":{{"page":"{}","title":"Page {page}","screen":"1920x1080"}}}}"#,
            page_url(page)
        ),
        "purchase" => write!(
            text,
            r#""user_id":"user-{user}","properties":{{"amount":{}.95,"product_id":"sku-{page}"}}}}"#,
            bits % 300
        ),
        "delivered" | "bounced" => {
            write!(text, r#""properties":{{"domain":"mail-{domain}.example.com"}}}}"#)
        }
        _ => write!(text, r#""user_id":"user-{user}","properties":{{"x":{page},"y":{domain}}}}}"#),
    };
    out.extend_from_slice(text.as_bytes());
}

/// One of the visits that are no event of ours, for the identity is the server's to give.
pub(super) fn visit(random: u64) -> String {
    let page = page_url(random / USERS % PAGES);
    format!(r#"{{"visitor_id":"user-{}","url":"{page}"}}"#, random % USERS)
}

/// A page's URL.
pub(super) fn page_url(page: u64) -> String {
    format!("https://shop.example.com/products/{}", page % PAGES)
}

/// Which of [`TYPES`] the event is of.
pub(super) fn type_of(number: u64) -> usize {
    let mut share = spread(number) >> 32;
    share %= 100;
    for (place, (_, percent)) in TYPES.iter().enumerate() {
        if share < *percent {
            return place;
        }
        share -= percent;
    }
    0
}

/// Identities in no order, from which the number can be told.
pub(super) fn id_of(number: u64) -> String {
    let bits = spread(number);
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{number:012x}",
        bits as u32,
        bits as u16,
        bits >> 52,
        bits >> 40 & 0xFFF
    )
}

/// The number of the event with that identity; none where it is not ours.
pub(super) fn number_of(id: &[u8]) -> Option<u64> {
    let text = str::from_utf8(id).ok()?;
    let number = u64::from_str_radix(text.get(24..36)?, 16).ok()?;
    (id_of(number) == text).then_some(number)
}

/// One-to-one, and without order.
const fn spread(number: u64) -> u64 {
    let bits = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_json_and_tell_their_numbers() {
        let mut counts = [0_u64; TYPES.len()];
        for number in 0..2_000 {
            let mut event = Vec::new();
            write_event(number, &mut event);
            let event: serde_json::Value = serde_json::from_slice(&event).unwrap();
            assert_eq!(event["event_type"], TYPES[type_of(number)].0);
            assert_eq!(number_of(event["event_id"].as_str().unwrap().as_bytes()), Some(number));
            counts[type_of(number)] += 1;
        }
        assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
        assert_eq!(TYPES.iter().map(|(_, percent)| percent).sum::<u64>(), 100);
        assert_eq!(number_of(b"0190163d-8694-739b-aea5-966c26f8ad91"), None);
    }
}
