//! `DELETE /users/{id}`: forgets a user everywhere.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use utoipa::openapi::ResponseBuilder;

use crate::Api;
use crate::openapi::{Operation, Tag, parameters};
use crate::params::Params;
use crate::path;
use crate::problem::{Kind, Problem};

pub(super) async fn handle(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse, Problem> {
    // Whoever sends `?from=…` does not mean to erase everything.
    Params::none(&request)?;
    api.log.erase_user(path::user_id(path::part(&request, 1))?).await?;
    Ok(HttpResponse::NoContent().finish())
}

pub(super) fn describe() -> Operation {
    Operation::new(
        Tag::Users,
        "eraseUser",
        "Forget a user everywhere",
        "Every event of theirs, what was counted from it, their activity and their segments. The ids of the events stay known: a \
         late retry does not bring them back. Sending it again is safe. Query parameters are refused: a part of a user can't be \
         erased. Clients resolve the dot segments `.` and `..` before they send a path.",
    )
    .takes(parameters::name_in_path("id", "The user's id, percent-encoded.", "ann"))
    .asks_nothing()
    .answers_with(204, ResponseBuilder::new().description("Forgotten, also where there was nothing."))
    .refuses(&[Kind::Invalid])
}
