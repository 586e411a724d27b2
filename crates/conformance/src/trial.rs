//! A store and the reference side by side.

use std::fmt;
use std::sync::Arc;

use footfall_domain::answers::{
    EventFilter, Metric, Order, PageCounts, PageOrder, Position, RankedPage, SeriesFilter, Slice, Summary,
};
use footfall_domain::event::EventId;
use footfall_domain::membership::{Joined, Membership};
use footfall_domain::time::{TimeRange, Timestamp};
use footfall_domain::windows::{Due, MetricFilter, UserMetric, WindowTotals};
use footfall_ports::{EventLog, MetricPosition, Outcome};

use crate::{Answer, Backend, Draft, Harness, Query, Reference, batch_of, range};

/// A store that is put through a case, and the reference that went through the same.
pub struct Trial {
    backend: Backend,
    reference: Reference,
    harness: Option<Arc<dyn Harness>>,
}

impl fmt::Debug for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trial").field("reference", &self.reference).finish_non_exhaustive()
    }
}

/// An answer other than the reference's.
#[derive(Debug)]
pub(crate) struct Mismatch {
    asked: String,
    expected: String,
    answered: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "asked {}\nexpected {}\nanswered {}", self.asked, self.expected, self.answered)
    }
}

impl Trial {
    /// A trial of a store without events, which nobody can start again.
    pub fn new(backend: Backend) -> Self {
        Self { backend, reference: Reference::default(), harness: None }
    }

    /// A trial of a new store, which can be started again.
    pub async fn on(harness: Arc<dyn Harness>) -> Self {
        Self { harness: Some(Arc::clone(&harness)), ..Self::new(harness.backend().await) }
    }

    /// Stops the store and starts it again, where it can be: see [`Harness::restart`]. Clones of the backend that a case
    /// made must be gone.
    ///
    /// # Panics
    /// Of a trial that was made without a harness.
    pub async fn restart(self) -> Self {
        let harness = self.harness.clone().expect("the trial was made with a harness");
        self.restart_on(&*harness).await
    }

    pub(crate) async fn restart_on(self, harness: &(impl Harness + ?Sized)) -> Self {
        let Self { backend, reference, harness: own } = self;
        Self { backend: harness.restart(backend).await, reference, harness: own }
    }

    /// The store, to be used beside the reference.
    pub const fn backend(&self) -> &Backend {
        &self.backend
    }

    /// The store's log.
    pub fn log(&self) -> &dyn EventLog {
        &*self.backend.log
    }

    /// What the store should hold.
    pub const fn reference(&self) -> &Reference {
        &self.reference
    }

    /// Tells the reference of events that the store was given beside it.
    pub fn note(&mut self, drafts: &[Draft]) {
        self.reference.append(drafts);
    }

    /// Tells the reference of memberships that the store was given beside it.
    pub fn note_memberships(&mut self, memberships: &[Membership]) {
        self.reference.join(memberships);
    }

    /// Appends to both.
    ///
    /// # Panics
    /// When the store says anything else of the events than the reference.
    pub async fn append(&mut self, drafts: &[Draft]) -> Vec<Outcome> {
        self.try_append(drafts).await.unwrap_or_else(|mismatch| panic!("{mismatch}"))
    }

    pub(crate) async fn try_append(&mut self, drafts: &[Draft]) -> Result<Vec<Outcome>, Mismatch> {
        let expected = self.reference.append(drafts);
        match self.backend.log.append(batch_of(drafts)).await {
            Ok(outcomes) if outcomes == expected => Ok(outcomes),
            other => Err(Mismatch {
                asked: format!("to store {:?}", drafts.iter().map(|draft| draft.id).collect::<Vec<_>>()),
                expected: format!("{expected:?}"),
                answered: format!("{other:?}"),
            }),
        }
    }

    /// Erases a user from both, and says how many events that were.
    ///
    /// # Panics
    /// When the store says another number than the reference.
    pub async fn erase(&mut self, user: &str) -> u64 {
        self.try_erase(user).await.unwrap_or_else(|mismatch| panic!("{mismatch}"))
    }

    pub(crate) async fn try_erase(&mut self, user: &str) -> Result<u64, Mismatch> {
        let expected = self.reference.erase(user);
        match self.backend.log.erase_user(user.to_owned()).await {
            Ok(erased) if erased == expected => Ok(erased),
            other => Err(Mismatch {
                asked: format!("to erase {user:?}"),
                expected: format!("{expected}"),
                answered: format!("{other:?}"),
            }),
        }
    }

