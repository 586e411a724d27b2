//! That the services do what tests will rely on, and leave nothing behind.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use footfall_test_services::{Forwarder, PgBouncer, Postgres, Redis};

/// Set for a test that is started as a process of its own, and says on its output what it has started.
const TO_BE_KILLED: &str = "FOOTFALL_TEST_SERVICES_TO_BE_KILLED";
const STARTED: &str = "started in ";

fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// The processes that have a text in their command line, which PostgreSQL's have in their title.
fn processes_with(text: &str) -> Vec<String> {
    let all = fs::read_dir("/proc").expect("/proc is there").flatten();
    all.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).into_owned())
        .filter(|line| line.contains(text))
        .collect()
}

fn name(folder: &Path) -> String {
    folder.file_name().expect("it has a name").to_string_lossy().into_owned()
}

fn assert_gone(folder: &Path) {
    wait_for("the folder to be removed", || (!folder.exists()).then_some(()));
    wait_for("the processes to end", || processes_with(&name(folder)).is_empty().then_some(()));
}

fn panics(action: impl FnOnce() + Send) -> String {
    let panic = thread::scope(|scope| scope.spawn(action).join()).expect_err("it should panic");
    panic.downcast_ref::<String>().expect("it panics with a text").clone()
}

#[test]
fn databases_are_empty_and_apart() {
    let postgres = Postgres::shared();
    let (one, other) = (postgres.database(), postgres.database());
    assert_ne!(one, other);
    postgres.sql(&one, "CREATE TABLE t (a int, b text); INSERT INTO t VALUES (1, 'x'), (2, NULL);");
    assert_eq!(postgres.sql(&one, "SELECT * FROM t ORDER BY a"), "1|x\n2|");
    assert_eq!(postgres.sql(&other, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "0");
    let complaint = panics(|| drop(postgres.sql(&other, "SELECT 1; SELECT * FROM t; SELECT 2")));
    assert!(complaint.contains("relation \"t\" does not exist"), "{complaint}");
}

#[test]
fn settings_are_those_for_tests_unless_others_are_given() {
    let parent = env::temp_dir().canonicalize().expect("it is there");
    let postgres = Postgres::start_with(&[("fsync", "on"), ("work_mem", "5MB")], Some(&parent));
    assert_eq!(postgres.folder().parent(), Some(&*parent));
    let url = postgres.url("postgres");
    let show = |name| postgres.sql(&url, &format!("SHOW {name}"));
    assert_eq!([show("fsync"), show("work_mem")], ["on", "5MB"]);
    assert_eq!([show("max_connections"), show("listen_addresses")], ["200", "127.0.0.1"]);
    assert_eq!([show("server_encoding"), show("lc_collate")], ["UTF8", "C.UTF-8"]);
    assert_eq!(postgres.sql(&url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"), "t");
    let wrong = url.replace("secret-of-tests", "wrong");
    let complaint = panics(|| drop(postgres.sql(&wrong, "SELECT 1")));
    assert!(complaint.contains("password authentication failed"), "{complaint}");
}

#[test]
fn several_start_side_by_side() {
    let start = || {
        let postgres = Postgres::start();
        postgres.sql(&postgres.database(), "SELECT 1");
        postgres
    };
    let all: Vec<Postgres> = thread::scope(|scope| {
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(start)).collect();
        threads.into_iter().map(|thread| thread.join().expect("it starts")).collect()
    });
    for postgres in all {
        let folder = postgres.folder().to_path_buf();
        drop(postgres);
        assert!(!folder.exists());
        assert_eq!(processes_with(&name(&folder)), [""; 0]);
    }
}

#[test]
fn what_was_committed_outlives_a_crash_and_a_stop() {
    let postgres = Postgres::start();
    let url = postgres.database();
    postgres.sql(&url, "CREATE TABLE t (a int)");
    for round in 1..=3 {
        postgres.sql(&url, "INSERT INTO t VALUES (1)");
        if round == 2 {
            postgres.stop();
        } else {
            postgres.kill();
        }
        assert_eq!(processes_with(&format!("postgres: {}", name(postgres.folder()))), [""; 0]);
        assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, postgres.port())).is_err());
        postgres.start_again();
        assert_eq!(postgres.sql(&url, "SELECT count(*) FROM t"), round.to_string());
    }
    // Also when another has its port for a while.
    postgres.stop();
    let other = TcpListener::bind((Ipv4Addr::LOCALHOST, postgres.port())).expect("it is free");
    thread::scope(|scope| {
        let again = scope.spawn(|| postgres.start_again());
        thread::sleep(Duration::from_millis(500));
        assert!(!again.is_finished());
        drop(other);
    });
    assert_eq!(postgres.sql(&url, "SELECT count(*) FROM t"), "3");
    // Whatever state it is left in.
    let folder = postgres.folder().to_path_buf();
    postgres.kill();
    drop(postgres);
    assert_gone(&folder);
}

