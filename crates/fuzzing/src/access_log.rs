//! Access logs on their way to events.

use footfall_import_formats::{LineIds, Scope, Site, access_log};
use serde_json::Value;

use crate::event::Verdict;

/// What a line may say that makes an event which the server refuses, and with what word: it is not the importer's to judge.
const REFUSED_FOR: [&str; 6] =
    ["blank", "invalid_url", "out_of_range", "too_large", "too_long", "nul_character"];

/// Each line becomes one line of JSON, an event that is valid but for what only the server judges, or leaves no trace.
/// With a site, its page is a URL.
///
/// # Panics
/// When one of these doesn't hold.
pub fn access_log(data: &[u8]) {
    let site: Site = "https://example.com".parse().expect("it is a site");
    let scope = Scope::new("access-log", "");
    for line in data.split(|byte| *byte == b'\n').filter(|line| line.len() <= access_log::MAX_LINE_BYTES) {
        for site in [None, Some(&site)] {
            let mut ids = LineIds::default();
            let mut out = b"before".to_vec();
            let written = access_log::write_event(line, site, |line| ids.next(scope, line), &mut out);
            let event = out.strip_prefix(b"before").expect("what was written before stays");
            match written {
                Ok(()) => check(event, site),
                Err(why) => assert!(event.is_empty() && !why.to_string().is_empty(), "a trace of the line"),
            }
        }
    }
}

fn check(event: &[u8], site: Option<&Site>) {
    let value = crate::event::one_line(event);
    assert_eq!(value["event_type"], "page_view");
    let page = value["properties"]["page"].as_str().expect("it has a page");
    assert!(page.bytes().all(|byte| byte.is_ascii_graphic()), "a page that can't stand in a URL");
    assert!(page.starts_with('/') || is_url(page), "a page that is neither a path nor a URL");
    assert!(site.is_none() || is_url(page), "a path in spite of the site");
    if let Verdict::Refused(codes) = crate::event::judge(event) {
        assert!(codes.iter().all(|code| REFUSED_FOR.contains(code)), "refused for {codes:?}: {value}");
    }
    assert!(matches!(value["event_id"], Value::String(_)), "no id");
}

fn is_url(page: &str) -> bool {
    let scheme = page.split(':').next().unwrap_or_default();
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}
