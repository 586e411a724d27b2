//! One test suite that every storage adapter passes.
