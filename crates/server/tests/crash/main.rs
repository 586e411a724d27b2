//! The built binary with the durable backends, killed at any moment, restarted in turn behind a load
//! balancer, out of room, and started twice: what was
//! acknowledged is there afterwards, once, and nothing else is.
//!
//! `FOOTFALL_CRASH_ROUNDS` says how often it is killed under load; the other tests follow suit.

#[path = "../http/support/client.rs"]
#[expect(dead_code, reason = "the other tests that share it use more of it")]
mod client;
#[path = "../http/support/json.rs"]
#[expect(dead_code, reason = "the other tests that share it use more of it")]
mod json;

mod check;
mod clients;
mod erasing;
mod events;
mod full_disk;
mod instances;
mod namespace;
mod one_process;
mod people;
mod random;
mod record;
mod retention;
mod rolling;
mod service;
mod start_up;
mod under_load;
