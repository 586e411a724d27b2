//! Mail domains: `PUT /events/{domain}/delivered|bounced` and `GET /domains/{domain}`.

use serde_json::{Value, json};

use crate::support::{Answer, ID, Request, Server};

fn put(server: &Server, target: &str) -> Answer {
    server.ask(&Request::new("PUT", target))
}

fn domain(server: &Server, domain: &str) -> Value {
    server.get(&format!("/domains/{domain}"))
}

fn shown(domain: &str, status: &str, delivered: u64, bounced: u64) -> Value {
    json!({ "domain": domain, "status": status, "delivered": delivered, "bounced": bounced })
}

#[test]
fn a_domain_is_judged_by_its_mails() {
    let server = Server::start(&[("DOMAINS__CATCH_ALL_THRESHOLD", "3")]);
    assert_eq!(domain(&server, "never.example"), shown("never.example", "unknown", 0, 0));
    for delivered in 1..=4 {
        let answer = put(&server, "/events/example.com/delivered");
        assert_eq!((answer.status, answer.text()), (204, String::new()));
        let status = if delivered < 3 { "unknown" } else { "catch-all" };
        assert_eq!(domain(&server, "example.com"), shown("example.com", status, delivered, 0));
    }
    assert_eq!(put(&server, "/events/example.com/bounced").status, 204);
    assert_eq!(domain(&server, "example.com"), shown("example.com", "not catch-all", 4, 1));
    assert_eq!(put(&server, "/events/a.example/bounced").status, 204);
    assert_eq!(domain(&server, "a.example"), shown("a.example", "not catch-all", 0, 1));
}

#[test]
fn a_thousand_deliveries_make_a_domain_catch_all() {
    let server = Server::start(&[]);
    let mails = |count: usize| {
        let mail = json!({ "event_type": "delivered", "properties": { "domain": "Example.COM" } });
        Value::Array(vec![mail; count])
    };
    server.store(&mails(999));
    assert_eq!(domain(&server, "example.com"), shown("example.com", "unknown", 999, 0));
    assert_eq!(put(&server, "/events/EXAMPLE.com/delivered").status, 204);
    assert_eq!(domain(&server, "Example.com"), shown("example.com", "catch-all", 1_000, 0));
}

#[test]
fn a_domain_is_one_however_it_is_written() {
    let server = Server::start(&[]);
    for written in
        ["b%C3%BCcher.example", "B%C3%9CCHER.example", "xn--bcher-kva.example", "XN--BCHER-KVA.EXAMPLE"]
    {
        assert_eq!(put(&server, &format!("/events/{written}/delivered")).status, 204, "{written}");
    }
    assert_eq!(domain(&server, "b%C3%BCcher.EXAMPLE"), shown("xn--bcher-kva.example", "unknown", 4, 0));
    let events = server.get("/events?domain=xn--bcher-kva.example&event_type=delivered");
    assert_eq!(events["events"].as_array().map(Vec::len), Some(4));
}

#[test]
fn what_is_no_host_name_is_422() {
    let server = Server::start(&[]);
    for bad in ["a%20b", "-a.example", "a..example", "a%2Fb", "%FF", "a%00.example", "%20", "x%40example.com"]
    {
        for request in [
            Request::new("PUT", format!("/events/{bad}/delivered")),
            Request::new("PUT", format!("/events/{bad}/bounced")),
            Request::get(format!("/domains/{bad}")),
        ] {
            let answer = server.ask(&request);
            assert_eq!(answer.status, 422, "{} {}: {}", request.method, request.target, answer.text());
            assert_eq!(answer.flaw_of_problem(), None);
            assert_eq!(answer.json()["errors"][0]["pointer"], "path:domain");
        }
    }
    assert_eq!(server.get("/events")["events"], json!([]));
}

#[test]
fn with_a_key_a_mail_counts_once() {
    let server = Server::start(&[]);
    let keyed =
        |target: &str, key: &str| server.ask(&Request::new("PUT", target).header("Idempotency-Key", key));
    for key in [ID, &ID.to_uppercase(), &format!("\"{ID}\"")] {
        assert_eq!(keyed("/events/example.com/delivered", key).status, 204, "{key}");
    }
    assert_eq!(domain(&server, "example.com"), shown("example.com", "unknown", 1, 0));
    assert_eq!(server.get(&format!("/events/{ID}"))["event_type"], "delivered");
    // The same key for something else would be lost in silence.
    for target in ["/events/example.com/bounced", "/events/other.example/delivered"] {
        let answer = keyed(target, ID);
        assert_eq!(answer.json_of(422)["errors"][0]["code"], "key_reused", "{target}");
        assert_eq!(answer.flaw_of_problem(), None);
    }
    assert_eq!(domain(&server, "example.com"), shown("example.com", "unknown", 1, 0));
    let answer = keyed("/events/example.com/delivered", "not-a-uuid");
    assert_eq!(answer.json_of(400)["errors"][0]["pointer"], "header:Idempotency-Key");
}

#[test]
fn a_body_is_not_needed_and_does_no_harm() {
    let server = Server::start(&[("LIMITS__BODY_BYTES", "1KiB")]);
    let put = || Request::new("PUT", "/events/example.com/delivered");
    for request in
        [put(), put().body("{}"), put().body("not json"), put().body("x".repeat(1_000)).chunked(100)]
    {
        assert_eq!(server.ask(&request).status, 204);
    }
    assert_eq!(server.ask(&put().body("x".repeat(2_000))).status, 413);
    assert_eq!(server.ask(&Request::new("PUT", "/events/example.com/delivered?x=1")).status, 400);
    assert_eq!(domain(&server, "example.com"), shown("example.com", "unknown", 4, 0));
    let answer = server.ask(&Request::post("/events/example.com/delivered", "{}"));
    assert_eq!((answer.status, answer.header("Allow")), (405, Some("PUT")));
}

#[test]
fn no_mail_is_lost_between_connections() {
    const THREADS: usize = 8;
    const EACH: usize = 50;
    let server = Server::start(&[]);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let mut connection = server.connect();
                for _ in 0..EACH {
                    let request = Request::new("PUT", "/events/example.com/delivered");
                    assert_eq!(connection.ask(&request).expect("an answer").status, 204);
                }
            });
        }
    });
    assert_eq!(domain(&server, "example.com")["delivered"], THREADS * EACH);
}
