//! `footfall seed` and `footfall stream` as an operator runs them, and what the server has afterwards.

use std::net::TcpListener;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Server, footfall};

/// Long enough for anything here, on a busy machine too.
const PATIENCE: Duration = Duration::from_mins(1);

/// How a command ended.
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Ended {
    /// A figure of the summary.
    #[track_caller]
    fn figure(&self, name: &str) -> u64 {
        let value = self.stdout.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let value = value.unwrap_or_else(|| panic!("no {name} in {}{}", self.stdout, self.stderr));
        value.trim().parse().expect("a count")
    }

    /// Success, with so many accepted and duplicates and no other.
    #[track_caller]
    fn assert_took(&self, accepted: u64, duplicates: u64) {
        assert_eq!(self.code, Some(0), "{}{}", self.stdout, self.stderr);
        let figures = ["sent", "accepted", "duplicates", "rejected"].map(|name| self.figure(name));
        assert_eq!(figures, [accepted + duplicates, accepted, duplicates, 0], "{}", self.stdout);
        assert!(self.figure("requests") > 0 && self.stdout.contains("p99:"), "{}", self.stdout);
    }
}

fn ended(output: Output) -> Ended {
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn command(server: &Server, arguments: &str) -> Command {
    let mut command = footfall();
    command.args(arguments.split(' ')).args(["--server", &server.url()]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(server: &Server, arguments: &str) -> Ended {
    ended(command(server, arguments).output().expect("the binary starts"))
}

/// Everything there is, in a range as long as a question may be about.
fn summary(server: &Server) -> Value {
    server.get("/analytics/summary?from=2024-01-01T00:00:00Z&to=2034-01-01T00:00:00Z")
}

fn total(server: &Server) -> u64 {
    summary(server)["total_events"].as_u64().expect("a count")
}

fn of_type(summary: &Value, name: &str) -> u64 {
    summary["events_by_type"][name].as_u64().unwrap_or_default()
}

#[test]
fn seeded_events_are_stored_and_the_same_seed_again_counts_nothing_twice() {
    let server = Server::start(&[]);
    run(&server, "seed events --count 3000").assert_took(3_000, 0);
    let first = summary(&server);
    assert_eq!(first["total_events"], 3_000);
    let types = ["page_view", "click", "purchase", "signup"].map(|name| of_type(&first, name));
    assert!(types.is_sorted_by(|a, b| a > b) && types.iter().sum::<u64>() == 3_000, "{types:?}");
    assert!(first["unique_users"].as_u64().is_some_and(|users| (300..1_500).contains(&users)), "{first}");

    run(&server, "seed events --count 3000 --batch-size 100 --concurrency 8").assert_took(0, 3_000);
    assert_eq!(summary(&server), first);
    // The beginning of a longer run is the shorter one; other seeds and sorts have nothing in common with it.
    run(&server, "seed events --count 3100").assert_took(100, 3_000);
    run(&server, "seed events --count 100 --seed 2").assert_took(100, 0);
    run(&server, "seed events --count 100 --kind mail").assert_took(100, 0);
    run(&server, "stream --count 100 --rate 10000 --seed 1").assert_took(100, 0);
    assert_eq!(total(&server), 3_400);
}

#[test]
fn seeded_events_lie_in_the_days_before_now() {
    let server = Server::start(&[]);
    run(&server, "seed events --count 2000 --days 2").assert_took(2_000, 0);
    // The window begins up to a minute before its length.
    let week = server.get("/analytics/summary?window=7d");
    let hours = week["events_per_hour"].as_array().expect("an array");
    let counts: Vec<u64> = hours.iter().map(|hour| hour["count"].as_u64().expect("a count")).collect();
    assert_eq!(counts.iter().sum::<u64>(), 2_000);
    let (before, within) = counts.split_at(counts.len() - 49);
    assert_eq!(before.iter().sum::<u64>(), 0, "{counts:?}");
    assert!(within.iter().filter(|&&count| count > 0).count() >= 47, "{counts:?}");
    assert!(within.iter().max() > Some(&70) && within[1..48].iter().min() < Some(&10), "{counts:?}");
}

#[test]
fn single_events_and_mail_in_batches_are_taken_too() {
    let server = Server::start(&[]);
    let single = run(&server, "seed events --count 50 --batch-size 1");
    single.assert_took(50, 0);
    assert_eq!(single.figure("requests"), 50);
    run(&server, "seed events --count 50 --batch-size 20").assert_took(0, 50);
    run(&server, "seed events --kind mail --count 1000 --domains 10").assert_took(1_000, 0);
    let all = summary(&server);
    assert_eq!(of_type(&all, "delivered") + of_type(&all, "bounced"), 1_000);
    assert!(of_type(&all, "bounced") > 0 && of_type(&all, "delivered") > 900, "{all}");
    let popular = server.get("/events?domain=mail-000.example&limit=1000");
    assert!(popular["events"].as_array().map(Vec::len) > Some(250));
}

#[test]
fn a_rate_is_kept() {
    let server = Server::start(&[]);
    let since = Instant::now();
    run(&server, "seed events --count 101 --rate 100 --batch-size 1").assert_took(101, 0);
    assert!(since.elapsed() >= Duration::from_secs(1));
    let since = Instant::now();
    run(&server, "stream --rate 100/s --for 1s").assert_took(100, 0);
    assert!(since.elapsed() >= Duration::from_secs(1));
}

#[test]
fn a_server_without_room_is_asked_again_and_then_given_up() {
    let server = Server::start(&[("MEMORY__MAX_BYTES", "2MiB")]);
    let process = command(&server, "seed events --count 100000 --concurrency 1").spawn();
    let mut process = process.expect("the binary starts");
    let since = Instant::now();
    // It goes on asking until someone stops it.
    while total(&server) == 0 && since.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(Duration::from_secs(1));
    assert!(process.try_wait().expect("the process is ours").is_none(), "it gave up at once");
    signal(&process, "-INT");
    let interrupted = ended(process.wait_with_output().expect("it ends"));
    assert_eq!(interrupted.code, Some(130), "{}", interrupted.stderr);
    assert!(interrupted.figure("sent again") > 0 && interrupted.figure("unanswered") > 0);
    assert_eq!(interrupted.figure("accepted"), total(&server));
    assert!(interrupted.stderr.contains("run it again"), "{}", interrupted.stderr);

    // A stream ends by a signal as a rule, but not well while something has no answer.
    let process =
        command(&server, "stream --rate 20000 --batch-size 5000").spawn().expect("the binary starts");
    std::thread::sleep(Duration::from_secs(2));
    signal(&process, "-TERM");
    let stream = ended(process.wait_with_output().expect("it ends"));
    assert_eq!(stream.code, Some(130), "{}{}", stream.stdout, stream.stderr);
    assert!(stream.figure("unanswered") > 0 && stream.stderr.contains("not known"), "{}", stream.stderr);
}

#[test]
fn a_stream_ends_by_a_signal_and_what_it_claims_is_stored() {
    let server = Server::start(&[]);
    for (name, sort) in
        [("-INT", ""), ("-TERM", " --batch-size 1"), ("-TERM", " --kind mail --batch-size 50")]
    {
        let before = total(&server);
        let process = command(&server, &format!("stream --rate 2000{sort}")).spawn();
        let process = process.expect("the binary starts");
        let since = Instant::now();
        while total(&server) < before + 300 {
            assert!(since.elapsed() < PATIENCE, "nothing comes");
            std::thread::sleep(Duration::from_millis(20));
        }
        signal(&process, name);
        let stream = ended(process.wait_with_output().expect("it ends"));
        let accepted = stream.figure("accepted");
        stream.assert_took(accepted, 0);
        assert_eq!(total(&server), before + accepted, "{name}{sort}: {}", stream.stdout);
    }
    // Stamped as they came.
    assert_eq!(server.get("/analytics/summary?window=1h")["total_events"], total(&server));
}

#[test]
fn streams_differ_unless_their_seed_is_given() {
    let server = Server::start(&[]);
    let stream = |arguments: &str| run(&server, &format!("stream --rate 5000 --count 200{arguments}"));
    let first = stream("");
    first.assert_took(200, 0);
    stream("").assert_took(200, 0);
    stream(&format!(" --seed {}", first.figure("seed"))).assert_took(0, 200);
}

#[test]
fn without_a_server_there_is_one_line_and_status_1() {
    let address =
        TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address").to_string();
    let asked = |arguments: &[&str], bind: &str| {
        let mut command = footfall();
        command.args(arguments).env("FOOTFALL__SERVER__BIND", bind);
        command.env("FOOTFALL__AUTH__ALLOW_ANONYMOUS", "true");
        ended(command.output().expect("the binary starts"))
    };
    for arguments in [&["seed", "events"][..], &["seed", "users"], &["stream"]] {
        let nobody = asked(arguments, &address);
        assert_eq!((nobody.code, &*nobody.stdout), (Some(1), ""), "{arguments:?}");
        assert_eq!(nobody.stderr.lines().count(), 1, "{}", nobody.stderr);
        assert!(
            nobody.stderr.contains(&format!("no server answers at http://{address}")),
            "{}",
            nobody.stderr
        );
    }
    // A setting is no permission to fill someone else's store.
    let elsewhere = asked(&["stream"], "192.0.2.1:80");
    assert_eq!(elsewhere.code, Some(1));
    assert!(elsewhere.stderr.contains("--server"), "{}", elsewhere.stderr);
}

#[test]
fn options_out_of_range_are_refused() {
    let server = Server::start(&[]);
    for arguments in [
        "seed events --count 0",
        "seed events --batch-size 0",
        "seed events --batch-size 10001",
        "seed events --concurrency 0",
        "seed events --kind web",
        "seed users --segments 0",
        "stream --rate 0",
        "stream --for never",
    ] {
        assert_eq!(run(&server, arguments).code, Some(2), "{arguments}");
    }
    assert_eq!(total(&server), 0);
    let too_large = Server::start(&[("LIMITS__BATCH_EVENTS", "100")]);
    let refused = run(&too_large, "seed events");
    assert!(refused.code == Some(1) && refused.stderr.contains("--batch-size"), "{}", refused.stderr);
}

fn signal(process: &Child, name: &str) {
    let kill = Command::new("kill").args([name, &process.id().to_string()]).status();
    assert!(kill.expect("there is a kill command").success());
}

#[test]
fn mail_events_one_by_one_go_by_put_and_count_once() {
    let server = Server::start(&[]);
    let single = "seed events --count 40 --kind mail --batch-size 1 --domains 5";
    run(&server, single).assert_took(40, 0);
    let first = summary(&server);
    assert_eq!(of_type(&first, "delivered") + of_type(&first, "bounced"), 40);
    // An answer to PUT doesn't tell a duplicate from a new one; the figures do.
    assert_eq!(run(&server, single).code, Some(0));
    assert_eq!(summary(&server), first);
    let in_batches = "seed events --count 40 --kind mail --batch-size 20 --domains 5";
    run(&server, in_batches).assert_took(0, 40);
    assert_eq!(summary(&server), first);
}

#[test]
fn seeded_users_are_in_their_segments_and_the_same_seed_again_renews_them() {
    let server = Server::start(&[("SEGMENTS__SCHEDULE", "off")]);
    let figures = |ended: &Ended| ["created", "renewed", "rejected"].map(|name| ended.figure(name));
    let seed = "seed users --count 2000 --segments 7";
    let first = run(&server, seed);
    assert_eq!((first.code, figures(&first)), (Some(0), [2_000, 0, 0]), "{}", first.stderr);
    let counts = || {
        let answer = server.ask(&crate::support::Request::new("POST", "/segments/refresh"));
        let counts = answer.json_of(200).as_array().expect("a list").clone();
        counts.iter().map(|count| count["usersCount"].as_u64().expect("a count")).collect::<Vec<_>>()
    };
    let before = counts();
    assert_eq!((before.len(), before.iter().sum::<u64>()), (7, 2_000));
    let again = run(&server, &format!("{seed} --concurrency 8 --batch-size 100"));
    assert_eq!((again.code, figures(&again)), (Some(0), [0, 2_000, 0]), "{}", again.stderr);
    assert_eq!(counts(), before);
    let one_by_one = run(&server, "seed users --count 20 --segments 7 --seed 9 --batch-size 1");
    assert_eq!((one_by_one.code, figures(&one_by_one)[2]), (Some(0), 0), "{}", one_by_one.stderr);
    assert_eq!(one_by_one.figure("requests"), 20);
}
