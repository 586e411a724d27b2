//! Holds the fast path to the whole rule, and the whole rule to itself. The rule's cases are in tests/pages.rs.

use proptest::prelude::*;

use super::*;

fn hosts() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z]{1,6}\\.[a-z]{2,3}",
        4 => "([a-z0-9_-]{0,4}\\.){0,3}[a-z0-9_-]{0,4}",
        2 => "[a-cA-C0-9é例.~!%@\\\\ -]{0,8}",
        1 => "(0x)?[0-9a-f]{1,3}(\\.(0x)?[0-9a-f]{1,3}){0,3}\\.?",
        1 => "\\[[0-9a-f:]{2,8}\\]",
        1 => "xn--[a-z0-9-]{1,8}(\\.com)?",
        1 => "%[4-7][0-9a-f]\\.com",
    ]
}

/// Pages of every kind, with what each rule is about more often than chance would bring it.
fn pages() -> impl Strategy<Value = String> {
    let scheme = prop_oneof![
        6 => Just("https://"),
        4 => Just("http://"),
        1 => Just("HTTP://"),
        1 => Just("http:/"),
        1 => Just("ftp://"),
    ];
    let port =
        prop_oneof![6 => Just(""), 1 => Just(":80"), 1 => Just(":443"), 1 => Just(":"), 1 => Just(":08080")];
    let path = prop_oneof![
        4 => "(/[a-z0-9.-]{0,5}){0,4}",
        2 => "(/[a-zA-Z.~!$&'()*+,;=:@_-]{0,4}){0,4}",
        2 => "(/(\\.|%2e|%2E|a|%|[0-9]|%%|%2f|%c3%A9){0,4}){0,4}",
        2 => "(/[%1-4a é|\\\\{}\"<>^`\\[\\]]{0,6}){0,3}",
    ];
    let parameter = prop_oneof![
        4 => "[a-z]{1,3}=[a-z0-9]{0,3}",
        2 => "(utm_|utm|gclid|mc_cid|g|UTM_)[a-z ]{0,2}(=[a-z ]{0,2})?",
        1 => "[a-z=?/%é\"' ]{0,4}",
    ];
    let query = prop_oneof![
        3 => Just(String::new()),
        5 => prop::collection::vec(parameter, 0..4).prop_map(|parameters| format!("?{}", parameters.join("&"))),
    ];
    let end = prop_oneof![8 => "", 1 => " {0,2}#[a-z #?]{0,3}", 1 => "[ \\t\\n]{1,2}"];
    let origin = prop_oneof![
        1 => Just(String::new()),
        2 => (scheme, hosts(), port).prop_map(|(scheme, host, port)| format!("{scheme}{host}{port}")),
    ];
    (origin, path, query, end).prop_map(|(origin, path, query, end)| origin + &path + &query + &end)
}

fn all_rules() -> [PageRules; 3] {
    [PageRules::default(), PageRules::new(["*"]), PageRules::new(["", "a", "b c*", " utm_* "])]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn the_fast_path_only_takes_what_the_whole_rule_leaves_alone(raw in pages()) {
        for rules in all_rules() {
            if fast::is_normal(&raw, &rules) {
                prop_assert_eq!(rules.normalise_slowly(&raw), Ok(raw.clone()));
            }
        }
    }

    #[test]
    fn a_plain_host_is_what_the_parser_makes_of_it(host in hosts()) {
        if fast::plain_host_end(host.as_bytes(), 0) == Some(host.len()) {
            let mut parsed = String::new();
            prop_assert_eq!(push_parsed_host(&mut parsed, "http", &host), Ok(()));
            prop_assert_eq!(parsed, host);
        }
    }

    #[test]
    fn a_normal_form_is_its_own(raw in pages()) {
        for rules in all_rules() {
            if let Ok(normal) = rules.normalise_slowly(&raw) {
                prop_assert_eq!(rules.normalise_slowly(&normal), Ok(normal.clone()));
                prop_assert_eq!(rules.normalise(&normal).map(|page| page.to_string()), Ok(normal));
            }
        }
    }

    #[test]
    fn so_it_is_for_any_text(raw in prop_oneof!["\\PC*", "/\\PC*", "https?://\\PC*", "/[%0-9a-fA-F./]{0,24}"]) {
        let rules = PageRules::default();
        match rules.normalise(&raw) {
            Ok(normal) => {
                prop_assert_eq!(rules.normalise_slowly(&raw), Ok(normal.to_string()));
                prop_assert_eq!(rules.normalise(normal.as_str()), Ok(normal.clone()));
            }
            Err(error) => prop_assert_eq!(rules.normalise_slowly(&raw), Err(error)),
        }
    }

    #[test]
    fn a_path_is_the_same_on_a_host_and_on_its_own(path in "(/[%2-4eEfa.~ é|\\\\\\[]{0,5}){1,5}") {
        let rules = PageRules::default();
        let bare = rules.normalise_slowly(&path).unwrap();
        prop_assert_eq!(rules.normalise_slowly(&format!("http://a.b{path}")), Ok(format!("http://a.b{bare}")));
    }
}

#[test]
fn the_common_page_is_recognised_and_borrowed() {
    let rules = PageRules::default();
    for raw in [
        "/",
        "/home",
        "//x",
        "/a.b/c-d_e~f/index.html",
        "/search?q=red+shoes&page=2&user=7&",
        "/a?q=%zz é\"<>",
        "https://example.com/",
        "http://localhost/x",
        "https://shop.example.com/products/42?id=7",
        "https://my_shop.example-2.co/Products/A;b=1?gclid2=1&utm=2",
    ] {
        assert!(fast::is_normal(raw, &rules), "{raw}");
        assert!(matches!(rules.normalise(raw), Ok(PageUrl(Cow::Borrowed(text))) if text == raw), "{raw}");
    }
}
