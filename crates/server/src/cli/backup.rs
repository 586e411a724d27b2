//! `footfall backup`: a copy of the embedded store, also beside a running server.

use std::error::Error;
use std::path::PathBuf;

use clap::Args;

use crate::config::{Backend, Config};
use crate::wire;

/// Copies the configured embedded store into a folder that is new or empty. The server may be running and goes on; the
/// copy holds everything that was acknowledged before. To restore, serve from the copy.
#[derive(Args)]
pub(crate) struct BackupArgs {
    /// The folder for the copy
    folder: PathBuf,
}

/// Makes the copy.
///
/// # Errors
/// When there is no embedded store, or it can't be copied.
pub(crate) fn run(args: &BackupArgs, config: &Config) -> Result<(), Box<dyn Error>> {
    if config.storage.backend != Backend::Embedded {
        return Err(
            "only the embedded backend has files to copy; `footfall export` works with every backend".into(),
        );
    }
    wire::back_up(config, &args.folder)?;
    println!("copied {} to {}", config.embedded.folder.display(), args.folder.display());
    Ok(())
}
