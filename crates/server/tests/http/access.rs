//! API keys: every route with every scope.

use footfall_http::{Scopes, routes};
use serde_json::json;

use crate::support::{Request, Server, Socket, Stream};

const KEYS: &str =
    "site:ingest:i-secret, board:read:r-secret, root:admin:a-secret, both:ingest+read:b-secret";
const SECRETS: [(&str, Scopes); 3] =
    [("i-secret", Scopes::INGEST), ("r-secret", Scopes::READ), ("a-secret", Scopes::ADMIN)];

fn guarded() -> Server {
    Server::start(&[("AUTH__KEYS", KEYS)])
}

/// A request that the route takes as far as its key is looked at.
fn request(method: &str, path: &str) -> Request {
    let target = path.replace("{event_id}", "nothing").replace("{domain}", "mail.example");
    let target = target.replace("{title}", "RU").replace("{id}", "ann").replace("{name}", "nothing");
    Request::new(method, target).header("Content-Type", "application/json").body("{}")
}

#[test]
fn every_route_takes_the_scopes_that_it_needs_and_no_others() {
    let server = guarded();
    let mut checked = 0;
    for (method, path, needed) in routes() {
        let status = |request: &Request| {
            let answer = server.ask(request);
            if answer.status >= 400 && method != "HEAD" {
                assert_eq!(answer.flaw_of_problem(), None, "{method} {path}");
            }
            if answer.status == 401 {
                assert_eq!(answer.header("WWW-Authenticate"), Some("Bearer"));
            }
            answer.status
        };
        // An endless answer is looked at elsewhere.
        let is_endless = path == "/events/stream" && method == "GET";
        let plain = request(method, path);
        if needed == Scopes::NONE {
            assert!(![401, 403].contains(&status(&plain)), "{method} {path}");
            continue;
        }
        assert_eq!(status(&plain), 401, "{method} {path} without a key");
        let wrong = plain.clone().header("Authorization", "Bearer wrong");
        assert_eq!(status(&wrong), 401, "{method} {path} with a wrong key");
        for (secret, scope) in SECRETS {
            let is_allowed = needed.has_any(scope);
            if is_allowed && is_endless {
                continue;
            }
            for (name, value) in
                [("Authorization", format!("Bearer {secret}")), ("X-Api-Key", secret.to_owned())]
            {
                let status = status(&plain.clone().header(name, value));
                assert_eq!(
                    ![401, 403].contains(&status),
                    is_allowed,
                    "{method} {path} with {scope}: {status}"
                );
                assert!(is_allowed || status == 403, "{method} {path} with {scope}: {status}");
            }
        }
        checked += 1;
    }
    assert!(checked > 25, "{checked}");
}

/// The contract's own list, so that a rule can't be loosened by mistake.
#[test]
fn what_needs_which_scope_is_as_documented() {
    let needed = |method: &str, path: &str| {
        let found = routes().into_iter().find(|route| (route.0, route.1) == (method, path));
        found.unwrap_or_else(|| panic!("{method} {path}")).2
    };
    for (scope, these) in [
        (Scopes::NONE, &["GET /health", "GET /health/live", "GET /health/ready"][..]),
        (
            Scopes::INGEST,
            &[
                "POST /events",
                "POST /visits",
                "PUT /events/{domain}/delivered",
                "PUT /events/{domain}/bounced",
                "POST /users",
            ],
        ),
        (
            Scopes::ADMIN,
            &[
                "POST /metrics/calculate",
                "POST /segments/refresh",
                "POST /verify",
                "GET /export",
                "DELETE /users/{id}",
            ],
        ),
    ] {
        for route in these {
            let (method, path) = route.split_once(' ').expect("a method and a path");
            assert_eq!(needed(method, path), scope, "{route}");
        }
    }
    assert_eq!(needed("GET", "/ws/events"), Scopes::READ.or(Scopes::INGEST));
    let public =
        ["/", "/assets/", "/theme.js", "/tracker.js", "/favicon", "/docs", "/openapi.json", "/health"];
    let is_public =
        |path: &str| public.iter().any(|start| path == *start || (*start != "/" && path.starts_with(start)));
    for (method, path, needed) in routes() {
        let expected = ["GET", "HEAD"].contains(&method)
            && !is_public(path)
            && path != "/export"
            && path != "/ws/events";
        assert_eq!(needed == Scopes::READ, expected, "{method} {path}");
    }
}