#[test]
fn a_paused_server_answers_when_it_is_resumed() {
    let postgres = Postgres::start();
    let url = postgres.url("postgres");
    postgres.pause();
    thread::scope(|scope| {
        let answer = scope.spawn(|| postgres.sql(&url, "SELECT 1"));
        thread::sleep(Duration::from_millis(300));
        assert!(!answer.is_finished());
        postgres.resume();
        assert_eq!(answer.join().expect("it is answered"), "1");
    });
    postgres.pause();
    postgres.stop();
    postgres.start_again();
    postgres.pause();
    let folder = postgres.folder().to_path_buf();
    drop(postgres);
    assert!(!folder.exists());
}

#[test]
fn a_replica_follows_and_can_be_promoted() {
    let primary = Postgres::start();
    let database = primary.database();
    primary.sql(&database, "CREATE TABLE t (a int); INSERT INTO t VALUES (1)");
    let replica = primary.replica();
    let there = database.replace(&primary.port().to_string(), &replica.port().to_string());
    assert_eq!(replica.sql(&there, "SELECT count(*) FROM t"), "1");
    assert_eq!(replica.sql(&there, "SELECT pg_is_in_recovery()"), "t");
    primary.sql(&database, "INSERT INTO t VALUES (2)");
    wait_for("the replica", || (replica.sql(&there, "SELECT count(*) FROM t") == "2").then_some(()));
    replica.kill();
    primary.sql(&database, "INSERT INTO t VALUES (3)");
    replica.start_again();
    wait_for("the replica", || (replica.sql(&there, "SELECT count(*) FROM t") == "3").then_some(()));
    primary.kill();
    replica.sql(&there, "SELECT pg_promote()");
    replica.sql(&there, "INSERT INTO t VALUES (4)");
}

#[test]
fn pgbouncer_pools_transactions() {
    let postgres = Postgres::start();
    let pool = PgBouncer::before(&postgres);
    let database = postgres.database();
    let through = pool.url(database.rsplit('/').next().expect("it has a name"));
    assert_eq!(postgres.sql(&through, "SELECT 1"), "1");
    let settings = postgres.sql(&pool.url("pgbouncer"), "SHOW CONFIG");
    assert!(settings.contains("pool_mode|transaction|"), "{settings}");
    // What another client's session has left shows that it is the same connection to the server.
    assert_eq!(postgres.sql(&through, "SET application_name = 'left'; SELECT 1"), "1");
    let pids: Vec<String> = (0..2).map(|_| postgres.sql(&through, "SELECT pg_backend_pid()")).collect();
    assert_eq!(pids[0], pids[1]);
    let folder = pool.folder().to_path_buf();
    drop(pool);
    assert_gone(&folder);
}

