//! The store's folder: one process at a time, and a note of what was acknowledged.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::store::OpenError;
use footfall_event_blocks::block::checksum;

const LOCK: &str = "lock";
const ACKNOWLEDGED: &str = "acknowledged";
const NOTE_BYTES: usize = 12;
/// How long a folder that is in use is waited for.
const PATIENCE_ROUNDS: u32 = 30;
const PATIENCE_ROUND: Duration = Duration::from_millis(50);

/// A folder that this process alone uses for as long as this lives.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    _lock: File,
    acknowledged: File,
}

impl Folder {
    /// Takes the folder, making it where it isn't there.
    pub(crate) fn take(path: &Path) -> Result<Self, OpenError> {
        let unusable = |error: std::io::Error| OpenError::Unusable { folder: path.to_owned(), error };
        std::fs::create_dir_all(path).map_err(unusable)?;
        let open = |name: &str| {
            let mut options = OpenOptions::new();
            options
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(path.join(name))
                .map_err(unusable)
        };
        let mut lock = open(LOCK)?;
        let mut taken = lock.try_lock();
        // Who was just killed still holds it for a moment.
        for _ in 0..PATIENCE_ROUNDS {
            if !matches!(taken, Err(TryLockError::WouldBlock)) {
                break;
            }
            std::thread::sleep(PATIENCE_ROUND);
            taken = lock.try_lock();
        }
        match taken {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = lock.read_to_string(&mut holder);
                return Err(OpenError::InUse { folder: path.to_owned(), holder: holder.trim().to_owned() });
            }
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        // For people only: the lock is what counts.
        let written = lock
            .set_len(0)
            .and_then(|()| lock.seek(SeekFrom::Start(0)))
            .and_then(|_| writeln!(lock, "{}", std::process::id()));
        written.map_err(unusable)?;
        Ok(Self { path: path.to_owned(), _lock: lock, acknowledged: open(ACKNOWLEDGED)? })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The ordinal that all acknowledged events are below, as last noted; `None` where there is no whole note.
    pub(crate) fn acknowledged(&self) -> Option<u64> {
        let mut note = [0; NOTE_BYTES];
        self.acknowledged.read_exact_at(&mut note, 0).ok()?;
        let (ordinal, sum) = note.split_first_chunk::<8>()?;
        let ordinal = u64::from_le_bytes(*ordinal);
        (checksum(ordinal, &[]).to_le_bytes() == *sum).then_some(ordinal)
    }

    /// Notes that all events below the ordinal are stored, before anyone is told so.
    ///
    /// It is not synced: the database is, before. After a loss of power the note may be an older one, which says less
    /// and nothing wrong. After anything else it is exact, and shows when the end of the log has gone.
    pub(crate) fn note_acknowledged(&self, ordinal: u64) -> std::io::Result<()> {
        let mut note = [0; NOTE_BYTES];
        note[..8].copy_from_slice(&ordinal.to_le_bytes());
        note[8..].copy_from_slice(&checksum(ordinal, &[]).to_le_bytes());
        self.acknowledged.write_all_at(&note, 0)
    }

    /// The file that holds the note.
    pub(crate) fn note_path(&self) -> PathBuf {
        self.path.join(ACKNOWLEDGED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_taken_by_one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        let first = Folder::take(&path).unwrap();
        let error = Folder::take(&path).unwrap_err().to_string();
        assert!(error.contains(&std::process::id().to_string()), "{error}");
        drop(first);
        Folder::take(&path).unwrap();
    }

    #[test]
    fn notes_are_read_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let taken = Folder::take(folder.path()).unwrap();
        assert_eq!(taken.acknowledged(), None);
        taken.note_acknowledged(1 << 40).unwrap();
        assert_eq!(taken.acknowledged(), Some(1 << 40));
        taken.acknowledged.write_all_at(&[7], 3).unwrap();
        assert_eq!(taken.acknowledged(), None);
    }
}
