//! A copy of a store that is whole, made while the store is in use.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use crate::database::DiskError;
use crate::disk::Disk;
use crate::people::People;

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is no store to copy.
    #[error("{0} holds no store")]
    NoStore(PathBuf),
    /// Something is there already.
    #[error("{0} is there already: a backup is made in a folder of its own")]
    Occupied(PathBuf),
    /// The folder or a file in it can't be made.
    #[error("{folder} can't be written: {error}")]
    Unwritable {
        /// Which.
        folder: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// Copying failed.
    #[error("the store can't be copied: {0}")]
    Failed(String),
}

/// Copies the store in a folder into another one, which is made. Whoever uses the store goes on meanwhile; what was
/// acknowledged before this began is in the copy. The copy is a store's folder itself.
///
/// # Errors
/// [`BackupError`]; what was copied so far is removed again.
pub fn back_up(folder: &Path, to: &Path) -> Result<(), BackupError> {
    let file = Disk::file_in(folder);
    if !file.exists() {
        return Err(BackupError::NoStore(folder.to_owned()));
    }
    let occupied = std::fs::read_dir(to).is_ok_and(|mut entries| entries.next().is_some());
    if occupied || to.is_file() {
        return Err(BackupError::Occupied(to.to_owned()));
    }
    let unwritable = |error| BackupError::Unwritable { folder: to.to_owned(), error };
    std::fs::create_dir_all(to).map_err(unwritable)?;
    // People first: then no window is counted in the copy with more events than the copy holds.
    let files = [(People::file_in(folder), People::file_in(to)), (file, Disk::file_in(to))];
    let copied = files.iter().filter(|(file, _)| file.exists()).try_for_each(|(file, copy)| {
        copy_to(file, copy).map_err(|error| BackupError::Failed(error.to_string()))?;
        sync(copy).map_err(unwritable)
    });
    // The files, and that they are there.
    let result = copied.and_then(|()| sync(to).map_err(unwritable));
    if result.is_err() {
        for (_, copy) in &files {
            // What can't be removed is left for people to see.
            let _ = std::fs::remove_file(copy);
        }
    }
    result
}

fn sync(path: &Path) -> std::io::Result<()> {
    std::fs::File::open(path)?.sync_all()
}

fn copy_to(file: &Path, copy: &Path) -> Result<(), DiskError> {
    // Writable, because a reader too takes part in the bookkeeping of the write-ahead log. It changes nothing.
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let Some(copy) = copy.to_str() else {
        return Err(DiskError::Failed("the name of the folder is not UTF-8".into()));
    };
    connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.execute("VACUUM INTO ?1", [copy])?;
    Ok(())
}
