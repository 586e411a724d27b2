use async_trait::async_trait;
use footfall_domain::time::Timestamp;
use footfall_domain::windows::{Due, MetricFilter, UserMetric, Window, WindowTotals};

use crate::StoreError;

/// Where a list of metrics goes on: the last row's window and user.
pub type MetricPosition = (Window, String);

/// Every user's activity by 4-hour window, computed from the stored events and kept.
#[async_trait]
pub trait UserMetrics: Send + Sync {
    /// Computes the windows that are due and were over by `now`, and tells of them in order; see [`Due`].
    ///
    /// Of a window that was computed before, only the rows that late events have changed are written; all others keep what
    /// they had. A window that retention has begun to drop stays as it was computed. Events without a user count nowhere.
    ///
    /// Computing again changes nothing, and many may do it at once, on whichever instance: the rows are the same.
    /// Every event that was acknowledged before this was asked is counted.
    ///
    /// # Errors
    /// [`StoreError`]; some windows may have been computed then, each as a whole.
    async fn calculate_metrics(&self, due: Due, now: Timestamp) -> Result<Vec<WindowTotals>, StoreError>;

    /// The rows that pass the filter, by window and then by the bytes of the user's name: those after the place, at most
    /// `limit`.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't tell.
    async fn user_metrics(
        &self,
        filter: MetricFilter,
        after: Option<MetricPosition>,
        limit: usize,
    ) -> Result<Vec<UserMetric>, StoreError>;
}
