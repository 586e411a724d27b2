//! A server process of ours in a folder of its own, with a watcher that outlives us.

use std::fs::{self, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::programs::{self, PATIENCE, free_port, within};

/// A server that was or will be started, and everything of its that has to go.
#[derive(Debug)]
pub(crate) struct Server {
    folder: PathBuf,
    /// The argument that its processes are told by: its data folder, or its configuration.
    home: PathBuf,
    /// How the titles of its other processes begin, where it gives them titles.
    title: String,
    child: Mutex<Option<Child>>,
    watcher: Child,
}

/// How an attempt to start a server went.
#[derive(Debug, PartialEq, Eq)]
enum Attempt {
    Ready,
    PortTaken,
}

impl Server {
    /// A folder that belongs to the servers' user, and the watcher that will remove it. `home` is in it.
    pub(crate) fn new(kind: &str, home: &str, parent: Option<&Path>) -> Self {
        let folder = tempfile::Builder::new()
            .prefix(&format!("footfall-{kind}-"))
            .tempdir_in(parent.map_or_else(std::env::temp_dir, Path::to_path_buf))
            .expect("a folder can be made")
            .keep();
        // PostgreSQL changes into its folder.
        let folder = folder.canonicalize().expect("the folder is there");
        own(&folder);
        let home = folder.join(home);
        let name = folder.file_name().expect("it has a name").to_string_lossy();
        let title = format!("postgres: {name}: ");
        let expressions = format!("^{}$\n^{}\n", literally(&home.to_string_lossy()), literally(&title));
        fs::write(folder.join("processes"), expressions).expect("the folder can be written to");
        // Its own group: what the terminal sends ours doesn't end it before us. The end of the pipe that we hold is
        // closed in all other children, as std has it.
        let watcher = Command::new("sh")
            .args(["-c", include_str!("watcher.sh"), "watcher"])
            .arg(&folder)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("sh can be started");
        Self { folder, home, title, child: Mutex::new(None), watcher }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    /// The name of its folder, which no other has.
    pub(crate) fn name(&self) -> String {
        self.folder.file_name().expect("it has a name").to_string_lossy().into_owned()
    }

    /// A command in the server's folder, as the servers' user. In a group of its own: what is sent to ours is not meant
    /// for it, the watcher ends it in good order.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = programs::command(program, &self.folder);
        command.process_group(0);
        if let Some((user, group)) = programs::server_user() {
            command.uid(user).gid(group);
        }
        command
    }

    /// Starts it on some free port, and says which.
    pub(crate) fn start(
        &self,
        command: impl Fn(u16) -> Command,
        is_ready: impl Fn(u32, &str) -> bool,
    ) -> u16 {
        (0..20)
            .map(|_| free_port())
            .find(|port| self.attempt(command(*port), &is_ready) == Attempt::Ready)
            .unwrap_or_else(|| panic!("every port was taken: {}", self.log_from(0)))
    }

    /// Starts it again on the port it had, once that is free.
    pub(crate) fn start_again(&self, command: impl Fn() -> Command, is_ready: impl Fn(u32, &str) -> bool) {
        within(PATIENCE, || (self.attempt(command(), &is_ready) == Attempt::Ready).then_some(()))
            .unwrap_or_else(|| panic!("its port was taken: {}", self.log_from(0)));
    }

    /// `is_ready` is asked with the process's id, and what it has logged since.
    fn attempt(&self, mut command: Command, is_ready: impl Fn(u32, &str) -> bool) -> Attempt {
        let mut held = self.child();
        if let Some(child) = held.as_mut() {
            let running = child.try_wait().expect("it is our child").is_none();
            assert!(!running, "{} runs already", self.name());
        }
        let log = OpenOptions::new().create(true).append(true).open(self.log()).expect("a log can be opened");
        let before = log.metadata().expect("the log is there").len();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file can be shared"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| programs::cannot_start(&command, &error));
        let outcome = within(PATIENCE, || {
            let ended = child.try_wait().expect("it is our child");
            let log = self.log_from(before);
            // Some write it without a capital.
            if log.contains("ddress already in use") {
                Some(Ok(Attempt::PortTaken))
            } else if let Some(status) = ended {
                Some(Err(format!("ended at once ({status})")))
            } else {
                is_ready(child.id(), &log).then_some(Ok(Attempt::Ready))
            }
        });
        match outcome.unwrap_or_else(|| Err(format!("was not ready within {PATIENCE:?}"))) {
            Ok(Attempt::Ready) => {
                *held = Some(child);
                Attempt::Ready
            }
            unsuccessful => {
                child.kill().and_then(|()| child.wait()).expect("our child can be killed");
                unsuccessful.unwrap_or_else(|why| panic!("{} {why}: {}", self.name(), self.log_from(before)))
            }
        }
    }

    /// Sends its main process a signal, and waits until nothing of it runs any more.
    pub(crate) fn stop(&self, signal: &str) {
        let mut held = self.child();
        let Some(mut child) = held.take() else { return };
        send(signal, &[child.id()]);
        within(PATIENCE, || {
            child.try_wait().expect("it is our child")?;
            self.processes().is_empty().then_some(())
        })
        .unwrap_or_else(|| panic!("{} did not stop within {PATIENCE:?}: {}", self.name(), self.log_from(0)));
    }

    /// Ends all of its processes without asking them.
    pub(crate) fn kill(&self) {
        let mut held = self.child();
        let mut killed = Vec::new();
        within(PATIENCE, || {
            // More than once: the main process may just have made another.
            let found = self.processes();
            send("KILL", &found);
            killed.extend(&found);
            // Until it has ended, one without a command line may still hold memory that the next start looks for.
            (found.is_empty() && killed.iter().all(|id| is_in(*id, &['Z', 'X']))).then_some(())
        })
        .expect("processes can be killed");
        if let Some(mut child) = held.take() {
            child.wait().expect("it is our child");
        }
    }

    /// Stops all of its processes where they are.
    pub(crate) fn pause(&self) {
        within(PATIENCE, || {
            let running: Vec<u32> =
                self.processes().into_iter().filter(|id| !is_in(*id, &['T', 'Z', 'X'])).collect();
            send("STOP", &running);
            running.is_empty().then_some(())
        })
        .expect("processes can be stopped");
    }

    /// Lets them go on.
    pub(crate) fn resume(&self) {
        send("CONT", &self.processes());
    }

    /// Its processes, by `/proc`: PostgreSQL's are each in a group of their own, and without a parent when that was
    /// killed. Those that have ended and were not waited for have no command line.
    fn processes(&self) -> Vec<u32> {
        let home = self.home.as_os_str().as_encoded_bytes();
        let is_ours = |id: &u32| {
            fs::read(format!("/proc/{id}/cmdline")).is_ok_and(|line| {
                line.starts_with(self.title.as_bytes())
                    || line.split(|byte| *byte == 0).any(|part| part == home)
            })
        };
        let all = fs::read_dir("/proc").expect("/proc is there");
        all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).filter(is_ours).collect()
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    fn log_from(&self, position: u64) -> String {
        let mut bytes = Vec::new();
        if let Ok(mut file) = fs::File::open(self.log()) {
            file.seek(SeekFrom::Start(position))
                .and_then(|_| file.read_to_end(&mut bytes))
                .expect("a log can be read");
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Whoever panicked with it has left it as good as it was.
    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Server {
    /// Has the watcher do what it would do if we had ended.
    fn drop(&mut self) {
        drop(self.watcher.stdin.take());
        self.watcher.wait().ok();
        if let Some(mut child) = self.child().take() {
            child.wait().ok();
        }
    }
}

/// Gives a folder to the user that servers run as.
pub(crate) fn own(folder: &Path) {
    if let Some((user, group)) = programs::server_user() {
        chown(folder, Some(user), Some(group)).expect("root can give folders away");
    }
}

/// Sends a signal. Those that have ended meanwhile don't matter. The shell's own command is everywhere; a program of
/// that name is not.
fn send(signal: &str, processes: &[u32]) {
    if !processes.is_empty() {
        Command::new("sh")
            .args(["-c", "kill -s \"$0\" \"$@\" 2>/dev/null", signal])
            .args(processes.iter().map(u32::to_string))
            .status()
            .expect("sh can be started");
    }
}

/// Whether a process is in one of some states, or is no more.
fn is_in(process: u32, states: &[char]) -> bool {
    // After the program's name, which may have spaces.
    fs::read_to_string(format!("/proc/{process}/stat"))
        .ok()
        .is_none_or(|stat| stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with(states)))
}

/// As an expression of grep that only the text itself matches.
fn literally(text: &str) -> String {
    text.chars().flat_map(|c| r".[]*\^$".contains(c).then_some('\\').into_iter().chain([c])).collect()
}
