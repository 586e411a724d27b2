//! Stores to be damaged, and what must be true of them then.

use std::path::Path;
use std::time::Duration;

use footfall_conformance::Draft;
use footfall_embedded::EmbeddedStore;
use tempfile::TempDir;

use crate::support::events::{after, event, mixed};
use crate::support::expected::Expected;
use crate::support::image::{DATABASE, Image};
use crate::support::random::Random;
use crate::support::{append, append_singly, open_for_ever};

/// From so many bytes on the write-ahead log is moved to its place without being asked.
const MOVED_FROM_BYTES: u64 = 8 << 20;
const PATIENCE_ROUNDS: u32 = 300;

/// Files as they were found, with what a store on them holds.
pub(crate) struct Found {
    pub(crate) image: Image,
    pub(crate) events: Vec<Draft>,
    pub(crate) expected: Expected,
}

/// How a start went on damaged files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Start {
    Refused,
    Unharmed,
}

/// Runs of different kinds: events small and large, a user erased, and a gap in what is stored.
async fn fill(store: &EmbeddedStore) -> Vec<Draft> {
    let mut random = Random(7);
    let mut events = mixed(0..1_400);
    for part in events[..900].chunks(100) {
        append(store, part).await;
    }
    store.compact().unwrap();
    append_singly(store, &events[900..]).await;
    store.compact().unwrap();
    let large = (2_000..2_060_u128).map(|number| {
        let text = random.text(200 + (number as usize * 331) % 20_000);
        event(number, after(number as i64))
            .with_properties(format!(r#"{{"page":"/{}","x":"{text}"}}"#, number % 29))
    });
    let large: Vec<Draft> = large.collect();
    for part in large.chunks(20) {
        append(store, part).await;
    }
    store.compact().unwrap();
    events.extend(large);
    events
}

/// After all that, single events, which only the write-ahead log holds.
async fn filled(folder: &Path, tail: u128) -> (EmbeddedStore, Vec<Draft>) {
    let store = open_for_ever(folder).unwrap();
    let mut events = fill(&store).await;
    let last = mixed(3_000..3_000 + tail);
    append_singly(&store, &last).await;
    events.extend(last);
    (store, events)
}

impl Found {
    /// What a crash leaves: the tail stands in the log, and nowhere else.
    pub(crate) async fn after_a_crash() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (_store, events) = filled(folder.path(), 120).await;
        Self::in_folder(folder.path(), events)
    }

    /// What a crash leaves when a part of the log has been moved to its place already, and stands in both.
    pub(crate) async fn after_a_crash_beside_moving() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (store, mut events) = filled(folder.path(), 10).await;
        let bytes = || std::fs::metadata(folder.path().join(DATABASE)).unwrap().len();
        let before = bytes();
        let tail = mixed(10_000..12_000);
        let mut parts = tail.chunks(50);
        for _ in 0..PATIENCE_ROUNDS {
            if bytes() > before {
                break;
            }
            if store.disk_bytes() - bytes() < MOVED_FROM_BYTES + (1 << 20) {
                let part = parts.next().expect("the log grows with every commit");
                append_singly(&store, part).await;
                events.extend_from_slice(part);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(bytes() > before, "the log was never moved");
        let last = mixed(20_000..20_020);
        append_singly(&store, &last).await;
        events.extend(last);
        Self::in_folder(folder.path(), events)
    }

    /// What a store leaves that was ended as it should be.
    pub(crate) async fn after_an_end() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (store, events) = filled(folder.path(), 120).await;
        drop(store);
        Self::in_folder(folder.path(), events)
    }

    /// What a crash leaves of a store that never made a run: all of it stands in the log.
    pub(crate) async fn after_an_early_crash() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = open_for_ever(folder.path()).unwrap();
        let events = mixed(0..40);
        append_singly(&store, &events).await;
        Self::in_folder(folder.path(), events)
    }

    fn in_folder(folder: &Path, events: Vec<Draft>) -> Self {
        let expected = Expected::of(&events);
        Self { image: Image::of(folder), events, expected }
    }

    /// Starts a store on the files as they were found.
    pub(crate) fn open(&self) -> (TempDir, EmbeddedStore) {
        let folder = self.image.folder();
        let store = open_for_ever(folder.path()).unwrap();
        (folder, store)
    }

    /// Starts a store on the damaged files and says how that went, or why it wasn't right.
    pub(crate) async fn start_on(&self, damaged: &Image) -> Result<Start, String> {
        let folder = damaged.folder();
        self.start_in(folder.path()).await
    }

    pub(crate) async fn start_in(&self, folder: &Path) -> Result<Start, String> {
        let store = match open_for_ever(folder) {
            Ok(store) => store,
            Err(error) => return refusal(folder, &error.to_string()),
        };
        if let Some(flaw) = self.expected.flaw_of(&store).await {
            return Err(format!("it was opened, and {flaw}"));
        }
        // What isn't seen yet must not come out later, when what is damaged is used or written over.
        let more = mixed(50_000..50_400);
        append(&store, &more).await;
        append_singly(&store, &mixed(60_000..60_010)).await;
        store.compact().map_err(|error| format!("it was opened, and then {error:?}"))?;
        drop(store);
        let store =
            open_for_ever(folder).map_err(|error| format!("it was opened, and the next time {error}"))?;
        let mut events = self.events.clone();
        events.extend(more);
        events.extend(mixed(60_000..60_010));
        match Expected::of(&events).flaw_of(&store).await {
            None => Ok(Start::Unharmed),
            Some(flaw) => Err(format!("it was opened, and after a while {flaw}")),
        }
    }
}

/// A refusal names the file, and says what to do.
fn refusal(folder: &Path, error: &str) -> Result<Start, String> {
    let file = folder.join("events.db");
    let helps =
        ["Restore the folder", "stop that one", "remove the file"].iter().any(|help| error.contains(help));
    if error.contains(&*file.to_string_lossy()) && helps {
        Ok(Start::Refused)
    } else {
        Err(format!("it was refused in words that don't help: {error}"))
    }
}