#[test]
fn tls_connections_are_verified() {
    let postgres = Postgres::with_tls();
    let url = postgres.database();
    let with = |mode: &str, host: &str| {
        let url = url.replace("127.0.0.1", host);
        let url = format!("{url}?sslmode={mode}&sslrootcert={}", postgres.ca_file().display());
        postgres.sql(&url, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    };
    assert_eq!(with("require", "127.0.0.1"), "t");
    assert_eq!(with("verify-full", "127.0.0.1"), "t");
    assert_eq!(with("verify-full", "localhost"), "t");
    assert_eq!(with("disable", "127.0.0.1"), "f");
    // A replica takes the certificate along.
    let replica = postgres.replica();
    let url = format!(
        "{}?sslmode=verify-full&sslrootcert={}",
        replica.url("postgres"),
        replica.ca_file().display()
    );
    assert_eq!(replica.sql(&url, "SELECT 1"), "1");
}

#[test]
fn a_process_that_is_killed_leaves_nothing_behind() {
    let mut child = Command::new(env::current_exe().expect("we have a name"))
        .args(["--exact", "waits_to_be_killed", "--nocapture"])
        .env(TO_BE_KILLED, "yes")
        .stdout(Stdio::piped())
        .spawn()
        .expect("we can be started");
    let output = BufReader::new(child.stdout.take().expect("it is piped"));
    let lines = output.lines().map(|line| line.expect("the output is text"));
    let folders: Vec<PathBuf> =
        lines.filter_map(|line| line.strip_prefix(STARTED).map(PathBuf::from)).take(6).collect();
    assert_eq!(folders.len(), 6);
    for folder in &folders {
        assert!(folder.exists() && !processes_with(&name(folder)).is_empty());
    }
    // SIGKILL.
    child.kill().expect("our child can be killed");
    child.wait().expect("it is our child");
    for folder in &folders {
        assert_gone(folder);
    }
}

/// Only does something as a process of the test above.
#[test]
fn waits_to_be_killed() {
    if env::var_os(TO_BE_KILLED).is_none() {
        return;
    }
    let other = Postgres::start();
    let (pool, paused) = (PgBouncer::before(&other), other.replica());
    paused.pause();
    let paused_redis = Redis::start();
    paused_redis.pause();
    let folders = [Postgres::shared().folder(), other.folder(), pool.folder(), paused.folder()];
    for folder in folders.into_iter().chain([Redis::shared().folder(), paused_redis.folder()]) {
        println!("\n{STARTED}{}", folder.display());
    }
    thread::sleep(Duration::from_secs(100));
}

/// Answers what it is sent, with a mark of its own before it.
fn echo(mark: u8) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut byte = [0];
                while client.read_exact(&mut byte).is_ok() && client.write_all(&[mark, byte[0]]).is_ok() {}
            });
        }
    });
    port
}

fn ask(mut client: &TcpStream) -> Option<String> {
    let mut answer = [0; 2];
    client.write_all(b"x").and_then(|()| client.read_exact(&mut answer)).ok()?;
    Some(String::from_utf8_lossy(&answer).into_owned())
}

#[test]
fn a_forwarder_cuts_retargets_and_holds() {
    let forwarder = Forwarder::to(echo(b'1'));
    let connect =
        || TcpStream::connect((Ipv4Addr::LOCALHOST, forwarder.port())).expect("it takes connections");
    let client = connect();
    assert_eq!(ask(&client).as_deref(), Some("1x"));
    forwarder.retarget(echo(b'2'));
    assert_eq!(ask(&client).as_deref(), Some("1x"), "stays where it is");
    let other = connect();
    assert_eq!(ask(&other).as_deref(), Some("2x"));
    forwarder.cut();
    assert_eq!((ask(&client), ask(&other)), (None, None));

    let client = connect();
    assert_eq!(ask(&client).as_deref(), Some("2x"));
    forwarder.hold();
    let held = [client, connect()];
    for client in &held {
        client.set_read_timeout(Some(Duration::from_millis(200))).expect("it can be set");
        assert_eq!(ask(client), None);
        client.set_read_timeout(None).expect("it can be set");
    }
    forwarder.let_through();
    for mut client in &held {
        let mut answer = [0; 2];
        client.read_exact(&mut answer).expect("what was held comes");
        assert_eq!(&answer, b"2x");
    }

    forwarder.hold();
    let waiting = connect();
    forwarder.cut();
    assert_eq!(ask(&held[0]), None);
    // It may have been taken only after the cut.
    waiting.set_read_timeout(Some(Duration::from_millis(200))).expect("it can be set");
    assert_eq!(ask(&waiting), None);
    forwarder.let_through();
    assert_eq!(ask(&connect()).as_deref(), Some("2x"));
    let last = connect();
    assert_eq!(ask(&last).as_deref(), Some("2x"));
    drop(forwarder);
    assert_eq!(ask(&last), None);
}

#[test]
fn a_forwarder_disconnects_clients_of_a_server_that_is_down() {
    let postgres = Postgres::start();
    let forwarder = Forwarder::to(postgres.port());
    let url = postgres.url("postgres").replace(&postgres.port().to_string(), &forwarder.port().to_string());
    assert_eq!(postgres.sql(&url, "SELECT 1"), "1");
    postgres.kill();
    let mut client =
        TcpStream::connect((Ipv4Addr::LOCALHOST, forwarder.port())).expect("it takes connections");
    client.set_read_timeout(Some(Duration::from_mins(1))).expect("it can be set");
    assert_eq!(client.read(&mut [0]).expect("it is closed"), 0);
    postgres.start_again();
    assert_eq!(postgres.sql(&url, "SELECT 1"), "1");
}
