//! Who may do what: API keys and their scopes, and what each route needs.

use std::fmt;
use std::sync::Arc;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::Next;
use actix_web::web::Payload;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, ResponseError};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use crate::body;
use crate::problem::{Kind, Problem};

/// The header that a key may stand in, beside `Authorization: Bearer`.
pub(crate) const KEY_HEADER: &str = "X-Api-Key";
/// The parameter that it may stand in, where browsers let no header be set.
pub(crate) const KEY_PARAMETER: &str = "key";
/// Most keys: all of them are compared with for each request.
const KEYS_MAX: usize = 100;

/// What keys may allow, and routes need.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scopes(u8);

impl Scopes {
    /// Nothing: for everyone.
    pub const NONE: Self = Self(0);
    /// To send events.
    pub const INGEST: Self = Self(1);
    /// To ask and to listen.
    pub const READ: Self = Self(2);
    /// To see and change everything.
    pub const ADMIN: Self = Self(4);
    const ALL: Self = Self(7);
    const NAMED: [(&'static str, Self); 3] =
        [("ingest", Self::INGEST), ("read", Self::READ), ("admin", Self::ADMIN)];

    /// These and those.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether any of those is among these.
    pub const fn has_any(self, of: Self) -> bool {
        self.0 & of.0 != 0
    }

    /// The word for each of these.
    pub(crate) fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMED.into_iter().filter(move |(_, scope)| self.has_any(*scope)).map(|(name, _)| name)
    }

    fn parse(text: &str) -> Option<Self> {
        text.split('+').try_fold(Self::NONE, |scopes, word| {
            let named = Self::NAMED.iter().find(|(name, _)| *name == word.trim())?;
            Some(scopes.or(named.1))
        })
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().collect::<Vec<_>>().join(" or "))
    }
}

/// The keys that are known. Only their hashes are kept.
#[derive(Clone, Debug)]
pub struct Keys(Arc<[Key]>);

#[derive(Clone, Debug)]
struct Key {
    name: String,
    digest: [u8; 32],
    scopes: Scopes,
}

impl Keys {
    /// Reads `name:scopes:secret` entries; scopes are `ingest`, `read` and `admin`, joined by `+`. Several entries may have one
    /// name, so that a key can be replaced while the old one is still in use.
    ///
    /// # Errors
    /// What is wrong, without any secret.
    pub fn parse(entries: &[String]) -> Result<Self, String> {
        if entries.len() > KEYS_MAX {
            return Err(format!("are more than {KEYS_MAX}"));
        }
        let mut keys = Vec::new();
        for (place, entry) in entries.iter().enumerate() {
            let wrong = |what: &str| format!("are not all valid: entry {} {what}", place + 1);
            let mut parts = entry.splitn(3, ':');
            let (name, scopes, secret) = (parts.next(), parts.next(), parts.next());
            let (Some(name), Some(scopes), Some(secret)) = (name, scopes, secret) else {
                return Err(wrong("is not name:scopes:secret"));
            };
            if name.trim().is_empty() || secret.trim().is_empty() {
                return Err(wrong("has no name or no secret"));
            }
            let scopes = Scopes::parse(scopes)
                .ok_or_else(|| wrong("has scopes other than ingest, read and admin, joined by +"))?;
            let digest = digest(secret.trim().as_bytes());
            if keys.iter().any(|key: &Key| key.digest == digest) {
                return Err(wrong("has the secret of another one"));
            }
            keys.push(Key { name: name.trim().to_owned(), digest, scopes });
        }
        Ok(Self(keys.into()))
    }

    /// What that secret allows; `None` when it is no key.
    fn scopes_of(&self, secret: &[u8]) -> Option<Scopes> {
        self.find(secret).map(|key| key.scopes)
    }

    /// Whose secret that is, as a number that all keys of one name share; `None` when it is no key.
    pub(crate) fn holder_of(&self, secret: &[u8]) -> Option<u8> {
        let name = &self.find(secret)?.name;
        self.0.iter().position(|key| key.name == *name).map(|place| place as u8)
    }

    /// It takes as long whichever key it is, and when it is none.
    fn find(&self, secret: &[u8]) -> Option<&Key> {
        let given = digest(secret);
        let (mut is_known, mut place) = (Choice::from(0), 0);
        for (number, key) in (0_u8..).zip(self.0.iter()) {
            let is_this = key.digest.ct_eq(&given);
            place = u8::conditional_select(&place, &number, is_this);
            is_known |= is_this;
        }
        bool::from(is_known).then(|| &self.0[usize::from(place)])
    }
}

fn digest(secret: &[u8]) -> [u8; 32] {
    Sha256::digest(secret).into()
}

/// Where a key may stand, beside the headers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum InQuery {
    Allowed,
    Ignored,
}

