//! Pages of other origins.

use crate::support::{Request, Server, Socket};

const SHOP: &str = "https://shop.example";

#[test]
fn sockets_are_opened_by_own_pages_and_allowed_ones() {
    let server = Server::start(&[("SERVER__CORS_ORIGINS", SHOP)]);
    let own = format!("http://{}", server.address);
    for (origin, refused) in
        [(&*own, None), (SHOP, None), ("https://evil.example", Some(403)), ("null", Some(403))]
    {
        let opened = Socket::open_as(&server, "/ws/events", &[("origin", origin)]);
        assert_eq!(opened.err(), refused, "{origin}");
    }
}

fn preflight(origin: &str) -> Request {
    Request::new("OPTIONS", "/events")
        .header("Origin", origin)
        .header("Access-Control-Request-Method", "POST")
        .header("Access-Control-Request-Headers", "content-type,authorization")
}

#[test]
fn other_origins_are_closed_by_default() {
    let server = Server::start(&[]);
    let answer = server.ask(&Request::get("/analytics/summary").header("Origin", SHOP));
    assert_eq!((answer.status, answer.header("Access-Control-Allow-Origin")), (200, None));
    assert_eq!(server.ask(&preflight(SHOP)).header("Access-Control-Allow-Origin"), None);
}

#[test]
fn configured_origins_are_allowed_and_only_those() {
    let server = Server::start(&[("SERVER__CORS_ORIGINS", &format!("{SHOP},http://localhost:3000"))]);
    let allowed =
        |request: &Request| server.ask(request).header("Access-Control-Allow-Origin").map(str::to_owned);
    assert_eq!(allowed(&preflight(SHOP)).as_deref(), Some(SHOP));
    assert_eq!(allowed(&preflight("https://evil.example")), None);
    let post = Request::post("/events", "nonsense");
    assert_eq!(
        allowed(&post.clone().header("Origin", SHOP)).as_deref(),
        Some(SHOP),
        "problems are readable, too"
    );
    assert_eq!(allowed(&post.header("Origin", "https://evil.example")), None);
    let answer = server.ask(&preflight(SHOP));
    assert!(answer.header("Access-Control-Allow-Credentials").is_none());
    assert_eq!(answer.status, 200);
}

#[test]
fn all_origins_may_be_allowed_and_what_is_none_is_refused() {
    let server = Server::start(&[("SERVER__CORS_ORIGINS", "*")]);
    let answer = server.ask(&Request::get("/health").header("Origin", SHOP));
    assert_eq!(answer.header("Access-Control-Allow-Origin"), Some("*"));
    assert!(Socket::open_as(&server, "/ws/events", &[("origin", "https://any.example")]).is_ok());
    let said = Server::refuses_to_start(&[("SERVER__CORS_ORIGINS", "shop.example")]);
    assert!(said.contains("FOOTFALL__SERVER__CORS_ORIGINS") && said.contains("shop.example"), "{said}");
}
