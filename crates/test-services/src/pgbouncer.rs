//! PgBouncer, as a pool in transaction mode.

use std::fs;

use crate::postgres::{PASSWORD, Postgres, USER, url};
use crate::programs;
use crate::server::Server;

/// A PgBouncer before a [`Postgres`]: its connections are the clients' for the time of a transaction only. Its console is
/// the database `pgbouncer`.
#[derive(Debug)]
pub struct PgBouncer {
    server: Server,
    port: u16,
}

impl PgBouncer {
    /// Starts one. It serves every database of the server, and goes on when that is started again.
    pub fn before(postgres: &Postgres) -> Self {
        let server = Server::new("pgbouncer", "pgbouncer.ini", None);
        let users = server.folder().join("users");
        fs::write(&users, format!("\"{USER}\" \"{PASSWORD}\"\n")).expect("its folder can be written to");
        let port = server.start(
            |port| {
                let settings = format!(
                    "[databases]\n\
                     * = host=127.0.0.1 port={}\n\
                     [pgbouncer]\n\
                     listen_addr = 127.0.0.1\n\
                     listen_port = {port}\n\
                     unix_socket_dir =\n\
                     auth_type = scram-sha-256\n\
                     auth_file = {}\n\
                     admin_users = {USER}\n\
                     pool_mode = transaction\n\
                     max_client_conn = 1000\n\
                     ignore_startup_parameters = extra_float_digits\n",
                    postgres.port(),
                    users.display(),
                );
                fs::write(server.home(), settings).expect("its folder can be written to");
                let mut command = server.command(programs::find("pgbouncer"));
                command.arg(server.home());
                command
            },
            |_, log| log.contains("process up: "),
        );
        Self { server, port }
    }

    /// The port that it listens on.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// How to connect to a database through it.
    pub fn url(&self, database: &str) -> String {
        url(self.port, database)
    }

    /// The folder of its configuration and log, which goes with it.
    pub fn folder(&self) -> &std::path::Path {
        self.server.folder()
    }
}
