//! Every question that the ports can be asked, and its answer, as values: so that a store and the reference can be asked
//! the same and their answers compared.

use std::fmt;

use footfall_domain::answers::{
    DomainCounts, EventFilter, Metric, PageCounts, PageOrder, RankedPage, SeriesFilter, Slice, Summary,
};
use footfall_domain::event::EventId;
use footfall_domain::time::{TimeRange, Timestamp};
use footfall_domain::windows::{MetricFilter, UserMetric};
use footfall_ports::{MetricPosition, StoreError};

use crate::{Backend, Draft};

/// A question.
#[derive(Clone, Debug)]
pub enum Query {
    /// [`EventLog::event`](footfall_ports::EventLog::event)
    Event(EventId),
    /// [`EventLog::events`](footfall_ports::EventLog::events)
    Events(EventFilter, Slice),
    /// [`Analytics::page`](footfall_ports::Analytics::page)
    Page(String, TimeRange),
    /// [`Analytics::top_pages`](footfall_ports::Analytics::top_pages)
    TopPages(TimeRange, PageOrder, usize),
    /// [`Analytics::summary`](footfall_ports::Analytics::summary)
    Summary(TimeRange),
    /// [`Analytics::series`](footfall_ports::Analytics::series)
    Series(Metric, SeriesFilter, Vec<TimeRange>),
    /// [`Domains::domain`](footfall_ports::Domains::domain)
    Domain(String),
    /// [`UserMetrics::user_metrics`](footfall_ports::UserMetrics::user_metrics)
    UserMetrics(MetricFilter, Option<MetricPosition>, usize),
    /// [`Segments::segment_counts`](footfall_ports::Segments::segment_counts)
    SegmentCounts(Timestamp),
    /// [`Segments::segment_count`](footfall_ports::Segments::segment_count)
    SegmentCount(String, Timestamp),
}

/// An answer.
#[derive(Clone, PartialEq, Eq)]
pub enum Answer {
    /// To [`Query::Event`].
    Event(Option<Draft>),
    /// To [`Query::Events`].
    Events(Vec<Draft>),
    /// To [`Query::Page`].
    Page(PageCounts),
    /// To [`Query::TopPages`].
    TopPages(Vec<RankedPage>),
    /// To [`Query::Summary`].
    Summary(Summary),
    /// To [`Query::Series`].
    Series(Vec<u64>),
    /// To [`Query::Domain`].
    Domain(DomainCounts),
    /// To [`Query::UserMetrics`].
    UserMetrics(Vec<UserMetric>),
    /// To [`Query::SegmentCounts`], less the time.
    SegmentCounts(Vec<(String, u64)>),
    /// To [`Query::SegmentCount`].
    SegmentCount(u64),
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(event) => event.fmt(f),
            // Enough to tell them by: whole events would bury what differs.
            Self::Events(events) => {
                f.debug_list().entries(events.iter().map(|event| (event.at.to_string(), event.id))).finish()
            }
            Self::Page(counts) => counts.fmt(f),
            Self::TopPages(pages) => pages.fmt(f),
            Self::Summary(summary) => {
                let hours = summary.events_per_hour.iter().enumerate().filter(|(_, count)| **count > 0);
                f.debug_struct("Summary")
                    .field("total_events", &summary.total_events)
                    .field("events_by_type", &summary.events_by_type)
                    .field("unique_users", &summary.unique_users)
                    .field("hours", &summary.events_per_hour.len())
                    .field("hours_with_events", &hours.collect::<Vec<_>>())
                    .finish()
            }
            Self::Series(values) => values.fmt(f),
            Self::Domain(counts) => counts.fmt(f),
            Self::UserMetrics(rows) => rows.fmt(f),
            Self::SegmentCounts(counts) => counts.fmt(f),
            Self::SegmentCount(count) => count.fmt(f),
        }
    }
}

impl Query {
    /// Asks a store.
    ///
    /// # Errors
    /// What the store says.
    pub async fn ask(&self, backend: &Backend) -> Result<Answer, StoreError> {
        let (log, analytics) = (&backend.log, &backend.analytics);
        Ok(match self.clone() {
            Self::Event(id) => Answer::Event(log.event(id).await?.map(|event| Draft::of(event.get()))),
            Self::Events(filter, slice) => {
                let events = log.events(filter, slice).await?;
                Answer::Events(events.iter().map(|event| Draft::of(event.get())).collect())
            }
            Self::Page(page, range) => Answer::Page(analytics.page(page, range).await?),
            Self::TopPages(range, order, limit) => {
                Answer::TopPages(analytics.top_pages(range, order, limit).await?)
            }
            Self::Summary(range) => Answer::Summary(analytics.summary(range).await?),
            Self::Series(metric, filter, ranges) => {
                Answer::Series(analytics.series(metric, filter, ranges).await?)
            }
            Self::Domain(domain) => Answer::Domain(backend.domains.domain(domain).await?),
            Self::UserMetrics(filter, after, limit) => {
                Answer::UserMetrics(backend.metrics.user_metrics(filter, after, limit).await?)
            }
            Self::SegmentCounts(now) => {
                Answer::SegmentCounts(backend.segments.segment_counts(now).await?.counts)
            }
            Self::SegmentCount(title, now) => {
                Answer::SegmentCount(backend.segments.segment_count(title, now).await?)
            }
        })
    }
}
