//! What works, over the real port: the form of every answer is pinned by a snapshot, less what differs from run to run.

mod analytics;
mod domains;
mod erase_user;
mod export;
mod http;
mod listing;
mod metrics;
mod page_identity;
mod posting;
mod segments;
mod stored;
mod timeseries;
mod types;
mod verify;
mod visits;

use serde_json::{Value, json};

use crate::support::{Answer, Server, redact};

/// An answer for a snapshot. `varying`: pointers into the body whose values differ from run to run.
#[track_caller]
fn shape(answer: &Answer, varying: &[&str]) -> Value {
    let body = if answer.body.is_empty() { Value::Null } else { redact(answer.json(), varying) };
    json!({ "status": answer.status, "content_type": answer.header("Content-Type"), "body": body })
}

/// A click of that user at that time.
fn click(user: &str, timestamp: &str) -> Value {
    json!({ "user_id": user, "event_type": "click", "timestamp": timestamp })
}

/// A view of that page.
fn view(user: &str, timestamp: &str, page: &str) -> Value {
    json!({ "user_id": user, "event_type": "page_view", "timestamp": timestamp, "properties": { "page": page } })
}

/// Three days of mixed events, for questions about them.
fn with_events() -> Server {
    let server = Server::start(&[]);
    server.store(&json!([
        view("a", "2025-05-26T14:00:00Z", "/home"),
        view("b", "2025-05-26T14:59:59.999999Z", "/home"),
        view("b", "2025-05-26T16:00:00Z", "/home"),
        view("c", "2025-05-26T16:00:00Z", "https://example.com/shop?item=1"),
        click("a", "2025-05-26T16:30:00Z"),
        { "user_id": "d", "event_type": "purchase", "timestamp": "2025-05-27T00:00:00Z",
          "properties": { "amount": 12.5, "product_id": "p1" } },
        { "event_type": "delivered", "timestamp": "2025-05-27T08:00:00Z", "properties": { "domain": "Example.COM" } },
        { "event_type": "bounced", "timestamp": "2025-05-28T08:00:00Z", "properties": { "domain": "bücher.example" } },
    ]));
    server
}
