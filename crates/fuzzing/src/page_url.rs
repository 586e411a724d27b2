//! The identity of pages.

use footfall_domain::page::{MAX_PAGE_BYTES, PageRules};
use url::Url;

/// A page's normal form is its own normal form, is within the limit, and is a path or a URL that parses and that names no
/// user, no fragment and no default port. The same with rules that drop no parameter, and with rules that drop the query.
///
/// # Panics
/// When one of these doesn't hold.
pub fn page_url(data: &[u8]) {
    let Ok(raw) = std::str::from_utf8(data) else { return };
    for rules in [PageRules::default(), PageRules::new([""; 0]), PageRules::new(["*"])] {
        let Ok(page) = rules.normalise(raw) else { continue };
        let normal = page.as_str();
        assert_eq!(rules.normalise(normal).as_ref().map(AsRef::as_ref), Ok(normal), "not stable");
        assert!(normal.len() <= MAX_PAGE_BYTES, "longer than allowed");
        assert!(!normal.bytes().any(|byte| byte.is_ascii_control()), "a control character");
        assert!(!normal.contains('#'), "a fragment");
        // Spaces at the ends and the fragment are none of a page's identity.
        let dressed = format!(" {normal}#fragment ");
        if dressed.len() <= MAX_PAGE_BYTES {
            assert_eq!(rules.normalise(&dressed).as_ref().map(AsRef::as_ref), Ok(normal), "another page");
        }
        if !normal.starts_with('/') {
            check_url(normal);
        }
    }
}

fn check_url(normal: &str) {
    let url = Url::parse(normal).expect("a page's normal form parses");
    assert!(matches!(url.scheme(), "http" | "https"), "another scheme");
    assert!(url.username().is_empty() && url.password().is_none(), "user info");
    // A standard parser finds the same host and port as stand there, so that nobody is led elsewhere.
    let host = url.host_str().expect("a page's URL has a host");
    let origin = match url.port() {
        Some(port) => format!("{}://{host}:{port}", url.scheme()),
        None => format!("{}://{host}", url.scheme()),
    };
    let local = normal.strip_prefix(&origin).expect("the origin stands there in its normal form");
    assert!(local.starts_with('/'), "a path");
}
