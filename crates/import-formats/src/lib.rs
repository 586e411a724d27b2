//! What `footfall import` takes, line by line: each format is a pure function from a line or record to the JSON of one
//! event. Bytes in, bytes out: no files, no connections, and no verdict on what is valid, which is the server's to say.

pub mod access_log;
pub mod csv;
mod json;
mod line_ids;
pub mod ndjson;
mod site;
mod unreadable;

pub use line_ids::{LineIds, Scope};
pub use site::Site;
pub use unreadable::Unreadable;
