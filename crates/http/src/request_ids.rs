//! Ids of requests: the caller's, or one of this process's own.

use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::http::header::HeaderValue;

/// Longest id that is taken from a caller.
const MAX_BYTES: usize = 128;

/// Ids for requests whose caller sent none: a part that differs between processes and a number.
pub(crate) struct RequestIds {
    process: u64,
    next: AtomicU64,
}

impl RequestIds {
    /// Those of the process with that number.
    pub(crate) const fn of(process: u64) -> Self {
        Self { process, next: AtomicU64::new(0) }
    }

    /// The next one.
    pub(crate) fn next(&self) -> HeaderValue {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut id = [0; 32];
        for (place, byte) in id.iter_mut().enumerate() {
            let half = if place < 16 { self.process } else { number };
            let digit = (half >> (60 - place % 16 * 4)) & 0xF;
            *byte = b"0123456789abcdef"[digit as usize];
        }
        HeaderValue::from_bytes(&id).unwrap_or_else(|_| HeaderValue::from_static("0"))
    }
}

/// Short, printable and free of what could break a log line or a header.
pub(crate) fn is_sane(id: &HeaderValue) -> bool {
    (1..=MAX_BYTES).contains(&id.len())
        && id.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/+=~@".contains(byte))
}
