//! `--site`: the web site whose paths a log names.

use std::str::FromStr;

/// The scheme and host (and perhaps a path) that go before each path of an access log, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site(String);

impl Site {
    /// As it stands before a path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Site {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let host = ["http://", "https://"].iter().find_map(|scheme| text.strip_prefix(scheme));
        let is_plain = text.chars().all(|character| !character.is_whitespace() && !character.is_control());
        match host {
            Some(host)
                if !host.is_empty() && !host.starts_with('/') && !host.contains(['?', '#']) && is_plain =>
            {
                Ok(Self(text.trim_end_matches('/').to_owned()))
            }
            _ => Err("a site looks like https://example.com".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_an_absolute_url_without_a_query() {
        assert_eq!("https://example.com/".parse::<Site>().unwrap().as_str(), "https://example.com");
        assert_eq!(
            "http://example.com:81/app/".parse::<Site>().unwrap().as_str(),
            "http://example.com:81/app"
        );
        for bad in [
            "",
            "example.com",
            "ftp://x",
            "https://",
            "https:///x",
            "https://x/?a",
            "https://x#a",
            "http://a b",
        ] {
            assert!(bad.parse::<Site>().is_err(), "{bad}");
        }
    }
}
