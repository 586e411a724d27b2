//! The actix shell: one file per endpoint.
