//! What must hold for every input of the decoders and normal forms. Each function takes any bytes and panics where
//! something doesn't hold: the fuzzers in `fuzz/` call it with what they make up, and `tests/corpora.rs` with what they
//! found worth keeping. Nothing here ships.

mod access_log;
mod csv;
mod cursor;
mod domain;
mod event;
mod events;
mod page_url;
mod recorder;

pub use access_log::access_log;
pub use csv::csv;
pub use cursor::cursor;
pub use domain::domain;
pub use events::events;
pub use page_url::page_url;

/// What must hold for any bytes.
pub type Property = fn(&[u8]);

/// The fuzzers' targets by name, which also is that of a target's corpus.
pub const TARGETS: [(&str, Property); 6] = [
    ("access_log", access_log),
    ("csv", csv),
    ("cursor", cursor),
    ("domain", domain),
    ("events", events),
    ("page_url", page_url),
];
