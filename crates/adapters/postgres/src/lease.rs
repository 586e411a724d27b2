//! Jobs that one instance does at a time. Two that do the same job at once do no harm; the lease spares them the work.

use std::time::Duration;

use uuid::Uuid;

use crate::error::DatabaseError;
use crate::statements::{FREE_JOB, HOLD_JOB};
use crate::store::Inner;

/// How often who waits for a lease looks again, and how many times before going on without it: some minutes. One that nobody prolongs
/// ends long before.
const ROUND: Duration = Duration::from_millis(200);
const ROUNDS_MAX: u32 = 3_000;

/// A job that this instance does.
pub(crate) struct Lease {
    job: &'static str,
    holder: Uuid,
}

impl Inner {
    /// Waits until nobody else does the job, but not for ever.
    pub(crate) async fn lease(&self, job: &'static str) -> Result<Lease, DatabaseError> {
        let lease = Lease { job, holder: Uuid::from_u128((self.random)()) };
        for _ in 0..ROUNDS_MAX {
            if self.prolong(&lease).await? {
                break;
            }
            tokio::time::sleep(ROUND).await;
        }
        Ok(lease)
    }

    /// Keeps the lease for a minute more. Whether it was to be had.
    pub(crate) async fn prolong(&self, lease: &Lease) -> Result<bool, DatabaseError> {
        Ok(!self.connections.query(&HOLD_JOB, &[&lease.job, &lease.holder]).await?.is_empty())
    }

    /// Gives the lease back. Where that fails it ends by itself.
    pub(crate) async fn free(&self, lease: Lease) {
        if let Err(error) = self.connections.query(&FREE_JOB, &[&lease.job, &lease.holder]).await {
            tracing::debug!(%error, job = lease.job, "a lease can't be given back");
        }
    }
}
