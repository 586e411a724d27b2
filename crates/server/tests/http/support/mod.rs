//! What every test here needs: the built binary as a child process, and an HTTP client that can also be rude.

mod client;
mod json;
mod live;
mod server;

pub(crate) use client::{Answer, Connection, Request};
pub(crate) use json::{ID, redact, url_encoded};
pub(crate) use live::{Socket, Stream};
pub(crate) use server::{Server, data_file, footfall, now};
