//! HAProxy, before whatever its configuration names.

use std::cell::Cell;
use std::fs;
use std::net::{Ipv4Addr, TcpStream};

use crate::programs;
use crate::server::Server;

/// An HAProxy with a configuration of the caller's.
#[derive(Debug)]
pub struct HaProxy {
    _server: Server,
    port: u16,
}

impl HaProxy {
    /// Starts one on a free port of the loopback: `configuration` makes the text of a configuration that listens there.
    pub fn start(configuration: impl Fn(u16) -> String) -> Self {
        let server = Server::new("haproxy", "haproxy.cfg", None);
        let tried = Cell::new(0);
        let port = server.start(
            |port| {
                tried.set(port);
                fs::write(server.home(), configuration(port)).expect("its folder can be written to");
                let mut command = server.command(programs::find("haproxy"));
                // In the foreground, and without sharing its port with whoever has it already.
                command.args(["-db", "-dR", "-f"]).arg(server.home());
                command
            },
            // It says nothing once it listens.
            |_, _| TcpStream::connect((Ipv4Addr::LOCALHOST, tried.get())).is_ok(),
        );
        Self { _server: server, port }
    }

    /// The port that it listens on.
    pub const fn port(&self) -> u16 {
        self.port
    }
}
