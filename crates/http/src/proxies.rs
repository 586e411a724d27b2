//! Whose request it is, where proxies stand in front of the service.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::http::header::{FORWARDED, HeaderMap, HeaderName, X_FORWARDED_FOR};
use ipnet::IpNet;

/// Most proxies that a request is followed through.
const HOPS_MAX: usize = 32;

/// Networks of proxies whose word is taken for whom they speak.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Arc<[IpNet]>);

impl TrustedProxies {
    /// Reads a list of networks (`10.0.0.0/8`, `fd00::/8`) and single addresses.
    ///
    /// # Errors
    /// The first one that is neither.
    pub fn parse(list: &[String]) -> Result<Self, String> {
        let network = |text: &String| {
            let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
            network.map_err(|_| text.clone())
        };
        list.iter().map(network).collect::<Result<_, _>>().map(Self)
    }

    /// The address that a request comes from: the peer's, or whom trusted proxies name. Each hop appends to the right, so the
    /// first one from there that isn't trusted is the client; what stands left of it is only its word. So is whatever can't be
    /// read, and then it is the last one that could.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.has(peer) {
            return peer;
        }
        let forwarded_for = headers.contains_key(X_FORWARDED_FOR).then(|| {
            let lines = lines(headers, X_FORWARDED_FOR);
            self.follow(peer, lines.flat_map(|line| line.rsplit(',').map(address)))
        });
        let forwarded = headers.contains_key(FORWARDED).then(|| {
            let lines = lines(headers, FORWARDED);
            self.follow(peer, lines.flat_map(|line| forwarded(line).into_iter().rev()))
        });
        match (forwarded_for, forwarded) {
            // A proxy writes the one and passes the other on as the client sent it. It can't be told which.
            (Some(one), Some(other)) if one != other => peer,
            (named, other) => named.or(other).unwrap_or(peer),
        }
    }

    fn has(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    fn follow(&self, peer: IpAddr, hops: impl Iterator<Item = Option<IpAddr>>) -> IpAddr {
        let mut last = peer;
        for hop in hops.take(HOPS_MAX) {
            let Some(hop) = hop else { break };
            last = hop;
            if !self.has(hop) {
                break;
            }
        }
        last
    }
}

/// The lines of a header, the last one first. What isn't text is no address either.
fn lines(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let lines: Vec<&str> = headers.get_all(name).map(|line| line.to_str().unwrap_or("")).collect();
    lines.into_iter().rev()
}

/// An address as proxies write it: alone, with a port, or in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let host = match text.strip_prefix('[') {
        Some(bracketed) => bracketed.split_once(']')?.0,
        None if text.matches(':').count() == 1 => text.split_once(':')?.0,
        None => text,
    };
    host.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// The hops that a line of `Forwarded` names (RFC 7239 §4), none for those that name no address. Of a line that can't be read it is
/// unknown what of it is the last hop's word.
fn forwarded(line: &str) -> Vec<Option<IpAddr>> {
    let Some(elements) = split_unquoted(line, ',') else { return vec![None] };
    let node = |element: &str| {
        let pairs = split_unquoted(element, ';')?;
        let mut pairs = pairs.iter().filter_map(|pair| pair.trim().split_once('='));
        let (_, value) = pairs.find(|(name, _)| name.eq_ignore_ascii_case("for"))?;
        address(value.strip_prefix('"').and_then(|quoted| quoted.strip_suffix('"')).unwrap_or(value))
    };
    elements.into_iter().map(node).collect()
}

