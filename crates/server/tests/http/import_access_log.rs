//! A real site's log through the built binary: imported twice, and every page's figures compared with a count that
//! shares no code with the importer or the server. Skipped, with a note, where the log isn't at hand.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::support::{Request, Server, data_file, footfall, url_encoded};

/// Wider than the log's days, 17 to 20 May 2015.
const RANGE: &str = "from=2015-05-01T00:00:00Z&to=2015-06-01T00:00:00Z";

/// Visitors and views of a page.
type Views<'a> = (HashSet<&'a str>, u64);

#[test]
fn an_access_log_gives_the_figures_of_an_independent_count() {
    let path = data_file("apache_access.log");
    let Ok(log) = std::fs::read_to_string(&path) else {
        eprintln!("SKIPPED: there is no {}", path.display());
        return;
    };
    let by_path = independent_count(&log);
    let by_page = by_normal_form(&by_path);
    let visitors: HashSet<&str> = by_path.values().flat_map(|(visitors, _)| visitors).copied().collect();
    assert_eq!((log.lines().count(), visitors.len()), (10_000, 1_753), "the log is another one");
    assert_eq!((by_path.len(), by_page.len()), (1_498, 1_486), "the log is another one");

    let server = Server::start(&[]);
    assert_eq!(import(&server, &path), figures(10_000, 0));
    assert_eq!(import(&server, &path), figures(0, 10_000), "the second run counts nothing again");

    let mut connection = server.connect();
    for path in by_path.keys() {
        let (expected_visitors, expected_views) = &by_page[&normal_form(path)];
        let target = format!("/analytics/visitors?url={}", url_encoded(path));
        let answer = connection.ask(&Request::get(target)).expect("an answer").json_of(200);
        let found = (answer["distinct_visitors"].as_u64(), answer["page_views"].as_u64());
        assert_eq!(found, (Some(expected_visitors.len() as u64), Some(*expected_views)), "{path}: {answer}");
    }

    let summary = server.get(&format!("/analytics/summary?{RANGE}"));
    assert_eq!(summary["total_events"], 10_000, "{summary}");
    assert_eq!(summary["unique_users"], 1_753, "{summary}");
    compare_top_pages(&server.get(&format!("/analytics/pages?{RANGE}&limit=1000")), &by_page);
}

/// The thousand pages with the most visitors, most first. Which of the pages with one visitor come last is the order of
/// their `url`s.
fn compare_top_pages(answer: &Value, by_page: &BTreeMap<String, Views<'_>>) {
    let mut expected: Vec<u64> = by_page.values().map(|(visitors, _)| visitors.len() as u64).collect();
    expected.sort_unstable_by(|left, right| right.cmp(left));
    let pages = answer["pages"].as_array().expect("a list of pages");
    assert_eq!(pages.len(), 1_000);
    for (page, visitors) in pages.iter().zip(&expected) {
        let url = page["url"].as_str().expect("a page has a url");
        assert_eq!(page["distinct_visitors"], *visitors, "{url} stands at the wrong place");
        let (page_visitors, views) = by_page.get(url).unwrap_or_else(|| panic!("{url} is not in the log"));
        assert_eq!(page["distinct_visitors"], page_visitors.len() as u64, "{url}");
        assert_eq!(page["page_views"], *views, "{url}");
    }
    let urls: BTreeSet<&str> = pages.iter().filter_map(|page| page["url"].as_str()).collect();
    assert_eq!(urls.len(), 1_000, "a page is listed twice");
}

/// Who asked for what, by splitting at spaces and quotes and nothing more.
fn independent_count(log: &str) -> BTreeMap<String, Views<'_>> {
    let mut pages: BTreeMap<String, Views<'_>> = BTreeMap::new();
    for line in log.lines() {
        let address = line.split(' ').next().expect("a line begins with the address");
        let request = line.split('"').nth(1).expect("a line quotes the request");
        let path = request.split(' ').nth(1).expect("a request names a path");
        let (visitors, views) = pages.entry(path.to_owned()).or_default();
        visitors.insert(address);
        *views += 1;
    }
    pages
}

