//! How many files the process may have open: every connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What the store, its database, Redis and the process itself may need beside connections.
const OTHERS: u64 = 256;
/// What a worker needs for itself: its event loop's three, and the connection that even shares are rounded up by.
const OF_WORKER: u64 = 4;

/// Has the system allow so many connections, and says how many of them it does. One that is taken without being allowed would
/// leave the store without files.
pub(crate) fn allow(connections: usize, workers: usize) -> usize {
    let others = OTHERS + OF_WORKER * workers as u64;
    let needed = connections as u64 + others;
    let limit = getrlimit(Resource::Nofile);
    let is_within = |limit: Option<u64>| limit.is_none_or(|limit| limit >= needed);
    if is_within(limit.current) {
        return connections;
    }
    let raised = if is_within(limit.maximum) { Some(needed) } else { limit.maximum };
    let is_raised = setrlimit(Resource::Nofile, Rlimit { current: raised, maximum: limit.maximum }).is_ok();
    let open_files = if is_raised { raised } else { limit.current };
    let allowed = connections_within(open_files, others, connections);
    if allowed < connections {
        let open_files = open_files.unwrap_or(u64::MAX);
        tracing::warn!(
            allowed,
            connections,
            open_files,
            "fewer connections than configured: the system's limit of open files is too low"
        );
    }
    allowed
}

/// Half of what there is, where that is little.
fn connections_within(open_files: Option<u64>, others: u64, connections: usize) -> usize {
    let room = open_files.map_or(u64::MAX, |files| files.saturating_sub(others).max(files / 2).max(1));
    connections.min(usize::try_from(room).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_room_for_the_rest() {
        for (open_files, connections) in [
            (None, 10_000),
            (Some(20_000), 10_000),
            (Some(10_256), 10_000),
            (Some(1_024), 768),
            (Some(300), 150),
            (Some(0), 1),
        ] {
            assert_eq!(connections_within(open_files, OTHERS, 10_000), connections, "{open_files:?}");
        }
    }
}
