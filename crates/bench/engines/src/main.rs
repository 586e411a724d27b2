//! Measures embedded storage engines as the store of a durable log of events.
//!
//! `cargo run --release -- [engine…]` prints Markdown tables. Engines are `sqlite`, `redb`, `fjall` and,
//! with `--features rocksdb`, `rocksdb`; options follow after commas, as in `sqlite,page=16384,exclusive`.
//! `file` is no engine but a file that is only appended to, to tell what the disk itself takes (for
//! `commits` alone).
//!
//! `--only commits,life,steady,full,damage` chooses parts, `--rounds N` and `--seconds N` their length, and
//! `--folder PATH` where the files go (a real disk, please).
//!
//! Engines take turns within a round, because the machine may be busy with other things; figures are
//! medians over the rounds. Every step is a process of its own.

mod data;
mod engine;
mod file;
mod fjall;
mod redb;
#[cfg(feature = "rocksdb")]
mod rocks;
mod sqlite;
mod steps;

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use engine::Result;
use steps::SMALL;

/// What a step printed.
type Answers = BTreeMap<String, String>;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == "step") {
        return step(&words[1..]);
    }
    let mut run = Run {
        engines: Vec::new(),
        folder: std::env::temp_dir().join(format!("engines-{}", std::process::id())),
        rounds: 3,
        seconds: 3.0,
        blocks: 15_625,
    };
    let mut only = "commits,life,steady,full,damage".to_owned();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} needs a value"));
        match word.as_str() {
            "--only" => only = value()?,
            "--rounds" => run.rounds = value()?.parse()?,
            "--seconds" => run.seconds = value()?.parse()?,
            "--blocks" => run.blocks = value()?.parse()?,
            "--folder" => {
                run.folder = PathBuf::from(value()?).join(format!("engines-{}", std::process::id()))
            }
            _ => run.engines.push(word),
        }
    }
    if run.engines.is_empty() {
        run.engines = ["sqlite", "redb", "fjall"].map(str::to_owned).to_vec();
        if cfg!(feature = "rocksdb") {
            run.engines.push("rocksdb".to_owned());
        }
    }
    fs::create_dir_all(&run.folder)?;
    let result = only.split(',').try_for_each(|part| match part {
        "commits" => run.commits(),
        "life" => run.life(),
        "steady" => run.steady(),
        "full" => run.full(),
        "damage" => run.damage(),
        _ => Err(format!("no part is called {part}").into()),
    });
    fs::remove_dir_all(&run.folder)?;
    result
}

/// Runs one step in this process.
fn step(words: &[String]) -> Result<()> {
    let [what, engine, folder, rest @ ..] = words else {
        return Err("step needs a name, an engine and a folder".into());
    };
    let folder = Path::new(folder);
    let value = |index: usize| rest.get(index).map_or("0", String::as_str);
    match what.as_str() {
        "commit" => steps::commit(engine, folder, value(0).parse()?, value(1).parse()?, value(2).parse()?),
        "fill" => steps::fill(engine, folder),
        "recover" => steps::recover(engine, folder, value(0).parse()?),
        "reads" => steps::reads(engine, folder),
        "merge" => steps::merge(engine, folder, value(0).parse()?),
        "steady" => steps::steady(engine, folder, value(0).parse()?),
        "reopen" => steps::reopen(engine, folder),
        "compact" => steps::compact(engine, folder),
        "full" => steps::full(engine, folder),
        "damage" => steps::damage(folder, value(0), value(1).parse()?, value(2).parse()?),
        "inspect" => steps::inspect(engine, folder, value(0).parse()?),
        "second" => steps::second(engine, folder),
        _ => Err(format!("no step is called {what}").into()),
    }
}

/// One run over all engines.
struct Run {
    engines: Vec<String>,
    folder: PathBuf,
    rounds: usize,
    seconds: f64,
    blocks: u64,
}

