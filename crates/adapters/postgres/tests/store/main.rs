//! The postgres store on real servers, used as the service uses it, and as badly as can be.

mod conformance;
mod erasing;
mod faults;
mod many;
mod merging;
mod people;
mod plans;
mod poolers;
mod replica;
mod retention;
mod support;
mod tls;
