//! `footfall migrate`: the database's schema, as this version needs it.

use std::error::Error;
use std::process::ExitCode;

use super::plural;
use crate::config::Config;
use crate::wire;

/// Applies what isn't applied yet.
///
/// # Errors
/// When the database can't be reached, or a migration fails.
pub(crate) async fn run(config: &Config) -> Result<ExitCode, Box<dyn Error>> {
    match wire::migrate(config).await? {
        Some(0) => println!("the schema is up to date"),
        Some(applied) => println!("applied {applied} migration{}", plural(applied)),
        None => println!("this backend has no schema to bring up"),
    }
    Ok(ExitCode::SUCCESS)
}
