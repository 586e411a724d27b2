//! Options that several commands have, and their limits.

use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum};
use footfall_traffic::{Mail, Seed, Site, SiteOptions};

use super::source::Source;

/// What sort of events.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Kind {
    /// Page views, clicks, sign-ups and purchases of visitors
    Site,
    /// Mail that was delivered or bounced, by domain
    Mail,
}

/// What the events are like.
#[derive(Args)]
pub(crate) struct KindArgs {
    /// What sort of events
    #[arg(long, value_enum, default_value_t = Kind::Site)]
    pub(crate) kind: Kind,
    /// How many visitors there are (site)
    #[arg(long, value_name = "N", default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000_000))]
    pub(crate) users: u32,
    /// How many pages there are (site)
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) pages: u32,
    /// How many domains there are (mail)
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) domains: u32,
}

impl KindArgs {
    /// Those events, so many a second where they come from.
    pub(crate) fn source(&self, seed: Seed, per_second: f64) -> Source {
        match self.kind {
            Kind::Site => {
                let options = SiteOptions::new(self.users, self.pages, per_second);
                Source::Site(Box::new(Site::new(seed, options)))
            }
            Kind::Mail => Source::Mail(Box::new(Mail::new(seed, self.domains))),
        }
    }
}

/// Items a second.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Rate(f64);

impl Rate {
    const MOST: f64 = 1e7;
    /// One in about three hours: less is no traffic.
    const LEAST: f64 = 1e-4;

    /// As a number.
    pub(crate) fn per_second(self) -> f64 {
        self.0
    }

    /// When the item with that number, counted from 0, comes.
    pub(super) fn time_of(self, number: u64) -> Duration {
        Duration::from_secs_f64(number as f64 / self.0)
    }
}

/// `100`, `0.5`, `100/s`.
impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.strip_suffix("/s").unwrap_or(text).parse().ok();
        number
            .filter(|rate| (Self::LEAST..=Self::MOST).contains(rate))
            .map(Self)
            .ok_or_else(|| "is a number a second, such as 100, from 0.0001 to 10000000".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_numbers_a_second() {
        for (text, rate) in [("100", 100.0), ("0.5/s", 0.5), ("10000000", 1e7)] {
            assert_eq!(text.parse(), Ok(Rate(rate)));
        }
        for text in ["", "0", "-1", "NaN", "inf", "1e8", "100/m", "many"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }
}
