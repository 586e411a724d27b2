//! The bare actix handler that Footfall is compared with: it reads the whole body and answers what Footfall would,
//! byte for byte, without looking at it. What it costs is what HTTP costs.
//!
//! `bare [--workers N]`; it prints `listening on http://ADDRESS:PORT` and stops on SIGTERM. What it answers to
//! `GET /segments/count` is in the environment variable `BARE_COUNTS`.

use std::{future::ready, io, net::Ipv4Addr};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    http::{Method, header},
    web,
};

const BODY_LIMIT_BYTES: usize = 16 << 20;
const SINGLE: &str = r#"{"event_id":"0197a9b2-7c3e-7d41-9f08-5b6c1e2a3d4f","status":"accepted"}"#;
const BATCH: &str = r#"{"accepted":1000,"duplicates":0,"rejected":0,"errors":[]}"#;
const REQUEST_ID: (&str, &str) = ("X-Request-Id", "4bf92f3577b34da6a3ce929d0e0e4736");

const LAST_MODIFIED: &str = "Mon, 26 May 2025 14:00:00 GMT";

fn answer(request: &HttpRequest, body: &web::Bytes, counts: &web::Bytes) -> HttpResponse {
    if request.method() == Method::PUT {
        return HttpResponse::NoContent().insert_header(REQUEST_ID).finish();
    }
    if request.path() == "/segments/count" {
        return HttpResponse::Ok()
            .content_type("application/json")
            .insert_header((header::CACHE_CONTROL, "no-cache"))
            .insert_header((header::LAST_MODIFIED, LAST_MODIFIED))
            .insert_header(REQUEST_ID)
            .body(counts.clone());
    }
    let is_batch = body.first() == Some(&b'[')
        || request.path() == "/batch"
        || request
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-ndjson"));
    let (mut response, text) =
        if is_batch { (HttpResponse::Ok(), BATCH) } else { (HttpResponse::Created(), SINGLE) };
    response.content_type("application/json").insert_header(REQUEST_ID).body(text)
}

/// From `--workers N`, else as Footfall takes it, so that the two can stand in for each other; default two.
fn workers() -> Result<usize, String> {
    let mut arguments = std::env::args().skip(1);
    let mut wanted = std::env::var("FOOTFALL__SERVER__WORKERS").ok();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--workers" => wanted = Some(arguments.next().ok_or("--workers needs a number")?),
            "serve" => {}
            other => return Err(format!("unknown argument {other}; usage: bare [--workers N]")),
        }
    }
    let count = wanted.map_or(Ok(2), |text| text.parse::<usize>());
    count.ok().filter(|count| (1..=256).contains(count)).ok_or_else(|| "--workers takes 1 to 256".to_owned())
}

#[actix_web::main]
async fn main() -> io::Result<()> {
    let workers = workers().map_err(io::Error::other)?;
    let counts = web::Bytes::from(std::env::var("BARE_COUNTS").unwrap_or_default());
    let server = HttpServer::new(move || {
        let counts = counts.clone();
        let answer = move |request, body| ready(answer(&request, &body, &counts));
        App::new().app_data(web::PayloadConfig::new(BODY_LIMIT_BYTES)).default_service(web::to(answer))
    })
    .workers(workers)
    .shutdown_timeout(2)
    .bind((Ipv4Addr::LOCALHOST, 0))?;
    for address in server.addrs() {
        println!("listening on http://{address}");
    }
    server.run().await
}
