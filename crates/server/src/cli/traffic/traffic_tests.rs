//! Whole runs against a server on port 0 that answers by a script, also for the endpoints of users and domains.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex as SyncMutex};

use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use footfall_domain::event::EventId;
use footfall_traffic::{Mail, Seed, Site, SiteOptions, Users};
use serde_json::{Value, json};

use super::*;
use crate::cli::client::Client;
use crate::cli::reach::Address;

/// A request as it came.
#[derive(Clone, Debug, PartialEq)]
struct Got {
    path: String,
    content_type: String,
    idempotency_key: String,
    body: String,
}

impl Got {
    /// The items of its body, an array or one object.
    fn items(&self) -> Vec<Value> {
        match serde_json::from_str(&self.body).unwrap() {
            Value::Array(items) => items,
            item => vec![item],
        }
    }
}

/// What to answer: the decision sees the number of the request, the request and those before it.
type Decide = fn(usize, &Got, &[Got]) -> HttpResponse;

struct Fake {
    address: std::net::SocketAddr,
    got: Arc<SyncMutex<Vec<Got>>>,
    most_at_once: Arc<AtomicUsize>,
}

fn fake(decide: Decide) -> Fake {
    let got: Arc<SyncMutex<Vec<Got>>> = Arc::default();
    let (at_once, most_at_once) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (seen, most) = (Arc::clone(&got), Arc::clone(&most_at_once));
    let server = HttpServer::new(move || {
        let (seen, at_once, most) = (Arc::clone(&seen), Arc::clone(&at_once), Arc::clone(&most));
        let answer = move |request: HttpRequest, body: web::Bytes| {
            let header = |name: &str| {
                request
                    .headers()
                    .get(name)
                    .map(|value| value.to_str().unwrap().to_owned())
                    .unwrap_or_default()
            };
            let request = Got {
                path: format!("{} {}", request.method(), request.path()),
                content_type: header("content-type"),
                idempotency_key: header("idempotency-key"),
                body: String::from_utf8(body.to_vec()).unwrap(),
            };
            let mut seen = seen.lock().unwrap();
            let answer = decide(seen.len(), &request, &seen);
            seen.push(request);
            most.fetch_max(at_once.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            let at_once = Arc::clone(&at_once);
            async move {
                actix_web::rt::time::sleep(Duration::from_millis(5)).await;
                at_once.fetch_sub(1, Ordering::SeqCst);
                answer
            }
        };
        App::new().default_service(web::to(answer))
    })
    .workers(1)
    .disable_signals()
    .bind("127.0.0.1:0")
    .unwrap();
    let address = server.addrs()[0];
    actix_web::rt::spawn(server.run());
    Fake { address, got, most_at_once }
}

const SEED: Seed = Seed::past(1);

fn plan(source: Source, labels: Labels, count: u64, batch_size: u16) -> Plan {
    Plan {
        name: "test",
        labels,
        count: Some(count),
        seed: 1,
        supply: Supply::new(source, Times::Now, batch_size, Some(count)),
        rate: None,
        lasts: None,
        concurrency: 3,
        ends_by_signal: false,
    }
}

fn users() -> Source {
    Source::Users(Box::new(Users::new(SEED, 20)))
}

fn site() -> Source {
    Source::Site(Box::new(Site::new(SEED, SiteOptions::new(100, 100, 1.0))))
}

async fn run_against(server: &Fake, plan: Plan) -> (Result<Ending, TrafficError>, String) {
    let report = Rc::new(Report::new(plan.name, plan.labels, plan.count, plan.seed));
    let client = Rc::new(Client::new(&Address::named(&format!("http://{}", server.address)), None).unwrap());
    let patience = Duration::from_millis(1_500);
    let sender = |stop| Sender { client, report: Rc::clone(&report), stop, patience };
    let ending = send_all(plan, sender, &mut Signals::listen().unwrap()).await;
    (ending, report.summary())
}

/// Complete, and with these figures.
#[track_caller]
fn assert_figures(outcome: (Result<Ending, TrafficError>, String), figures: &[&str]) {
    let (ending, summary) = outcome;
    assert_eq!(ending.unwrap(), Ending::Complete);
    for figure in figures {
        let squeezed = summary.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(squeezed.contains(figure), "{figure} is not in\n{summary}");
    }
}

/// Answers `POST /users` as the contract has it.
fn users_endpoint(_: usize, request: &Got, before: &[Got]) -> HttpResponse {
    assert_eq!((&request.path[..], &request.content_type[..]), ("POST /users", "application/json"));
    let pair = |item: Value| (item["ID"].to_string(), item["segment"].to_string());
    let known: HashSet<_> = before.iter().flat_map(Got::items).map(pair).collect();
    let items = request.items();
    let renewed = items.iter().filter(|item| known.contains(&pair((*item).clone()))).count();
    match (request.body.starts_with('['), renewed) {
        (true, _) => {
            let created = items.len() - renewed;
            HttpResponse::Ok()
                .json(json!({"created": created, "renewed": renewed, "rejected": 0, "errors": []}))
        }
        (false, 0) => HttpResponse::Created().json(json!({})),
        (false, _) => HttpResponse::Ok().json(json!({})),
    }
}

#[actix_web::test]
async fn users_are_created_once_and_renewed_then() {
    let server = fake(users_endpoint);
    let batches = || plan(users(), Labels::USERS, 250, 100);
    assert_figures(run_against(&server, batches()).await, &["created: 250", "renewed: 0", "requests: 3"]);
    assert_figures(run_against(&server, batches()).await, &["created: 0", "renewed: 250", "rejected: 0"]);
    let single = plan(users(), Labels::USERS, 260, 1);
    assert_figures(run_against(&server, single).await, &["created: 10", "renewed: 250", "requests: 260"]);
    assert!((2..=3).contains(&server.most_at_once.load(Ordering::SeqCst)));
}

#[actix_web::test]
async fn single_mails_go_to_their_domain_under_a_key_that_stays() {
    let server = fake(|_, request, _| {
        let path = request.path.strip_prefix("PUT /events/mail-").unwrap();
        assert!(path.ends_with(".example/delivered") || path.ends_with(".example/bounced"), "{path}");
        assert!(EventId::parse(&request.idempotency_key).is_some() && request.body.is_empty());
        HttpResponse::NoContent().finish()
    });
    for _ in 0..2 {
        let mails = plan(Source::Mail(Box::new(Mail::new(SEED, 50))), Labels::EVENTS, 100, 1);
        assert_figures(run_against(&server, mails).await, &["accepted: 100", "requests: 100"]);
    }
    let got = server.got.lock().unwrap();
    let keys: HashSet<_> = got.iter().map(|got| (&got.idempotency_key, &got.path)).collect();
    assert_eq!((got.len(), keys.len()), (200, 100));
}

fn accepted(request: &Got) -> HttpResponse {
    let accepted = request.body.lines().count();
    HttpResponse::Ok().json(json!({"accepted": accepted, "duplicates": 0, "rejected": 0, "errors": []}))
}

#[actix_web::test]
async fn what_an_overloaded_server_refuses_is_sent_again_as_it_was() {
    let server = fake(|number, request, _| match number {
        0 => HttpResponse::TooManyRequests().insert_header(("retry-after", "1")).finish(),
        1 => HttpResponse::ServiceUnavailable().finish(),
        _ => accepted(request),
    });
    let mut events = plan(site(), Labels::EVENTS, 30, 30);
    events.concurrency = 1;
    let since = Instant::now();
    let figures = ["sent: 30", "accepted: 30", "requests: 3", "sent again: 2"];
    assert_figures(run_against(&server, events).await, &figures);
    assert!(since.elapsed() >= Duration::from_millis(1_200));
    let got = server.got.lock().unwrap();
    assert!(got[0] == got[1] && got[1] == got[2]);
}

#[actix_web::test]
async fn whatever_else_a_server_says_ends_the_run() {
    let cases: [(Decide, &str); 6] = [
        (
            |_, _, _| HttpResponse::Unauthorized().json(json!({"detail": "The key is unknown."})),
            "401 Unauthorized: The key is",
        ),
        (
            |_, _, _| HttpResponse::Ok().json(json!({"accepted": 9, "duplicates": 0, "rejected": 0})),
            "for 9 items where 10",
        ),
        (|_, _, _| HttpResponse::Ok().finish(), "without its counts"),
        (|_, _, _| HttpResponse::new(StatusCode::PAYLOAD_TOO_LARGE), "smaller --batch-size"),
        (
            |_, _, _| {
                let errors = json!([{"index": 3, "errors": [{"pointer": "/timestamp", "code": "out_of_range", "message": "is too old"}]}]);
                HttpResponse::Ok()
                    .json(json!({"accepted": 9, "duplicates": 0, "rejected": 1, "errors": errors}))
            },
            "rejected 1 of 10: /timestamp: is too old (out_of_range)",
        ),
        (|_, _, _| HttpResponse::ServiceUnavailable().finish(), "took nothing for 1s 500ms: 503"),
    ];
    for (decide, expected) in cases {
        let server = fake(decide);
        let (ending, summary) = run_against(&server, plan(site(), Labels::EVENTS, 1_000, 10)).await;
        let error = ending.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(summary.contains("sent:"), "{summary}");
        let got = server.got.lock().unwrap().len();
        assert!(got < 30, "{got} requests for {expected}");
    }
}

#[actix_web::test]
async fn a_rate_and_a_duration_are_kept() {
    let server = fake(|_, request, _| accepted(request));
    let mut events = plan(site(), Labels::EVENTS, u64::MAX, 7);
    (events.rate, events.lasts) = (Some("200".parse().unwrap()), Some(Duration::from_millis(500)));
    let since = Instant::now();
    // The last parcel has what is left of the time.
    assert_figures(run_against(&server, events).await, &["sent: 100", "accepted: 100", "requests: 15"]);
    assert!(since.elapsed() >= Duration::from_millis(500));
}
