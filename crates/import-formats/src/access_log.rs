//! The access logs of Apache (`common`, `combined`, `vhost_combined`) and of nginx (its default is `combined`):
//!
//! ```text
//! [VHOST:PORT ]CLIENT IDENT USER [17/May/2015:10:05:03 +0000] "GET /path HTTP/1.1" 200 123[ "REFERRER" "USER AGENT"[…]]
//! ```
//!
//! A line becomes a `page_view` of the request's target by the client's address. What comes after the user agent is left
//! alone, and a line cut short within its last quoted field still counts: the request stands whole before it.

use std::borrow::Cow;
use std::fmt::Write;
use std::net::IpAddr;
use std::str::FromStr;

use chrono::NaiveDate;
use serde::Serialize;
use uuid::Uuid;

use crate::site::Site;
use crate::unreadable::Unreadable;

/// The longest line that is read, in bytes: eight times the longest request line that Apache or nginx take by default.
pub const MAX_LINE_BYTES: usize = 64 << 10;

/// The canonical event.
#[derive(Serialize)]
struct PageView<'a> {
    event_id: &'a str,
    user_id: Cow<'a, str>,
    event_type: &'static str,
    timestamp: &'a str,
    properties: Properties<'a>,
}

#[derive(Serialize)]
struct Properties<'a> {
    page: String,
    method: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    referrer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote_user: Option<String>,
}

/// Appends the event of `line` to `out`. A page is the path alone, or `site` and the path; the line's own virtual host,
/// and a target that is a whole URL, know better than `site`.
///
/// # Errors
/// When the line doesn't tell who asked for which page when; `out` is as it was then.
#[expect(clippy::missing_panics_doc, reason = "what is written is always JSON")]
pub fn write_event(
    line: &[u8],
    site: Option<&Site>,
    fresh_id: impl FnOnce(&[u8]) -> Uuid,
    out: &mut Vec<u8>,
) -> Result<(), Unreadable> {
    let (prefix, timestamp, rest) = split_at_time(line)?;
    let origin = Origin::parse(prefix)?;
    let (request, rest) = match quoted(rest) {
        Some((request, rest, true)) => (unescape(request), rest),
        _ => return Err(Unreadable::NoRequest),
    };
    let request = Request::parse(&request)?;
    let (status, rest) = number_or_dash(rest).ok_or(Unreadable::NoStatus)?;
    let (bytes, rest) = number_or_dash(rest).ok_or(Unreadable::BadSize)?;
    let (referrer, rest, _) = quoted(rest).unwrap_or((b"", b"", false));
    let (user_agent, _, _) = quoted(rest).unwrap_or((b"", b"", false));

    let mut id_buffer = Uuid::encode_buffer();
    let event = PageView {
        event_id: fresh_id(line).hyphenated().encode_lower(&mut id_buffer),
        user_id: String::from_utf8_lossy(origin.client),
        event_type: "page_view",
        timestamp: &timestamp,
        properties: Properties {
            page: page(&request, origin.vhost, site),
            method: request.method,
            status,
            bytes,
            referrer: text(referrer),
            user_agent: text(user_agent),
            remote_user: text(origin.user),
        },
    };
    serde_json::to_writer(out, &event).expect("strings and numbers are JSON, and a vector takes all of it");
    Ok(())
}

/// Splits at the first `[time]`: what is before it, the time in RFC 3339, what is after it. A user's name may hold spaces
/// and brackets, so the time is known by its form.
fn split_at_time(line: &[u8]) -> Result<(&[u8], String, &[u8]), Unreadable> {
    /// `17/May/2015:10:05:03 +0000`
    const TIME_BYTES: usize = 26;
    for (bracket, _) in line.iter().enumerate().filter(|&(_, &byte)| byte == b'[') {
        let (before, rest) = (&line[..bracket], &line[bracket + 1..]);
        let Some((time, after)) = rest.split_at_checked(TIME_BYTES) else { break };
        let Some(after) = after.strip_prefix(b"]") else { continue };
        if let (Some(timestamp), Some(before)) = (rfc3339(time), before.strip_suffix(b" ")) {
            return Ok((before, timestamp, after));
        }
    }
    Err(Unreadable::NoTime)
}

