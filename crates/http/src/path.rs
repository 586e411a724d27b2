//! Parts of a path that clients choose, as they sent them. What actix hands over is decoded leniently: `%FF` would become
//! another user's id.

use actix_web::HttpRequest;
use footfall_domain::event::USER_MAX_CHARS;
use footfall_domain::host::normalise_domain;
use footfall_domain::membership::title_of;
use footfall_domain::problem::{Code, FieldError};

use crate::problem::Problem;

/// A part of the path between slashes, counted from 0, as it was sent.
pub(crate) fn part(request: &HttpRequest, place: usize) -> &str {
    request.uri().path().split('/').nth(place + 1).unwrap_or_default()
}

/// A user's id, held to the rule of an event's `user_id`: another one is no user's.
pub(crate) fn user_id(sent: &str) -> Result<String, Problem> {
    user(sent).map_err(|(code, message)| wrong("path:id", code, message))
}

/// A segment's title.
pub(crate) fn title(sent: &str) -> Result<String, Problem> {
    let title = decoded(sent).map_err(|(code, message)| wrong("path:title", code, message))?;
    title_of(&title).map_err(|error| Problem::path(FieldError { pointer: "path:title".into(), ..error }))
}

/// A mail domain, decoded.
pub(crate) fn domain(sent: &str) -> Result<String, Problem> {
    decoded(sent).map_err(|(code, message)| wrong("path:domain", code, message))
}

/// A mail domain in its normal form.
pub(crate) fn normal_domain(sent: &str) -> Result<String, Problem> {
    let domain = domain(sent)?;
    let normal = normalise_domain(&domain).map(std::borrow::Cow::into_owned);
    normal.map_err(|error| {
        Problem::path(FieldError::new("path:domain", Code::InvalidDomain, error.to_string()))
    })
}

fn wrong(pointer: &'static str, code: Code, message: &'static str) -> Problem {
    Problem::path(FieldError::new(pointer, code, message))
}

fn decoded(sent: &str) -> Result<String, (Code, &'static str)> {
    let decoded = percent_decoded(sent.as_bytes()).and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.ok_or((Code::Malformed, "is percent-encoded UTF-8"))
}

fn user(sent: &str) -> Result<String, (Code, &'static str)> {
    let user = decoded(sent)?;
    if user.contains('\0') {
        return Err((Code::NulCharacter, "holds a NUL character"));
    }
    if user.trim().is_empty() {
        return Err((Code::Blank, "must not be blank"));
    }
    if user.chars().count() > USER_MAX_CHARS {
        return Err((Code::TooLong, "has at most 255 characters"));
    }
    Ok(user)
}

/// RFC 3986 §2.1. `None` where a percent sign is not followed by two hexadecimal digits.
fn percent_decoded(mut text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    while let Some((&byte, after)) = text.split_first() {
        text = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (digits, after) = text.split_first_chunk::<2>()?;
        let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
        bytes.push((high? * 16 + low?) as u8);
        text = after;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_decoded_once_and_strictly() {
        for (sent, expected) in [
            ("ann", "ann"),
            ("42", "42"),
            ("..", ".."),
            ("a+b", "a+b"),
            ("a%2Fb%2fc", "a/b/c"),
            ("%2541", "%41"),
            ("j%C3%B6rg%20%F0%9F%98%80", "jörg 😀"),
            ("%0A%22", "\n\""),
        ] {
            assert_eq!(user(sent).as_deref(), Ok(expected), "{sent}");
        }
        for (sent, code) in [
            ("%", Code::Malformed),
            ("100%", Code::Malformed),
            ("%4", Code::Malformed),
            ("%zz", Code::Malformed),
            ("%+1", Code::Malformed),
            ("%ff", Code::Malformed),
            ("a%C3", Code::Malformed),
            ("a%00", Code::NulCharacter),
            ("%20%C2%A0", Code::Blank),
        ] {
            assert_eq!(user(sent).map_err(|(code, _)| code), Err(code), "{sent}");
        }
        let longest = "%C3%BC".repeat(255);
        assert_eq!(user(&longest).map(|user| user.chars().count()), Ok(255));
        assert_eq!(user(&format!("{longest}a")).map_err(|(code, _)| code), Err(Code::TooLong));
    }
}
