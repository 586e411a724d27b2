//! The identity of mail domains.

use footfall_domain::host::{MAX_DOMAIN_BYTES, MAX_LABEL_BYTES, normalise_domain};

/// A domain's normal form is its own normal form, and a host name by RFC 1123; case and the root's dot make no other domain.
///
/// # Panics
/// When one of these doesn't hold.
pub fn domain(data: &[u8]) {
    let Ok(raw) = std::str::from_utf8(data) else { return };
    let Ok(normal) = normalise_domain(raw) else { return };
    let normal = &*normal;
    for same in [normal.to_owned(), format!("{normal}."), normal.to_ascii_uppercase()] {
        assert_eq!(normalise_domain(&same).as_deref(), Ok(normal), "{same:?} is another domain");
    }
    assert!(normal.len() <= MAX_DOMAIN_BYTES, "longer than allowed");
    for label in normal.split('.') {
        assert!((1..=MAX_LABEL_BYTES).contains(&label.len()), "a label's length");
        assert!(!label.starts_with('-') && !label.ends_with('-'), "a hyphen at the edge");
        assert!(
            label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')),
            "a character that no host name has"
        );
    }
}
