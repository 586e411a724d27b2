//! What the machine is and what a process has used of it, from `/proc`. Where that is missing the figures are zero.

use std::{fmt, fs, time::Duration};

/// Linux reports processor time in `USER_HZ`, which is 100 on every architecture it runs on today (`man 5 proc`).
const TICK: Duration = Duration::from_millis(10);

/// The machine, as far as it explains the figures.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Processors this process may use.
    pub cores: usize,
    /// The processor's name.
    pub processor: String,
    /// Main memory, in bytes.
    pub memory_bytes: u64,
    /// The kernel's release.
    pub kernel: String,
    /// The load average of the last minute when the benchmark began: above about 0.5, others were at work.
    pub load_average: String,
}

impl Machine {
    /// Looks the machine up.
    pub fn look_up() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            processor: field(&read("/proc/cpuinfo"), "model name").unwrap_or("unknown processor").to_owned(),
            memory_bytes: kibibytes(&read("/proc/meminfo"), "MemTotal"),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            load_average: read("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned(),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cores, processor, kernel, load_average, .. } = self;
        let gibibytes = self.memory_bytes as f64 / f64::from(1 << 30);
        write!(
            out,
            "{cores} cores, {processor}, {gibibytes:.1} GiB, Linux {kernel}, load average {load_average}"
        )
    }
}

/// Processor time, user and system, that a process has used so far; exact to 10 ms.
pub fn cpu_time(process: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The command's name may hold anything, so count from behind its closing parenthesis: the state is field 3.
    let Some((_, fields)) = stat.rsplit_once(')') else { return Duration::ZERO };
    let ticks: u32 =
        fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u32>().ok()).sum();
    TICK * ticks
}

/// Processor time that all processes together have used so far, and what the hypervisor has withheld.
pub fn busy_time() -> Duration {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields = stat.lines().next().unwrap_or_default().split_whitespace().skip(1);
    // User, nice, system, idle, waiting, interrupts, soft interrupts, stolen; guests stand in user already.
    let working = fields.take(8).enumerate().filter(|(index, _)| !matches!(index, 3 | 4));
    TICK * working.filter_map(|(_, field)| field.parse::<u32>().ok()).sum::<u32>()
}

/// The most memory, in bytes, that a process has had resident.
pub fn peak_memory_bytes(process: u32) -> u64 {
    kibibytes(&fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default(), "VmHWM")
}

/// The memory, in bytes, that a process has resident now; zero when there is none.
pub fn resident_bytes_of(process: u32) -> u64 {
    kibibytes(&fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default(), "VmRSS")
}

/// The memory, in bytes, that this process has resident now.
pub fn resident_bytes() -> u64 {
    kibibytes(&fs::read_to_string("/proc/self/status").unwrap_or_default(), "VmRSS")
}

fn kibibytes(text: &str, name: &str) -> u64 {
    let value = field(text, name).and_then(|value| value.strip_suffix(" kB")?.trim().parse().ok());
    value.map_or(0, |kibibytes: u64| kibibytes << 10)
}

fn field<'text>(text: &'text str, name: &str) -> Option<&'text str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim_end() == name).then(|| value.trim())
    })
}
