//! `GET /health`, `/health/live`, `/health/ready`: is the process alive, and can it do its work?

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::openapi::schemas::ProblemDocument;
use crate::openapi::{Operation, Tag};
use crate::problem::{Kind, Problem};
use crate::{Api, answer};

/// The process lives.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Alive {
    #[schema(example = "ok")]
    status: String,
}

/// The service can do its work.
#[derive(Serialize, ToSchema)]
struct Ready {
    #[schema(example = "ready")]
    status: &'static str,
    dependencies: Vec<Dependency>,
}

/// A problem document; where something is down, with what is needed.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used: documents are written by `problem.rs`")]
struct NotReady {
    #[schema(inline)]
    #[serde(flatten)]
    problem: ProblemDocument,
    #[schema(nullable = false)]
    dependencies: Option<Vec<Dependency>>,
}

/// Something that the service uses.
#[derive(Serialize, ToSchema)]
struct Dependency {
    name: &'static str,
    /// Whether the service is of no use without it.
    required: bool,
    /// `ok` or `down`.
    status: &'static str,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    detail: Option<String>,
}

pub(super) async fn live() -> HttpResponse {
    answer::json_bytes(StatusCode::OK, br#"{"status":"ok"}"#.to_vec())
}

pub(super) fn describe_alive() -> Operation {
    alive("getHealth", "The same as `/health/live`.")
}

pub(super) fn describe_live() -> Operation {
    alive("getLiveness", "It asks nothing of the store.")
}

fn alive(id: &str, description: &str) -> Operation {
    Operation::new(Tag::Operations, id, "Does the process live?", description).answers::<Alive>(
        200,
        "It does.",
        json!({ "status": "ok" }),
    )
}

pub(super) fn describe_ready() -> Operation {
    Operation::new(
        Tag::Operations,
        "getReadiness",
        "Can the service do its work?",
        "Every dependency by name, and whether it is there.",
    )
    .answers::<Ready>(
        200,
        "It can.",
        json!({ "status": "ready", "dependencies": [{ "name": "storage", "required": true, "status": "ok" }] }),
    )
    .refuses_with::<NotReady>(Kind::NotReady, "Something that is needed is down (`not-ready`), or the time ran out.")
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
