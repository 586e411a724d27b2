//! The sender against a real server on port 0 that answers by a script.

use std::sync::Mutex as SyncMutex;
use std::time::Instant;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};

use super::super::batch::{Batcher, Origin};
use super::*;
use crate::cli::client::Client;
use crate::cli::delivery::Undelivered;
use crate::cli::reach::Address;

/// What the server got and what it is to answer: the decision sees the number of the request and its events.
type Decide = fn(usize, &[String]) -> HttpResponse;

struct Fake {
    address: std::net::SocketAddr,
    got: Arc<SyncMutex<Vec<Vec<String>>>>,
}

fn fake(decide: Decide) -> Fake {
    let got: Arc<SyncMutex<Vec<Vec<String>>>> = Arc::default();
    let seen = Arc::clone(&got);
    let server = HttpServer::new(move || {
        let seen = Arc::clone(&seen);
        let events = move |request: HttpRequest, body: web::Bytes| {
            assert_eq!(request.headers().get("content-type").unwrap(), "application/x-ndjson");
            assert_eq!(request.headers().get("authorization").unwrap(), "Bearer s3cret");
            let lines: Vec<String> =
                String::from_utf8(body.to_vec()).unwrap().lines().map(str::to_owned).collect();
            let mut seen = seen.lock().unwrap();
            seen.push(lines.clone());
            let answer = decide(seen.len() - 1, &lines);
            async { answer }
        };
        App::new().route("/events", web::post().to(events))
    })
    .workers(1)
    .disable_signals()
    .bind("127.0.0.1:0")
    .unwrap();
    let address = server.addrs()[0];
    actix_web::rt::spawn(server.run());
    Fake { address, got }
}

fn accepted(lines: &[String]) -> HttpResponse {
    HttpResponse::Ok()
        .json(serde_json::json!({"accepted": lines.len(), "duplicates": 0, "rejected": 0, "errors": []}))
}

fn sender(address: std::net::SocketAddr, stop: &watch::Sender<bool>, patience: Duration) -> Sender {
    let client = Client::new(&Address::named(&format!("http://{address}/")), Some("s3cret")).unwrap();
    let report = Arc::new(Report::new(vec!["a.log".to_owned()], None, false));
    let target = std::rc::Rc::new(Target::Server(client));
    Sender { target, report, stop: stop.subscribe(), patience }
}

fn batch(events: u64) -> Batch {
    let mut batcher = Batcher::new(1000, 1 << 20);
    for line in 1..=events {
        batcher.add(Origin { file: 0, line }, line.to_string().as_bytes());
    }
    batcher.take().unwrap()
}

/// Sends one batch of `events` and hands back the outcome, the summary and the requests.
async fn send(decide: Decide, events: u64) -> (Result<(), ImportError>, String, Vec<Vec<String>>) {
    let server = fake(decide);
    let (stop, _stopped) = watch::channel(false);
    let mut sender = sender(server.address, &stop, Duration::from_millis(900));
    let outcome = sender.send(batch(events)).await;
    let got = server.got.lock().unwrap().clone();
    (outcome, sender.report.summary(), got)
}

#[actix_web::test]
async fn an_accepted_batch_is_counted() {
    let (outcome, summary, got) = send(|_, lines| accepted(lines), 3).await;
    outcome.unwrap();
    assert_eq!(got, [["1", "2", "3"]]);
    assert!(summary.contains("accepted:       3\n"), "{summary}");
}

#[actix_web::test]
async fn a_batch_too_large_goes_in_halves_and_one_event_too_large_is_rejected() {
    let (outcome, summary, got) = send(
        |_, lines| {
            let too_large = lines.len() > 2 || lines.contains(&"3".to_owned());
            if too_large { HttpResponse::PayloadTooLarge().finish() } else { accepted(lines) }
        },
        5,
    )
    .await;
    outcome.unwrap();
    let sizes: Vec<_> = got.iter().map(|lines| lines.join("+")).collect();
    assert_eq!(sizes, ["1+2+3+4+5", "1+2", "3+4+5", "3", "4+5"]);
    assert!(summary.contains("accepted:       4\n") && summary.contains("rejected:       1\n"), "{summary}");
}

#[actix_web::test]
async fn an_overloaded_server_is_asked_again() {
    let (outcome, summary, got) = send(
        |request, lines| match request {
            0 => HttpResponse::ServiceUnavailable().insert_header(("retry-after", "0")).finish(),
            1 => HttpResponse::TooManyRequests().finish(),
            _ => accepted(lines),
        },
        2,
    )
    .await;
    outcome.unwrap();
    assert_eq!(got.len(), 3);
    assert!(summary.contains("accepted:       2\n"), "{summary}");
}

