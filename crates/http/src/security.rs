//! Headers that tell browsers what not to do with an answer.

use actix_web::http::Method;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};

/// Who may load an answer without asking by CORS.
pub(crate) const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// For an answer that says nothing else: it is data, for who asked. It is taken for nothing but what it says it is; it loads
/// nothing and stands in no frame. Not a `const`, which each use would build anew.
static DEFAULTS: [(HeaderName, HeaderValue); 5] = [
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (RESOURCE_POLICY, HeaderValue::from_static("same-origin")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
];

/// For the answer to a question, since the next one may differ. Others nobody keeps unasked (RFC 9110, §9.3), and with it Chromium
/// holds what is left of an unread one against those that `fetch` has `keepalive` for, so that the next is refused.
const NOT_KEPT: HeaderValue = HeaderValue::from_static("no-store");

/// For a year (RFC 6797).
const HTTPS_ONLY: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// What every answer has.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct SecurityHeaders {
    /// Whether the service itself speaks HTTPS.
    is_https: bool,
    /// Whether it is the answer to a question.
    is_read: bool,
}

impl SecurityHeaders {
    pub(crate) const fn over(is_https: bool) -> Self {
        Self { is_https, is_read: false }
    }

    /// What the answer to such a request has.
    pub(crate) fn of(self, method: &Method) -> Self {
        Self { is_read: matches!(*method, Method::GET | Method::HEAD), ..self }
    }

    /// Adds what the answer doesn't say itself.
    pub(crate) fn complete(self, headers: &mut HeaderMap) {
        for (name, value) in &DEFAULTS {
            if !headers.contains_key(name) {
                headers.insert(name.clone(), value.clone());
            }
        }
        if self.is_read && !headers.contains_key(CACHE_CONTROL) {
            headers.insert(CACHE_CONTROL, NOT_KEPT);
        }
        if self.is_https {
            headers.insert(STRICT_TRANSPORT_SECURITY, HTTPS_ONLY);
        }
    }
}
