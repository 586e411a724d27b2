//! What Footfall counts and by which rules: events and their validation, the identity of pages and mail domains,
//! time ranges and calendar intervals. Everything here is a pure function or a value: no I/O, no clock, no runtime.

pub mod answers;
pub mod calendar;
pub mod event;
pub mod host;
pub mod json;
pub mod mail;
pub mod membership;
pub mod page;
pub mod problem;
pub mod time;
pub mod types;
pub mod validate;
pub mod windows;
