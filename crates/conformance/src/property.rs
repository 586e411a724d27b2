//! Random histories, asked random questions, held against the reference.

use std::fmt;

use footfall_domain::answers::{EventFilter, Metric, Order, PageOrder, SeriesFilter, Slice};
use footfall_domain::membership::{Membership, second_of};
use footfall_domain::time::{DAY_US, HOUR_US, MINUTE_US, TimeRange, Timestamp};
use footfall_domain::windows::{Due, MetricFilter, Window};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

use crate::suite::runtime;
use crate::trial::Mismatch;
use crate::{Answer, Draft, Harness, Query, Trial, id};

/// Users, pages and domains that events have; questions also name one that none has.
const USERS: [&str; 7] = ["ann", "bob", "cid", "dan", "eve", "0", "never"];
const PAGES: [&str; 5] = ["/", "/a", "/b", "https://example.com/", "/never"];
const DOMAINS: [&str; 4] = ["example.com", "a.example", "/a", "never.example"];
const TYPES: [&str; 6] = ["page_view", "click", "purchase", "delivered", "bounced", "never"];

/// Where a history takes place: around now, around 1970, and in the far past.
const STARTS_US: [i64; 3] = [1_748_268_000_000_000, 0, -62_135_596_800_000_000];

/// Runs so many random histories, or as many as the variable `PROPTEST_CASES` says where that is more, each on a new
/// store, and compares every answer with the reference's. A history that fails is made as small as it gets, and printed.
///
/// # Panics
/// When an answer differs.
pub fn property_cases(cases: u32, harness: &impl Harness) {
    let runtime = runtime();
    let cases = cases.max(cases_wanted());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 2_000, ..Config::default() };
    let result = TestRunner::new(config).run(&history(), |steps| {
        runtime.block_on(async {
            let outcome = go_through(harness, &steps).await;
            outcome.map_err(|mismatch| TestCaseError::fail(mismatch.to_string()))
        })
    });
    match result {
        Ok(()) => {}
        Err(TestError::Fail(reason, steps)) => panic!("{reason}\nafter {steps:#?}"),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}

/// How many cases the environment asks for. A number in the code would keep it from asking for more.
fn cases_wanted() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or_default()
}

async fn go_through(harness: &impl Harness, steps: &[Step]) -> Result<(), Mismatch> {
    let mut trial = Trial::new(harness.backend().await);
    let mut clock = Timestamp::MIN;
    for step in steps {
        match step {
            Step::Erase(user) => drop(trial.try_erase(user).await?),
            Step::Verify => trial.try_verify().await?,
            Step::Restart => trial = trial.restart_on(harness).await,
            Step::Append(drafts) => drop(trial.try_append(drafts).await?),
            Step::Calculate(due, now) => drop(trial.try_calculate(*due, *now).await?),
            Step::Join(memberships) => drop(trial.try_join(memberships).await?),
            Step::Count(now) => {
                clock = clock.max(*now);
                trial.check(&Query::SegmentCounts(clock)).await?;
                for title in DOMAINS {
                    trial.check(&Query::SegmentCount(title.into(), clock)).await?;
                }
            }
            Step::Ask(query) => drop(trial.check(query).await?),
            Step::Walk(filter, order, limit) => {
                let mut after = None;
                loop {
                    let slice = Slice { order: *order, after, limit: *limit };
                    let Answer::Events(events) = trial.check(&Query::Events(filter.clone(), slice)).await?
                    else {
                        break;
                    };
                    let Some(last) = events.last() else { break };
                    after = Some((last.at, last.id));
                }
            }
        }
    }
    Ok(())
}

