//! The embedded store, used as the service uses it, and as badly as can be.

mod conformance;
mod damage;
mod erasing;
mod every_second;
mod failing;
mod long_changes;
mod many;
mod one_process;
mod people;
mod retention;
mod support;
mod verifying;
