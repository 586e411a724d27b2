//! A page's identity, case by case, and on the paths of a real access log.

use std::collections::HashSet;
use std::path::Path;

use footfall_domain::page::{MAX_PAGE_BYTES, PageError, PageRules};

fn check(cases: &[(&str, &str)]) {
    let rules = PageRules::default();
    for &(raw, normal) in cases {
        let page = rules.normalise(raw).unwrap_or_else(|error| panic!("{raw:?}: {error:?}"));
        assert_eq!(page.as_str(), normal, "{raw:?}");
        assert_eq!(rules.normalise(normal).as_ref(), Ok(&page), "{raw:?} again");
        assert_eq!(page.clone().into_owned(), page);
    }
}

#[test]
fn scheme_host_and_port() {
    check(&[
        ("http://example.com/", "http://example.com/"),
        ("HTTP://EXAMPLE.com/", "http://example.com/"),
        ("hTTpS://Shop.Example.COM/A", "https://shop.example.com/A"),
        ("https://example.com", "https://example.com/"),
        ("https://example.com?a=1", "https://example.com/?a=1"),
        ("https://example.com#top", "https://example.com/"),
        ("http://example.com:80/x", "http://example.com/x"),
        ("https://example.com:443", "https://example.com/"),
        ("https://example.com:0443/", "https://example.com/"),
        ("https://example.com:/x", "https://example.com/x"),
        ("http://example.com:443/", "http://example.com:443/"),
        ("https://example.com:80/", "https://example.com:80/"),
        ("http://Example.com:08080/", "http://example.com:8080/"),
        ("http://user:secret@example.com/", "http://example.com/"),
        ("http://a@b@example.com:80/", "http://example.com/"),
        ("http://@example.com/", "http://example.com/"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://BÜCHER.example/", "https://xn--bcher-kva.example/"),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
        ("https://b%C3%BCcher.example/", "https://xn--bcher-kva.example/"),
        ("https://faß.example/", "https://xn--fa-hia.example/"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("http://2130706433/", "http://127.0.0.1/"),
        ("http://127.0.0.1./", "http://127.0.0.1/"),
        ("http://[0:0::1]:80/", "http://[::1]/"),
        ("http://[2001:DB8::A]:8080/x", "http://[2001:db8::a]:8080/x"),
        ("http://localhost/", "http://localhost/"),
        ("http://LOCALHOST:3000", "http://localhost:3000/"),
        ("http://example.com./x", "http://example.com./x"),
        ("http://my_host.example/", "http://my_host.example/"),
        ("http://r3---sn.example/", "http://r3---sn.example/"),
        ("http://www.example.com/", "http://www.example.com/"),
    ]);
}

#[test]
fn paths() {
    check(&[
        ("/", "/"),
        ("/home", "/home"),
        ("/Home", "/Home"),
        ("/home/", "/home/"),
        ("  /home  ", "/home"),
        ("//x", "//x"),
        ("//example.com/x", "//example.com/x"),
        ("/a//b", "/a//b"),
        ("/a/./b", "/a/b"),
        ("/a/../b", "/b"),
        ("/a/.", "/a/"),
        ("/a/..", "/"),
        ("/a/b/..", "/a/"),
        ("/../../a", "/a"),
        ("/..", "/"),
        ("/.", "/"),
        ("/a//../b", "/a/b"),
        ("/.//x", "//x"),
        ("/.well-known/x", "/.well-known/x"),
        ("/...", "/..."),
        ("/a/%2e%2E/b", "/b"),
        ("/a/.%2e", "/"),
        ("/%252e%252e/b", "/%252e%252e/b"),
        ("/%7euser/%41%2d%5f", "/~user/A-_"),
        ("/a%2fb", "/a%2Fb"),
        ("/a%2Fb", "/a%2Fb"),
        ("/a%3fb%23c", "/a%3Fb%23c"),
        ("/%21!", "/%21!"),
        ("/é", "/%C3%A9"),
        ("/%c3%a9", "/%C3%A9"),
        ("/%E8%f1", "/%E8%F1"),
        ("/a b", "/a%20b"),
        ("/a\u{a0}b", "/a%C2%A0b"),
        ("/a+b", "/a+b"),
        ("/%zz", "/%zz"),
        ("/100%", "/100%"),
        ("/100%25", "/100%25"),
        ("/%4", "/%4"),
        ("/%%341", "/%%341"),
        ("/%%34", "/%%34"),
        ("/%4%31", "/%4%31"),
        ("/%%34%31", "/%%341"),
        ("/%z%41", "/%zA"),
        ("/%00", "/%00"),
        ("/a\\b", "/a%5Cb"),
        ("/\\..\\b", "/%5C..%5Cb"),
        ("http://example.com/a\\b", "http://example.com/a%5Cb"),
        ("/\"<>[]^`{|}", "/%22%3C%3E%5B%5D%5E%60%7B%7C%7D"),
        ("/a;b=1,2:@!$&'()*+", "/a;b=1,2:@!$&'()*+"),
        ("http://example.com/a/../b", "http://example.com/b"),
        ("http://example.com/..", "http://example.com/"),
        ("http://example.com//x", "http://example.com//x"),
        ("http://example.com/%7Euser", "http://example.com/~user"),
    ]);
}

#[test]
fn queries_and_fragments() {
    check(&[
        ("/a?b=1&a=2", "/a?b=1&a=2"),
        ("/a?b=%c3%a9&c=é d", "/a?b=%c3%a9&c=é d"),
        ("/a?b=/../c\\d", "/a?b=/../c\\d"),
        ("/a?b=1?c=2", "/a?b=1?c=2"),
        ("/a?", "/a"),
        ("/a?#x", "/a"),
        ("/a#x?b=1", "/a"),
        ("/a?b#x", "/a?b"),
        ("/a?b #x", "/a?b"),
        ("/#", "/"),
        ("/a?&", "/a?&"),
        ("/a?b=1&&c=2&", "/a?b=1&&c=2&"),
        ("/a?=1", "/a?=1"),
        ("/a?utm_source=x", "/a"),
        ("/a?utm_source=x&b=1", "/a?b=1"),
        ("/a?b=1&utm_source=x", "/a?b=1"),
        ("/a?b=1&utm_source=x&utm_medium=y&c=2&fbclid=3", "/a?b=1&c=2"),
        ("/a?b=1&&utm_source=x&", "/a?b=1&&"),
        ("/a?utm_source", "/a"),
        ("/a?utm_", "/a"),
        ("/a?utm_source&gclid=", "/a"),
        ("/a?utm=1&utmost=2", "/a?utm=1&utmost=2"),
        ("/a?UTM_source=x", "/a?UTM_source=x"),
        ("/a?%75tm_source=x", "/a?%75tm_source=x"),
        ("/a?gclidx=1&xgclid=2", "/a?gclidx=1&xgclid=2"),
        ("/a?b=utm_source", "/a?b=utm_source"),
        ("/a?gclid &utm_source=x", "/a"),
        ("/a?b &utm_source=x", "/a?b"),
        ("/a? &utm_source=x", "/a"),
        ("/a?b;utm_source=x", "/a?b;utm_source=x"),
        ("https://example.com?utm_source=x", "https://example.com/"),
        ("https://example.com/?", "https://example.com/"),
        ("https://example.com/a?b=HTTP://X/%2e", "https://example.com/a?b=HTTP://X/%2e"),
    ]);
}

#[test]
fn every_default_parameter_is_dropped() {
    let rules = PageRules::default();
    for parameter in PageRules::DEFAULT_TRACKING {
        let raw = format!("/a?b=1&{}=2", parameter.replace('*', "campaign"));
        assert_eq!(rules.normalise(&raw).unwrap().as_str(), "/a?b=1", "{raw}");
    }
}

#[test]
fn rules_can_be_chosen() {
    let normal = |rules: &PageRules, raw| rules.normalise(raw).unwrap().to_string();
    assert_eq!(
        normal(&PageRules::new(["ref", "x_*", " "]), "/a?ref=1&refs=2&x_y=3&utm_source=4&"),
        "/a?refs=2&utm_source=4&"
    );
    assert_eq!(normal(&PageRules::new(["*"]), "/a?b=1&&c"), "/a");
    assert_eq!(normal(&PageRules::new(Vec::<String>::new()), "/a?utm_source=1"), "/a?utm_source=1");
}

#[test]
fn what_is_no_page_says_why() {
    let rules = PageRules::default();
    for raw in ["", " ", "   ", "\u{a0}", "\t\n"] {
        assert_eq!(rules.normalise(raw), Err(PageError::Blank), "{raw:?}");
    }
    for raw in ["home", "example.com/x", "?a=1", "#a", "\\x", "a b:c", "1http://example.com", "://x"] {
        assert_eq!(rules.normalise(raw), Err(PageError::Relative), "{raw:?}");
    }
    for raw in
        ["ftp://example.com/", "javascript:alert(1)", "mailto:a@example.com", "httpx://a/", "localhost:80/"]
    {
        assert_eq!(rules.normalise(raw), Err(PageError::Scheme), "{raw:?}");
    }
    for raw in [
        "http:",
        "http:x",
        "http:/x",
        "http:/example.com/x",
        "http://",
        "http:///x",
        "https:////x",
        "http://?a",
        "http://#a",
        "http://user@/x",
        "http://:80/x",
        "HTTP:\\\\example.com",
    ] {
        assert_eq!(rules.normalise(raw), Err(PageError::NoHost), "{raw:?}");
    }
    for raw in [
        "http://a b/",
        "http:// /",
        "http://example.com:x/",
        "http://example.com:65536/",
        "http://[::1/",
        "http://1.2.3.256/",
        "http://a<b/",
        "http://a%2fb/",
        "http://xn--zzzzzzzzz999/",
        "http://good.example\\@evil.example/",
        "http://example.com\\x",
    ] {
        assert!(matches!(rules.normalise(raw), Err(PageError::Unparsable { .. })), "{raw:?}");
    }
    for (raw, at) in
        [("/a\tb", 2), ("/a\n", 2), ("\r/a", 0), ("/a?b\0", 4), ("/a#\u{7f}", 3), ("http://a\nb/", 8)]
    {
        assert_eq!(rules.normalise(raw), Err(PageError::ControlCharacter { at }), "{raw:?}");
    }
}

#[test]
fn the_limit_holds_before_and_after() {
    let rules = PageRules::default();
    let longest = format!("/{}", "a".repeat(MAX_PAGE_BYTES - 1));
    assert_eq!(rules.normalise(&longest).unwrap().as_str(), longest);
    assert_eq!(rules.normalise(&format!("{longest}a")), Err(PageError::TooLong));
    // Else the normal form would not be a page itself.
    assert_eq!(
        rules.normalise(&format!("/{}", " a".repeat(MAX_PAGE_BYTES / 2 - 1))),
        Err(PageError::TooLong)
    );
}

#[test]
fn the_pages_of_a_real_log() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/apache_access.log");
    let Ok(log) = std::fs::read(&file) else {
        println!("skipped: there is no {}", file.display());
        return;
    };
    let log = String::from_utf8_lossy(&log);
    let rules = PageRules::default();
    let sent: HashSet<&str> =
        log.lines().filter_map(|line| line.split('"').nth(1)?.split(' ').nth(1)).collect();
    let pages: HashSet<_> = sent.iter().map(|path| rules.normalise(path).unwrap()).collect();
    assert_eq!((sent.len(), pages.len()), (1_498, 1_486));
}
