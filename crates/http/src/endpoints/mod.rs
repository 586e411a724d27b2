//! The endpoints, one file each, and the paths that lead to them.

mod calculate_metrics;
mod domain;
mod erase_user;
mod event;
mod event_socket;
mod event_stream;
mod events;
mod export;
mod exposition;
mod health;
mod pages;
mod post_events;
mod post_users;
mod post_visits;
mod put_mail;
mod refresh_segments;
mod segment_count;
mod segment_counts;
mod summary;
mod timeseries;
mod user_metrics;
mod verify;
mod visitors;

use actix_web::guard;
use actix_web::web::{self, Payload, ServiceConfig};
use actix_web::{HttpRequest, Resource, Route};

use crate::body;
use crate::problem::{Kind, Problem};

/// Paths whose requests may take as long as they need: they go through all that is stored. See [`crate::RequestScope`].
pub(crate) const UNTIMED: &[&str] = &["/verify", "/metrics/calculate"];

/// The hottest path first: actix tries them in order.
pub(crate) fn configure(config: &mut ServiceConfig) {
    config
        .service(
            resource("/events", "GET, HEAD, POST")
                .route(web::post().to(post_events::handle))
                .route(get().to(events::handle)),
        )
        .service(resource("/visits", "POST").route(web::post().to(post_visits::handle)))
        .service(resource("/events/stream", "GET, HEAD").route(get().to(event_stream::handle)))
        .service(resource("/ws/events", "GET").route(web::get().to(event_socket::handle)))
        .service(resource("/events/{event_id}", "GET, HEAD").route(get().to(event::handle)))
        .service(resource("/events/{domain}/delivered", "PUT").route(web::put().to(put_mail::delivered)))
        .service(resource("/events/{domain}/bounced", "PUT").route(web::put().to(put_mail::bounced)))
        .service(resource("/domains/{domain}", "GET, HEAD").route(get().to(domain::handle)))
        .service(resource("/segments/count", "GET, HEAD").route(get().to(segment_counts::handle)))
        .service(resource("/segments/refresh", "POST").route(web::post().to(refresh_segments::handle)))
        .service(resource("/segments/{title}/count", "GET, HEAD").route(get().to(segment_count::handle)))
        .service(resource("/analytics/visitors", "GET, HEAD").route(get().to(visitors::handle)))
        .service(resource("/analytics/pages", "GET, HEAD").route(get().to(pages::handle)))
        .service(resource("/analytics/summary", "GET, HEAD").route(get().to(summary::handle)))
        .service(resource("/analytics/timeseries", "GET, HEAD").route(get().to(timeseries::handle)))
        .service(resource("/export", "GET, HEAD").route(get().to(export::handle)))
        .service(resource("/verify", "POST").route(web::post().to(verify::handle)))
        .service(resource("/metrics/users", "GET, HEAD").route(get().to(user_metrics::handle)))
        .service(resource("/metrics/calculate", "POST").route(web::post().to(calculate_metrics::handle)))
        .service(resource("/users", "POST").route(web::post().to(post_users::handle)))
        .service(resource("/users/{id}", "DELETE").route(web::delete().to(erase_user::handle)))
        .service(resource("/metrics", "GET, HEAD").route(get().to(exposition::handle)))
        .service(resource("/health", "GET, HEAD").route(get().to(health::live)))
        .service(resource("/health/live", "GET, HEAD").route(get().to(health::live)))
        .service(resource("/health/ready", "GET, HEAD").route(get().to(health::ready)))
        .default_service(web::to(async |request: HttpRequest, payload: Payload| -> Refused {
            body::leave_unread(&request, payload);
            Err(Problem::new(Kind::NotFound, "there is no such path"))
        }));
}

/// What a handler answers that only refuses.
type Refused = Result<&'static str, Problem>;

/// A path that answers other methods than its own with 405.
fn resource(path: &str, allowed: &'static str) -> Resource {
    web::resource(path).default_service(web::to(move |request: HttpRequest, payload: Payload| async move {
        body::leave_unread(&request, payload);
        let detail = format!("this path takes {allowed}");
        Refused::Err(Problem::new(Kind::MethodNotAllowed(allowed), detail))
    }))
}

/// `HEAD` is answered as `GET`, less the body.
fn get() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}
