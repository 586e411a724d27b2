//! What an endpoint says of an operation.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::link::LinkBuilder;
use utoipa::openapi::path::{self, OperationBuilder, Parameter};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{OneOfBuilder, Schema};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{
    Content, Header, HttpMethod, Ref, RefOr, Required, Response, ResponseBuilder, ResponsesBuilder,
};

use super::schemas::{self, JSON};
use super::{BEARER, HEADER, QUERY};
use crate::access::{InQuery, Scopes};
use crate::problem::{Kind, Problem};

/// What operations are grouped by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Tag {
    Events,
    Analytics,
    Live,
    Domains,
    Users,
    Metrics,
    Operations,
}

impl Tag {
    pub(crate) const ALL: [Self; 7] = [
        Self::Events,
        Self::Analytics,
        Self::Live,
        Self::Domains,
        Self::Users,
        Self::Metrics,
        Self::Operations,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Events => "Events",
            Self::Analytics => "Analytics",
            Self::Live => "Live",
            Self::Domains => "Mail domains",
            Self::Users => "Users and segments",
            Self::Metrics => "User metrics",
            Self::Operations => "Operations",
        }
    }

    pub(crate) const fn description(self) -> &'static str {
        match self {
            Self::Events => "Sending events, and finding them again.",
            Self::Analytics => {
                "Exact figures of any range, at a cost that doesn't grow with the number of events."
            }
            Self::Live => "Events as they are accepted.",
            Self::Domains => "Deliveries and bounces, and whether a domain is catch-all.",
            Self::Users => "Which users are in which segments, how many, and forgetting one.",
            Self::Metrics => "What each user did in each window of four hours.",
            Self::Operations => "For those who run the service.",
        }
    }
}

/// An operation where it stands.
pub(crate) struct Described {
    pub(crate) method: HttpMethod,
    pub(crate) path: &'static str,
    pub(crate) operation: Operation,
}

/// An operation as its endpoint describes it. Its path, its method and its scopes are known to the list of endpoints.
pub(crate) struct Operation {
    said: OperationBuilder,
    responses: BTreeMap<String, RefOr<Response>>,
    kinds: Vec<Kind>,
    parts: Parts,
}

/// What operations refer to.
#[derive(Default)]
pub(crate) struct Parts {
    pub(crate) schemas: Vec<(String, RefOr<Schema>)>,
    pub(crate) responses: Vec<(String, Response)>,
}

impl Operation {
    /// An operation that may be refused as any can be.
    pub(crate) fn new(tag: Tag, id: &str, summary: &str, description: &str) -> Self {
        let said = OperationBuilder::new()
            .tag(tag.name())
            .operation_id(Some(id))
            .summary(Some(summary))
            .description(Some(description));
        // The first where the service is for its machine alone; the last is of the HTTP layer, which looks at heads.
        let kinds = vec![
            Kind::Forbidden,
            Kind::UrlTooLong,
            Kind::TooManyRequests,
            Kind::Timeout,
            Kind::Internal,
            Kind::Other(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE),
        ];
        Self { said, responses: BTreeMap::new(), kinds, parts: Parts::default() }
    }

    /// Takes a parameter.
    pub(crate) fn takes(mut self, parameter: impl Into<Parameter>) -> Self {
        self.said = self.said.parameter(parameter);
        self
    }

    /// Takes parameters in the query, and refuses others.
    pub(crate) fn asks<P: Into<Parameter>>(self, parameters: impl IntoIterator<Item = P>) -> Self {
        parameters.into_iter().fold(self.refuses(&[Kind::InvalidQuery]), Self::takes)
    }

    /// Takes no parameter in the query.
    pub(crate) fn asks_nothing(self) -> Self {
        self.refuses(&[Kind::InvalidQuery])
    }

    /// Reads a body of any of these types.
    pub(crate) fn reads<const N: usize>(mut self, description: &str, bodies: [(&str, Content); N]) -> Self {
        let mut body =
            RequestBodyBuilder::new().description(Some(description)).required(Some(Required::True));
        for (content_type, content) in bodies {
            body = body.content(content_type, content);
        }
        self.said =
            self.said.request_body(Some(body.build())).parameter(super::parameters::content_encoding());
        self.takes_body().refuses(&[Kind::MalformedBody, Kind::UnsupportedMediaType, Kind::Invalid])
    }

    /// Reads a body to its end, whatever it is.
    pub(crate) fn takes_body(self) -> Self {
        self.refuses(&[Kind::MalformedBody, Kind::SlowBody, Kind::TooLarge])
    }

