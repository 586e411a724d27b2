//! What makes two spellings one page, when storing and when asking.

use serde_json::json;

use crate::support::{Request, Server, url_encoded};

/// A page in normal form and other spellings of it.
const PAGES: &[(&str, &[&str])] = &[
    (
        "http://example.com/",
        &[
            "http://example.com",
            "HTTP://EXAMPLE.COM",
            "http://example.com:80",
            "http://example.com:80/",
            "http://example.com:/",
            "http://user:secret@example.com/",
            "http://example.com/#top",
            "http://example.com#top",
            "http://example.com/?utm_source=a&utm_medium=b",
            "http://example.com/?",
            "http://example.com/.",
            "http://example.com/a/..",
            "  http://example.com/ ",
        ],
    ),
    ("https://example.com/", &["https://example.com:443", "HTTPS://Example.Com/?gclid=x#y"]),
    ("http://example.com:443/", &["http://EXAMPLE.com:0443/"]),
    (
        "https://example.com/a/b?x=1&y=%7e",
        &[
            "https://example.com/a/./b?x=1&y=%7e",
            "https://example.com/a/c/../b?x=1&y=%7e",
            "https://example.com/../a/b?x=1&y=%7e",
            "https://example.com/%61/b?x=1&y=%7e",
            "https://example.com/a/b?utm_campaign=z&x=1&y=%7e",
            "https://example.com/a/b?x=1&fbclid=1&y=%7e&mc_eid=2#f",
        ],
    ),
    ("https://example.com/a/b?y=%7e&x=1", &[]),
    ("https://example.com/A/b?x=1&y=%7e", &[]),
    ("https://www.example.com/a/b?x=1&y=%7e", &[]),
    (
        "https://example.com/~u/%2F%E2%82%AC",
        &["https://example.com/%7eu/%2f%e2%82%ac", "https://example.com/~u/%2F€"],
    ),
    ("http://xn--bcher-kva.example/", &["http://bücher.example", "http://BÜCHER.example:80/#x"]),
    ("/home", &["/./home", "/x/../home", "/home?utm_source=x", "/home#top", "/%68ome"]),
    ("//home", &[]),
    ("/Home", &[]),
    ("/home/", &[]),
    ("/home?q", &["/home?q&utm_term=x"]),
];

#[test]
fn every_spelling_counts_for_its_page_and_asks_for_it() {
    let server = Server::start(&[]);
    for (normal, others) in PAGES {
        for (number, spelling) in others.iter().chain([normal]).enumerate() {
            let body = json!({ "visitor_id": format!("v{number}"), "url": spelling });
            let answer = server.ask(&Request::post("/visits", body.to_string()));
            assert_eq!(answer.status, 201, "{spelling}: {}", answer.text());
        }
    }
    for (normal, others) in PAGES {
        let count = others.len() + 1;
        let expected = json!({ "url": normal, "distinct_visitors": count, "page_views": count });
        for spelling in others.iter().chain([normal]) {
            let answer = server.get(&format!("/analytics/visitors?url={}", url_encoded(spelling)));
            assert_eq!(answer, expected, "{spelling}");
            let listed = server.get(&format!("/events?page={}", url_encoded(spelling)));
            assert_eq!(listed["events"].as_array().map(Vec::len), Some(count), "{spelling}");
        }
    }
    let pages = server.get("/analytics/pages?limit=1000");
    assert_eq!(pages["pages"].as_array().map(Vec::len), Some(PAGES.len()), "{pages}");
}

#[test]
fn tracking_parameters_are_configurable() {
    let server = Server::start(&[("PAGES__TRACKING_PARAMETERS", "ref,my_*")]);
    let shown =
        |url: &str| server.get(&format!("/analytics/visitors?url={}", url_encoded(url)))["url"].clone();
    assert_eq!(shown("/a?ref=1&my_x=2&utm_source=3"), "/a?utm_source=3");
    assert_eq!(shown("/a?reference=1"), "/a?reference=1");
}
