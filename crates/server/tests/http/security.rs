//! Headers that tell browsers what not to do, on every answer.

use footfall_http::routes;

use crate::support::{Answer, Request, Server};

const SHOP: &str = "https://shop.example";

/// What keeps an answer from having all that every answer must have.
fn flaw(answer: &Answer) -> Option<String> {
    let policy = answer.header("Content-Security-Policy").unwrap_or_default();
    let checks = [
        ("X-Content-Type-Options", answer.header("X-Content-Type-Options") == Some("nosniff")),
        ("Referrer-Policy", answer.header("Referrer-Policy") == Some("no-referrer")),
        ("X-Frame-Options", answer.header("X-Frame-Options") == Some("DENY")),
        (
            "Content-Security-Policy",
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
        ),
        ("Cross-Origin-Resource-Policy", answer.header("Cross-Origin-Resource-Policy").is_some()),
        ("X-Request-Id", answer.header("X-Request-Id").is_some()),
        ("Strict-Transport-Security", answer.header("Strict-Transport-Security").is_none()),
    ];
    checks
        .iter()
        .find(|(_, is_right)| !is_right)
        .map(|(name, _)| format!("{name}: {:?}", answer.header(name)))
}

fn ask_head(server: &Server, request: &Request) -> Answer {
    let mut connection = server.connect();
    connection.send(&request.bytes()).expect("the server reads");
    connection.receive_head().expect("it answers")
}

#[test]
fn every_answer_has_them() {
    let servers = [Server::start(&[]), Server::start(&[("AUTH__KEYS", "a:admin:secret")])];
    for (method, path, _) in routes() {
        for server in &servers {
            for target in [path, &format!("{path}?nonsense=1"), &format!("{path}/nonsense")] {
                let target = target.replace("{event_id}", "nothing").replace("{domain}", "mail.example");
                let target =
                    target.replace("{title}", "RU").replace("{id}", "ann").replace("{name}", "nothing");
                let answer = ask_head(server, &Request::new(method, &target).body("{}"));
                assert_eq!(flaw(&answer), None, "{method} {target}: {}", answer.status);
                if !answer.header("Content-Type").is_some_and(|kind| kind.contains("json")) {
                    continue;
                }
                // The snapshot has a time, and the description a tag, by which they may be asked for again.
                let asked = target.split('?').next().unwrap_or_default();
                let may_be_kept = ["/segments/count", "/segments/refresh", "/openapi.json"].contains(&asked);
                let kept = match method {
                    _ if may_be_kept && answer.status == 200 => Some("no-cache"),
                    "GET" | "HEAD" => Some("no-store"),
                    _ => None,
                };
                assert_eq!(answer.header("Cache-Control"), kept, "{method} {target}");
                assert_eq!(
                    answer.header("Cross-Origin-Resource-Policy"),
                    Some("same-origin"),
                    "{method} {target}"
                );
            }
        }
    }
    assert_eq!(flaw(&servers[0].ask(&Request::new("PATCH", "/events"))), None);
}

#[test]
fn files_keep_what_they_say_themselves() {
    let server = Server::start(&[]);
    let tracker = server.ask(&Request::get("/tracker.js"));
    assert_eq!(
        tracker.header("Cross-Origin-Resource-Policy"),
        Some("cross-origin"),
        "it is loaded by other sites"
    );
    assert_eq!(tracker.header("Cache-Control"), Some("public, max-age=3600"));
    let page = server.ask(&Request::get("/"));
    assert!(
        page.header("Content-Security-Policy").is_some_and(|policy| policy.contains("script-src 'self'"))
    );
    assert_eq!(page.header("Cache-Control"), Some("no-cache"));
    let tag = page.header("ETag").expect("it has one").to_owned();
    let again = server.ask(&Request::get("/").header("If-None-Match", tag));
    assert_eq!((again.status, flaw(&again)), (304, None));
}

#[test]
fn preflights_and_their_refusals_are_answers_like_others() {
    let server = Server::start(&[("SERVER__CORS_ORIGINS", SHOP)]);
    let preflight = |origin: &str, method: &str| {
        let request =
            Request::new("OPTIONS", "/events").header("Origin", origin).header("X-Request-Id", "mine");
        server.ask(&request.header("Access-Control-Request-Method", method))
    };
    let allowed = preflight(SHOP, "POST");
    assert_eq!((allowed.status, flaw(&allowed)), (200, None));
    assert_eq!(
        (allowed.header("X-Request-Id"), allowed.header("Access-Control-Allow-Origin")),
        (Some("mine"), Some(SHOP))
    );
    for refused in [preflight("https://evil.example", "POST"), preflight(SHOP, "PATCH")] {
        assert_eq!((refused.status, refused.flaw_of_problem(), flaw(&refused)), (403, None, None));
        assert_eq!(refused.header("X-Request-Id"), Some("mine"));
    }
    let read = server.ask(&Request::get("/events?limit=0").header("Origin", SHOP));
    assert_eq!((read.status, read.flaw_of_problem(), flaw(&read)), (400, None, None));
    assert_eq!(read.header("Access-Control-Allow-Origin"), Some(SHOP));
}

/// A page whose own name is made to lead to this machine (DNS rebinding) is no other origin to a browser.
#[test]
fn a_strangers_name_is_not_served_without_keys() {
    let by = |server: &Server, host: &str| server.ask(&Request::get("/export").header("Host", host)).status;
    let local = Server::start(&[]);
    let answer = local.ask(&Request::get("/health").header("Host", "evil.com:8080"));
    assert_eq!((answer.status, answer.flaw_of_problem()), (403, None), "{}", answer.text());
    assert_eq!(flaw(&answer), None);
    for (host, status) in
        [("evil.com", 403), ("localhost", 200), ("127.0.0.1:8080", 200), ("[::1]:8080", 200)]
    {
        assert_eq!(by(&local, host), status, "{host}");
    }
    let open = Server::start(&[("AUTH__ALLOW_ANONYMOUS", "true")]);
    assert_eq!(by(&open, "evil.com"), 200);
    let with_keys = Server::start(&[("AUTH__KEYS", "a:admin:secret")]);
    assert_eq!(by(&with_keys, "evil.com"), 401);
}
