//! How much memory the process may take, so that an alert can come before the system ends it. Of Linux only.

use std::fs;
use std::path::Path;

/// What the machine has, or the least that a control group (version 2) around the process allows.
pub(super) fn limit_bytes() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| total_of(&text));
    of_groups(Path::new("/sys/fs/cgroup"), &groups).into_iter().chain(machine).min()
}

/// The machine's memory, by `/proc/meminfo`.
fn total_of(meminfo: &str) -> Option<u64> {
    let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = total.trim().strip_suffix(" kB")?.parse().ok()?;
    kib.checked_mul(1024)
}

/// The least limit of the process's group and of those around it.
fn of_groups(root: &Path, groups: &str) -> Option<u64> {
    let group = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let limit =
        |group: &Path| fs::read_to_string(root.join(group).join("memory.max")).ok()?.trim().parse().ok();
    Path::new(group).ancestors().filter_map(limit).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_limit_holds() {
        let root = tempfile::tempdir().unwrap();
        let service = root.path().join("system.slice/footfall.service");
        fs::create_dir_all(&service).unwrap();
        let groups = "0::/system.slice/footfall.service\n";
        assert_eq!(of_groups(root.path(), groups), None);
        fs::write(service.join("memory.max"), "max\n").unwrap();
        assert_eq!(of_groups(root.path(), groups), None);
        fs::write(root.path().join("system.slice/memory.max"), "4096\n").unwrap();
        assert_eq!(of_groups(root.path(), groups), Some(4_096));
        fs::write(service.join("memory.max"), "1024\n").unwrap();
        assert_eq!(of_groups(root.path(), groups), Some(1_024));
        assert_eq!(of_groups(&service, "0::/\n"), Some(1_024), "in a container the group is the root");
        assert_eq!(of_groups(root.path(), "1:cpu:/\n"), None);
    }

    #[test]
    fn the_machine_has_memory() {
        assert_eq!(total_of("MemTotal:       24640044 kB\nMemFree: 1 kB\n"), Some(24_640_044 * 1024));
        assert_eq!(total_of("MemFree: 1 kB\n"), None);
    }
}