#[actix_web::test]
async fn retry_after_is_honoured() {
    let server = fake(|request, lines| match request {
        0 => HttpResponse::TooManyRequests().insert_header(("retry-after", "1")).finish(),
        _ => accepted(lines),
    });
    let (stop, _stopped) = watch::channel(false);
    let started = Instant::now();
    sender(server.address, &stop, Duration::from_secs(10)).send(batch(1)).await.unwrap();
    assert!(started.elapsed() >= Duration::from_secs(1));
}

#[actix_web::test]
async fn patience_ends() {
    let (outcome, _, got) = send(|_, _| HttpResponse::ServiceUnavailable().finish(), 1).await;
    let error = outcome.unwrap_err();
    assert!(error.to_string().contains("took nothing for 900ms: 503 Service Unavailable"), "{error}");
    assert!(got.len() >= 2, "{got:?}");
    // Longer than the patience: no use waiting.
    let asks_much = |_: usize, _: &[String]| {
        HttpResponse::ServiceUnavailable().insert_header(("retry-after", "3600")).finish()
    };
    let (outcome, _, got) = send(asks_much, 1).await;
    assert!(matches!(outcome, Err(ImportError::Undelivered(Undelivered::GaveUp { .. }))));
    assert_eq!(got.len(), 1);
}

#[actix_web::test]
async fn a_server_that_is_gone_is_tried_again_and_then_given_up() {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (stop, _stopped) = watch::channel(false);
    let error = sender(address, &stop, Duration::from_millis(500)).send(batch(1)).await.unwrap_err();
    assert!(matches!(&error, ImportError::Undelivered(Undelivered::GaveUp { .. })), "{error}");
}

#[actix_web::test]
async fn a_refusal_stops_the_run() {
    let (outcome, summary, got) = send(
        |_, _| {
            HttpResponse::Unauthorized()
                .json(serde_json::json!({"status": 401, "detail": "The key is unknown."}))
        },
        2,
    )
    .await;
    let error = outcome.unwrap_err();
    assert!(error.to_string().ends_with("refuses: 401 Unauthorized: The key is unknown."), "{error}");
    assert_eq!(got.len(), 1);
    assert!(summary.contains("accepted:       0\n"));
}

#[actix_web::test]
async fn rejected_events_do_not_stop_the_run() {
    let (outcome, summary, _) = send(
        |_, lines| {
            let errors: Vec<_> = (0..lines.len())
                .map(|index| serde_json::json!({"index": index, "errors": [{"pointer": "/x", "code": "c", "message": "m"}]}))
                .collect();
            let figures = serde_json::json!({"accepted": 0, "duplicates": 0, "rejected": lines.len(), "errors": errors});
            HttpResponse::UnprocessableEntity().json(figures)
        },
        2,
    )
    .await;
    outcome.unwrap();
    assert!(summary.contains("rejected:       2\n"), "{summary}");
}

#[actix_web::test]
async fn several_senders_share_the_batches_and_stopping_ends_them() {
    let server = fake(|_, lines| accepted(lines));
    let (stop, _stopped) = watch::channel(false);
    let sender = sender(server.address, &stop, Duration::from_secs(5));
    let (batches, waiting) = mpsc::channel(8);
    for _ in 0..5 {
        batches.send(batch(2)).await.unwrap();
    }
    let waiting = Arc::new(Mutex::new(waiting));
    let both = (sender.clone().run(Arc::clone(&waiting)), sender.clone().run(waiting));
    let stopping = async {
        while !sender.report.summary().contains("accepted:       10\n") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stop.send_replace(true);
    };
    // The channel is still open: only the stop ends them.
    let (first, second, ()) =
        tokio::time::timeout(Duration::from_secs(10), async { tokio::join!(both.0, both.1, stopping) })
            .await
            .unwrap();
    first.and(second).unwrap();
    assert_eq!(server.got.lock().unwrap().len(), 5);
}

#[actix_web::test]
async fn stopping_ends_the_waiting_for_a_server() {
    let server =
        fake(|_, _| HttpResponse::ServiceUnavailable().insert_header(("retry-after", "100")).finish());
    let (stop, _stopped) = watch::channel(false);
    let mut sender = sender(server.address, &stop, Duration::from_mins(10));
    let started = Instant::now();
    let stopping = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        stop.send_replace(true);
    };
    let (outcome, ()) = tokio::join!(sender.send(batch(1)), stopping);
    outcome.unwrap();
    assert!(started.elapsed() < Duration::from_secs(5));
}
