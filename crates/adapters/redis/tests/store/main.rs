//! The store on real servers, used as the service uses it, and as badly as can be.

mod conformance;
mod faults;
mod feed;
mod keys;
mod replies;
mod support;
mod tls;
