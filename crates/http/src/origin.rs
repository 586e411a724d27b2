//! Which web pages of other origins may use the service.

use std::net::Ipv4Addr;

use actix_web::HttpRequest;
use actix_web::http::header::{HOST, ORIGIN};
use url::Url;

use crate::problem::{Kind, Problem};

/// Origins (RFC 6454) that may, beside the service's own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origins {
    /// These only, as browsers write them: `https://shop.example`, with a port where it isn't the scheme's.
    These(Vec<String>),
    /// All.
    Any,
}

impl Default for Origins {
    fn default() -> Self {
        Self::These(Vec::new())
    }
}

impl Origins {
    /// Reads a list of origins, or `*`, which is all.
    ///
    /// # Errors
    /// The first one that isn't an origin.
    pub fn parse(list: &[String]) -> Result<Self, String> {
        if list.iter().any(|origin| origin == "*") {
            return Ok(Self::Any);
        }
        let origin = |text: &String| {
            let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
            let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
            (is_bare && url.username().is_empty() && url.password().is_none())
                .then(|| url.origin().ascii_serialization())
        };
        let these = list.iter().map(|text| origin(text).ok_or_else(|| text.clone()));
        these.collect::<Result<_, _>>().map(Self::These)
    }

    /// Whether pages of that origin may.
    pub fn allow(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::These(these) => these.iter().any(|this| this == origin),
        }
    }

    /// Whether no page of another origin may.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// Sees to it that a WebSocket isn't opened by a page that may not: browsers don't hold these to CORS. Who sends no `Origin` is
/// no browser.
pub(crate) fn check(request: &HttpRequest, allowed: &Origins) -> Result<(), Problem> {
    let Some(origin) = request.headers().get(ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or("");
    let own = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    // The scheme doesn't matter: in front of the service may be a proxy that speaks TLS.
    let is_own = own.is_some() && origin.split_once("://").map(|(_, host)| host) == own;
    if is_own || allowed.allow(origin) {
        return Ok(());
    }
    let detail = "pages of this origin may not open a WebSocket here; FOOTFALL__SERVER__CORS_ORIGINS names those that may";
    Err(Problem::new(Kind::Forbidden, detail))
}

/// Names below which nobody can own one: those of RFC 6761 (§6.2 to §6.5), of RFC 6762 (the local link), and ICANN's for private use.
const NOBODYS: [&str; 6] = ["localhost", "test", "invalid", "example", "local", "internal"];

/// Sees to it that a request isn't addressed by a name that a stranger may own and make lead here. Addresses are none, nor are
/// names without a dot.
pub(crate) fn check_host(request: &HttpRequest) -> Result<(), Problem> {
    let Some(host) = request.headers().get(HOST) else { return Ok(()) };
    if host.to_str().is_ok_and(is_of_here) {
        return Ok(());
    }
    let detail = "without keys only this machine is served, as `localhost` or by an address: set FOOTFALL__AUTH__KEYS, or \
                  permit other names with FOOTFALL__AUTH__ALLOW_ANONYMOUS=true";
    Err(Problem::new(Kind::Forbidden, detail))
}

fn is_of_here(host: &str) -> bool {
    let name = if host.starts_with('[') { "" } else { host.split(':').next().unwrap_or_default() };
    match name.trim_end_matches('.').rsplit_once('.') {
        None => true,
        Some((_, last)) => {
            NOBODYS.iter().any(|one| last.eq_ignore_ascii_case(one)) || name.parse::<Ipv4Addr>().is_ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn these(list: &[&str]) -> Result<Origins, String> {
        Origins::parse(&list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn origins_are_read_as_browsers_write_them() {
        let origins = these(&["https://Shop.example:443/", "http://localhost:3000"]).unwrap();
        assert!(origins.allow("https://shop.example") && origins.allow("http://localhost:3000"));
        assert!(!origins.allow("http://shop.example") && !origins.allow("https://shop.example.evil"));
        assert!(!origins.allow("null") && !origins.allow(""));
        assert!(these(&["*"]).unwrap().allow("null"));
        assert!(these(&[]).unwrap().is_none());
        for wrong in
            ["shop.example", "https://shop.example/path", "ftp://x", "https://a@x", "https://x?y", "null"]
        {
            assert_eq!(these(&[wrong]), Err(wrong.to_owned()));
        }
    }

    #[test]
    fn a_page_of_the_service_may_always() {
        let allowed = these(&["https://shop.example"]).unwrap();
        for (origin, is_allowed) in [
            (None, true),
            (Some("https://shop.example"), true),
            (Some("http://stats.example:8080"), true),
            (Some("https://stats.example:8080"), true),
            (Some("http://stats.example"), false),
            (Some("https://evil.example"), false),
            (Some("null"), false),
            (Some(""), false),
        ] {
            let mut request = TestRequest::default().insert_header((HOST, "stats.example:8080"));
            if let Some(origin) = origin {
                request = request.insert_header((ORIGIN, origin));
            }
            assert_eq!(check(&request.to_http_request(), &allowed).is_ok(), is_allowed, "{origin:?}");
        }
    }

    #[test]
    fn names_that_anyone_may_own_are_told_from_those_of_here() {
        for host in [
            "127.0.0.1:8080",
            "localhost",
            "LocalHost.:80",
            "shop.localhost:3000",
            "[::1]:8080",
            "footfall",
            "",
        ] {
            assert!(is_of_here(host), "{host}");
        }
        for host in ["evil.com:8080", "localhost.evil.com", "127.0.0.1.evil.com", "evil.com.", "1.2.3.4.5"] {
            assert!(!is_of_here(host), "{host}");
        }
    }
}
