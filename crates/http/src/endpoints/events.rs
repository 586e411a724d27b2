//! `GET /events`: stored events by filter, page by page.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use footfall_domain::answers::{EventFilter, Order, Slice};
use footfall_domain::host::normalise_domain;
use footfall_domain::problem::Code;
use serde_json::json;
use utoipa::ToSchema;

use super::event;
use crate::Api;
use crate::openapi::{Operation, StoredEvent, Tag, parameters, schemas};
use crate::params::Params;
use crate::problem::Problem;
use crate::{answer, cursor};

const LIMIT: usize = 100;
const LIMIT_MAX: usize = 1_000;

/// Stored events, by time and then by id.
#[derive(ToSchema)]
#[schema(as = Events)]
#[expect(dead_code, reason = "only its schema is used: events are written one after the other")]
struct Answer {
    events: Vec<StoredEvent>,
    /// Where the next answer goes on; `null` at the end.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

pub(super) async fn handle(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse, Problem> {
    let (filter, slice) = parse(&request, &api)?;
    // One more than asked for tells whether there is a next page.
    let mut events = api.log.events(filter, Slice { limit: slice.limit + 1, ..slice }).await?;
    let more = events.len() > slice.limit;
    events.truncate(slice.limit);
    let mut body = b"{\"events\":[".to_vec();
    for (index, event) in events.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        event.get().write_json(&mut body);
    }
    let last = events.last().filter(|_| more).map(|event| (event.get().at(), event.get().id()));
    let next = last.map_or("null".to_owned(), |place| format!("\"{}\"", cursor::write(place, slice.order)));
    body.extend_from_slice(format!("],\"next_cursor\":{next}}}").as_bytes());
    Ok(answer::json_bytes(StatusCode::OK, body))
}

pub(super) fn describe() -> Operation {
    let domain = schemas::formatted("domain", "A host name, in any spelling.");
    Operation::new(
        Tag::Events,
        "listEvents",
        "Stored events",
        "By time and then by id. Asked again with the same filter and the cursor, nothing that was there at the first answer is \
         left out or comes twice, whatever arrives meanwhile.",
    )
    .asks([
        parameters::user_id(),
        parameters::event_type(),
        parameters::page("page", "Only views of this page."),
        parameters::query("domain", "Only deliveries and bounces of this domain.", domain),
    ])
    .asks(parameters::open_range())
    .asks([
        parameters::limit(LIMIT, LIMIT_MAX),
        parameters::choice("order", "Oldest or newest first.", ["asc", "desc"], Some("asc")),
        parameters::cursor(),
    ])
    .answers::<Answer>(
        200,
        "A page of the list.",
        json!({ "events": [event::example()], "next_cursor": "EAAGNgqk4E0APw0cUmoeTwudZQwbei5NEt7EzMA" }),
    )
    .leads_to(200, "listEvents", "cursor", "/next_cursor")
}

fn parse(request: &HttpRequest, api: &Api) -> Result<(EventFilter, Slice), Problem> {
    let known = ["user_id", "event_type", "page", "domain", "from", "to", "limit", "cursor", "order"];
    let mut params = Params::of(request, &known);
    let orders = [("asc", Order::Ascending), ("desc", Order::Descending)];
    let order = params.choice("order", &orders).unwrap_or_default();
    let limit = params.limit(LIMIT, LIMIT_MAX);
    let range = params.open_range();
    let page = params.page("page", &api.ingest.rules().pages);
    let domain = params.take("domain").and_then(|domain| match normalise_domain(&domain) {
        Ok(domain) => Some(domain.into_owned()),
        Err(error) => {
            params.error("domain", Code::InvalidDomain, error.to_string());
            None
        }
    });
    let after = params.take("cursor").and_then(|word| {
        let place = cursor::read(&word, order);
        if place.is_none() {
            params.error("cursor", Code::BadCursor, "is not a `next_cursor` of such a list");
        }
        place
    });
    let (user, event_type) = (params.take("user_id"), params.take("event_type"));
    let filter = range.map(|range| EventFilter { user, event_type, page, domain, range });
    params.done(filter.map(|filter| (filter, Slice { order, after, limit })))
}