/// Splits outside quoted strings; `None` where one doesn't end.
fn split_unquoted(text: &str, separator: char) -> Option<Vec<&str>> {
    let (mut parts, mut start, mut is_quoted, mut is_escaped) = (Vec::new(), 0, false, false);
    for (at, character) in text.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ if character == separator && !is_quoted => {
                parts.push(&text[start..at]);
                start = at + character.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    (!is_quoted).then_some(parts)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn proxies(list: &[&str]) -> Result<TrustedProxies, String> {
        TrustedProxies::parse(&list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    /// Who is taken for the client of a request of that peer.
    fn client(peer: &str, lines: &[(HeaderName, &str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name.clone(), HeaderValue::from_str(value).unwrap());
        }
        let trusted = proxies(&["10.0.0.0/8", "fd00::/8", "192.0.2.7"]).unwrap();
        trusted.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn networks_are_read_and_what_is_none_is_named() {
        assert!(proxies(&["10.0.0.0/8", "::1", "127.0.0.1/32", "fd00::/7"]).is_ok());
        for wrong in ["10.0.0.0/33", "10.0.0/8", "proxy.example", "", "*", "10.0.0.1:80"] {
            assert_eq!(proxies(&["::1", wrong]).unwrap_err(), wrong);
        }
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let claim = [(X_FORWARDED_FOR, "203.0.113.9"), (FORWARDED, "for=203.0.113.9")];
        assert_eq!(client("198.51.100.1", &claim), "198.51.100.1");
        assert_eq!(client("2001:db8::1", &claim), "2001:db8::1");
        assert_eq!(client("10.0.0.1", &claim), "203.0.113.9");
        assert_eq!(client("::ffff:10.0.0.1", &claim), "203.0.113.9", "an IPv4 peer of an IPv6 socket");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn the_client_is_the_first_from_the_right_that_is_not_trusted() {
        for (forwarded_for, found) in [
            ("203.0.113.9", "203.0.113.9"),
            ("6.6.6.6, 203.0.113.9", "203.0.113.9"),
            ("6.6.6.6, 203.0.113.9, 10.2.3.4, 192.0.2.7", "203.0.113.9"),
            ("203.0.113.9:4711", "203.0.113.9"),
            ("2001:db8::9", "2001:db8::9"),
            ("[2001:db8::9]:4711, fd00::1", "2001:db8::9"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
            ("10.1.1.1,10.2.2.2", "10.1.1.1"),
            // The last good one.
            ("6.6.6.6, nonsense, 10.2.3.4", "10.2.3.4"),
            ("6.6.6.6, , 10.2.3.4", "10.2.3.4"),
            ("unknown", "10.0.0.1"),
            ("", "10.0.0.1"),
            ("6.6.6.6 203.0.113.9", "10.0.0.1"),
        ] {
            assert_eq!(client("10.0.0.1", &[(X_FORWARDED_FOR, forwarded_for)]), found, "{forwarded_for}");
        }
        let lines =
            [(X_FORWARDED_FOR, "6.6.6.6"), (X_FORWARDED_FOR, "203.0.113.9"), (X_FORWARDED_FOR, "10.1.1.1")];
        assert_eq!(client("10.0.0.1", &lines), "203.0.113.9", "lines are one list");
        let long = "10.1.1.1,".repeat(10_000) + "10.1.1.1";
        assert_eq!(client("10.0.0.1", &[(X_FORWARDED_FOR, &long)]), "10.1.1.1");
    }

    #[test]
    fn the_standard_header_is_followed_too() {
        for (forwarded, found) in [
            ("for=203.0.113.9", "203.0.113.9"),
            ("For=203.0.113.9;proto=https;by=10.0.0.1", "203.0.113.9"),
            ("proto=http; for=\"203.0.113.9:4711\"", "203.0.113.9"),
            ("for=6.6.6.6, for=\"[2001:db8::9]:4711\";host=\"a,b;for=7.7.7.7\", for=10.1.1.1", "2001:db8::9"),
            ("for=203.0.113.9, for=_hidden, for=10.1.1.1", "10.1.1.1"),
            ("for=unknown", "10.0.0.1"),
            ("proto=https", "10.0.0.1"),
            // A quote that the client left open would swallow what the proxy says.
            ("for=6.6.6.6;x=\", for=203.0.113.9", "10.0.0.1"),
            ("for=6.6.6.6;x=\"\\\", for=203.0.113.9", "10.0.0.1"),
        ] {
            assert_eq!(client("10.0.0.1", &[(FORWARDED, forwarded)]), found, "{forwarded}");
        }
    }

    #[test]
    fn where_both_headers_differ_neither_is_believed() {
        let one = (X_FORWARDED_FOR, "203.0.113.9");
        assert_eq!(client("10.0.0.1", &[one.clone(), (FORWARDED, "for=203.0.113.9")]), "203.0.113.9");
        for other in ["for=6.6.6.6", "for=unknown", ""] {
            assert_eq!(client("10.0.0.1", &[one.clone(), (FORWARDED, other)]), "10.0.0.1", "{other}");
        }
    }
}
