//! The commands other than `serve`.

pub(crate) mod client;
pub(crate) mod config;
pub(crate) mod healthcheck;
pub(crate) mod import;
