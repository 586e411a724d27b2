//! `GET /health`, `/health/live`, `/health/ready`: is the process alive, and can it do its work?

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use serde::Serialize;

use crate::problem::Problem;
use crate::{Api, answer};

#[derive(Serialize)]
struct Ready {
    status: &'static str,
    dependencies: Vec<Dependency>,
}

#[derive(Serialize)]
struct Dependency {
    name: &'static str,
    required: bool,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

pub(super) async fn live() -> HttpResponse {
    answer::json_bytes(StatusCode::OK, br#"{"status":"ok"}"#.to_vec())
}

pub(super) async fn ready(api: Data<Api>) -> Result<HttpResponse, Problem> {
    let states = api.health.check().await;
    let ready = states.iter().all(|dependency| dependency.state.is_ok() || !dependency.required);
    let dependency = |state: footfall_ports::DependencyState| Dependency {
        name: state.name,
        required: state.required,
        status: if state.state.is_ok() { "ok" } else { "down" },
        detail: state.state.err(),
    };
    let dependencies: Vec<Dependency> = states.into_iter().map(dependency).collect();
    if ready {
        return answer::json(&Ready { status: "ready", dependencies });
    }
    Err(Problem::not_ready(serde_json::to_value(dependencies).unwrap_or_default()))
}
