//! Mail domains and host names in their one normal form. No look-ups live here, and no URLs: those are [`crate::page`]'s.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::net::Ipv6Addr;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use thiserror::Error;

/// The longest name, in octets and without the dot of the root (RFC 1035 §2.3.4).
pub const MAX_DOMAIN_BYTES: usize = 253;
/// The longest label, in octets (RFC 1035 §2.3.4).
pub const MAX_LABEL_BYTES: usize = 63;
/// The longest name as sent, before mapping. Letters shrink when they are composed and encoded, so this is wider than
/// [`MAX_DOMAIN_BYTES`], but it bounds the work that a hostile name can cause.
pub const MAX_RAW_DOMAIN_BYTES: usize = 2_048;

/// Why a text is not a host name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum DomainError {
    /// Nothing, or only the dot of the root.
    #[error("the domain is empty")]
    Empty,
    /// More than [`MAX_DOMAIN_BYTES`] octets in normal form, or more than [`MAX_RAW_DOMAIN_BYTES`] as sent.
    #[error("the domain is longer than {MAX_DOMAIN_BYTES} octets")]
    TooLong,
    /// Two dots in a row, or a dot at the start.
    #[error("the domain has an empty label")]
    EmptyLabel,
    /// A label of more than [`MAX_LABEL_BYTES`] octets.
    #[error("a label of the domain is longer than {MAX_LABEL_BYTES} octets")]
    LabelTooLong,
    /// A label that starts or ends with a hyphen (RFC 1123 §2.1).
    #[error("a label of the domain starts or ends with a hyphen")]
    HyphenAtEdge,
    /// An ASCII character other than letters, digits, hyphens and dots; the underscore is one of them.
    #[error("the domain contains {0:?}, which no host name may")]
    Character(char),
    /// An IP address, or a name that could be read as one because its last label is a number (RFC 3696 §2).
    #[error("the domain is an IP address, or its last label is a number")]
    IpAddress,
    /// Not valid by UTS 46: a character that is not allowed, a hyphen at the edge of a non-ASCII label, or an `xn--`
    /// label that does not decode to what would be encoded so.
    #[error("the domain is not a valid internationalised name")]
    Internationalised,
}

/// A host name in normal form, see [`normalise_domain`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DomainName(Box<str>);

impl DomainName {
    /// Reads a host name in any spelling.
    ///
    /// # Errors
    /// As [`normalise_domain`].
    pub fn parse(raw: &str) -> Result<Self, DomainError> {
        normalise_domain(raw).map(|name| Self(name.into()))
    }

    /// The name in normal form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for DomainName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// So that a map keyed by names can be asked with what [`normalise_domain`] borrowed.
impl Borrow<str> for DomainName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// The normal form of a mail domain or host name: lower case, IDN as punycode (UTS 46, non-transitional), without the
/// dot of the root. A single label such as `localhost` is a host name. Spaces are not trimmed.
///
/// What is in normal form already comes back borrowed, after one pass over its bytes.
///
/// # Errors
/// When the text is not a host name by RFC 1123 §2.1 (letters, digits and hyphens; labels of 1 to 63 octets, 253 in
/// all), is an IP address, or is not valid by UTS 46.
pub fn normalise_domain(raw: &str) -> Result<Cow<'_, str>, DomainError> {
    if raw.len() > MAX_RAW_DOMAIN_BYTES {
        return Err(DomainError::TooLong);
    }
    match scan(without_root(raw))? {
        Spelling::Normal => Ok(Cow::Borrowed(without_root(raw))),
        Spelling::UpperCase => Ok(Cow::Owned(without_root(raw).to_ascii_lowercase())),
        Spelling::Internationalised => internationalised(raw).map(Cow::Owned),
    }
}

