//! `GET /`, what the page loads, and `/tracker.js`: files that are embedded in the binary.

use std::str::FromStr as _;

use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, AcceptEncoding, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, Encoding, EntityTag, Header, HeaderName, IfNoneMatch, LOCATION, REFERRER_POLICY,
    VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use footfall_dashboard::{Asset, asset};

use crate::problem::{Kind, Problem};
use crate::security::RESOURCE_POLICY;

/// Sites everywhere load it; the rest is for the page alone.
const TRACKER: &str = "/tracker.js";

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// The page loads nothing from elsewhere, talks to nobody else, and stands in nobody's frame.
const PAGE_HEADERS: [(HeaderName, &str); 5] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; manifest-src 'self'",
    ),
    (REFERRER_POLICY, "no-referrer"),
    (X_FRAME_OPTIONS, "DENY"),
    (OPENER_POLICY, "same-origin"),
    (PERMISSIONS_POLICY, "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
];

/// The file that is served at the request's path. A query is passed over: some write a version there.
pub(super) async fn handle(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let path = request.path();
    let asset = asset(path).ok_or_else(|| Problem::new(Kind::NotFound, "there is no such file"))?;
    let (coding, body) = encoded(&request, asset);
    // In another encoding it is another representation, with a tag of its own (RFC 9110 §8.8.3).
    let tag = match coding {
        Some(coding) => EntityTag::new_strong(format!("{}-{coding}", asset.etag)),
        None => EntityTag::new_strong(asset.etag.to_owned()),
    };
    if has(&request, &tag) {
        let mut response = HttpResponse::NotModified();
        describe(&mut response, path, asset, tag);
        return Ok(response.finish());
    }
    let mut response = HttpResponse::Ok();
    describe(&mut response, path, asset, tag);
    response.insert_header((CONTENT_TYPE, asset.content_type));
    if let Some(coding) = coding {
        response.insert_header((CONTENT_ENCODING, coding));
    }
    Ok(response.body(Bytes::from_static(body)))
}

/// `GET /favicon.ico`: where browsers look that were not told.
pub(super) async fn favicon() -> HttpResponse {
    HttpResponse::PermanentRedirect()
        .insert_header((LOCATION, "/favicon.svg"))
        .insert_header((CACHE_CONTROL, "public, max-age=86400"))
        .finish()
}

/// What is said of the file whether or not it is sent.
fn describe(response: &mut HttpResponseBuilder, path: &str, asset: &Asset, tag: EntityTag) {
    let kept = match path {
        TRACKER => "public, max-age=3600",
        _ if asset.is_immutable => "public, max-age=31536000, immutable",
        _ => "no-cache",
    };
    response
        .insert_header((ETAG, tag))
        .insert_header((CACHE_CONTROL, kept))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"));
    if path == TRACKER {
        response
            .insert_header((RESOURCE_POLICY, "cross-origin"))
            .insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, "*"));
    } else {
        response.insert_header((RESOURCE_POLICY, "same-origin"));
    }
    if asset.is_page {
        for header in PAGE_HEADERS {
            response.insert_header(header);
        }
    }
    if asset.brotli.is_some() || asset.gzip.is_some() {
        response.insert_header((VARY, "Accept-Encoding"));
    }
}

/// The file as the client takes it best: brotli before gzip where it has no preference. A client that takes no form at
/// all gets it plain.
fn encoded(request: &HttpRequest, asset: &'static Asset) -> (Option<&'static str>, &'static [u8]) {
    let forms = [("br", asset.brotli), ("gzip", asset.gzip)];
    let forms: Vec<_> = forms.into_iter().filter_map(|(name, bytes)| Some((name, bytes?))).collect();
    let names: Vec<_> = forms.iter().map(|(name, _)| *name).collect();
    let best = coding(request, &names);
    let form = forms.into_iter().find(|(name, _)| Some(*name) == best);
    form.map_or((None, asset.bytes), |(name, bytes)| (Some(name), bytes))
}

/// The content coding that the client takes best of those that there are, `None` for none; the first where it has no preference.
pub(super) fn coding(request: &HttpRequest, forms: &[&'static str]) -> Option<&'static str> {
    let accepted = AcceptEncoding::parse(request).ok()?;
    let forms = forms.iter().map(|name| (Encoding::from_str(name), *name));
    let forms: Vec<_> = forms.filter_map(|(encoding, name)| Some((encoding.ok()?, name))).collect();
    let identity = Encoding::identity();
    let supported = forms.iter().map(|(encoding, _)| encoding).chain([&identity]);
    let best = accepted.negotiate(supported)?;
    forms.into_iter().find(|(encoding, _)| *encoding == best).map(|(_, name)| name)
}

/// Whether the client has this representation already.
pub(super) fn has(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        // Where the header is missing this is an empty list.
        Ok(IfNoneMatch::Items(known)) => known.iter().any(|known| known.weak_eq(tag)),
        Err(_) => false,
    }
}
