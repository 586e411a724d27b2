//! The live stream, over both ways to listen and on several instances.

mod instances;
mod origins;
mod socket;
mod stream;

use serde_json::{Value, json};

use crate::support::{Request, Server};

fn click(user: &str) -> Value {
    json!({ "user_id": user, "event_type": "click" })
}

/// Posts an event and hands back its id.
fn post(server: &Server, event: &Value) -> String {
    let answer = server.ask(&Request::post("/events", event.to_string())).json_of(201);
    answer["event_id"].as_str().expect("an id").to_owned()
}

fn figure(server: &Server, name: &str) -> u64 {
    let text = server.ask(&Request::get("/metrics")).text();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("no {name} in {text}")).parse::<f64>().expect("a number") as u64
}
