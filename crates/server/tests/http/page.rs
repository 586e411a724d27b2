//! The dashboard and the tracker as browsers load them. They hold whether or not the page was built.

use std::io::Read;

use crate::support::{Answer, Request, Server};

fn load(server: &Server, path: &str, accepted: &str) -> Answer {
    let answer = server.ask(&Request::get(path).header("Accept-Encoding", accepted));
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer
}

/// The paths that the page loads, by its own words.
fn loaded_by_the_page(server: &Server) -> Vec<String> {
    let page = server.ask(&Request::get("/")).text();
    let paths = page.split('"').filter(|text| text.starts_with("/assets/")).map(str::to_owned);
    let paths: Vec<String> = paths.collect();
    assert!(!paths.is_empty(), "{page}");
    paths
}

fn decoded(answer: &Answer) -> Vec<u8> {
    let mut bytes = Vec::new();
    match answer.header("Content-Encoding") {
        None => bytes.clone_from(&answer.body),
        Some("gzip") => {
            flate2::read::GzDecoder::new(&answer.body[..]).read_to_end(&mut bytes).expect("it is gzip");
        }
        Some("br") => brotli::BrotliDecompress(&mut &answer.body[..], &mut bytes).expect("it is brotli"),
        Some(other) => panic!("nobody asked for {other}"),
    }
    bytes
}

#[test]
fn the_page_is_asked_for_each_time_and_guarded() {
    let server = Server::start(&[]);
    let page = load(&server, "/", "identity");
    let csp = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
               connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; manifest-src 'self'";
    for (name, value) in [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Cache-Control", "no-cache"),
        ("Content-Security-Policy", csp),
        ("Referrer-Policy", "no-referrer"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Vary", "Accept-Encoding"),
    ] {
        assert_eq!(page.header(name), Some(value), "{name}");
    }
    assert!(page.header("Permissions-Policy").is_some_and(|policy| policy.contains("camera=()")));
    assert!(page.text().contains("<title>"), "{}", page.text());
    // What the policy forbids isn't there.
    for forbidden in ["<style", " style=", "onclick="] {
        assert!(!page.text().contains(forbidden), "{forbidden}");
    }
}

#[test]
fn what_the_page_loads_may_be_kept_for_ever() {
    let server = Server::start(&[]);
    for path in loaded_by_the_page(&server) {
        let asset = load(&server, &path, "br");
        assert_eq!(asset.header("Cache-Control"), Some("public, max-age=31536000, immutable"), "{path}");
        assert_eq!(asset.header("X-Content-Type-Options"), Some("nosniff"), "{path}");
        let is_typed = ["text/css", "text/javascript", "font/", "image/"]
            .iter()
            .any(|prefix| asset.header("Content-Type").is_some_and(|found| found.starts_with(prefix)));
        assert!(is_typed, "{path}: {:?}", asset.header("Content-Type"));
    }
    let icon = load(&server, "/favicon.svg", "identity");
    assert_eq!(icon.header("Content-Type"), Some("image/svg+xml"));
    let ico = server.ask(&Request::get("/favicon.ico"));
    assert_eq!((ico.status, ico.header("Location")), (308, Some("/favicon.svg")));
}

#[test]
fn what_is_not_there_is_a_problem() {
    let server = Server::start(&[]);
    for path in ["/assets/nope.js", "/assets/", "/assets/..%2ftracker.js", "/assets/a/b.js", "/index.html"] {
        let answer = server.ask(&Request::get(path));
        assert_eq!((answer.status, answer.flaw_of_problem()), (404, None), "{path}");
    }
    for path in ["/", "/tracker.js", "/favicon.svg"] {
        let answer = server.ask(&Request::post(path, "{}"));
        assert_eq!((answer.status, answer.flaw_of_problem()), (405, None), "{path}");
        assert_eq!(answer.header("Allow"), Some("GET, HEAD"), "{path}");
    }
}

#[test]
fn every_encoding_decodes_to_the_same_file() {
    let server = Server::start(&[]);
    let mut paths = loaded_by_the_page(&server);
    paths.extend(["/", "/tracker.js", "/favicon.svg"].map(str::to_owned));
    for path in paths {
        let plain = load(&server, &path, "identity");
        assert_eq!(plain.header("Content-Encoding"), None, "{path}");
        for coding in ["gzip", "br"] {
            let answer = load(&server, &path, coding);
            assert!(decoded(&answer) == plain.body, "{path} as {coding}");
            assert_eq!(answer.header("Vary"), plain.header("Vary"), "{path} as {coding}");
            let is_encoded = answer.header("Content-Encoding").is_some();
            assert_eq!(is_encoded, answer.header("ETag") != plain.header("ETag"), "{path} as {coding}");
        }
    }
}

#[test]
fn the_client_says_which_encoding_it_takes() {
    let server = Server::start(&[]);
    for (accepted, expected) in [
        ("gzip, deflate, br, zstd", Some("br")),
        ("gzip, deflate", Some("gzip")),
        ("br;q=0.5, gzip;q=0.8", Some("gzip")),
        ("br;q=0, gzip", Some("gzip")),
        ("GZIP", Some("gzip")),
        ("identity, br;q=0.5", None),
        ("gzip;q=0", None),
        ("zstd", None),
        ("*", None),
        ("", None),
        ("identity;q=0", None),
        ("gzip;q=x", None),
    ] {
        let answer = load(&server, "/tracker.js", accepted);
        assert_eq!(answer.header("Content-Encoding"), expected, "{accepted}");
        assert_eq!(answer.header("Vary"), Some("Accept-Encoding"), "{accepted}");
    }
    let unasked = server.ask(&Request::get("/tracker.js"));
    assert_eq!(unasked.header("Content-Encoding"), None);
}

#[test]
fn who_has_it_already_is_not_sent_it_again() {
    let server = Server::start(&[]);
    let mut paths = loaded_by_the_page(&server);
    paths.extend(["/", "/tracker.js", "/favicon.svg"].map(str::to_owned));
    for path in paths {
        let first = load(&server, &path, "br");
        let tag = first.header("ETag").expect("every file has one").to_owned();
        let ask = |known: &str| {
            let request = Request::get(&*path).header("Accept-Encoding", "br");
            server.ask(&request.header("If-None-Match", known))
        };
        for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
            let again = ask(&known);
            assert_eq!((again.status, again.body.len()), (304, 0), "{path}: {known}");
            for name in ["ETag", "Cache-Control", "Vary"] {
                assert_eq!(again.header(name), first.header(name), "{path}: {name}");
            }
        }
        for other in ["\"other\"", "nonsense", ""] {
            assert_eq!(ask(other).status, 200, "{path}: {other}");
        }
    }
}

