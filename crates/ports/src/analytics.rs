use async_trait::async_trait;
use footfall_domain::answers::{Metric, PageCounts, PageOrder, RankedPage, SeriesFilter, Summary};
use footfall_domain::time::TimeRange;

use crate::StoreError;

/// Most differences that [`Analytics::verify`] tells of.
pub const DIFFERENCES_MAX: usize = 100;

/// The state of a range; see [`Analytics::version`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Version {
    /// Which life of which store it is: what is counted by the other members begins anew with it.
    pub store: u64,
    /// How often something stored before was taken away.
    pub removals: u64,
    /// The events in the range. Nothing is ever changed, only added, so as long as they are as many they are the same.
    pub events: u64,
}

/// Figures over the stored events. All are exact for their half-open range, whatever its bounds, and include every event
/// that was acknowledged before the question was asked.
#[async_trait]
pub trait Analytics: Send + Sync {
    /// The figures of one page, given in its normal form. Of a page never seen both are 0.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't tell.
    async fn page(&self, page: String, range: TimeRange) -> Result<PageCounts, StoreError>;

    /// The pages viewed in the range, highest figure first, ties by their normal form in byte order, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't tell.
    async fn top_pages(
        &self,
        range: TimeRange,
        order: PageOrder,
        limit: usize,
    ) -> Result<Vec<RankedPage>, StoreError>;

    /// Totals over the range.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't tell.
    async fn summary(&self, range: TimeRange) -> Result<Summary, StoreError>;

    /// One figure for each of the ranges, which are ascending and don't overlap.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't tell.
    async fn series(
        &self,
        metric: Metric,
        filter: SeriesFilter,
        ranges: Vec<TimeRange>,
    ) -> Result<Vec<u64>, StoreError>;

    /// What tells whether anything in the range has changed: as long as it is the same, so is every answer about that range,
    /// on whichever instance. It costs little.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't tell.
    async fn version(&self, range: TimeRange) -> Result<Version, StoreError>;

    /// Recomputes all figures from the log and compares. Returns what differs, in words, at most
    /// [`DIFFERENCES_MAX`]; nothing when the figures are what the log says.
    ///
    /// It takes about as long as reading the whole log. One runs at a time.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] while another one runs; [`StoreError`] when the log can't be read.
    async fn verify(&self) -> Result<Vec<String>, StoreError>;
}