#[test]
fn a_key_may_stand_in_the_query_where_browsers_need_it() {
    let server = guarded();
    let click = json!({ "user_id": "ann", "event_type": "click" }).to_string();
    let beacon =
        Request::new("POST", "/events?key=i-secret").header("Content-Type", "text/plain").body(click.clone());
    assert_eq!(server.ask(&beacon).status, 201);
    assert_eq!(server.ask(&Request::post("/events?key=r-secret", click.clone())).status, 403);
    for target in ["/analytics/summary?key=r-secret", "/events?key=r-secret"] {
        assert_eq!(server.ask(&Request::get(target)).status, 401, "{target}");
        assert_eq!(server.ask(&Request::new("HEAD", target)).status, 401, "{target}");
    }
    let behind_a_login = Request::get("/events/stream?key=i-secret").header("Authorization", "Basic eDp5");
    assert_eq!(server.ask(&behind_a_login).status, 403, "the key is found");
    Stream::open(&server, "/events/stream?key=r-secret", None);
    assert_eq!(server.ask(&Request::get("/events/stream?key=i-secret")).status, 403);
    for (target, refused) in [
        ("/ws/events", Some(401)),
        ("/ws/events?key=wrong", Some(401)),
        ("/ws/events?key=a-secret", Some(403)),
        ("/ws/events?key=r-secret", None),
    ] {
        assert_eq!(Socket::open_as(&server, target, &[]).err(), refused, "{target}");
    }
}

#[test]
fn on_a_socket_sending_and_listening_are_allowed_each_by_its_scope() {
    let server = guarded();
    let mut sends = Socket::open(&server, "/ws/events?key=i-secret");
    let mut listens = Socket::open(&server, "/ws/events?key=r-secret");
    let mut does_both = Socket::open(&server, "/ws/events?key=b-secret");
    let click = json!({ "user_id": "ann", "event_type": "click" }).to_string();
    sends.send(click.clone());
    let id = sends.next()["ack"]["event_id"].clone();
    assert_eq!((&listens.next()["event_id"], &does_both.next()["event_id"]), (&id, &id));
    sends.has_nothing();
    listens.send(click.clone());
    assert_eq!(listens.next()["ack"]["status"], 403);
    does_both.send(click);
    let both = [does_both.next(), does_both.next()];
    assert!(both.iter().any(|next| next["ack"]["status"] == "accepted"), "{both:?}");
}

#[test]
fn keys_are_never_shown_and_wrong_ones_are_told_at_start() {
    let said = Server::refuses_to_start(&[("AUTH__KEYS", "a:read:hunter2,b:everything:hunter3")]);
    assert!(said.contains("FOOTFALL__AUTH__KEYS") && !said.contains("hunter"), "{said}");
    let shown =
        crate::support::footfall().env("FOOTFALL__AUTH__KEYS", KEYS).arg("config").output().expect("it runs");
    let shown = String::from_utf8(shown.stdout).expect("it is text");
    assert!(shown.contains("site:ingest:***") && !shown.contains("secret"), "{shown}");
}

#[test]
fn with_keys_any_address_may_be_served() {
    let server = Server::start(&[("SERVER__BIND", "0.0.0.0:0"), ("AUTH__KEYS", KEYS)]);
    let address = server.address.replace("0.0.0.0", "127.0.0.1");
    assert!(std::net::TcpStream::connect(address).is_ok());
}