impl Run {
    /// An empty folder for one engine.
    fn fresh(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.join(name.replace(',', "+"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// Commits of different sizes.
    fn commits(&self) -> Result<()> {
        println!(
            "| engine | events a commit | commits/s | events/s | mean µs | p50 µs | p99 µs | max ms | CPU µs/event | with close | load B/event | disk B/event |"
        );
        println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
        for events in [1, 64, 1_000, 4_000] {
            let mut found: BTreeMap<usize, Vec<Answers>> = BTreeMap::new();
            for _ in 0..self.rounds {
                for (index, engine) in self.engines.iter().enumerate() {
                    let folder = self.fresh("commit")?;
                    let words = [events.to_string(), self.seconds.to_string(), (250 << 20).to_string()];
                    found.entry(index).or_default().push(ask("commit", engine, &folder, &words)?);
                    fs::remove_dir_all(folder)?;
                }
            }
            for (index, answers) in found {
                let value = |name: &str| median(&answers, name);
                println!(
                    "| {} | {events} | {:.0} | {:.0} | {:.0} | {:.0} | {:.0} | {:.1} | {:.2} | {:.2} | {:.0} | {:.0} |",
                    self.engines[index],
                    value("commits"),
                    value("events"),
                    value("mean"),
                    value("p50"),
                    value("p99"),
                    value("max") / 1e3,
                    value("cpu"),
                    value("cpu_closed"),
                    value("load"),
                    value("disk"),
                );
            }
        }
        println!();
        Ok(())
    }

    /// The life of a log: filled and killed, recovered, read, compacted, merged.
    fn life(&self) -> Result<()> {
        for engine in &self.engines {
            let folder = self.fresh("life")?;
            let events = self.blocks * SMALL as u64;
            let each = |bytes: u64| bytes as f64 / events as f64;
            let acknowledged = self.fill_and_kill(engine, &folder, self.blocks)?;
            let raw = steps::occupied(&folder);
            println!("\n**{engine}**, {events} events in blocks of {SMALL}\n");
            println!("- killed after {acknowledged} acknowledged blocks; {:.0} B/event on disk", each(raw));
            let other = self.fresh("copy")?;
            for _ in 0..3 {
                copy(&folder, &other)?;
                let found = ask("recover", engine, &other, &[acknowledged.to_string()])?;
                println!(
                    "- recovery: open {:.3} s, all read {:.3} s, CPU {:.2} s, {} blocks, {} missing",
                    number(&found, "open"),
                    number(&found, "read"),
                    number(&found, "cpu"),
                    found["blocks"],
                    found["missing"],
                );
            }
            ask("reopen", engine, &folder, &[])?;
            println!("- after opening and closing: {:.0} B/event", each(steps::occupied(&folder)));
            for _ in 0..2 {
                let found = ask("reads", engine, &folder, &[])?;
                println!(
                    "- reads: 1000 consecutive {:.2} ms (CPU {:.2}), 1000 single {:.2} ms, 1000 floors {:.2} ms",
                    number(&found, "ranged"),
                    number(&found, "ranged_cpu"),
                    number(&found, "single"),
                    number(&found, "floor"),
                );
            }
            copy(&folder, &other)?;
            let found = ask("compact", engine, &other, &[])?;
            println!(
                "- its own compaction, unmerged: {:.0} B/event, {:.1} s, CPU {:.2} s",
                each(steps::occupied(&other)),
                number(&found, "seconds"),
                number(&found, "cpu"),
            );
            for level in [1, 3] {
                copy(&folder, &other)?;
                let found = ask("merge", engine, &other, &[level.to_string()])?;
                println!(
                    "- merged, zstd {level}: {:.1} s, engine CPU {:.2} µs/event (zstd {:.2}), blocks {:.1} B/event, peak {:.0}, closed {:.0}",
                    number(&found, "seconds"),
                    number(&found, "cpu"),
                    number(&found, "zstd_cpu"),
                    number(&found, "zstd_bytes"),
                    number(&found, "peak"),
                    number(&found, "disk"),
                );
                ask("reopen", engine, &other, &[])?;
                print!("- then reopened {:.0} B/event", each(steps::occupied(&other)));
                let found = ask("compact", engine, &other, &[])?;
                println!(
                    ", compacted {:.0} B/event ({:.1} s, CPU {:.2} s)",
                    each(steps::occupied(&other)),
                    number(&found, "seconds"),
                    number(&found, "cpu"),
                );
            }
            fs::remove_dir_all(folder)?;
            fs::remove_dir_all(other)?;
        }
        Ok(())
    }

    /// A log in use: small blocks are written at one end and merged at the other.
    fn steady(&self) -> Result<()> {
        println!(
            "| engine | s | CPU µs/event | zstd µs/event | a merge ms | held MB | peak MB | end MB | closed MB | close ms | reopened and all read ms |"
        );
        println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
        let mut found: BTreeMap<usize, Vec<Answers>> = BTreeMap::new();
        for _ in 0..self.rounds {
            for (index, engine) in self.engines.iter().enumerate() {
                let folder = self.fresh("steady")?;
                let answers = ask("steady", engine, &folder, &[self.blocks.to_string()])?;
                if answers["blocks"] != self.blocks.to_string() {
                    return Err(
                        format!("{engine} lost blocks: {} of {}", answers["blocks"], self.blocks).into()
                    );
                }
                found.entry(index).or_default().push(answers);
                fs::remove_dir_all(folder)?;
            }
        }
        for (index, answers) in found {
            let value = |name: &str| median(&answers, name);
            println!(
                "| {} | {:.1} | {:.2} | {:.2} | {:.1} | {:.0} | {:.0} | {:.0} | {:.0} | {:.0} | {:.0} |",
                self.engines[index],
                value("seconds"),
                value("cpu"),
                value("zstd_cpu"),
                value("merge"),
                value("bytes"),
                value("peak"),
                value("end"),
                value("closed"),
                value("closing"),
                value("reading"),
            );
        }
        println!();
        Ok(())
    }

    /// Starts a writing process and kills it in the middle of its work.
    fn fill_and_kill(&self, engine: &str, folder: &Path, blocks: u64) -> Result<u64> {
        let mut child = command("fill", engine, folder, &[]).stdout(Stdio::piped()).spawn()?;
        let mut pipe = child.stdout.take().ok_or("no pipe")?;
        let mut word = [0; 8];
        let mut acknowledged = 0;
        while acknowledged < blocks {
            pipe.read_exact(&mut word)?;
            acknowledged = u64::from_le_bytes(word) + 1;
        }
        child.kill()?;
        child.wait()?;
        while pipe.read_exact(&mut word).is_ok() {
            acknowledged = u64::from_le_bytes(word) + 1;
        }
        Ok(acknowledged)
    }

    /// A full disk: a small file system in memory, which only the superuser may make.
    fn full(&self) -> Result<()> {
        for engine in &self.engines {
            let folder = self.fresh("full")?;
            let place = folder.as_os_str();
            let mounted = Command::new("mount")
                .args(["-t", "tmpfs", "-o", "size=192m", "tmpfs"])
                .arg(place)
                .status()?;
            if !mounted.success() {
                println!("\nA small file system can't be mounted: no test of a full disk.");
                return Ok(());
            }
            println!("\n**{engine}**, full disk\n");
            let result = command("full", engine, &folder, &[]).status();
            Command::new("umount").arg(place).status()?;
            result?;
        }
        Ok(())
    }

    /// Bits changed and files cut short, and two processes in one folder.
    fn damage(&self) -> Result<()> {
        for engine in &self.engines {
            println!("\n**{engine}**, damage\n");
            let killed = self.fresh("killed")?;
            let blocks = self.fill_and_kill(engine, &killed, 120)?;
            let tidy = self.fresh("tidy")?;
            copy(&killed, &tidy)?;
            ask("compact", engine, &tidy, &[])?;
            let other = self.fresh("damaged")?;
            let damaged = |from: &Path, how: &str, key: u64, offset: i64| -> Result<(String, String)> {
                copy(from, &other)?;
                let place =
                    ask("damage", engine, &other, &[how.to_owned(), key.to_string(), offset.to_string()])?;
                let place = place.get("damaged").map_or("nothing found to damage".to_owned(), Clone::clone);
                let found = match ask("inspect", engine, &other, &[blocks.to_string()]) {
                    Ok(found) => found["found"].clone(),
                    Err(error) => format!("the process fails: {}", error.to_string().replace('\n', " ")),
                };
                Ok((place, found))
            };
            let (place, found) = damaged(&killed, "tear", blocks - 1, 0)?;
            println!("- cut off in the last block ({place}): {found}");
            for (how, from) in [("journal", &killed), ("data", &tidy)] {
                println!("- one bit changed in or just before block 60, {how}:");
                let mut tally: BTreeMap<String, usize> = BTreeMap::new();
                for offset in (-60..60).step_by(2).chain((200..2_000).step_by(300)) {
                    *tally.entry(brief(&damaged(from, how, 60, offset)?.1)).or_default() += 1;
                }
                for (found, times) in tally {
                    println!("  - {times} × {found}");
                }
            }
            fs::remove_dir_all(other)?;
            let store = engine::open(engine, &tidy)?;
            for (name, value) in ask("second", engine, &tidy, &[])? {
                println!("- {name} process: {value}");
            }
            store.close()?;
            for folder in [killed, tidy] {
                fs::remove_dir_all(folder)?;
            }
        }
        Ok(())
    }
}

/// The command that runs a step of this program.
fn command(step: &str, engine: &str, folder: &Path, words: &[String]) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("the program has a path"));
    command.args(["step", step, engine]).arg(folder).args(words);
    command
}

/// Runs a step and gives what it printed.
fn ask(step: &str, engine: &str, folder: &Path, words: &[String]) -> Result<Answers> {
    let output = command(step, engine, folder, words).stderr(Stdio::piped()).output()?;
    if !output.status.success() {
        return Err(format!("{step} of {engine}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let text = String::from_utf8(output.stdout)?;
    Ok(text
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect())
}

/// Replaces `to` by a copy of `from`.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let _ = fs::remove_dir_all(to);
    let done = Command::new("cp").args(["-a", "--sparse=auto"]).args([from, to]).status()?;
    if done.success() { Ok(()) } else { Err("a folder can't be copied".into()) }
}

/// A message without what differs from one time to the next: long numbers, and the story of a panic.
fn brief(message: &str) -> String {
    let message = message.split_once("panicked at").map_or(message, |(_, _)| "the process panics");
    let mut short = String::new();
    for part in message.split_inclusive(|letter: char| !letter.is_ascii_digit()) {
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        short.push_str(if digits > 4 { &part[digits..] } else { part });
    }
    short
}

/// A number that a step printed.
fn number(answers: &Answers, name: &str) -> f64 {
    answers.get(name).and_then(|value| value.parse().ok()).unwrap_or(f64::NAN)
}

/// The median of a number over the rounds.
fn median(rounds: &[Answers], name: &str) -> f64 {
    let mut values: Vec<f64> = rounds.iter().map(|answers| number(answers, name)).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
