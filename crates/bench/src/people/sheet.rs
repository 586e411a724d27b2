//! A part's figures beside what is aimed at, a line each, as they are found; and what was not as it must be.

use std::error::Error;
use std::fmt::Debug;
use std::time::{Duration, Instant};

use crate::load::histogram::{Histogram, ms};
use crate::load::machine;
use crate::load::report::grouped;
use crate::stores::Store;

/// What is aimed at. Missing it is no failure of the benchmark.
#[derive(Clone, Copy, Debug)]
pub enum Aim {
    /// The figure is there to be known.
    None,
    /// So much or more.
    AtLeast(f64),
    /// This share of the times is below so many milliseconds: 0.95 for the 95th of a hundred, 1 for the worst.
    Below(f64, f64),
}

/// Prints a part's figures.
#[derive(Debug)]
pub struct Sheet {
    is_right: bool,
    /// Of this process, before it had a store.
    resident_bytes: u64,
}

impl Sheet {
    /// Prints the heading.
    pub fn begin(title: &str) -> Self {
        println!("\n{title}");
        println!("  {:<62} {:>9} {:>9} {:>9} {:>9}  aim", "", "p50 ms", "p95 ms", "p99 ms", "worst ms");
        Self { is_right: true, resident_bytes: machine::resident_bytes() }
    }

    /// Whether everything that was checked was right.
    pub const fn is_right(&self) -> bool {
        self.is_right
    }

    /// One number.
    pub fn figure(&self, what: &str, value: f64, decimals: usize, aim: Aim) {
        let number = grouped(&format!("{value:.decimals$}"));
        let aim = match aim {
            Aim::AtLeast(limit) => format!("{}: {}", grouped(&limit.to_string()), verdict(value >= limit)),
            Aim::None | Aim::Below(..) => String::new(),
        };
        println!("  {what:<62} {number:>39}  {aim}");
    }

    /// So many a second.
    pub fn rate(&self, what: &str, count: u64, took: Duration, aim: Aim) {
        let seconds = took.as_secs_f64();
        let what = format!("{what} ({} in {seconds:.1} s)", grouped(&count.to_string()));
        self.figure(&what, count as f64 / seconds, 0, aim);
    }

    /// How long something took that was done often.
    pub fn times(&self, what: &str, times: &Histogram, aim: Aim) {
        let [p50, p95, p99] = [0.5, 0.95, 0.99].map(|share| ms(times.quantile(share)));
        let aim = match aim {
            Aim::Below(share, limit_ms) => {
                let name = if share < 1.0 { format!("p{:.0}", share * 100.0) } else { "worst".to_owned() };
                format!("{name} < {limit_ms}: {}", verdict(ms(times.quantile(share)) < limit_ms))
            }
            Aim::None | Aim::AtLeast(_) => String::new(),
        };
        let worst = ms(times.max());
        println!("  {what:<62} {p50:>9.3} {p95:>9.3} {p99:>9.3} {worst:>9.2}  {aim}");
    }

    /// How long something took that is done once.
    ///
    /// # Errors
    /// What it did not come to.
    pub async fn once<T, E>(
        &self,
        what: &str,
        limit_ms: Option<f64>,
        done: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let start = Instant::now();
        let result = done.await?;
        let took = ms(start.elapsed());
        let aim = limit_ms.map_or(String::new(), |limit| format!("< {limit}: {}", verdict(took < limit)));
        println!("  {what:<62} {:>29} {took:>9.2}  {aim}", "");
        Ok(result)
    }

    /// Bytes of memory, of each part that the store knows of and of the whole process, for each of so many of something.
    pub fn memory(&self, store: &Store, each: &str, count: u64) {
        let mut all = 0;
        for (part, bytes) in store.bytes_by_part().into_iter().filter(|(_, bytes)| *bytes > 0) {
            all += bytes;
            self.bytes(&format!("memory, {part}"), bytes as u64, each, count);
        }
        if all > 0 {
            self.bytes("memory, all of these", all as u64, each, count);
        }
        let resident = machine::resident_bytes().saturating_sub(self.resident_bytes);
        self.bytes("memory, resident in this process", resident, each, count);
    }

    /// Bytes of disk for each of so many of something; how many there are in all, 0 where there is no disk.
    ///
    /// # Errors
    /// When the disk doesn't take it.
    pub async fn disk(&self, store: &Store, each: &str, count: u64) -> Result<u64, Box<dyn Error>> {
        let Some(bytes) = store.compacted_bytes().await? else { return Ok(0) };
        self.bytes("disk", bytes, each, count);
        Ok(bytes)
    }

    /// Bytes for each of so many of something.
    pub fn bytes(&self, what: &str, bytes: u64, each: &str, count: u64) {
        self.figure(&format!("{what}, bytes per {each}"), bytes as f64 / count.max(1) as f64, 1, Aim::None);
    }

    /// Says where something is not as it must be: then no figure counts.
    pub fn check<T: PartialEq + Debug>(&mut self, what: &str, found: &T, expected: &T) {
        if found != expected {
            println!("  PROBLEM: {what}: {found:?}, expected {expected:?}");
            self.is_right = false;
        }
    }
}

fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "missed" }
}
