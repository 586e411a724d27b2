//! The command line of `load`.

use std::{env, ops::RangeInclusive, path::PathBuf, str::FromStr};

use super::{Failure, events::Times, requests::Events, scenarios::Scenario};

/// Shown for `--help`.
pub const USAGE: &str = "\
usage: load [OPTIONS]
  --scenario LIST    of a,b,c,d,e,f,g,h or single,batch,ten_thousand,pauses,put,segments,listeners,
                     listeners_batch (default: all)
  --events KIND      of batches: mixed, or mails, each to a domain of its own (default mixed)
  --seconds N        length of a measurement (default 5; pauses take twice that)
  --rounds N         measurements of each server, alternately (default 3; ten_thousand at least 5)
  --quick            1 second and 1 round, unless given: a smoke test
  --workers N        HTTP workers of each server (default: one per core)
  --threads N        generator threads (default 1)
  --backend NAME     Footfall's store (default: FOOTFALL__STORAGE__BACKEND, else memory)
  --spread-days N    events' times evenly over the last N days (default: the present second)
  --pause-rate N     events a second behind the prober in pauses (default 400000)
  --seed N           other events; needed for a second run on a store that persists (default 1)
  --no-verify        don't compare the answers with what Footfall counts
  --json FILE        write the figures there too
  --footfall PATH, --bare PATH
                     the programs (default: beside this one)
Other FOOTFALL__… variables pass through to Footfall.";

/// What was asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// The scenarios, in order.
    pub scenarios: Vec<Scenario>,
    /// The length of a measurement.
    pub seconds: f64,
    /// Measurements of each server in each scenario.
    pub rounds: usize,
    /// One short round: no figure is worth anything.
    pub quick: bool,
    /// HTTP workers of each server.
    pub workers: usize,
    /// Generator threads.
    pub threads: usize,
    /// Footfall's storage backend.
    pub backend: String,
    /// The events of batches.
    pub events: Events,
    /// The events' times.
    pub times: Times,
    /// Events a second behind the prober.
    pub pause_rate: u32,
    /// Determines the events.
    pub seed: u64,
    /// Whether Footfall's own count is compared with the answers.
    pub verify: bool,
    /// Where the figures are written as JSON.
    pub json: Option<PathBuf>,
    /// The product's program.
    pub footfall: PathBuf,
    /// The bare handler's program.
    pub bare: PathBuf,
}

impl Options {
    /// Reads the arguments, without the program's name. Nothing: the help was asked for.
    ///
    /// # Errors
    /// A sentence that names the argument.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Option<Self>, Failure> {
        let mut options = Self::defaults()?;
        let (mut seconds, mut rounds) = (None, None);
        while let Some(name) = arguments.next() {
            match name.as_str() {
                "--help" | "-h" => return Ok(None),
                "--quick" => options.quick = true,
                "--no-verify" => options.verify = false,
                _ => {
                    let value =
                        arguments.next().ok_or_else(|| format!("{name} is unknown or lacks its value"))?;
                    match name.as_str() {
                        "--seconds" => seconds = Some(within(&name, &value, 0.1..=600.0)?),
                        "--rounds" => rounds = Some(within(&name, &value, 1..=50)?),
                        _ => options.set(&name, value)?,
                    }
                }
            }
        }
        options.seconds = seconds.unwrap_or(if options.quick { 1.0 } else { 5.0 });
        options.rounds = rounds.unwrap_or(if options.quick { 1 } else { 3 });
        Ok(Some(options))
    }

    fn defaults() -> Result<Self, Failure> {
        let program = env::current_exe()?;
        Ok(Self {
            scenarios: Scenario::ALL.to_vec(),
            seconds: 5.0,
            rounds: 3,
            quick: false,
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            threads: 1,
            backend: env::var("FOOTFALL__STORAGE__BACKEND").unwrap_or_else(|_| "memory".to_owned()),
            events: Events::Mixed,
            times: Times::Present,
            pause_rate: 400_000,
            seed: 1,
            verify: true,
            json: None,
            footfall: program.with_file_name("footfall"),
            bare: program.with_file_name("bare"),
        })
    }

    fn set(&mut self, name: &str, value: String) -> Result<(), Failure> {
        match name {
            "--scenario" => self.scenarios = value.split(',').map(str::parse).collect::<Result<_, _>>()?,
            "--workers" => self.workers = within(name, &value, 1..=256)?,
            "--threads" => self.threads = within(name, &value, 1..=16)?,
            "--backend" => self.backend = value,
            "--events" => {
                self.events = match &*value {
                    "mixed" => Events::Mixed,
                    "mails" => Events::Mails,
                    _ => return Err("--events takes mixed or mails".into()),
                }
            }
            "--spread-days" => self.times = Times::LastDays(within(name, &value, 1..=365)?),
            "--pause-rate" => self.pause_rate = within(name, &value, 1_000..=100_000_000)?,
            "--seed" => self.seed = within(name, &value, 0..=u64::MAX)?,
            "--json" => self.json = Some(value.into()),
            "--footfall" => self.footfall = value.into(),
            "--bare" => self.bare = value.into(),
            _ => return Err(format!("unknown option {name}").into()),
        }
        Ok(())
    }
}

fn within<T>(name: &str, value: &str, range: RangeInclusive<T>) -> Result<T, Failure>
where
    T: FromStr + PartialOrd + std::fmt::Display,
{
    let number = value.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("{name} takes a number from {} to {}", range.start(), range.end()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &str) -> Result<Option<Options>, Failure> {
        Options::parse(arguments.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_are_taken_in_any_order() {
        let options = parse("--rounds 2 --quick --scenario b,single,e --spread-days 30 --events mails")
            .unwrap()
            .unwrap();
        assert_eq!((options.seconds.to_string().as_str(), options.rounds), ("1", 2));
        assert_eq!(options.scenarios, [Scenario::Batch, Scenario::Single, Scenario::Put]);
        assert_eq!(options.events, Events::Mails);
        assert_eq!(options.times, Times::LastDays(30));
        assert!(parse("--help").unwrap().is_none());
    }

    #[test]
    fn mistakes_are_named() {
        for (arguments, part) in [
            ("--rounds 0", "--rounds takes"),
            ("--seconds", "--seconds"),
            ("--scenario i", "scenario"),
            ("--events letters", "--events takes"),
            ("--seconds NaN", "--seconds takes"),
            ("--colour red", "--colour"),
        ] {
            assert!(parse(arguments).unwrap_err().to_string().contains(part), "{arguments}");
        }
    }
}
