//! The command line of `people`.

use std::str::FromStr;
use std::time::{Duration, Instant};

use crate::load::Failure;

/// Shown for `--help`.
pub const USAGE: &str = "\
usage: people [BACKEND] [OPTIONS]
  BACKEND            memory, embedded or postgres (default: embedded)
  --only LIST        of mails-many,mails-few,segments,metrics (default: all, each in a process of its own)
  --domains N        domains of mails-many, of two mails each (default 10000000)
  --events N         events of mails-few and of metrics (default: as many as domains)
  --memberships N    memberships of segments (default 5000000), of two fifths as many users
  --minutes N        bound of filling a store in a part, which takes less in then (default 20)";

const DOMAINS: u64 = 10_000_000;
const MEMBERSHIPS: u64 = 5_000_000;
const MINUTES: u64 = 20;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Two mails to each of very many domains.
    MailsMany,
    /// Many mails to each of 8,000 domains.
    MailsFew,
    /// Users in segments.
    Segments,
    /// Users' activity by window.
    Metrics,
}

impl Part {
    /// All, in the order in which they run.
    pub const ALL: [Self; 4] = [Self::MailsMany, Self::MailsFew, Self::Segments, Self::Metrics];

    /// The name in options.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MailsMany => "mails-many",
            Self::MailsFew => "mails-few",
            Self::Segments => "segments",
            Self::Metrics => "metrics",
        }
    }

    /// What it does, in words.
    pub fn title(self, options: &Options) -> String {
        let Options { backend, domains, events, memberships, .. } = options;
        let what = match self {
            Self::MailsMany => format!("2 mails to each of {domains} domains"),
            Self::MailsFew => format!("{events} mails to 8,000 domains"),
            Self::Segments => {
                format!("{memberships} memberships of {} users in 500 segments", options.users())
            }
            Self::Metrics => format!("{events} events of 30 days and a million users"),
        };
        format!("{} on {backend}: {what}", self.name())
    }
}

impl FromStr for Part {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let found = Self::ALL.into_iter().find(|part| part.name() == text);
        found.ok_or_else(|| format!("unknown part {text}").into())
    }
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The store's backend.
    pub backend: String,
    /// The parts, in order.
    pub parts: Vec<Part>,
    /// Domains of [`Part::MailsMany`].
    pub domains: u64,
    /// Events of [`Part::MailsFew`] and [`Part::Metrics`].
    pub events: u64,
    /// Memberships of [`Part::Segments`].
    pub memberships: u64,
    /// The bound of filling, in minutes.
    pub minutes: u64,
}

impl Options {
    /// Reads the arguments, without the program's name. Nothing: the help was asked for.
    ///
    /// # Errors
    /// A sentence that names the argument.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Option<Self>, Failure> {
        let mut events = None;
        let mut options = Self {
            backend: "embedded".to_owned(),
            parts: Part::ALL.to_vec(),
            domains: DOMAINS,
            events: DOMAINS,
            memberships: MEMBERSHIPS,
            minutes: MINUTES,
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} lacks its value"));
            match argument.as_str() {
                "--help" | "-h" => return Ok(None),
                "--only" => options.parts = value()?.split(',').map(str::parse).collect::<Result<_, _>>()?,
                "--domains" => options.domains = number(&argument, &value()?, 100_000_000)?,
                "--events" => events = Some(number(&argument, &value()?, 100_000_000)?),
                "--memberships" => options.memberships = number(&argument, &value()?, 100_000_000)?,
                "--minutes" => options.minutes = number(&argument, &value()?, 600)?,
                backend if !backend.starts_with('-') => options.backend = argument,
                _ => return Err(format!("unknown option {argument}").into()),
            }
        }
        options.events = events.unwrap_or(options.domains);
        Ok(Some(options))
    }

    /// The arguments that ask for one part of it.
    pub fn arguments_of(&self, part: Part) -> Vec<String> {
        let numbers = [
            ("--domains", self.domains),
            ("--events", self.events),
            ("--memberships", self.memberships),
            ("--minutes", self.minutes),
        ];
        let mut arguments = vec![self.backend.clone(), "--only".to_owned(), part.name().to_owned()];
        arguments.extend(numbers.into_iter().flat_map(|(name, value)| [name.to_owned(), value.to_string()]));
        arguments
    }

    /// Users that memberships are drawn from.
    pub const fn users(&self) -> u64 {
        (self.memberships * 2).div_ceil(5)
    }

    /// Memberships that end in the same second.
    pub const fn ending_together(&self) -> u64 {
        self.memberships.div_ceil(25)
    }

    /// When filling ends at the latest, if it begins now.
    pub fn deadline(&self) -> Instant {
        Instant::now() + Duration::from_secs(60 * self.minutes)
    }
}

fn number(name: &str, value: &str, most: u64) -> Result<u64, Failure> {
    let number = value.parse().ok().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| format!("{name} takes a number from 1 to {most}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &str) -> Result<Option<Options>, Failure> {
        Options::parse(arguments.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_are_taken_in_any_order() {
        let options = parse("--domains 1000 postgres --only segments,mails-few").unwrap().unwrap();
        assert_eq!((&*options.backend, options.domains, options.events), ("postgres", 1_000, 1_000));
        assert_eq!(options.parts, [Part::Segments, Part::MailsFew]);
        assert_eq!((options.users(), options.ending_together()), (2_000_000, 200_000));
        assert!(parse("--help").unwrap().is_none());
    }

    #[test]
    fn a_part_is_asked_for_by_the_same_options() {
        let options = parse("memory --domains 5 --events 7 --memberships 9 --minutes 3").unwrap().unwrap();
        let again = Options::parse(options.arguments_of(Part::Metrics).into_iter()).unwrap().unwrap();
        assert_eq!(again, Options { parts: vec![Part::Metrics], ..options });
    }

    #[test]
    fn mistakes_are_named() {
        for (arguments, part) in [
            ("--domains 0", "--domains takes"),
            ("--events", "--events lacks"),
            ("--only mails", "unknown part mails"),
            ("--colour red", "--colour"),
        ] {
            assert!(parse(arguments).unwrap_err().to_string().contains(part), "{arguments}");
        }
    }
}
