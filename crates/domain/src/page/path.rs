//! Paths by RFC 3986 §6.2.2: one spelling for each octet, then no dot segments.
//!
//! - An escape of an unreserved character (letter, digit, `-._~`) is decoded; every other escape stays, with its hex
//!   digits in upper case. So `%2F` stays apart from `/`, but `%2e%2e` is `..` and then a dot segment.
//! - What may not stand in a path by RFC 3986 §3.3 is escaped as its UTF-8 octets: non-ASCII characters, spaces,
//!   and `"<>[\]^{|}` and the backtick. A backslash is no slash.
//! - A `%` that starts no escape stays as sent. Decoding never completes such an escape: in `%%341` the `%34` stays,
//!   else `%41` would come of it, another escape at the next reading.
//! - Empty segments are segments: `/a//b` is not `/a/b`.

const HEX_DIGITS: &[u8; 16] = b"0123456789ABCDEF";

/// Appends the normal form of a path that is empty or starts with `/`.
pub(super) fn push_normal(normal: &mut String, path: &str) {
    let path_start = normal.len();
    let mut segments = path.strip_prefix('/').unwrap_or(path).split('/').peekable();
    while let Some(segment) = segments.next() {
        let segment_start = normal.len();
        normal.push('/');
        push_segment(normal, segment);
        // RFC 3986 §5.2.4: what a dot segment at the end leaves behind is the directory, with its slash.
        let is_last = segments.peek().is_none();
        match &normal[segment_start..] {
            "/." => normal.truncate(segment_start),
            "/.." => {
                normal.truncate(segment_start);
                let parent = normal[path_start..].rfind('/').unwrap_or(0);
                normal.truncate(path_start + parent);
            }
            _ => continue,
        }
        if is_last {
            normal.push('/');
        }
    }
}

fn push_segment(normal: &mut String, segment: &str) {
    let bytes = segment.as_bytes();
    // Where the last `%` stands that starts no escape.
    let mut stray = None;
    let mut at = 0;
    while at < bytes.len() {
        let run = bytes[at..].iter().take_while(|&&byte| is_path_character(byte)).count();
        // A run is ASCII, but between two octets of one character there is no place for an empty one.
        if run > 0 {
            normal.push_str(&segment[at..at + run]);
            at += run;
        }
        let Some((&byte, after)) = bytes[at..].split_first() else { break };
        at += 1;
        if byte != b'%' {
            push_escape(normal, byte);
        } else if let Some(octet) = escaped(after) {
            let completes = octet.is_ascii_hexdigit() && awaits_hex_digit(normal, stray);
            if is_unreserved(octet) && !completes {
                normal.push(char::from(octet));
            } else {
                push_escape(normal, octet);
            }
            at += 2;
        } else {
            stray = Some(normal.len());
            normal.push('%');
        }
    }
}

/// Whether one more hex digit could make an escape of the stray `%`.
fn awaits_hex_digit(normal: &str, stray: Option<usize>) -> bool {
    stray.is_some_and(|stray| match &normal.as_bytes()[stray + 1..] {
        [] => true,
        [digit] => digit.is_ascii_hexdigit(),
        _ => false,
    })
}

fn push_escape(normal: &mut String, octet: u8) {
    normal.push('%');
    normal.push(char::from(HEX_DIGITS[usize::from(octet >> 4)]));
    normal.push(char::from(HEX_DIGITS[usize::from(octet & 0xF)]));
}

/// The octet that the two characters after a `%` stand for.
fn escaped(after: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(*after.get(at)?).to_digit(16);
    Some((digit(0)? * 16 + digit(1)?) as u8)
}

/// RFC 3986 §2.3.
const fn is_unreserved(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_' | b'~')
}

/// What a segment may contain unescaped, `pchar` of RFC 3986 §3.3 less the escapes.
pub(super) const fn is_path_character(octet: u8) -> bool {
    is_unreserved(octet)
        || matches!(
            octet,
            b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b':' | b'@'
        )
}
