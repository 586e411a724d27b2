//! Finding programs, and running them within a time limit.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, io, thread};

/// How long a server may take to be ready, or to end.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
/// How long a program may take that works on data, such as `psql`.
pub(crate) const LONG_PATIENCE: Duration = Duration::from_mins(10);

const INSTALL: &str = "scripts/install-services.sh (on Debian: apt-get install postgresql pgbouncer redis-server haproxy prometheus openssl)";

/// Where a program of PostgreSQL is: all of them in one folder, so that they are of one version. On Debian what the PATH
/// has are wrappers for some of them only.
pub(crate) fn of_postgres(program: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let has_all =
        |folder: &PathBuf| ["initdb", "postgres", "psql"].iter().all(|name| folder.join(name).is_file());
    let folder = FOLDER.get_or_init(|| {
        let on_path = env::split_paths(&env::var_os("PATH").unwrap_or_default()).find(has_all);
        on_path
            .or_else(|| debian_folders().find(has_all))
            .unwrap_or_else(|| panic!("no PostgreSQL: {INSTALL}"))
    });
    folder.join(program)
}

/// The folders of Debian's packages, the newest version first.
fn debian_folders() -> impl Iterator<Item = PathBuf> {
    let mut versions: Vec<u32> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    versions.sort_unstable();
    versions.into_iter().rev().map(|version| PathBuf::from(format!("/usr/lib/postgresql/{version}/bin")))
}

/// Where a program is: on the PATH, or where Debian puts servers.
pub(crate) fn find(program: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/usr/local/sbin".into()])
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("no {program}: {INSTALL}"))
}

/// A command that only what is set here counts for: nothing of the caller's that libpq or the servers would read.
pub(crate) fn command(program: impl AsRef<Path>, folder: &Path) -> Command {
    let mut command = Command::new(program.as_ref());
    for (name, _) in env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"PG") {
            command.env_remove(name);
        }
    }
    command.envs([("LC_ALL", "C"), ("TZ", "UTC"), ("PGCLIENTENCODING", "UTF8")]).current_dir(folder);
    command
}

/// The user and group that servers run as when we are root, which PostgreSQL refuses to be.
pub(crate) fn server_user() -> Option<(u32, u32)> {
    static USER: OnceLock<Option<(u32, u32)>> = OnceLock::new();
    *USER.get_or_init(|| {
        (fs::metadata("/proc/self").expect("/proc is there").uid() == 0).then(|| {
            let passwd = fs::read_to_string("/etc/passwd").expect("/etc/passwd can be read");
            passwd
                .lines()
                .find_map(|line| {
                    let mut fields = line.strip_prefix("postgres:")?.split(':').skip(1);
                    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
                })
                .unwrap_or_else(|| {
                    panic!("no user postgres, whom servers run as when we are root: {INSTALL}")
                })
        })
    })
}

/// What a program answers on its standard output.
///
/// # Panics
/// With what it says on its standard error, when it fails or takes longer than it may.
pub(crate) fn run(mut command: Command, input: &str, patience: Duration) -> String {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| cannot_start(&command, &error));
    let mut stdin = child.stdin.take().expect("it is piped");
    let mut stdout = child.stdout.take().expect("it is piped");
    let mut stderr = child.stderr.take().expect("it is piped");
    let (status, answer, complaint) = thread::scope(|scope| {
        // A program that fails doesn't read on: its complaint says more than the broken pipe.
        scope.spawn(move || stdin.write_all(input.as_bytes()).ok());
        let answer = scope.spawn(move || read(&mut stdout));
        let complaint = scope.spawn(move || read(&mut stderr));
        let status = within(patience, || child.try_wait().expect("it is our child"));
        if status.is_none() {
            child.kill().and_then(|()| child.wait()).expect("our child can be killed");
        }
        (status, answer.join().unwrap_or_default(), complaint.join().unwrap_or_default())
    });
    let name = command.get_program().display();
    match status {
        Some(status) if status.success() => answer,
        Some(status) => panic!("{name} failed ({status}): {complaint}"),
        None => panic!("{name} took longer than {patience:?}: {complaint}"),
    }
}

/// Also because of the folder: the servers' user can't reach every one that root can.
pub(crate) fn cannot_start(command: &Command, error: &io::Error) -> ! {
    let folder = command.get_current_dir().unwrap_or(Path::new("."));
    panic!("{} can't be started in {}: {error}", command.get_program().display(), folder.display())
}

fn read(pipe: &mut impl Read) -> String {
    let mut bytes = Vec::new();
    pipe.read_to_end(&mut bytes).expect("a pipe can be read");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Asks until there is an answer, or time is up.
pub(crate) fn within<T>(patience: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + patience;
    loop {
        let answer = ask();
        if answer.is_some() || Instant::now() > deadline {
            return answer;
        }
        thread::sleep(Duration::from_millis(3));
    }
}

/// A port that nobody listens on, and that this process wasn't given before. Below those that the kernel gives to
/// outgoing connections: the port of a server that is down would sooner or later be taken by one of them, or a client
/// that tries it again and again would come to be connected to itself.
pub fn free_port() -> u16 {
    const FIRST: u16 = 12_000;
    const COUNT: u32 = 20_000;
    static START: OnceLock<u32> = OnceLock::new();
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let start = *START.get_or_init(|| (RandomState::new().build_hasher().finish() % u64::from(COUNT)) as u32);
    (0..COUNT)
        .map(|_| FIRST + ((start + NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT) as u16)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .expect("one of many ports is free")
}
