//! `DELETE /users/{id}`: forgets a user everywhere.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::Api;
use crate::params::Params;
use crate::path;
use crate::problem::Problem;

pub(super) async fn handle(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse, Problem> {
    // Whoever sends `?from=…` does not mean to erase everything.
    Params::none(&request)?;
    api.log.erase_user(path::user_id(path::part(&request, 1))?).await?;
    Ok(HttpResponse::NoContent().finish())
}
