//! Query parameters: each known by name, given at most once, and everything wrong with them told at once.

use std::collections::BTreeMap;

use actix_web::HttpRequest;
use footfall_domain::problem::{Code, FieldError};
use footfall_domain::time::{SECOND_US, TimeRange, Timestamp};

use crate::problem::Problem;

/// Where the key may stand for clients that can set no header; access control reads it, endpoints pass it over.
const KEY: &str = "key";

/// The parameters of one request, and what was found wrong with them so far.
pub(crate) struct Params {
    values: BTreeMap<String, String>,
    errors: Vec<FieldError>,
}

/// The range that an endpoint is asked about, as it was given.
pub(crate) struct Asked {
    pub(crate) range: TimeRange,
    /// The window's name, where one was named.
    pub(crate) window: Option<&'static str>,
}

impl Params {
    /// Reads the query; parameters that are not `known` are errors, and so are repeated ones.
    pub(crate) fn of(request: &HttpRequest, known: &[&str]) -> Self {
        let mut params = Self { values: BTreeMap::new(), errors: Vec::new() };
        for (name, value) in url::form_urlencoded::parse(request.query_string().as_bytes()) {
            if name == KEY {
                continue;
            }
            if !known.contains(&&*name) {
                let these = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                let message = format!("is not a parameter here; these are: {these}");
                params.error(&name, Code::UnknownParameter, message);
            } else if params.values.insert(name.clone().into_owned(), value.into_owned()).is_some() {
                params.error(&name, Code::DuplicateMember, "stands twice in the query");
            }
        }
        params
    }

    /// Sees to it that there are none, where the endpoint takes none.
    pub(crate) fn none(request: &HttpRequest) -> Result<(), Problem> {
        Self::of(request, &[]).done(Some(()))
    }

    pub(crate) fn error(
        &mut self,
        name: &str,
        code: Code,
        message: impl Into<std::borrow::Cow<'static, str>>,
    ) {
        self.errors.push(FieldError::in_query(name, code, message));
    }

    /// The value if every parameter was right.
    pub(crate) fn done<T>(self, value: Option<T>) -> Result<T, Problem> {
        match value {
            Some(value) if self.errors.is_empty() => Ok(value),
            _ => Err(Problem::query(self.errors)),
        }
    }

    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        self.values.remove(name)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// One of some words.
    pub(crate) fn choice<T: Copy>(&mut self, name: &str, choices: &[(&str, T)]) -> Option<T> {
        let value = self.take(name)?;
        let chosen = choices.iter().find(|(word, _)| *word == value).map(|(_, choice)| *choice);
        if chosen.is_none() {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            self.error(name, Code::NotOneOf, format!("is one of: {}", words.join(", ")));
        }
        chosen
    }

    /// A number from 1 to `max`.
    pub(crate) fn limit(&mut self, default: usize, max: usize) -> usize {
        let Some(value) = self.take("limit") else { return default };
        match value.parse() {
            Ok(limit) if (1..=max).contains(&limit) => limit,
            _ => {
                self.error("limit", Code::OutOfRange, format!("is a whole number from 1 to {max}"));
                default
            }
        }
    }

    /// A page in its normal form.
    pub(crate) fn page(&mut self, name: &str, rules: &footfall_domain::page::PageRules) -> Option<String> {
        let value = self.take(name)?;
        match rules.normalise(&value) {
            Ok(page) => Some(page.as_str().to_owned()),
            Err(error) => {
                self.error(name, Code::InvalidUrl, error.to_string());
                None
            }
        }
    }

    fn time(&mut self, name: &str) -> Option<Timestamp> {
        let value = self.take(name)?;
        // The plus sign of an offset means a space in a query, and is often left unescaped.
        let time = Timestamp::parse(&value).or_else(|| Timestamp::parse(&value.replace(' ', "+")));
        if time.is_none() {
            self.error(
                name,
                Code::NotATimestamp,
                "is a time as RFC 3339 writes it, such as 2025-05-26T14:00:00Z",
            );
        }
        time
    }

    /// `from` and `to`, each of which may be left out: then the range is open on that side.
    pub(crate) fn open_range(&mut self) -> Option<TimeRange> {
        let from = self.given_time("from", Timestamp::MIN)?;
        let to = self.given_time("to", Timestamp::MAX)?;
        self.range(from, to)
    }

    /// `from` and `to`, both of which must be given.
    pub(crate) fn closed_range(&mut self) -> Option<TimeRange> {
        for name in ["from", "to"] {
            if !self.has(name) {
                self.error(name, Code::Required, "is required");
            }
        }
        let (from, to) = (self.time("from"), self.time("to"));
        self.range(from?, to?)
    }

    /// Either a `window` that ends now (`24h` where nothing is given) or both of `from` and `to`.
    pub(crate) fn window_or_range(&mut self, now: Timestamp) -> Option<Asked> {
        let has_bounds = self.has("from") || self.has("to");
        if has_bounds {
            if self.take("window").is_some() {
                self.error("window", Code::NotOneOf, "can't stand beside `from` and `to`");
            }
            return Some(Asked { range: self.closed_range()?, window: None });
        }
        let windows = [("1h", ("1h", 1)), ("24h", ("24h", 24)), ("7d", ("7d", 7 * 24))];
        let given = self.has("window");
        let (name, hours) = if given { self.choice("window", &windows)? } else { ("24h", 24) };
        Some(Asked { range: window_until(now, hours)?, window: Some(name) })
    }

    /// `None` where the time is given and wrong.
    fn given_time(&mut self, name: &str, default: Timestamp) -> Option<Timestamp> {
        if self.has(name) { self.time(name) } else { Some(default) }
    }

    fn range(&mut self, from: Timestamp, to: Timestamp) -> Option<TimeRange> {
        let range = TimeRange::new(from, to);
        if range.is_none() {
            self.error("from", Code::OutOfRange, "must lie before `to`");
        }
        range
    }
}

/// The window that ends at the next full second and begins at a full minute.
fn window_until(now: Timestamp, hours: i64) -> Option<TimeRange> {
    use footfall_domain::time::{HOUR_US, MINUTE_US};
    let to = now.floor_to(SECOND_US).plus_micros(SECOND_US);
    TimeRange::new(to.plus_micros(-hours * HOUR_US).floor_to(MINUTE_US), to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_ends_at_the_next_full_second_and_begins_at_a_full_minute() {
        let at = |text| Timestamp::parse(text).unwrap();
        let window = |now, hours| window_until(at(now), hours).unwrap();
        let range = |from, to| TimeRange::new(at(from), at(to)).unwrap();
        assert_eq!(
            window("2025-05-26T14:30:15.5Z", 1),
            range("2025-05-26T13:30:00Z", "2025-05-26T14:30:16Z")
        );
        // An event of this very moment is in the window.
        assert_eq!(window("2025-05-26T14:00:00Z", 24), range("2025-05-25T14:00:00Z", "2025-05-26T14:00:01Z"));
    }
}
