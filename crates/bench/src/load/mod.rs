//! The end-to-end load benchmark: Footfall beside a bare actix handler, over loopback, in the same run.
//!
//! Absolute figures of a shared machine are worth little, so every scenario runs against both servers alternately and
//! the ratio by rounds is what counts. Each run gets a fresh process, hence (on `memory`) an empty store. Nothing here
//! knows Footfall's insides: it talks HTTP and reads `/proc`.
//!
//! The load is a closed loop without pipelining: a connection sends its next request when the last one is answered.
//! Latencies are therefore those of a client that waits, not of an open stream of arrivals.

pub mod events;
pub mod generator;
pub mod histogram;
pub mod http;
pub mod listeners;
pub mod machine;
pub mod memberships;
pub mod options;
pub mod random;
pub mod report;
pub mod requests;
pub mod scenarios;
pub mod servers;

/// What ends the benchmark early: a server that doesn't start, a socket that fails, a file that can't be written.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