    /// Computes windows in both.
    ///
    /// # Panics
    /// When the store tells of others than the reference.
    pub async fn calculate(&mut self, due: Due, now: Timestamp) -> Vec<WindowTotals> {
        self.try_calculate(due, now).await.unwrap_or_else(|mismatch| panic!("{mismatch}"))
    }

    pub(crate) async fn try_calculate(
        &mut self,
        due: Due,
        now: Timestamp,
    ) -> Result<Vec<WindowTotals>, Mismatch> {
        let expected = self.reference.calculate(due, now);
        match self.backend.metrics.calculate_metrics(due, now).await {
            Ok(told) if told == expected => Ok(told),
            other => Err(Mismatch {
                asked: format!("to compute {due:?} at {now}"),
                expected: format!("{expected:?}"),
                answered: format!("{other:?}"),
            }),
        }
    }

    /// Puts users in segments of both.
    ///
    /// # Panics
    /// When the store says anything else of them than the reference.
    pub async fn join(&mut self, memberships: &[Membership]) -> Vec<Joined> {
        self.try_join(memberships).await.unwrap_or_else(|mismatch| panic!("{mismatch}"))
    }

    pub(crate) async fn try_join(&mut self, memberships: &[Membership]) -> Result<Vec<Joined>, Mismatch> {
        let expected = self.reference.join(memberships);
        match self.backend.segments.join(memberships.to_vec()).await {
            Ok(joined) if joined == expected => Ok(joined),
            other => Err(Mismatch {
                asked: format!("to put in segments {memberships:?}"),
                expected: format!("{expected:?}"),
                answered: format!("{other:?}"),
            }),
        }
    }

    /// Has the store compare its figures with its log.
    ///
    /// # Panics
    /// When anything differs.
    pub async fn verify(&self) {
        self.try_verify().await.unwrap_or_else(|mismatch| panic!("{mismatch}"));
    }

    pub(crate) async fn try_verify(&self) -> Result<(), Mismatch> {
        match self.backend.analytics.verify().await {
            Ok(differences) if differences.is_empty() => Ok(()),
            other => Err(Mismatch {
                asked: "whether the figures are what the log says".into(),
                expected: "no differences".into(),
                answered: format!("{other:?}"),
            }),
        }
    }

    pub(crate) async fn check(&self, query: &Query) -> Result<Answer, Mismatch> {
        let expected = self.reference.answer(query);
        match query.ask(&self.backend).await {
            Ok(answer) if answer == expected => Ok(answer),
            other => Err(Mismatch {
                asked: format!("{query:?}"),
                expected: format!("{expected:?}"),
                answered: format!("{other:?}"),
            }),
        }
    }

    /// Asks both.
    ///
    /// # Panics
    /// When the answers differ.
    pub async fn ask(&self, query: Query) -> Answer {
        self.check(&query).await.unwrap_or_else(|mismatch| panic!("{mismatch}"))
    }

    /// The event of that identity, checked.
    pub async fn event(&self, id: EventId) -> Option<Draft> {
        let Answer::Event(event) = self.ask(Query::Event(id)).await else { unreachable!() };
        event
    }

    /// Events, checked.
    pub async fn events(&self, filter: EventFilter, slice: Slice) -> Vec<Draft> {
        let Answer::Events(events) = self.ask(Query::Events(filter, slice)).await else { unreachable!() };
        events
    }

    /// A page's visitors and views, checked.
    pub async fn page(&self, page: &str, range: TimeRange) -> (u64, u64) {
        let Answer::Page(counts) = self.ask(Query::Page(page.into(), range)).await else { unreachable!() };
        let PageCounts { distinct_visitors, page_views } = counts;
        (distinct_visitors, page_views)
    }

    /// A ranking, checked.
    pub async fn top_pages(&self, range: TimeRange, order: PageOrder, limit: usize) -> Vec<RankedPage> {
        let Answer::TopPages(pages) = self.ask(Query::TopPages(range, order, limit)).await else {
            unreachable!()
        };
        pages
    }

    /// Totals, checked.
    pub async fn summary(&self, range: TimeRange) -> Summary {
        let Answer::Summary(summary) = self.ask(Query::Summary(range)).await else { unreachable!() };
        summary
    }

    /// A chart, checked.
    pub async fn series(&self, metric: Metric, filter: SeriesFilter, ranges: Vec<TimeRange>) -> Vec<u64> {
        let Answer::Series(values) = self.ask(Query::Series(metric, filter, ranges)).await else {
            unreachable!()
        };
        values
    }

    /// Rows of users' activity, checked.
    pub async fn user_metrics(
        &self,
        filter: MetricFilter,
        after: Option<MetricPosition>,
        limit: usize,
    ) -> Vec<UserMetric> {
        let query = Query::UserMetrics(filter, after, limit);
        let Answer::UserMetrics(rows) = self.ask(query).await else { unreachable!() };
        rows
    }

