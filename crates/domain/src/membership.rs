//! Users in segments: what a membership is, and how one is read from JSON.

use crate::event::USER_MAX_CHARS;
use crate::json::{Kind, Malformed, Scanner, Token};
use crate::problem::{Code, FieldError};
use crate::time::{SECOND_US, Timestamp};
use crate::validate::{ERRORS_MAX, required, required_text, user};

/// How long a membership lasts that says nothing about it, in seconds: two weeks.
pub const DEFAULT_LASTS_S: i64 = 14 * 24 * 3_600;

/// A clock that shows so many seconds less than was counted up to was set back. What is less is as if it were not: clocks differ, and
/// questions overtake each other.
pub const SET_BACK_S: i64 = 60;

/// A user in a segment, until an absolute time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Membership {
    /// Who. 1 to 255 characters.
    pub user: String,
    /// The segment's title. 1 to 255 characters.
    pub segment: String,
    /// From this second on, counted from 1970, the user is in the segment no more.
    pub expires_at_s: i64,
}

/// What became of a membership.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Joined {
    /// The user was put in the segment.
    Created,
    /// The user was known there already, and the expiry is the new one now.
    Renewed,
}

/// The second, counted from 1970, that an instant falls into: memberships that expire later than it are in force.
pub const fn second_of(now: Timestamp) -> i64 {
    now.micros().div_euclid(SECOND_US)
}

/// A membership that can't be taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unusable {
    /// The user as the client wrote it, where it did.
    pub user: Option<String>,
    /// Everything that is wrong.
    pub errors: Vec<FieldError>,
}

/// The members of a membership as they stand in the JSON.
#[derive(Default)]
struct Members<'a> {
    user: Option<Token<'a>>,
    segment: Option<Token<'a>>,
    expires: Option<Token<'a>>,
    errors: Vec<FieldError>,
}

impl Membership {
    /// Reads the value that is next: `{"ID": …, "segment": …, "expiredSegment": …}`. Without an expiry it lasts for
    /// [`DEFAULT_LASTS_S`] from `now` on.
    ///
    /// # Errors
    /// Only where the text is not JSON; what is JSON but no membership is [`Unusable`].
    pub fn read(scanner: &mut Scanner<'_>, now: Timestamp) -> Result<Result<Self, Unusable>, Malformed> {
        if scanner.peek() != b'{' {
            scanner.value()?;
            scanner.take_findings();
            let error = FieldError::new("", Code::WrongType, "a user in a segment is a JSON object");
            return Ok(Err(Unusable { user: None, errors: vec![error] }));
        }
        let mut members = Members::default();
        scanner.object(|scanner, key| members.member(scanner, key))?;
        Ok(members.judge(now))
    }
}

impl<'a> Members<'a> {
    fn member(&mut self, scanner: &mut Scanner<'a>, key: Token<'a>) -> Result<(), Malformed> {
        let value = scanner.value()?;
        let findings = scanner.take_findings();
        let (slot, pointer) = match &*key.name() {
            "ID" => (Some(&mut self.user), "/ID"),
            "segment" => (Some(&mut self.segment), "/segment"),
            "expiredSegment" => (Some(&mut self.expires), "/expiredSegment"),
            _ => (None, ""),
        };
        let error = if findings.nul {
            Some((Code::NulCharacter, "holds a NUL character (\\u0000)"))
        } else if findings.lone_surrogate {
            Some((Code::LoneSurrogate, "holds half of a surrogate pair"))
        } else if slot.as_ref().is_some_and(|slot| slot.is_some()) {
            Some((Code::DuplicateMember, "stands twice in the object"))
        } else {
            None
        };
        match (error, slot) {
            (Some((code, message)), _) if self.errors.len() < ERRORS_MAX => {
                self.errors.push(FieldError::new(pointer, code, message));
            }
            (None, Some(slot)) if value.kind != Kind::Null => *slot = Some(value),
            _ => {}
        }
        Ok(())
    }

    fn judge(mut self, now: Timestamp) -> Result<Membership, Unusable> {
        let at =
            |pointer: &'static str| move |error: FieldError| FieldError { pointer: pointer.into(), ..error };
        let user = self.user.ok_or_else(|| required("/ID")).and_then(|id| user(id).map_err(at("/ID")));
        let segment = required_text(self.segment, "/segment").and_then(|title| title_of(&title));
        let expires_at_s = match self.expires {
            None => Ok(second_of(now) + DEFAULT_LASTS_S),
            Some(token) => expiry(token),
        };
        match (user, segment, expires_at_s) {
            (Ok(user), Ok(segment), Ok(expires_at_s)) if self.errors.is_empty() => {
                Ok(Membership { user: user.into_owned(), segment, expires_at_s })
            }
            (user, segment, expires_at_s) => {
                let found = [user.err(), segment.err(), expires_at_s.err()];
                // What was refused as it was read isn't missing as well.
                let found = found
                    .into_iter()
                    .flatten()
                    .filter(|error| !self.errors.iter().any(|earlier| earlier.pointer == error.pointer));
                let found: Vec<FieldError> = found.collect();
                self.errors.extend(found);
                let user = self.user.and_then(|id| id.text()).map(std::borrow::Cow::into_owned);
                Err(Unusable { user, errors: self.errors })
            }
        }
    }
}

