//! A small file system of its own for a service, that only it and those who ask for it can see.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A mount namespace with a file system of a certain size in memory, for as long as this lives.
pub(crate) struct SmallDisk {
    /// Sleeps, and holds the namespace.
    holder: Child,
    mounted_on: PathBuf,
    as_root: bool,
}

impl SmallDisk {
    /// Mounts one on the folder.
    ///
    /// # Panics
    /// Where the system doesn't allow it, saying what is needed.
    pub(crate) fn mount(folder: &Path, size: &str) -> Self {
        let id = Command::new("id").arg("-u").output().expect("there is an `id` command");
        let as_root = id.stdout.trim_ascii() == b"0";
        let mut unshare = Command::new("unshare");
        unshare.arg("--mount");
        if !as_root {
            unshare.args(["--user", "--map-root-user"]);
        }
        let script = r#"mount -t tmpfs -o "size=$1" tmpfs "$2" && echo mounted && exec sleep 600"#;
        unshare.args(["sh", "-c", script, "sh", size]).arg(folder);
        let mut holder = unshare
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("this test needs the `unshare` command of util-linux");
        let mut line = String::new();
        let mut output = BufReader::new(holder.stdout.take().expect("standard output is a pipe"));
        output.read_line(&mut line).expect("it speaks UTF-8");
        if line.trim() != "mounted" {
            let output = holder.wait_with_output().expect("it is ours");
            panic!(
                "this test needs to mount a tmpfs in a mount namespace of its own: as root, or with user namespaces \
                 (sysctl kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns; in a \
                 container --cap-add SYS_ADMIN): {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Self { holder, mounted_on: folder.to_owned(), as_root }
    }

    /// A command that runs the other one where the file system is seen.
    pub(crate) fn within(&self, command: &Command) -> Command {
        let mut within = Command::new("nsenter");
        within.arg(format!("--target={}", self.holder.id())).arg("--mount");
        if !self.as_root {
            within.args(["--user", "--preserve-credentials"]);
        }
        within.arg("--").arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => within.env(name, value),
                None => within.env_remove(name),
            };
        }
        if let Some(folder) = command.get_current_dir() {
            within.current_dir(folder);
        }
        within
    }

    /// The path outside the namespace of what is on the file system.
    pub(crate) fn outside(&self, name: &str) -> PathBuf {
        let inside = self.mounted_on.strip_prefix("/").expect("temporary folders have absolute paths");
        Path::new("/proc").join(self.holder.id().to_string()).join("root").join(inside).join(name)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // With it goes the namespace, and with that the file system.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
