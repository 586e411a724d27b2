//! The service as its clients see it: the built binary, over real sockets. One test binary for all of it, so that the
//! support module is compiled and linked once.

mod support;

mod access;
mod api;
mod backup;
mod bad_inputs;
mod commands;
mod generators;
mod https;
mod import_access_log;
mod limits;
mod live;
mod monitoring;
mod openapi;
mod operations;
mod page;
mod redis;
mod security;