/// One thing that happens to a store.
#[derive(Clone)]
enum Step {
    Append(Vec<Draft>),
    Ask(Query),
    Walk(EventFilter, Order, usize),
    Erase(String),
    Calculate(Due, Timestamp),
    Join(Vec<Membership>),
    /// Counts at that time, or at the latest one so far: clocks don't go back.
    Count(Timestamp),
    Verify,
    Restart,
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Append(drafts) => {
                f.write_str("Append ")?;
                f.debug_list()
                    .entries(drafts.iter().map(|draft| {
                        (draft.id, draft.at.to_string(), &draft.event_type, &draft.user, &draft.topic)
                    }))
                    .finish()
            }
            Self::Ask(query) => write!(f, "Ask {query:?}"),
            Self::Walk(filter, order, limit) => write!(f, "Walk {filter:?} {order:?} by {limit}"),
            Self::Erase(user) => write!(f, "Erase {user}"),
            Self::Calculate(due, now) => write!(f, "Calculate {due:?} at {now}"),
            Self::Count(now) => write!(f, "Count at {now}"),
            Self::Join(memberships) => write!(f, "Join {memberships:?}"),
            Self::Verify => f.write_str("Verify"),
            Self::Restart => f.write_str("Restart"),
        }
    }
}

fn history() -> impl Strategy<Value = Vec<Step>> {
    select(&STARTS_US[..]).prop_flat_map(|start_us| {
        let step = prop_oneof![
            20 => append(start_us).boxed(),
            30 => question(start_us).boxed(),
            3 => name(&USERS).prop_map(Step::Erase),
            4 => calculate(start_us).boxed(),
            4 => join(start_us).boxed(),
            3 => moment(start_us).prop_map(Step::Count),
            2 => Just(Step::Verify),
            2 => Just(Step::Restart)
        ];
        vec(step, 1..40)
    })
}

fn calculate(start_us: i64) -> impl Strategy<Value = Step> {
    let due = prop_oneof![Just(Due::Latest), maybe_open(start_us).prop_map(Due::Within)];
    (due, moment(start_us)).prop_map(|(due, now)| Step::Calculate(due, now))
}

/// Expiries lie around the moments at which questions are asked.
fn join(start_us: i64) -> impl Strategy<Value = Step> {
    let membership = (name(&USERS), name(&DOMAINS), moment(start_us))
        .prop_map(|(user, segment, until)| Membership { user, segment, expires_at_s: second_of(until) });
    vec(membership, 0..20).prop_map(Step::Join)
}

fn append(start_us: i64) -> impl Strategy<Value = Step> {
    let size = prop_oneof![6 => 0..4_usize, 3 => 0..20_usize, 1 => 0..120_usize];
    size.prop_flat_map(move |size| vec(draft(start_us), size)).prop_map(Step::Append)
}

fn draft(start_us: i64) -> impl Strategy<Value = Draft> {
    let user = select(&USERS[..6]);
    (0..400_u128, moment(start_us), user, select(&PAGES[..4]), select(&DOMAINS[..3]), 0..8_u8).prop_map(
        |(number, at, user, page, domain, kind)| {
            // Identities spread over all bits, as real ones are.
            let number = number.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
            match kind {
                0..4 => Draft::view(number, at, user, page),
                4 => Draft::plain(number, at, user, "click"),
                5 => Draft::plain(number, at, user, "purchase"),
                6 => Draft::mail(number, at, "delivered", domain),
                _ => Draft::mail(number, at, "bounced", domain),
            }
        },
    )
}

/// Instants crowd around the bounds of spans of all widths, so that events and the bounds of ranges often meet.
fn moment(start_us: i64) -> impl Strategy<Value = Timestamp> {
    let width = select(&[MINUTE_US, HOUR_US, HOUR_US, DAY_US, 8 * DAY_US, 64 * DAY_US][..]);
    let beside = prop_oneof![
        6 => -1..=1_i64,
        2 => select(&[MINUTE_US, -MINUTE_US, 30 * MINUTE_US, HOUR_US - 1][..]),
        1 => -DAY_US..DAY_US
    ];
    (width, -1..=2_i64, beside).prop_map(move |(width, steps, beside)| {
        let start = Timestamp::from_micros_clamped(start_us).floor_to(width);
        start.plus_micros(steps * width + beside)
    })
}

