//! Prometheus, with what belongs to it: its tool that checks rules and figures.

use std::fs;
use std::path::Path;

use crate::programs::{self, PATIENCE};
use crate::server::{Server, own};

/// A Prometheus that gathers what its configuration names.
#[derive(Debug)]
pub struct Prometheus {
    // It ends when this is dropped.
    _server: Server,
    port: u16,
}

impl Prometheus {
    /// Starts one with that configuration, and with these files, by name and content, beside it.
    pub fn start(configuration: &str, files: &[(&str, &str)]) -> Self {
        let server = Server::new("prometheus", "data", None);
        fs::create_dir(server.home()).expect("its folder can be written to");
        own(server.home());
        let file = server.folder().join("prometheus.yml");
        for (name, content) in files.iter().chain([&("prometheus.yml", configuration)]) {
            fs::write(server.folder().join(name), content).expect("its folder can be written to");
        }
        let command = |port: u16| {
            let mut command = server.command(programs::find("prometheus"));
            command.arg("--config.file").arg(&file).arg("--storage.tsdb.path").arg(server.home());
            command.args(["--web.listen-address", &format!("127.0.0.1:{port}")]);
            command
        };
        let port = server.start(command, |_, log| log.contains("Server is ready to receive web requests"));
        Self { _server: server, port }
    }

    /// Where it answers.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

/// What `promtool` says when it is run in that folder with that input.
///
/// # Panics
/// With what it complains about, when it does.
pub fn promtool(folder: &Path, arguments: &[&str], input: &str) -> String {
    let mut command = programs::command(programs::find("promtool"), folder);
    command.args(arguments);
    programs::run(command, input, PATIENCE)
}