fn by_normal_form<'a>(by_path: &BTreeMap<String, Views<'a>>) -> BTreeMap<String, Views<'a>> {
    let mut pages: BTreeMap<String, Views<'a>> = BTreeMap::new();
    for (path, (visitors, views)) in by_path {
        let page = pages.entry(normal_form(path)).or_default();
        page.0.extend(visitors);
        page.1 += views;
    }
    pages
}

/// The contract's identity of a bare path, written down once more, plainly.
fn normal_form(target: &str) -> String {
    const TRACKING: [&str; 12] = [
        "gclid",
        "gbraid",
        "wbraid",
        "dclid",
        "fbclid",
        "msclkid",
        "twclid",
        "ttclid",
        "li_fat_id",
        "mc_cid",
        "mc_eid",
        "igshid",
    ];
    let target = target.split('#').next().unwrap_or_default();
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let mut page = without_dot_segments(&plain_escapes(path));
    let is_tracking = |parameter: &&str| {
        let name = parameter.split('=').next().unwrap_or_default();
        name.starts_with("utm_") || TRACKING.contains(&name)
    };
    if let Some(query) = query {
        let kept: Vec<&str> = query.split('&').filter(|parameter| !is_tracking(parameter)).collect();
        let kept = kept.join("&");
        // An empty query is no query, however it came to be empty.
        if !kept.is_empty() {
            page.push('?');
            page.push_str(&kept);
        }
    }
    page
}

/// RFC 3986 §6.2.2.1 and §6.2.2.2: unreserved characters unescaped, the other escapes in upper case.
fn plain_escapes(path: &str) -> String {
    let mut parts = path.split('%');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                plain.push(char::from(byte));
                plain.push_str(&part[2..]);
            }
            Some(byte) => plain = format!("{plain}%{byte:02X}{}", &part[2..]),
            None => plain = format!("{plain}%{part}"),
        }
    }
    plain
}

/// RFC 3986 §5.2.4, for a path that starts with `/`.
fn without_dot_segments(path: &str) -> String {
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let mut kept: Vec<&str> = Vec::new();
    for (index, segment) in segments.iter().enumerate() {
        let is_last = index + 1 == segments.len();
        match *segment {
            "." | ".." => {
                if *segment == ".." {
                    kept.pop();
                }
                if is_last {
                    kept.push("");
                }
            }
            other => kept.push(other),
        }
    }
    format!("/{}", kept.join("/"))
}

#[test]
fn the_normal_form_of_this_test_is_the_contracts() {
    let cases = [
        ("/", "/"),
        ("/a/./b/../c/", "/a/c/"),
        ("/a/..", "/"),
        ("/a/.", "/a/"),
        ("//favicon.ico", "//favicon.ico"),
        ("/%7euser/%e2%2F%zz%", "/~user/%E2%2F%zz%"),
        ("/%2e%2e/a", "/a"),
        ("/a?utm_source=x&b=%7e&fbclid=y#f?x", "/a?b=%7e"),
        ("/a?utm_source=x", "/a"),
        ("/a?", "/a"),
        ("/A?a=1&a=1", "/A?a=1&a=1"),
    ];
    for (path, expected) in cases {
        assert_eq!(normal_form(path), expected, "{path}");
    }
}

fn figures(accepted: u64, duplicates: u64) -> BTreeMap<String, u64> {
    let rows = [
        ("lines read", 10_000),
        ("accepted", accepted),
        ("duplicates", duplicates),
        ("rejected", 0),
        ("unreadable", 0),
    ];
    rows.map(|(name, value)| (name.to_owned(), value)).into()
}

/// Imports the file and hands back the counts of the summary.
fn import(server: &Server, path: &Path) -> BTreeMap<String, u64> {
    let import = footfall().args(["import", "--server", &server.url()]).arg(path).output();
    let Output { status, stdout, stderr } = import.expect("the binary starts");
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{status}\n{stdout}\n{stderr}");
    stdout
        .lines()
        .filter_map(|line| line.split_once(':'))
        .filter(|(name, _)| !["seconds", "events/s"].contains(name))
        .map(|(name, value)| (name.to_owned(), value.trim().parse().expect("a count")))
        .collect()
}
