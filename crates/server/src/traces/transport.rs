//! How spans get to the collector: by the HTTP client of the commands, on a thread of its own.

use std::error::Error;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use tokio::sync::{mpsc, oneshot};

/// How long the collector may take for one request.
const PATIENCE: Duration = Duration::from_secs(5);
/// Most bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

type Answer = Result<Response<Bytes>, HttpError>;

struct Sending {
    request: Request<Bytes>,
    answer: oneshot::Sender<Answer>,
}

/// Has requests sent, one after the other.
#[derive(Debug)]
pub(super) struct Transport {
    requests: mpsc::Sender<Sending>,
    /// Whether the last request failed: that is said once, and not for each.
    fails: AtomicBool,
}

/// Starts the thread; it ends when the transport is dropped.
pub(super) fn start() -> io::Result<Transport> {
    let (requests, mut waiting) = mpsc::channel::<Sending>(1);
    std::thread::Builder::new().name("otlp".into()).spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let client = awc::Client::builder().timeout(PATIENCE).finish();
            while let Some(Sending { request, answer }) = waiting.recv().await {
                // Whoever waited for it may have given up.
                let _ = answer.send(send(&client, request).await.map_err(|error| error.to_string().into()));
            }
        });
    })?;
    Ok(Transport { requests, fails: AtomicBool::new(false) })
}

#[async_trait]
impl HttpClient for Transport {
    async fn send_bytes(&self, request: Request<Bytes>) -> Answer {
        let (answer, answered) = oneshot::channel();
        let gone = || HttpError::from("the thread that sends traces has ended");
        self.requests.send(Sending { request, answer }).await.map_err(|_| gone())?;
        let answer = answered.await.unwrap_or_else(|_| Err(gone()));
        let problem = match &answer {
            Ok(response) if response.status().is_success() => None,
            Ok(response) => Some(response.status().to_string()),
            Err(error) => Some(error.to_string()),
        };
        if self.fails.swap(problem.is_some(), Ordering::Relaxed) != problem.is_some() {
            if let Some(error) = problem {
                tracing::warn!(error, "traces can't be sent to the collector; they are dropped");
            } else {
                tracing::info!("traces are sent to the collector again");
            }
        }
        answer
    }
}

async fn send(client: &awc::Client, request: Request<Bytes>) -> Result<Response<Bytes>, Box<dyn Error>> {
    let (parts, body) = request.into_parts();
    let mut sending = client.post(parts.uri.to_string());
    for (name, value) in &parts.headers {
        sending = sending.insert_header((name.as_str(), value.as_bytes()));
    }
    let mut answer = sending.send_body(body).await.map_err(|error| error.to_string())?;
    let status = answer.status().as_u16();
    let body = answer.body().limit(ANSWER_BYTES_MAX).await?;
    Ok(Response::builder().status(status).body(body)?)
}