/// A segment's title, as it may stand in a body or a path.
///
/// # Errors
/// Where it is blank or too long; the pointer is that of a body.
pub fn title_of(title: &str) -> Result<String, FieldError> {
    let pointer = "/segment";
    if title.trim().is_empty() {
        return Err(FieldError::new(pointer, Code::Blank, "must not be blank"));
    }
    if title.chars().count() > USER_MAX_CHARS {
        return Err(FieldError::new(pointer, Code::TooLong, "has at most 255 characters"));
    }
    if title.contains('\0') {
        return Err(FieldError::new(pointer, Code::NulCharacter, "holds a NUL character"));
    }
    Ok(title.to_owned())
}

fn expiry(token: Token<'_>) -> Result<i64, FieldError> {
    let pointer = "/expiredSegment";
    if token.kind != Kind::Number {
        return Err(FieldError::new(pointer, Code::WrongType, "is a whole number of seconds since 1970"));
    }
    let latest_s = second_of(Timestamp::MAX);
    match token.raw.parse::<i64>() {
        Ok(expiry) if (0..=latest_s).contains(&expiry) => Ok(expiry),
        Err(error) if *error.kind() == std::num::IntErrorKind::InvalidDigit => {
            Err(FieldError::new(pointer, Code::WrongType, "is a whole number of seconds since 1970"))
        }
        _ => Err(FieldError::new(pointer, Code::OutOfRange, format!("is a second from 0 to {latest_s}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Membership, Unusable> {
        let now = Timestamp::parse("2025-05-26T14:00:00.5Z").unwrap();
        let mut scanner = Scanner::new(text);
        let read = Membership::read(&mut scanner, now).unwrap();
        scanner.end().unwrap();
        read
    }

    fn codes(text: &str) -> Vec<(String, &'static str)> {
        let errors = read(text).unwrap_err().errors;
        errors.into_iter().map(|error| (error.pointer.into_owned(), error.code.as_str())).collect()
    }

    #[test]
    fn a_membership_is_read_as_it_stands() {
        let read = read(r#"{"ID":"fsas42aa3af","segment":"1aa1x","expiredSegment":1655209411}"#).unwrap();
        let expected =
            Membership { user: "fsas42aa3af".into(), segment: "1aa1x".into(), expires_at_s: 1_655_209_411 };
        assert_eq!(read, expected);
    }

    #[test]
    fn without_an_expiry_it_lasts_two_weeks() {
        for text in [r#"{"ID":7,"segment":"a"}"#, r#"{"ID":7,"segment":"a","expiredSegment":null,"x":{}}"#] {
            let read = read(text).unwrap();
            let now_s = second_of(Timestamp::parse("2025-05-26T14:00:00Z").unwrap());
            assert_eq!((&*read.user, read.expires_at_s - now_s), ("7", 1_209_600));
        }
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let all = |pairs: &[(&str, &'static str)]| -> Vec<(String, &'static str)> {
            pairs.iter().map(|(pointer, code)| ((*pointer).to_owned(), *code)).collect()
        };
        assert_eq!(codes("3"), all(&[("", "wrong_type")]));
        assert_eq!(codes("{}"), all(&[("/ID", "required"), ("/segment", "required")]));
        assert_eq!(
            codes(r#"{"ID":" ","segment":true,"expiredSegment":"soon"}"#),
            all(&[("/ID", "blank"), ("/segment", "wrong_type"), ("/expiredSegment", "wrong_type")])
        );
        assert_eq!(
            codes(r#"{"ID":"a","segment":"","expiredSegment":-1}"#),
            all(&[("/segment", "blank"), ("/expiredSegment", "out_of_range")])
        );
        assert_eq!(
            codes(r#"{"ID":"a","segment":"b","expiredSegment":1.5}"#),
            all(&[("/expiredSegment", "wrong_type")])
        );
        assert_eq!(
            codes(r#"{"ID":"a","segment":"b","expiredSegment":99999999999999999999}"#),
            all(&[("/expiredSegment", "out_of_range")])
        );
        assert_eq!(codes(r#"{"ID":"a\u0000","segment":"b"}"#), all(&[("/ID", "nul_character")]));
        assert_eq!(codes(r#"{"ID":"a","ID":"c","segment":"b"}"#), all(&[("/ID", "duplicate_member")]));
        let long = format!(r#"{{"ID":"{}","segment":"{}"}}"#, "é".repeat(256), "x".repeat(255));
        assert_eq!(codes(&long), all(&[("/ID", "too_long")]));
    }
}
