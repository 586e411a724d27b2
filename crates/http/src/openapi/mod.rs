//! The API's description, an OpenAPI 3.1 document: each endpoint says beside its handler what it takes and answers, and the list
//! of endpoints has paths, methods and scopes. Here it becomes one document.

mod event;
mod operation;
pub(crate) mod parameters;
pub(crate) mod schemas;

use std::io::{self, Write as _};

use actix_web::web::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use utoipa::openapi::path::PathItem;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, PathsBuilder, Server,
};

use crate::access::{KEY_HEADER, KEY_PARAMETER};
use crate::endpoints;
pub(crate) use event::{NewEvent, StoredEvent};
pub(crate) use operation::{Described, Operation, Tag};

/// A key in `Authorization`.
const BEARER: &str = "bearer";
/// A key in a header of its own.
const HEADER: &str = "header";
/// A key in the query.
const QUERY: &str = "query";

const ABOUT: &str = "\
Events come in, and questions about them are answered exactly: visitors, pages, totals, series, users' activity, mail domains, \
segments.

- **Times** are RFC 3339; on output UTC with six digits. Ranges are half-open: `from` belongs to them, `to` does not.
- **Errors** are problem documents (RFC 9457). `type` and the `code`s within are stable, the sentences are not.
- **A parameter that an operation does not know is an error**, and so is one that stands twice.
- **Every answer has `X-Request-Id`**: the caller's own, where it sent a sane one.
- **`HEAD`** is answered wherever `GET` is, with the same headers and no body. Other methods are answered with 405 and `Allow`.
- **Keys** are asked for only where the service has any. Scopes are words: `ingest`, `read`, `admin`; a key has those that it was \
given and no others.
- Answers may gain members. Nothing here is renamed or removed.";

/// The document, ready to be sent.
#[derive(Clone, Debug)]
pub struct Description {
    pub(crate) json: Bytes,
    pub(crate) gzip: Bytes,
    pub(crate) etag: String,
}

impl Description {
    /// Writes the document, which is the same for every build of the same code.
    ///
    /// # Errors
    /// None that is known: it is written to memory.
    pub fn new() -> io::Result<Self> {
        let json = document().to_pretty_json()? + "\n";
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(json.as_bytes())?;
        let digest: [u8; 32] = Sha256::digest(&json).into();
        let etag = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { json: json.into(), gzip: gzip.finish()?.into(), etag })
    }

    /// The document as JSON.
    pub fn json(&self) -> &[u8] {
        &self.json
    }
}

/// The document of all operations in the list of endpoints.
fn document() -> OpenApi {
    let mut components = ComponentsBuilder::new()
        .header("X-Request-Id", schemas::request_id_header())
        .header("Retry-After", schemas::retry_after_header())
        .security_scheme(BEARER, bearer())
        .security_scheme(HEADER, SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new(KEY_HEADER))))
        .security_scheme(QUERY, SecurityScheme::ApiKey(ApiKey::Query(in_query())));
    let mut paths = PathsBuilder::new();
    for Described { method, path, operation } in endpoints::described() {
        let (operation, parts) = operation.finish();
        components = components.schemas_from_iter(parts.schemas).responses_from_iter(parts.responses);
        paths = paths.path(path, PathItem::new(method, operation));
    }
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Footfall")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(ABOUT))
                .license(Some(
                    LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build(),
                )),
        )
        .servers(Some([Server::new("/")]))
        .tags(Some(
            Tag::ALL
                .map(|tag| TagBuilder::new().name(tag.name()).description(Some(tag.description())).build()),
        ))
        .paths(paths)
        .components(Some(components.build()))
        .build()
}

fn bearer() -> SecurityScheme {
    let description = "A key that the operator gave out (`FOOTFALL__AUTH__KEYS`). Without any keys everyone may do everything.";
    SecurityScheme::Http(
        HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(description)).build(),
    )
}

fn in_query() -> ApiKeyValue {
    let description =
        "The same key, for browsers where no header can be set: `sendBeacon`, `EventSource`, `WebSocket`.";
    ApiKeyValue::with_description(KEY_PARAMETER, description)
}