/// `17/May/2015:10:05:03 +0200` as `2015-05-17T10:05:03+02:00`.
fn rfc3339(time: &[u8]) -> Option<String> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let time = std::str::from_utf8(time).ok().filter(|time| time.is_ascii())?;
    let number = |from: usize, to: usize| -> Option<u32> {
        let digits = &time[from..to];
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let separators = [(2, "/"), (6, "/"), (11, ":"), (14, ":"), (17, ":"), (20, " ")];
    if separators.iter().any(|&(at, separator)| &time[at..=at] != separator) {
        return None;
    }
    let month = 1 + MONTHS.iter().position(|&name| name.eq_ignore_ascii_case(&time[3..6]))? as u32;
    let date = NaiveDate::from_ymd_opt(number(7, 11)? as i32, month, number(0, 2)?)?;
    let local = date.and_hms_opt(number(12, 14)?, number(15, 17)?, number(18, 20)?)?;
    let (sign, hours, minutes) = (&time[21..22], number(22, 24)?, number(24, 26)?);
    if !matches!(sign, "+" | "-") || hours > 23 || minutes > 59 {
        return None;
    }
    Some(format!("{}{sign}{hours:02}:{minutes:02}", local.format("%Y-%m-%dT%H:%M:%S")))
}

/// What stands before the time.
#[derive(Debug, PartialEq)]
struct Origin<'a> {
    vhost: Option<(&'a [u8], u16)>,
    client: &'a [u8],
    user: &'a [u8],
}

impl<'a> Origin<'a> {
    fn parse(prefix: &'a [u8]) -> Result<Self, Unreadable> {
        let is_space = |&byte: &u8| byte == b' ';
        // A virtual host is one field more than CLIENT IDENT USER.
        let first = prefix.split(is_space).next().filter(|_| prefix.split(is_space).count() > 3);
        let vhost = first.and_then(virtual_host);
        let skipped_bytes = first.filter(|_| vhost.is_some()).map_or(0, |first| first.len() + 1);
        let mut fields = prefix[skipped_bytes..].splitn(3, is_space);
        let (Some(client), Some(_ident), Some(user)) = (fields.next(), fields.next(), fields.next()) else {
            return Err(Unreadable::TooFewFields);
        };
        if client.is_empty() || client == b"-" {
            return Err(Unreadable::NoClient);
        }
        Ok(Self { vhost, client, user })
    }
}

/// `HOST:PORT`, where an IPv6 address without brackets is none: its last group would be taken for a port.
fn virtual_host(field: &[u8]) -> Option<(&[u8], u16)> {
    let text = std::str::from_utf8(field).ok()?;
    let (host, port) = text.rsplit_once(':')?;
    let is_name = !host.is_empty() && (!host.contains(':') || (host.starts_with('[') && host.ends_with(']')));
    if !is_name || !port.bytes().all(|byte| byte.is_ascii_digit()) || text.parse::<IpAddr>().is_ok() {
        return None;
    }
    Some((host.as_bytes(), port.parse().ok()?))
}

/// The request line, unescaped.
#[derive(Debug)]
struct Request<'a> {
    method: &'a str,
    target: &'a [u8],
}

impl<'a> Request<'a> {
    /// The target may hold spaces (servers log what they got); the protocol is missing from an HTTP/0.9 request.
    fn parse(line: &'a [u8]) -> Result<Self, Unreadable> {
        let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
        let method_bytes = line.iter().position(|&byte| byte == b' ').unwrap_or(line.len());
        let (method, rest) = line.split_at(method_bytes);
        if method.is_empty() || method == b"-" || !method.iter().all(is_token) {
            return Err(Unreadable::NotHttp);
        }
        let method = std::str::from_utf8(method).map_err(|_| Unreadable::NotHttp)?;
        let rest = rest.trim_ascii();
        let target = match rest.iter().rposition(|&byte| byte == b' ') {
            Some(space) if rest[space + 1..].starts_with(b"HTTP/") => rest[..space].trim_ascii_end(),
            _ => rest,
        };
        if target.starts_with(b"/") || is_absolute(target) {
            Ok(Self { method, target })
        } else {
            Err(Unreadable::NoPath)
        }
    }
}