fn between(start_us: i64) -> impl Strategy<Value = TimeRange> {
    (moment(start_us), moment(start_us)).prop_map(|(one, other)| {
        let (from, to) = (one.min(other), one.max(other));
        TimeRange::new(from, to).or(TimeRange::new(from, from.plus_micros(1))).unwrap_or(TimeRange::ALL)
    })
}

fn maybe_open(start_us: i64) -> impl Strategy<Value = TimeRange> {
    (between(start_us), 0..8_u8).prop_map(|(range, open)| {
        let from = if matches!(open, 0 | 1) { Timestamp::MIN } else { range.from() };
        let to = if matches!(open, 1 | 2) { Timestamp::MAX } else { range.to() };
        TimeRange::new(from, to).unwrap_or(range)
    })
}

fn question(start_us: i64) -> impl Strategy<Value = Step> {
    let event = (0..400_u128)
        .prop_map(|number| Query::Event(id(number.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835))));
    let page = (name(&PAGES), maybe_open(start_us)).prop_map(|(page, range)| Query::Page(page, range));
    let order = select(&[PageOrder::Visitors, PageOrder::Views][..]);
    let top = (maybe_open(start_us), order, 1..7_usize)
        .prop_map(|(range, order, limit)| Query::TopPages(range, order, limit));
    let metric = select(&[Metric::Events, Metric::Visitors, Metric::PageViews][..]);
    let filter = (option::of(name(&TYPES)), option::weighted(0.4, name(&PAGES)))
        .prop_map(|(event_type, page)| SeriesFilter { event_type, page });
    let series = (metric, filter, ranges(start_us))
        .prop_map(|(metric, filter, ranges)| Query::Series(metric, filter, ranges));
    let list =
        (event_filter(start_us), order_of_list(), option::of((moment(start_us), any::<u128>())), 1..30_usize)
            .prop_map(|(filter, order, after, limit)| {
                let after = after.map(|(at, number)| (at, id(number)));
                Query::Events(filter, Slice { order, after, limit })
            });
    let domain = name(&DOMAINS).prop_map(Query::Domain);
    let place = option::of((moment(start_us).prop_map(Window::of), name(&USERS)));
    let metrics = (option::weighted(0.3, name(&USERS)), maybe_open(start_us), place, 1..9_usize).prop_map(
        |(user, range, after, limit)| Query::UserMetrics(MetricFilter { user, range }, after, limit),
    );
    let walk = (event_filter(start_us), order_of_list(), 1..30_usize)
        .prop_map(|(filter, order, limit)| Step::Walk(filter, order, limit));
    prop_oneof![
        1 => event.prop_map(Step::Ask),
        4 => page.prop_map(Step::Ask),
        3 => top.prop_map(Step::Ask),
        4 => between(start_us).prop_map(|range| Step::Ask(Query::Summary(range))),
        4 => series.prop_map(Step::Ask),
        4 => list.prop_map(Step::Ask),
        2 => domain.prop_map(Step::Ask),
        3 => metrics.prop_map(Step::Ask),
        1 => walk,
    ]
}

fn name(names: &'static [&'static str]) -> impl Strategy<Value = String> {
    select(names).prop_map(str::to_owned)
}

fn order_of_list() -> impl Strategy<Value = Order> {
    select(&[Order::Ascending, Order::Descending][..])
}

fn event_filter(start_us: i64) -> impl Strategy<Value = EventFilter> {
    let some = |names| option::weighted(0.3, name(names));
    (some(&USERS), some(&TYPES), some(&PAGES), some(&DOMAINS), maybe_open(start_us)).prop_map(
        |(user, event_type, page, domain, range)| EventFilter { user, event_type, page, domain, range },
    )
}

/// Ascending ranges that don't overlap, with and without gaps between them.
fn ranges(start_us: i64) -> impl Strategy<Value = Vec<TimeRange>> {
    (vec(moment(start_us), 0..12), any::<bool>()).prop_map(|(mut instants, gaps)| {
        instants.sort_unstable();
        let step = if gaps { 2 } else { 1 };
        instants.windows(2).step_by(step).filter_map(|pair| TimeRange::new(pair[0], pair[1])).collect()
    })
}