    /// Answers with a JSON value.
    pub(crate) fn answers<T: ToSchema>(self, status: u16, description: &str, example: Value) -> Self {
        let content = json::<T>().example(Some(example)).build();
        self.defines::<T>()
            .answers_with(status, ResponseBuilder::new().description(description).content(JSON, content))
    }

    /// Answers with one of two JSON values.
    pub(crate) fn answers_either<A: ToSchema, B: ToSchema>(
        self,
        status: u16,
        description: &str,
        examples: [(&str, Value); 2],
    ) -> Self {
        let either =
            OneOfBuilder::new().item(Ref::from_schema_name(A::name())).item(Ref::from_schema_name(B::name()));
        let content =
            ContentBuilder::new().schema(Some(either)).examples_from_iter(schemas::examples(examples));
        let response = ResponseBuilder::new().description(description).content(JSON, content.build());
        self.defines::<A>().defines::<B>().answers_with(status, response)
    }

    /// Answers with something else. The request's id is on every answer.
    pub(crate) fn answers_with(mut self, status: u16, response: ResponseBuilder) -> Self {
        let response = response.header_ref("X-Request-Id", Ref::new("#/components/headers/X-Request-Id"));
        self.responses.insert(status.to_string(), response.build().into());
        self
    }

    /// An answer given so far gains a header.
    pub(crate) fn with_header(self, status: u16, name: &str, header: Header) -> Self {
        self.change(status, |response| {
            response.headers.insert(name.to_owned(), header.into());
        })
    }

    /// From the answer with that status another operation can be asked, with a part of it as a parameter.
    pub(crate) fn leads_to(self, status: u16, operation: &str, parameter: &str, part: &str) -> Self {
        let link = LinkBuilder::new()
            .operation_id(operation)
            .parameter(parameter, format!("$response.body#{part}"))
            .build();
        self.change(status, |response| {
            response.links.insert(operation.to_owned(), link.into());
        })
    }

    fn change(mut self, status: u16, change: impl FnOnce(&mut Response)) -> Self {
        if let Some(RefOr::T(response)) = self.responses.get_mut(&status.to_string()) {
            change(response);
        }
        self
    }

    /// May be refused in these ways, besides those that all operations share.
    pub(crate) fn refuses(mut self, kinds: &[Kind]) -> Self {
        self.kinds
            .extend(kinds.iter().filter(|kind| !self.kinds.contains(kind)).copied().collect::<Vec<_>>());
        self
    }

    /// May be refused with a document of another form.
    pub(crate) fn refuses_with<T: ToSchema>(mut self, kind: Kind, description: &str) -> Self {
        let status = Problem::new(kind, "").status();
        let (_, mut response) = schemas::refusal(status);
        description.clone_into(&mut response.description);
        response.content = [(schemas::PROBLEM_JSON.to_owned(), json::<T>().build().into())].into();
        self.responses.insert(status.as_u16().to_string(), response.into());
        self.defines::<T>()
    }

    /// Refers to that schema by its name, and to those that it is made of.
    pub(crate) fn defines<T: ToSchema>(mut self) -> Self {
        T::schemas(&mut self.parts.schemas);
        self.parts.schemas.push((T::name().into_owned(), T::schema()));
        self
    }

    /// What a key must allow for it.
    pub(crate) fn needs(mut self, needed: Scopes, in_query: InQuery) -> Self {
        let places = [Some(BEARER), Some(HEADER), (in_query == InQuery::Allowed).then_some(QUERY)];
        let of = |scope: &'static str| {
            places.into_iter().flatten().map(move |place| SecurityRequirement::new(place, [scope]))
        };
        let requirements: Vec<SecurityRequirement> = needed.names().flat_map(of).collect();
        if !requirements.is_empty() {
            self = self.refuses(&[Kind::Unauthorized, Kind::Forbidden]);
        }
        self.said = self.said.securities(Some(requirements));
        self
    }

    /// The operation, and what it refers to.
    pub(crate) fn finish(mut self) -> (path::Operation, Parts) {
        for kind in std::mem::take(&mut self.kinds) {
            let status = Problem::new(kind, "").status();
            let (name, response) = schemas::refusal(status);
            self.responses
                .entry(status.as_u16().to_string())
                .or_insert_with(|| Ref::from_response_name(&name).into());
            self.parts.responses.push((name, response));
        }
        self = self.defines::<schemas::ProblemDocument>();
        let responses = ResponsesBuilder::new().responses_from_iter(self.responses).build();
        (self.said.responses(responses).build(), self.parts)
    }
}

/// A JSON value by its name among the document's schemas.
fn json<T: ToSchema>() -> ContentBuilder {
    ContentBuilder::new().schema(Some(Ref::from_schema_name(T::name())))
}