/// What the request's key allows, for handlers that do more with more of it.
pub(crate) fn granted(request: &HttpRequest, keys: Option<&Keys>) -> Scopes {
    let found = request.extensions().get::<Scopes>().copied();
    found.unwrap_or(if keys.is_none() { Scopes::ALL } else { Scopes::NONE })
}

/// Lets requests pass whose key allows any of what is needed.
pub(crate) async fn pass<B: MessageBody>(
    keys: Keys,
    needed: Scopes,
    in_query: InQuery,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    match check(&keys, needed, in_query, request.request()) {
        Ok(scopes) => {
            request.extensions_mut().insert(scopes);
            Ok(next.call(request).await?.map_into_left_body())
        }
        Err(problem) => {
            let (request, mut payload) = request.into_parts();
            body::leave_unread(&request, Payload::from_request(&request, &mut payload).await?);
            // With an error the request would go, and its body with it.
            Ok(ServiceResponse::new(request, problem.error_response()).map_into_right_body())
        }
    }
}

fn check(keys: &Keys, needed: Scopes, in_query: InQuery, request: &HttpRequest) -> Result<Scopes, Problem> {
    let secret = secret_of(request, in_query).ok_or_else(|| {
        let detail = "a key is needed: Authorization: Bearer KEY, or X-Api-Key: KEY";
        Problem::new(Kind::Unauthorized, detail)
    })?;
    let scopes = keys.scopes_of(&secret).ok_or_else(|| Problem::new(Kind::Unauthorized, "this is no key"))?;
    if scopes.has_any(needed) {
        return Ok(scopes);
    }
    Err(Problem::new(Kind::Forbidden, format!("this key does not allow it: one with {needed} does")))
}

pub(crate) fn secret_of(request: &HttpRequest, in_query: InQuery) -> Option<Vec<u8>> {
    // Another scheme is of whoever stands in front.
    let bearer = request.headers().get(AUTHORIZATION).and_then(|value| {
        let (scheme, secret) = value.as_bytes().split_at_checked("Bearer ".len())?;
        scheme.eq_ignore_ascii_case(b"Bearer ").then(|| secret.trim_ascii().to_vec())
    });
    if bearer.is_some() {
        return bearer;
    }
    if let Some(value) = request.headers().get(KEY_HEADER) {
        return Some(value.as_bytes().trim_ascii().to_vec());
    }
    let query = (in_query == InQuery::Allowed).then(|| request.query_string())?;
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.find(|(name, _)| name == KEY_PARAMETER).map(|(_, value)| value.into_owned().into_bytes())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn keys(entries: &[&str]) -> Result<Keys, String> {
        Keys::parse(&entries.iter().map(|entry| (*entry).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn entries_are_read_and_what_is_wrong_is_said_without_the_secret() {
        let keys_ =
            keys(&["site:ingest:s3cret:with:colons", "board:read+admin:other", "board: read :next"]).unwrap();
        assert_eq!(keys_.scopes_of(b"s3cret:with:colons"), Some(Scopes::INGEST));
        assert_eq!(keys_.scopes_of(b"other"), Some(Scopes::READ.or(Scopes::ADMIN)));
        assert_eq!(keys_.scopes_of(b"next"), Some(Scopes::READ));
        assert_eq!(keys_.scopes_of(b""), None);
        assert!(!format!("{keys_:?}").contains("other"));
        for wrong in [
            "hunter2",
            "a:hunter2",
            "a:write:hunter2",
            "a::hunter2",
            ":read:hunter2",
            "a:read:",
            "a:read+:hunter2",
        ] {
            let said = keys(&["b:read:x", wrong]).unwrap_err();
            assert!(said.contains("entry 2") && !said.contains("hunter2"), "{said}");
        }
        assert!(keys(&["a:read:x", "b:ingest:x"]).unwrap_err().contains("of another one"));
    }

    #[test]
    fn a_key_stands_in_a_header_or_where_it_is_allowed_in_the_query() {
        let keys = keys(&["a:read:s3cret"]).unwrap();
        let ask = |request: TestRequest, in_query| {
            check(&keys, Scopes::READ, in_query, &request.to_http_request()).is_ok()
        };
        let with =
            |name: &'static str, value: &'static str| TestRequest::default().insert_header((name, value));
        for (request, is_right) in [
            (with("Authorization", "Bearer s3cret"), true),
            (with("Authorization", "bearer  s3cret "), true),
            (with("X-Api-Key", "s3cret"), true),
            (with("Authorization", "Basic s3cret"), false),
            (with("Authorization", "Bearer"), false),
            (with("Authorization", "Bearer S3CRET"), false),
            (with("X-Api-Key", "s3cre"), false),
            (TestRequest::default(), false),
        ] {
            assert_eq!(ask(request, InQuery::Allowed), is_right);
        }
        let query = || TestRequest::with_uri("/?a=b&key=s%33cret");
        assert!(ask(query(), InQuery::Allowed) && !ask(query(), InQuery::Ignored));
    }
}
