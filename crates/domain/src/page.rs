//! A page's identity: what makes two spellings of a URL one page. The rule is that of docs/api.md, "Page visits";
//! it is applied when storing and when asking. No network and no look-ups live here.
//!
//! A page is an absolute `http` or `https` URL, or a bare path that starts with `/`. Its normal form:
//! - **Scheme and host** are in lower case, IDN as punycode, IPv4 and IPv6 addresses in their usual spelling; the host
//!   is read as the WHATWG URL Standard reads it (the `url` crate), so an underscore is allowed and a dot at the end
//!   stays. Port 80 of `http` and 443 of `https`, user info and fragment are dropped.
//! - **Path**: RFC 3986 §6.2.2: escapes in upper case and only where they are needed, dot segments resolved; the
//!   module `path` has the details. The path of a URL and a bare path follow the same rule.
//! - **Query**: kept byte for byte, less the tracking parameters of [`PageRules`]. An empty query, sent or left over,
//!   is no query. Spaces at its end go, as they do at the ends of the whole.
//!
//! Stricter than a browser: an ASCII control character anywhere, a backslash before the path, and `http:` without
//! `//` and a host are refused, not mended. What a browser mends silently, a client did not mean.

mod fast;
mod path;
mod rules;

use std::borrow::Cow;
use std::fmt;

use thiserror::Error;
use url::Url;

pub use self::rules::PageRules;

/// The longest URL, in bytes, both as sent and in normal form (encoding can make it three times as long).
/// Browsers and proxies commonly stop at 8 KiB (RFC 9110 §4.1 asks for 8,000 octets at least).
pub const MAX_PAGE_BYTES: usize = 8_192;

/// A page in normal form; equal pages have equal text. Made by [`PageRules::normalise`] only.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PageUrl<'a>(Cow<'a, str>);

impl<'a> PageUrl<'a> {
    /// The normal form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The normal form, borrowed from what was sent where that was it.
    pub fn into_cow(self) -> Cow<'a, str> {
        self.0
    }

    /// The same page, on its own; what was borrowed is copied.
    pub fn into_owned(self) -> PageUrl<'static> {
        PageUrl(Cow::Owned(self.0.into_owned()))
    }
}

impl fmt::Display for PageUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for PageUrl<'_> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// Why a text is not a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum PageError {
    /// Nothing but white space.
    #[error("the page is blank")]
    Blank,
    /// More than [`MAX_PAGE_BYTES`], as sent or in normal form.
    #[error("the page is longer than {MAX_PAGE_BYTES} bytes")]
    TooLong,
    /// An ASCII control character, tab and line break among them.
    #[error("the page contains a control character at byte {at}")]
    ControlCharacter {
        /// Where it stands in what was sent, in bytes.
        at: usize,
    },
    /// Neither a path that starts with `/` nor a URL with a scheme.
    #[error("the page is neither a path nor an absolute URL")]
    Relative,
    /// A URL of another scheme than `http` and `https`.
    #[error("the page's scheme is neither http nor https")]
    Scheme,
    /// A URL without `//` after its scheme, or without a host after that.
    #[error("the page's URL has no host")]
    NoHost,
    /// A host or a port that does not parse.
    #[error("the host or the port of the page's URL is invalid")]
    Unparsable {
        /// What the URL parser found.
        source: url::ParseError,
    },
}

impl PageRules {
    /// The page that `raw` names. Spaces at both ends are ignored.
    ///
    /// What is in normal form already, as most pages are, comes back borrowed after one pass over its bytes. The
    /// normal form is its own normal form.
    ///
    /// # Errors
    /// When `raw` is not a page, see [`PageError`].
    pub fn normalise<'a>(&self, raw: &'a str) -> Result<PageUrl<'a>, PageError> {
        if fast::is_normal(raw, self) {
            return Ok(PageUrl(Cow::Borrowed(raw)));
        }
        self.normalise_slowly(raw).map(|normal| PageUrl(Cow::Owned(normal)))
    }

    /// The whole rule, for any input; [`fast::is_normal`] must only ever say yes where this changes nothing.
    fn normalise_slowly(&self, raw: &str) -> Result<String, PageError> {
        if raw.len() > MAX_PAGE_BYTES {
            return Err(PageError::TooLong);
        }
        if raw.trim().is_empty() {
            return Err(PageError::Blank);
        }
        if let Some(at) = raw.bytes().position(|byte| byte.is_ascii_control()) {
            return Err(PageError::ControlCharacter { at });
        }
        let page = raw.trim_matches(' ');
        let page = page.split_once('#').map_or(page, |(page, _fragment)| page);
        let mut normal = String::with_capacity(page.len() + 8);
        let local = push_origin(&mut normal, page)?;
        let (path, query) = local.split_once('?').unwrap_or((local, ""));
        path::push_normal(&mut normal, path);
        self.push_query(&mut normal, query);
        if normal.len() > MAX_PAGE_BYTES { Err(PageError::TooLong) } else { Ok(normal) }
    }
}

/// Appends the scheme, host and port that a page without fragment has, if it has them, and returns what follows them.
fn push_origin<'a>(normal: &mut String, page: &'a str) -> Result<&'a str, PageError> {
    if page.starts_with('/') {
        return Ok(page);
    }
    let (scheme, rest) = split_scheme(page)?;
    let rest = rest.strip_prefix("//").ok_or(PageError::NoHost)?;
    let (authority, local) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    if authority.contains('\\') {
        // A browser takes it for a slash, a generic parser (RFC 3986) for a part of the user info or host. One host
        // or the other would be the wrong one.
        return Err(PageError::Unparsable { source: url::ParseError::InvalidDomainCharacter });
    }
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_user_info, host)| host);
    if host_and_port.is_empty() || host_and_port.starts_with(':') {
        return Err(PageError::NoHost);
    }
    normal.push_str(scheme);
    normal.push_str("://");
    if fast::plain_host_end(host_and_port.as_bytes(), 0) == Some(host_and_port.len()) {
        normal.push_str(host_and_port);
    } else {
        push_parsed_host(normal, scheme, host_and_port)?;
    }
    Ok(local)
}

/// Appends a host as the `url` crate reads it, and its port where it is not the scheme's own.
fn push_parsed_host(normal: &mut String, scheme: &str, host_and_port: &str) -> Result<(), PageError> {
    let url = Url::parse(&format!("{scheme}://{host_and_port}/")).map_err(|source| match source {
        url::ParseError::EmptyHost => PageError::NoHost,
        source => PageError::Unparsable { source },
    })?;
    normal.push_str(url.host_str().ok_or(PageError::NoHost)?);
    if let Some(port) = url.port() {
        normal.push(':');
        normal.push_str(&port.to_string());
    }
    Ok(())
}

/// Splits the scheme off, in lower case and without its colon (RFC 3986 §3.1).
fn split_scheme(page: &str) -> Result<(&'static str, &str), PageError> {
    let (scheme, rest) = page.split_once(':').ok_or(PageError::Relative)?;
    if scheme.eq_ignore_ascii_case("https") {
        Ok(("https", rest))
    } else if scheme.eq_ignore_ascii_case("http") {
        Ok(("http", rest))
    } else if scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    {
        Err(PageError::Scheme)
    } else {
        Err(PageError::Relative)
    }
}

#[cfg(test)]
mod tests;
