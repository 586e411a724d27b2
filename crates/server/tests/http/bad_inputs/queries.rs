//! Queries that are wrong, for every `GET`, and where another request takes none; and ids that can't stand in a path.

use super::{Case, case};
use crate::support::{Request, Server};

const RANGE: &str = "from=2025-05-01T00:00:00Z&to=2025-06-01T00:00:00Z";
const SUMMARY: &str = "/analytics/summary";
const PAGES: &str = "/analytics/pages";
const SERIES: &str = "/analytics/timeseries";
const VISITORS: &str = "/analytics/visitors";
const EVENTS: &str = "/events";
const EXPORT: &str = "/export";

/// A path, its query (`R`: a good range), the code, and the parameter.
const WRONG: &[(&str, &str, &str, &str)] = &[
    (SUMMARY, "windwo=24h", "unknown_parameter", "windwo"),
    (SUMMARY, "Window=24h", "unknown_parameter", "Window"),
    (SUMMARY, "%00=1", "unknown_parameter", "\0"),
    (SUMMARY, "=1", "unknown_parameter", ""),
    (SUMMARY, "window=2h", "not_one_of", "window"),
    (SUMMARY, "window=", "not_one_of", "window"),
    (SUMMARY, "window=24H", "not_one_of", "window"),
    (SUMMARY, "window=%ff", "not_one_of", "window"),
    (SUMMARY, "window=1h&window=1h", "duplicate_member", "window"),
    (SUMMARY, "window=24h&R", "not_one_of", "window"),
    (SUMMARY, "from=2025-05-01T00:00:00Z", "required", "to"),
    (SUMMARY, "to=2025-05-01T00:00:00Z", "required", "from"),
    (SUMMARY, "from=yesterday&to=2025-05-01T00:00:00Z", "not_a_timestamp", "from"),
    (SUMMARY, "from=2025-05-01T00:00:00Z&to=", "not_a_timestamp", "to"),
    (SUMMARY, "from=2025-05-01&to=2025-06-01", "not_a_timestamp", "from"),
    (SUMMARY, "from=1748268000&to=1748269000", "not_a_timestamp", "to"),
    (SUMMARY, "from=2025-06-01T00:00:00Z&to=2025-05-01T00:00:00Z", "out_of_range", "from"),
    (SUMMARY, "from=2025-06-01T00:00:00Z&to=2025-06-01T00:00:00Z", "out_of_range", "from"),
    (SUMMARY, "from=2025-06-01T02:00:00%2B02:00&to=2025-06-01T00:00:00Z", "out_of_range", "from"),
    (SUMMARY, "from=2025-05-01T00:00:00Z&R", "duplicate_member", "from"),
    (SUMMARY, "from=0000-01-01T00:00:00Z&to=9999-12-31T23:59:59Z", "out_of_range", "from"),
    (PAGES, "sort=views", "unknown_parameter", "sort"),
    (PAGES, "order=up", "not_one_of", "order"),
    (PAGES, "order=", "not_one_of", "order"),
    (PAGES, "limit=0", "out_of_range", "limit"),
    (PAGES, "limit=1001", "out_of_range", "limit"),
    (PAGES, "limit=abc", "out_of_range", "limit"),
    (PAGES, "limit=", "out_of_range", "limit"),
    (PAGES, "limit=-1", "out_of_range", "limit"),
    (PAGES, "limit=1.5", "out_of_range", "limit"),
    (PAGES, "limit=99999999999999999999999", "out_of_range", "limit"),
    (PAGES, "limit=10&limit=10", "duplicate_member", "limit"),
    (PAGES, "window=30d", "not_one_of", "window"),
    (PAGES, "from=2025-05-01T00:00:00Z", "required", "to"),
    (PAGES, "from=x&to=y", "not_a_timestamp", "to"),
    (SERIES, "", "required", "metric"),
    (SERIES, "", "required", "interval"),
    (SERIES, "", "required", "from"),
    (SERIES, "", "required", "to"),
    (SERIES, "metric=users&interval=hour&R", "not_one_of", "metric"),
    (SERIES, "metric=events&interval=week&R", "not_one_of", "interval"),
    (SERIES, "metric=events&interval=&R", "not_one_of", "interval"),
    (SERIES, "metric=events&interval=hour&R&timezone=Mars/Olympus", "unknown_time_zone", "timezone"),
    (SERIES, "metric=events&interval=hour&R&timezone=", "unknown_time_zone", "timezone"),
    (SERIES, "metric=events&interval=hour&R&timezone=%2B02:00", "unknown_time_zone", "timezone"),
    (SERIES, "metric=events&interval=hour&R&page=home", "invalid_url", "page"),
    (SERIES, "metric=events&interval=hour&R&page=", "invalid_url", "page"),
    (SERIES, "metric=events&interval=hour&R&window=24h", "unknown_parameter", "window"),
    (SERIES, "metric=events&metric=events&interval=hour&R", "duplicate_member", "metric"),
    (SERIES, "metric=events&interval=minute&R", "out_of_range", "interval"),
    (
        SERIES,
        "metric=events&interval=hour&from=2020-01-01T00:00:00Z&to=2025-01-01T00:00:00Z",
        "out_of_range",
        "interval",
    ),
    (
        SERIES,
        "metric=events&interval=day&from=0000-01-01T00:00:00Z&to=9999-12-31T00:00:00Z",
        "out_of_range",
        "interval",
    ),
    (
        SERIES,
        "metric=events&interval=minute&from=0000-01-01T00:00:00Z&to=9999-12-31T00:00:00Z",
        "out_of_range",
        "interval",
    ),
    (
        SERIES,
        "metric=events&interval=hour&from=2025-06-01T00:00:00Z&to=2025-05-01T00:00:00Z",
        "out_of_range",
        "from",
    ),
    (VISITORS, "", "required", "url"),
    (VISITORS, "url=", "invalid_url", "url"),
    (VISITORS, "url=%20", "invalid_url", "url"),
    (VISITORS, "url", "invalid_url", "url"),
    (VISITORS, "url=home", "invalid_url", "url"),
    (VISITORS, "url=http://", "invalid_url", "url"),
    (VISITORS, "url=ftp://example.com/", "invalid_url", "url"),
    (VISITORS, "url=%00", "invalid_url", "url"),
    (VISITORS, "url=/a%0Ab", "invalid_url", "url"),
    (VISITORS, "url=/&url=/", "duplicate_member", "url"),
    (VISITORS, "url=/&page=/", "unknown_parameter", "page"),
    (VISITORS, "url=/&from=x", "not_a_timestamp", "from"),
    (VISITORS, "url=/&to=x", "not_a_timestamp", "to"),
    (VISITORS, "url=/&from=2025-06-01T00:00:00Z&to=2025-05-01T00:00:00Z", "out_of_range", "from"),
    (EVENTS, "user=u", "unknown_parameter", "user"),
    (EVENTS, "order=up", "not_one_of", "order"),
    (EVENTS, "order=ASC", "not_one_of", "order"),
    (EVENTS, "limit=0", "out_of_range", "limit"),
    (EVENTS, "limit=1001", "out_of_range", "limit"),
    (EVENTS, "limit=abc", "out_of_range", "limit"),
    (EVENTS, "limit=%20", "out_of_range", "limit"),
    (EVENTS, "limit=0x10", "out_of_range", "limit"),
    (EVENTS, "user_id=u&user_id=u", "duplicate_member", "user_id"),
    (EVENTS, "page=home", "invalid_url", "page"),
    (EVENTS, "domain=", "invalid_domain", "domain"),
    (EVENTS, "domain=a..b", "invalid_domain", "domain"),
    (EVENTS, "domain=user%40example.com", "invalid_domain", "domain"),
    (EVENTS, "from=x", "not_a_timestamp", "from"),
    (EVENTS, "to=x", "not_a_timestamp", "to"),
    (EVENTS, "from=2025-06-01T00:00:00Z&to=2025-06-01T00:00:00Z", "out_of_range", "from"),
    (EVENTS, "from=9999-12-31T23:59:59.999999Z", "out_of_range", "from"),
    (EVENTS, "cursor=", "bad_cursor", "cursor"),
    (EVENTS, "cursor=abc", "bad_cursor", "cursor"),
    (EVENTS, "cursor=%ff", "bad_cursor", "cursor"),
    (EVENTS, "cursor=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "bad_cursor", "cursor"),
    (EXPORT, "format=", "not_one_of", "format"),
    (EXPORT, "format=json", "not_one_of", "format"),
    (EXPORT, "format=CSV", "not_one_of", "format"),
    (EXPORT, "format=access-log", "not_one_of", "format"),
    (EXPORT, "format=csv&format=csv", "duplicate_member", "format"),
    (EXPORT, "limit=10", "unknown_parameter", "limit"),
    (EXPORT, "user_id=u", "unknown_parameter", "user_id"),
    (EXPORT, "window=24h", "unknown_parameter", "window"),
    (EXPORT, "from=yesterday", "not_a_timestamp", "from"),
    (EXPORT, "to=2025-05-01", "not_a_timestamp", "to"),
    (EXPORT, "from=2025-06-01T00:00:00Z&to=2025-06-01T00:00:00Z", "out_of_range", "from"),
    (EXPORT, "format=xml&from=2025-06-01T00:00:00Z&to=2025-05-01T00:00:00Z", "out_of_range", "from"),
];

/// Requests that take no query.
const NONE_TAKEN: &[(&str, &str, &str)] = &[
    ("POST", "/verify?from=2025-05-01T00:00:00Z", "from"),
    ("POST", "/verify?=", ""),
    ("DELETE", "/users/a?from=2025-05-01T00:00:00Z", "from"),
    ("DELETE", "/users/a?event_type=click", "event_type"),
];

/// Ids in a path that are no user's.
const NO_USER: &[(&str, &str)] = &[
    ("%20", "blank"),
    ("%E2%80%83%09", "blank"),
    ("a%00", "nul_character"),
    ("%", "malformed"),
    ("a%4", "malformed"),
    ("%zz", "malformed"),
    ("%ff", "malformed"),
    ("%C3", "malformed"),
    ("%ED%A0%80", "malformed"),
];

pub(super) fn cases(server: &Server) -> Vec<Case> {
    let wrong = |(path, query, code, name): &(&str, &str, &'static str, &str)| {
        let target = format!("{path}?{}", query.replace('R', RANGE));
        case(format!("GET {target}"), Request::get(target), 400, code, format!("query:{name}"))
    };
    let mut cases: Vec<Case> = WRONG.iter().map(wrong).collect();
    cases.extend(cursors(server));
    cases.extend(NONE_TAKEN.iter().map(|(method, target, name)| {
        let request = Request::new(method, *target);
        case(format!("{method} {target}"), request, 400, "unknown_parameter", format!("query:{name}"))
    }));
    let erase = |id: &str, code: &'static str| {
        let target = format!("/users/{id}");
        case(format!("DELETE {target}"), Request::new("DELETE", target), 422, code, "path:id")
    };
    cases.extend(NO_USER.iter().map(|(id, code)| erase(id, code)));
    cases.push(erase(&"x".repeat(256), "too_long"));
    cases.push(erase(&"%C3%BC".repeat(256), "too_long"));
    cases.push(super::refused("HEAD /export?format=x", Request::new("HEAD", "/export?format=x"), 400));
    let head = Request::new("HEAD", "/events?limit=0");
    cases.push(super::refused("HEAD /events?limit=0", head, 400));
    cases
}

/// Cursors of this server, used for what they were not made for.
fn cursors(server: &Server) -> Vec<Case> {
    let events = server.get("/events?limit=1");
    let ascending = events["next_cursor"].as_str().expect("there is more than one event").to_owned();
    let descending =
        server.get("/events?limit=1&order=desc")["next_cursor"].as_str().unwrap_or_default().to_owned();
    assert_ne!(ascending, descending);
    let tampered = if ascending.ends_with('A') { "B" } else { "A" };
    let tampered = format!("{}{tampered}", &ascending[..ascending.len() - 1]);
    [
        ("ascending, used descending", format!("order=desc&cursor={ascending}")),
        ("descending, used ascending", format!("order=asc&cursor={descending}")),
        ("cut short", format!("cursor={}", &ascending[..ascending.len() - 4])),
        ("longer", format!("cursor={ascending}AAAA")),
        ("with another end", format!("cursor={tampered}")),
        ("padded", format!("cursor={ascending}=")),
        ("in lower case", format!("cursor={}", ascending.to_lowercase())),
    ]
    .map(|(name, query)| {
        let request = Request::get(format!("/events?{query}"));
        case(format!("a cursor {name}"), request, 400, "bad_cursor", "query:cursor")
    })
    .into()
}