/// The name less one dot at its end.
fn without_root(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

/// Maps a name with non-ASCII or `xn--` labels, and then holds it to the same rules as any other.
fn internationalised(raw: &str) -> Result<String, DomainError> {
    // Lengths are left to `scan`, so that the same flaw has the same error in every script; so are the characters,
    // the URL set being the smaller one. Hyphens at the edge of a label can only be seen before it is encoded.
    let mapped = Uts46::new()
        .to_ascii(raw.as_bytes(), AsciiDenyList::URL, Hyphens::CheckFirstLast, DnsLength::Ignore)
        .map_err(|_| DomainError::Internationalised)?;
    // Only now is the root's dot known: an ideographic full stop at the end has become one.
    let name = without_root(&mapped);
    scan(name)?;
    Ok(name.to_owned())
}

/// What is left to do for a name without flaws.
enum Spelling {
    Normal,
    UpperCase,
    Internationalised,
}

const OTHER: u8 = 0;
const PLAIN: u8 = 1;
const UPPER: u8 = 2;
const DOT: u8 = 3;

/// What each byte is in a host name.
const CLASS: [u8; 256] = {
    let mut class = [OTHER; 256];
    let mut byte = 0;
    while byte < 256 {
        class[byte] = match byte as u8 {
            b'a'..=b'z' | b'0'..=b'9' | b'-' => PLAIN,
            b'A'..=b'Z' => UPPER,
            b'.' => DOT,
            _ => OTHER,
        };
        byte += 1;
    }
    class
};

/// Checks a name without its root's dot in one pass. A flaw that mapping could mend is not reported but left to
/// [`internationalised`], which scans again what came of it.
fn scan(name: &str) -> Result<Spelling, DomainError> {
    let bytes = name.as_bytes();
    if bytes.is_empty() {
        return Err(DomainError::Empty);
    }
    let mut upper = false;
    let mut encoded = false;
    let mut label_start = 0;
    let mut at = 0;
    while at < bytes.len() {
        let class = CLASS[usize::from(bytes[at])];
        if class == DOT {
            encoded |= check_label(&bytes[label_start..at])?;
            label_start = at + 1;
        } else if class == UPPER {
            upper = true;
        } else if class == OTHER {
            return other_character(name, at);
        }
        at += 1;
        while at < bytes.len() && CLASS[usize::from(bytes[at])] == PLAIN {
            at += 1;
        }
    }
    let last = &bytes[label_start..];
    encoded |= check_label(last)?;
    if last.iter().all(u8::is_ascii_digit) {
        return Err(DomainError::IpAddress);
    }
    if bytes.len() > MAX_DOMAIN_BYTES {
        return Err(DomainError::TooLong);
    }
    // A valid xn-- label in lower case is its own normal form, which only the decoder can tell. It decides for names
    // as sent; what it wrote itself is scanned once more and then taken as it is.
    Ok(match (encoded, upper) {
        (true, _) => Spelling::Internationalised,
        (false, true) => Spelling::UpperCase,
        (false, false) => Spelling::Normal,
    })
}

/// Whether a label of letters, digits and hyphens is marked as punycode.
fn check_label(label: &[u8]) -> Result<bool, DomainError> {
    match label {
        [] => Err(DomainError::EmptyLabel),
        [b'-', ..] | [.., b'-'] => Err(DomainError::HyphenAtEdge),
        _ if label.len() > MAX_LABEL_BYTES => Err(DomainError::LabelTooLong),
        [b'x' | b'X', b'n' | b'N', b'-', b'-', ..] => Ok(true),
        _ => Ok(false),
    }
}

/// The verdict on a name with something other than letters, digits, hyphens and dots at `at`.
#[cold]
fn other_character(name: &str, at: usize) -> Result<Spelling, DomainError> {
    // An ASCII character that is forbidden stays forbidden in any script, so it is worth naming.
    let Some(forbidden) = name[at..].chars().find(|&c| c.is_ascii() && CLASS[c as usize] == OTHER) else {
        return Ok(Spelling::Internationalised);
    };
    let bare = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
    Err(match bare.parse::<Ipv6Addr>() {
        Ok(_) => DomainError::IpAddress,
        Err(_) => DomainError::Character(forbidden),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_spelling_of_a_name_has_one_normal_form() {
        for (raw, normal) in [
            ("example.com", "example.com"),
            ("Example.COM", "example.com"),
            ("example.com.", "example.com"),
            ("localhost", "localhost"),
            ("a", "a"),
            ("3com.com", "3com.com"),
            ("123.example", "123.example"),
            ("r3---sn-4g5e.example", "r3---sn-4g5e.example"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("BÜCHER.example.", "xn--bcher-kva.example"),
            ("bu\u{308}cher.example", "xn--bcher-kva.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("XN--BCHER-KVA.Example", "xn--bcher-kva.example"),
            ("faß.de", "xn--fa-hia.de"),
            ("例え。テスト。", "xn--r8jz45g.xn--zckzah"),
            ("ｅｘａｍｐｌｅ．com", "example.com"),
        ] {
            assert_eq!(normalise_domain(raw).as_deref(), Ok(normal), "{raw}");
            assert_eq!(DomainName::parse(raw).unwrap().to_string(), normal);
        }
    }

    #[test]
    fn what_is_not_a_host_name_says_why() {
        for (raw, error) in [
            ("", DomainError::Empty),
            (".", DomainError::Empty),
            ("..", DomainError::EmptyLabel),
            ("a..b", DomainError::EmptyLabel),
            (".a", DomainError::EmptyLabel),
            ("example.com..", DomainError::EmptyLabel),
            ("bücher.example.。", DomainError::EmptyLabel),
            ("-a.example", DomainError::HyphenAtEdge),
            ("a-.example", DomainError::HyphenAtEdge),
            ("example.-", DomainError::HyphenAtEdge),
            ("ü-.example", DomainError::Internationalised),
            ("xn----dha.example", DomainError::Internationalised),
            ("a_b.example", DomainError::Character('_')),
            ("bü＿cher.example", DomainError::Character('_')),
            ("a b.example", DomainError::Character(' ')),
            ("user@example.com", DomainError::Character('@')),
            ("example:80", DomainError::Character(':')),
            ("bücher.example/x", DomainError::Character('/')),
            ("a\0b", DomainError::Character('\0')),
            ("1.2.3.4", DomainError::IpAddress),
            ("1.2.3.4.", DomainError::IpAddress),
            ("example.123", DomainError::IpAddress),
            ("bücher.１２３", DomainError::IpAddress),
            ("42", DomainError::IpAddress),
            ("::1", DomainError::IpAddress),
            ("[::1]", DomainError::IpAddress),
            ("2001:db8::1", DomainError::IpAddress),
            ("xn--.example", DomainError::HyphenAtEdge),
            ("xn--zzzzzzzzz999.example", DomainError::Internationalised),
            ("xn--fa-hia\u{fffd}.de", DomainError::Internationalised),
        ] {
            assert_eq!(normalise_domain(raw), Err(error), "{raw}");
        }
    }

    #[test]
    fn lengths_are_those_of_the_normal_form() {
        let label = "a".repeat(MAX_LABEL_BYTES);
        assert!(normalise_domain(&label).is_ok());
        assert_eq!(normalise_domain(&format!("{label}a.example")), Err(DomainError::LabelTooLong));
        let longest = format!("{label}.{label}.{label}.{}", &label[..61]);
        assert_eq!(longest.len(), MAX_DOMAIN_BYTES);
        assert!(normalise_domain(&longest).is_ok());
        assert!(normalise_domain(&format!("{longest}.")).is_ok());
        assert_eq!(normalise_domain(&format!("{longest}a")), Err(DomainError::TooLong));
        assert_eq!(normalise_domain(&"ü".repeat(70)), Err(DomainError::LabelTooLong));
        assert_eq!(normalise_domain(&"ü".repeat(MAX_RAW_DOMAIN_BYTES)), Err(DomainError::TooLong));
    }

    #[test]
    fn a_name_in_normal_form_is_borrowed() {
        for raw in ["mail.example.com", "mail.example.com.", "localhost"] {
            assert!(matches!(normalise_domain(raw), Ok(Cow::Borrowed(_))), "{raw}");
        }
    }

    proptest! {
        #[test]
        fn the_normal_form_is_stable_and_ascii_names_agree_with_the_mapping(
            raw in "([a-cA-C0-9éßΣ例ａ\u{ad}\u{308}-]{0,4}[.。]?){0,4}|(xn--)?[a-z0-9-]{1,12}\\.[a-z]{1,3}",
        ) {
            let Ok(normal) = normalise_domain(&raw) else { return Ok(()) };
            prop_assert_eq!(normalise_domain(&normal), Ok(Cow::Borrowed(&*normal)));
            prop_assert_eq!(internationalised(&raw), Ok(normal.to_string()));
            prop_assert!(normal.bytes().all(|byte| CLASS[usize::from(byte)] != OTHER));
        }

        #[test]
        fn nothing_panics(raw in any::<String>()) {
            let _ = normalise_domain(&raw);
        }
    }
}
