//! Bringing the schema up, by the files in `migrations/`. Several instances may try at once.

use refinery::{Migration, Runner};

use crate::connect::Connections;
use crate::error::OpenError;
use crate::statements::APPLIED;

/// In order. A file, once released, never changes.
const MIGRATIONS: [(&str, &str); 2] = [
    ("V1__event_log", include_str!("../../../../migrations/0001_event_log.sql")),
    ("V2__people", include_str!("../../../../migrations/0002_people.sql")),
];

/// One at a time, whichever instance it is.
const LOCK: &str = "SELECT pg_advisory_xact_lock(17765100)";
const NO_LIMITS: &str = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; \
                         SET LOCAL idle_in_transaction_session_timeout = 0";

fn runner() -> Result<Runner, OpenError> {
    let migrations: Result<Vec<Migration>, _> =
        MIGRATIONS.iter().map(|(name, text)| Migration::unapplied(name, text)).collect();
    migrations
        .map(|migrations| Runner::new(&migrations).set_grouped(false))
        .map_err(|error| OpenError::Schema(error.to_string()))
}

/// Applies what isn't applied yet. Says how many migrations that were.
pub(crate) async fn migrate(connections: &Connections) -> Result<usize, OpenError> {
    // Held by a transaction beside the one that migrates, so that it works through a pooler too.
    let mut holder = connections.primary().await?;
    holder.begin().await?;
    holder.run(NO_LIMITS).await?;
    // Another instance may be at it, for as long as that takes.
    holder.run_without_limit(LOCK).await?;
    let mut connection = connections.primary().await?;
    connection.lift_statement_limit().await?;
    let failed =
        |error: refinery::Error| OpenError::Schema(format!("the schema can't be brought up: {error}"));
    let report = runner()?.run_async(connection.client()).await.map_err(failed)?;
    // Not to be used again: it has no limit now.
    drop(connection);
    holder.commit().await?;
    Ok(report.applied_migrations().len())
}

/// Holds the schema to be the one that this version works with.
pub(crate) async fn check(connections: &Connections) -> Result<(), OpenError> {
    let missing = "run `footfall migrate`, or set FOOTFALL__POSTGRES__MIGRATE_ON_START=true";
    let applied: i64 = match connections.query(&APPLIED, &[]).await {
        Ok(rows) => rows[0].get(0),
        Err(error) if error.is_missing_table() => 0,
        Err(error) => return Err(error.into()),
    };
    if (applied as usize) < MIGRATIONS.len() {
        let wanted = MIGRATIONS.len();
        return Err(OpenError::Schema(format!(
            "the schema is at {applied} of {wanted} migrations: {missing}"
        )));
    }
    Ok(())
}
