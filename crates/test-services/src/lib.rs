//! Real services for tests and benchmarks: [`Postgres`], [`PgBouncer`] before it, [`Redis`], [`HaProxy`], [`Prometheus`], and a [`Forwarder`]
//! whose connections can be cut. They are started on free ports of the loopback, any number side by side, and are gone when they are
//! dropped or when the process that started them ends, however it ends. For Linux: processes are told by `/proc`.
//!
//! The programs are installed by `scripts/install-services.sh`. As root the servers run as the user `postgres`.
#![expect(
    clippy::missing_panics_doc,
    reason = "without its service a test has failed: everything here panics"
)]

mod forwarder;
mod haproxy;
mod pgbouncer;
mod postgres;
mod programs;
mod prometheus;
mod redis;
mod server;
mod tls;

pub use forwarder::Forwarder;
pub use haproxy::HaProxy;
pub use pgbouncer::PgBouncer;
pub use postgres::Postgres;
pub use programs::free_port;
pub use prometheus::{Prometheus, promtool};
pub use redis::Redis;
pub use tls::make_certificate_in;