#[test]
fn head_tells_all_and_sends_nothing() {
    let server = Server::start(&[]);
    let mut connection = server.connect();
    for path in ["/", "/tracker.js", "/favicon.svg"] {
        let mut ask = |method: &str| {
            let request = Request::new(method, path).header("Accept-Encoding", "gzip");
            connection.ask(&request).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
        };
        let (head, got) = (ask("HEAD"), ask("GET"));
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        for name in ["ETag", "Content-Type", "Content-Length", "Content-Encoding", "Cache-Control"] {
            assert!(head.header(name).is_some() && head.header(name) == got.header(name), "{path}: {name}");
        }
    }
}

#[test]
fn the_tracker_is_small_and_for_every_site() {
    let server = Server::start(&[]);
    let tracker = load(&server, "/tracker.js?v=1", "gzip");
    assert!(tracker.body.len() < 2_048, "{} bytes", tracker.body.len());
    for (name, value) in [
        ("Content-Type", "text/javascript; charset=utf-8"),
        ("Cache-Control", "public, max-age=3600"),
        ("Cross-Origin-Resource-Policy", "cross-origin"),
        ("Access-Control-Allow-Origin", "*"),
        ("X-Content-Type-Options", "nosniff"),
    ] {
        assert_eq!(tracker.header(name), Some(value), "{name}");
    }
    assert!(String::from_utf8_lossy(&decoded(&tracker)).contains("sendBeacon"));
}