fn is_absolute(target: &[u8]) -> bool {
    [&b"http://"[..], b"https://"]
        .iter()
        .any(|scheme| target.len() > scheme.len() && target[..scheme.len()].eq_ignore_ascii_case(scheme))
}

fn page(request: &Request<'_>, vhost: Option<(&[u8], u16)>, site: Option<&Site>) -> String {
    let mut page = String::with_capacity(request.target.len() + 32);
    if !is_absolute(request.target) {
        match (vhost, site) {
            (Some((host, port)), _) => {
                page.push_str(if port == 443 { "https://" } else { "http://" });
                percent_encode(host, &mut page);
                if port != 443 && port != 80 {
                    page.push(':');
                    page.push_str(&port.to_string());
                }
            }
            (None, Some(site)) => page.push_str(site.as_str()),
            (None, None) => {}
        }
    }
    percent_encode(request.target, &mut page);
    page
}

/// Escapes what can't stand in a URL at all; everything else is kept as it was asked for, and normalised by the server.
fn percent_encode(bytes: &[u8], out: &mut String) {
    for &byte in bytes {
        if byte.is_ascii_graphic() {
            out.push(char::from(byte));
        } else {
            // Writing to a string can't fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

/// A field behind a space that is a number or `-`, and what comes after it.
fn number_or_dash<T: FromStr>(text: &[u8]) -> Option<(Option<T>, &[u8])> {
    let text = text.strip_prefix(b" ")?;
    let end = text.iter().position(|&byte| byte == b' ').unwrap_or(text.len());
    let (field, rest) = text.split_at(end);
    if field == b"-" {
        return Some((None, rest));
    }
    // `parse` would take a sign.
    let digits =
        std::str::from_utf8(field).ok().filter(|field| field.bytes().all(|byte| byte.is_ascii_digit()))?;
    Some((Some(digits.parse().ok()?), rest))
}

/// A quoted field (spaces may stand before it): what is inside, what comes after it, and whether its end was there.
fn quoted(text: &[u8]) -> Option<(&[u8], &[u8], bool)> {
    let inside = text.trim_ascii_start().strip_prefix(b"\"")?;
    let mut at = 0;
    while at < inside.len() {
        match inside[at] {
            b'\\' => at += 2,
            b'"' => return Some((&inside[..at], &inside[at + 1..], true)),
            _ => at += 1,
        }
    }
    Some((inside, b"", false))
}

/// Undoes Apache's escapes (`\"`, `\\`, `\n` and the like, `\xHH`) and nginx's (`\xHH`). What is none of them stays.
fn unescape(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'\\') {
        return Cow::Borrowed(text);
    }
    let hex = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        let (meant, used) = match (byte, after) {
            (b'\\', [quote @ (b'"' | b'\\'), ..]) => (*quote, 2),
            (b'\\', [b'n', ..]) => (b'\n', 2),
            (b'\\', [b'r', ..]) => (b'\r', 2),
            (b'\\', [b't', ..]) => (b'\t', 2),
            (b'\\', [b'b', ..]) => (0x08, 2),
            (b'\\', [b'f', ..]) => (0x0c, 2),
            (b'\\', [b'v', ..]) => (0x0b, 2),
            (b'\\', [b'x', high, low, ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, 4),
                _ => (byte, 1),
            },
            _ => (byte, 1),
        };
        plain.push(meant);
        rest = &rest[used..];
    }
    Cow::Owned(plain)
}

/// A field for people to read: `-` and nothing are absent, what isn't UTF-8 is replaced, and so is NUL, for which the
/// server would refuse the whole event.
fn text(field: &[u8]) -> Option<String> {
    if field.is_empty() || field == b"-" {
        return None;
    }
    Some(String::from_utf8_lossy(&unescape(field)).replace('\0', "\u{fffd}"))
}

#[cfg(test)]
#[path = "access_log_tests.rs"]
mod tests;