    /// A domain's deliveries and bounces, checked.
    pub async fn domain(&self, domain: &str) -> (u64, u64) {
        let Answer::Domain(counts) = self.ask(Query::Domain(domain.into())).await else { unreachable!() };
        (counts.delivered, counts.bounced)
    }

    /// How many users are in each segment, checked; one by one too.
    pub async fn segment_counts(&self, now: Timestamp) -> Vec<(String, u64)> {
        let Answer::SegmentCounts(counts) = self.ask(Query::SegmentCounts(now)).await else { unreachable!() };
        for (title, _) in counts.iter().take(5) {
            self.segment_count(title, now).await;
        }
        counts
    }

    /// How many users are in a segment, checked.
    pub async fn segment_count(&self, title: &str, now: Timestamp) -> u64 {
        let query = Query::SegmentCount(title.into(), now);
        let Answer::SegmentCount(count) = self.ask(query).await else { unreachable!() };
        count
    }

    /// Asks everything there is to ask about every range between two of the instants.
    ///
    /// # Panics
    /// When any answer differs from the reference's.
    pub async fn agrees_between(&self, instants: &[Timestamp]) {
        let mut instants = instants.to_vec();
        instants.sort_unstable();
        instants.dedup();
        for (place, from) in instants.iter().enumerate() {
            for to in &instants[place + 1..] {
                for query in self.everything(range(*from, *to)) {
                    self.ask(query).await;
                }
            }
        }
        let consecutive: Vec<TimeRange> = instants.windows(2).map(|pair| range(pair[0], pair[1])).collect();
        for (metric, filter) in self.charts() {
            self.ask(Query::Series(metric, filter, consecutive.clone())).await;
        }
    }

    /// Walks the whole list in slices of that many, checking each.
    ///
    /// # Panics
    /// When a slice differs from the reference's.
    pub async fn walk(&self, filter: &EventFilter, order: Order, limit: usize) -> Vec<Draft> {
        let mut walked: Vec<Draft> = Vec::new();
        loop {
            let after = walked.last().map(position_of);
            let slice = self.events(filter.clone(), Slice { order, after, limit }).await;
            if slice.is_empty() {
                return walked;
            }
            walked.extend(slice);
        }
    }

    /// Every question about a range, for the names that are stored and one that isn't.
    fn everything(&self, range: TimeRange) -> Vec<Query> {
        let mut queries = vec![
            Query::TopPages(range, PageOrder::Visitors, 1_000),
            Query::TopPages(range, PageOrder::Views, 2),
            Query::Events(EventFilter { range, ..EventFilter::default() }, FIRST),
            Query::Events(
                EventFilter { range, ..EventFilter::default() },
                Slice { order: Order::Descending, limit: 3, ..FIRST },
            ),
        ];
        // An hour of each is in the answer: years of them would only be slow.
        if range.to().micros() - range.from().micros() < 400 * 24 * 3_600_000_000 {
            queries.push(Query::Summary(range));
        }
        queries.extend(self.pages().into_iter().map(|page| Query::Page(page, range)));
        queries.extend(
            self.charts().into_iter().map(|(metric, filter)| Query::Series(metric, filter, vec![range])),
        );
        queries
    }

    /// Every metric with every filter that makes a difference.
    fn charts(&self) -> Vec<(Metric, SeriesFilter)> {
        let types = [None, Some("page_view"), Some("click"), Some("delivered"), Some("never")];
        let pages = [None, self.pages().first().cloned(), Some("/never".into())];
        let mut charts = Vec::new();
        for metric in [Metric::Events, Metric::Visitors, Metric::PageViews] {
            for event_type in types {
                for page in &pages {
                    let filter = SeriesFilter { event_type: event_type.map(Into::into), page: page.clone() };
                    charts.push((metric, filter));
                }
            }
        }
        charts
    }

    /// A few of the stored pages, and one that isn't.
    fn pages(&self) -> Vec<String> {
        let mut pages: Vec<String> = Vec::new();
        for event in self.reference.all() {
            if let crate::Topic::Page(page) = &event.topic
                && !pages.contains(page)
                && pages.len() < 3
            {
                pages.push(page.clone());
            }
        }
        pages.push("/never".into());
        pages
    }
}

const FIRST: Slice = Slice { order: Order::Ascending, after: None, limit: 1_000 };

/// Where an event stands in the list.
pub(crate) const fn position_of(event: &Draft) -> Position {
    (event.at, event.id)
}
