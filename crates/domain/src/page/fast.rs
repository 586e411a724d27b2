//! The common case: a page that is in normal form already, recognised by one pass over its bytes.
//!
//! [`is_normal`] may say no to a normal page, which then only takes longer, but never yes to another; tests.rs holds
//! it to that. So anything unusual is a no: escapes, ports, user info, a host that could be an address or punycode.

use super::rules::PageRules;
use super::{MAX_PAGE_BYTES, path};

/// Stands in a host and means itself there. Dots and hyphens are looked at apart.
const HOST: u8 = 1;
/// Stands in a path and means itself there. Dots are looked at apart.
const PATH: u8 = 2;
/// Stands in a query and ends no parameter.
const QUERY: u8 = 4;

const CLASS: [u8; 256] = {
    let mut class = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let octet = byte as u8;
        if octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'_' {
            class[byte] |= HOST;
        }
        if (path::is_path_character(octet) && octet != b'.') || octet == b'/' {
            class[byte] |= PATH;
        }
        // Not even the rest of ASCII is touched in a query, but a fragment ends it and control characters are errors.
        if !octet.is_ascii_control() && octet != b'#' && octet != b'&' {
            class[byte] |= QUERY;
        }
        byte += 1;
    }
    class
};

/// The first byte at or after `at` that is not of the class, or the end.
fn skip(bytes: &[u8], mut at: usize, class: u8) -> usize {
    while at < bytes.len() && CLASS[usize::from(bytes[at])] & class != 0 {
        at += 1;
    }
    at
}

/// Whether the page is certainly in normal form.
pub(super) fn is_normal(raw: &str, rules: &PageRules) -> bool {
    let bytes = raw.as_bytes();
    if bytes.len() > MAX_PAGE_BYTES {
        return false;
    }
    let path_start = match bytes {
        [b'/', ..] => Some(0),
        [b'h', b't', b't', b'p', b's', b':', b'/', b'/', ..] => plain_host_end(bytes, 8),
        [b'h', b't', b't', b'p', b':', b'/', b'/', ..] => plain_host_end(bytes, 7),
        _ => return false,
    };
    let Some(mut at) = path_start else { return false };
    // Also so that there is a byte before every dot.
    if bytes.get(at) != Some(&b'/') {
        return false;
    }
    loop {
        at = skip(bytes, at, PATH);
        match bytes.get(at) {
            None => return true,
            Some(b'?') => return is_normal_query(raw, at + 1, rules),
            // Only a segment that starts with a dot can be a dot segment.
            Some(b'.') if bytes[at - 1] != b'/' => at += 1,
            Some(_) => return false,
        }
    }
}

/// Where the host that starts at `start` ends, at a byte that no plain host contains or at the end of all, if until
/// there it is certainly a name in normal form.
pub(super) fn plain_host_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut label_start = start;
    let mut at = start;
    loop {
        at = skip(bytes, at, HOST);
        match bytes.get(at) {
            // The third and fourth character tell punycode, but any two hyphens are rare enough.
            Some(b'-') if bytes.get(at + 1) != Some(&b'-') => at += 1,
            Some(b'.') if at > label_start => {
                at += 1;
                label_start = at;
            }
            // A last label that starts with a letter is no number, so the host is no address.
            _ => return bytes.get(label_start).is_some_and(u8::is_ascii_lowercase).then_some(at),
        }
    }
}

/// Whether the query from `at` to the end is not empty and keeps all its parameters.
fn is_normal_query(raw: &str, mut at: usize, rules: &PageRules) -> bool {
    let bytes = raw.as_bytes();
    if at == bytes.len() || bytes.ends_with(b" ") || rules.drops_all() {
        return false;
    }
    loop {
        // `at` is after a `?` or `&`, so a character starts there.
        if rules.drops(&raw[at..]) {
            return false;
        }
        at = skip(bytes, at, QUERY);
        match bytes.get(at) {
            None => return true,
            Some(b'&') => at += 1,
            Some(_) => return false,
        }
    }
}
