//! `GET /events`: stored events by filter, page by page.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use footfall_domain::answers::{EventFilter, Order, Slice};
use footfall_domain::host::normalise_domain;
use footfall_domain::problem::Code;

use crate::Api;
use crate::params::Params;
use crate::problem::Problem;
use crate::{answer, cursor};

const LIMIT: usize = 100;
const LIMIT_MAX: usize = 1_000;

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
