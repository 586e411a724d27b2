//! The command line of `soak`.

use std::{env, ops::RangeInclusive, path::PathBuf, str::FromStr, time::Duration};

use crate::load::Failure;

/// Shown for `--help`.
pub const USAGE: &str = "\
usage: soak [OPTIONS]
  --backend NAME       embedded or postgres (default embedded)
  --minutes N          length of the soak (default 20, at most 240)
  --share N            of the measured peak (default 0.7)
  --rate N             requests a second, instead of a share of a peak that is measured
  --peak-seconds N     how long the peak is measured (default 20)
  --connections N      of the clients (default 64)
  --outage-every N     seconds between the starts of two outages (default 120; 0: none)
  --retention TIME     how long events are kept, such as 5m, so that the store stays of one size (default: all)
  --events-max N       it ends early when so many events were sent (default 60000000)
  --seed N             other events (default 1)
  --footfall PATH      the program (default: beside this one)
Other FOOTFALL__… variables pass through to Footfall.";

/// What was asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// `embedded` or `postgres`.
    pub backend: String,
    /// The soak's length.
    pub length: Duration,
    /// Of the peak.
    pub share: f64,
    /// Requests a second; none: measured.
    pub rate: Option<f64>,
    /// How long the peak is measured.
    pub peak: Duration,
    /// Connections of the clients.
    pub connections: usize,
    /// Between the starts of two outages; none: there are none.
    pub outage_every: Option<Duration>,
    /// How long events are kept.
    pub retention: Option<Duration>,
    /// Most events that are sent.
    pub events_max: u64,
    /// Determines what is sent.
    pub seed: u64,
    /// The product's program.
    pub footfall: PathBuf,
}

impl Options {
    /// Reads the arguments; nothing when help was asked for.
    ///
    /// # Errors
    /// A sentence, when there is something that can't be understood.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Option<Self>, Failure> {
        let beside = env::current_exe()?.with_file_name("footfall");
        let mut options = Self {
            backend: "embedded".to_owned(),
            length: Duration::from_mins(20),
            share: 0.7,
            rate: None,
            peak: Duration::from_secs(20),
            connections: 64,
            outage_every: Some(Duration::from_mins(2)),
            retention: None,
            events_max: 60_000_000,
            seed: 1,
            footfall: beside,
        };
        while let Some(name) = arguments.next() {
            if name == "--help" {
                return Ok(None);
            }
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value; see --help"))?;
            let seconds = |range| number(&name, &value, range).map(Duration::from_secs_f64);
            match &*name {
                "--backend" if matches!(&*value, "embedded" | "postgres") => options.backend = value,
                "--minutes" => options.length = seconds(0.1..=240.0)? * 60,
                "--share" => options.share = number(&name, &value, 0.01..=1.0)?,
                "--rate" => options.rate = Some(number(&name, &value, 1.0..=1e6)?),
                "--peak-seconds" => options.peak = seconds(1.0..=600.0)?,
                "--connections" => options.connections = number(&name, &value, 1..=1_000)?,
                "--outage-every" => {
                    options.outage_every =
                        Some(seconds(0.0..=14_400.0)?).filter(|interval| !interval.is_zero());
                }
                "--retention" => options.retention = Some(minutes(&value)?),
                "--events-max" => options.events_max = number(&name, &value, 1_000..=1_000_000_000)?,
                "--seed" => options.seed = number(&name, &value, 0..=u64::MAX)?,
                "--footfall" => options.footfall = value.into(),
                _ => return Err(format!("{name} {value} is not understood; see --help").into()),
            }
        }
        Ok(Some(options))
    }
}

fn number<T>(name: &str, value: &str, range: RangeInclusive<T>) -> Result<T, Failure>
where
    T: FromStr + PartialOrd + std::fmt::Display,
{
    let number = value.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| {
        format!("{name} is a number from {} to {}: {value}", range.start(), range.end()).into()
    })
}

fn minutes(value: &str) -> Result<Duration, Failure> {
    let minutes = value.strip_suffix('m').ok_or_else(|| format!("--retention is such as 5m: {value}"))?;
    number("--retention", minutes, 2..=240).map(Duration::from_mins)
}
