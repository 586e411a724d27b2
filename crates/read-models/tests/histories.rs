//! Random histories of adding, forgetting and asking, against figures counted one by one.

mod support;

use footfall_domain::answers::{EventFilter, Metric, Order, PageOrder, SeriesFilter, Slice};
use footfall_domain::time::{DAY_US, HOUR_US, MINUTE_US, SECOND_US, TimeRange, Timestamp};
use footfall_read_models::ReadModels;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use support::{Held, Sample, id_of};

const TYPES: [&str; 6] = ["page_view", "click", "purchase", "delivered", "bounced", "never"];
const STARTS_US: [i64; 4] = [1_748_268_000_000_000, 0, -62_135_596_800_000_000, -3_600_000_000];

/// How varied the events of a history are.
#[derive(Clone, Copy, Debug)]
struct Names {
    users: u32,
    pages: u32,
}

#[derive(Clone, Debug)]
enum Step {
    Add(Vec<Sample>),
    ForgetBefore(Timestamp),
    ForgetUser(String),
    Compare(usize, usize),
    Page(String, TimeRange),
    TopPages(TimeRange, PageOrder, usize),
    Summary(TimeRange),
    Series(Metric, SeriesFilter, Vec<TimeRange>),
    List(EventFilter, Slice),
}

fn moment(start_us: i64) -> impl Strategy<Value = Timestamp> {
    let width = select(&[SECOND_US, MINUTE_US, HOUR_US, HOUR_US, DAY_US, 8 * DAY_US, 64 * DAY_US][..]);
    let beside = prop_oneof![5 => -1..=1_i64, 2 => -HOUR_US..HOUR_US, 2 => -9 * DAY_US..9 * DAY_US];
    (width, -2..=3_i64, beside).prop_map(move |(width, steps, beside)| {
        Timestamp::from_micros_clamped(start_us.div_euclid(width) * width + steps * width + beside)
    })
}

fn between(start_us: i64) -> impl Strategy<Value = TimeRange> {
    (moment(start_us), moment(start_us)).prop_map(|(one, other)| {
        TimeRange::new(one.min(other), one.max(other))
            .unwrap_or_else(|| TimeRange::new(one, one.plus_micros(1)).expect("a microsecond"))
    })
}

fn maybe_open(start_us: i64) -> impl Strategy<Value = TimeRange> {
    prop_oneof![
        6 => between(start_us),
        1 => Just(TimeRange::ALL),
        1 => moment(start_us).prop_map(|from| TimeRange::new(from, Timestamp::MAX).expect("not the end")),
        1 => moment(start_us).prop_map(|to| TimeRange::new(Timestamp::MIN, to).expect("not the start"))
    ]
}

fn sample(start_us: i64, names: Names) -> impl Strategy<Value = Sample> {
    (moment(start_us), 0..names.users, 0..names.pages, 0..9_u8).prop_map(|(at, user, page, kind)| {
        let event_type = TYPES[usize::from(kind.saturating_sub(4))];
        let (user, subject) = match event_type {
            "page_view" => (Some(format!("u{user}")), Some(format!("/{page}"))),
            "click" | "purchase" => (Some(format!("u{user}")), None),
            // Mails are mostly nobody's; their domains are written like pages, which must not matter.
            _ => ((user == 0).then(|| "u0".into()), Some(format!("/{}", page % 3))),
        };
        let event_type = if event_type == "never" { "delivered" } else { event_type };
        let subject = subject.or((event_type == "delivered").then(|| "/0".into()));
        Sample { at, event_type, user, subject }
    })
}

fn page_name(names: Names) -> impl Strategy<Value = String> {
    (0..=names.pages).prop_map(|page| format!("/{page}"))
}

fn question(start_us: i64, names: Names) -> impl Strategy<Value = Step> {
    let type_name = || select(&TYPES[..]).prop_map(str::to_owned);
    let user_name = (0..=names.users).prop_map(|user| format!("u{user}"));
    let order = || select(&[Order::Ascending, Order::Descending][..]);
    let ranges = (vec(moment(start_us), 0..40), 1..3_usize).prop_map(|(mut instants, step)| {
        instants.sort_unstable();
        let pairs = instants.windows(2).step_by(step);
        pairs.filter_map(|pair| TimeRange::new(pair[0], pair[1])).collect::<Vec<_>>()
    });
    let metric = select(&[Metric::Events, Metric::Visitors, Metric::PageViews][..]);
    let filter = (option::of(type_name()), option::weighted(0.4, page_name(names)))
        .prop_map(|(event_type, page)| SeriesFilter { event_type, page });
    let list_filter = (
        option::weighted(0.3, user_name),
        option::weighted(0.3, type_name()),
        option::weighted(0.3, page_name(names)),
        option::weighted(0.2, page_name(names)),
        maybe_open(start_us),
    )
        .prop_map(|(user, event_type, page, domain, range)| EventFilter {
            user,
            event_type,
            page,
            domain,
            range,
        });
    let after = option::of((moment(start_us), 0..3_000_u64).prop_map(|(at, place)| (at, id_of(place))));
    prop_oneof![
        3 => (page_name(names), maybe_open(start_us)).prop_map(|(page, range)| Step::Page(page, range)),
        3 => (maybe_open(start_us), select(&[PageOrder::Visitors, PageOrder::Views][..]), 1..60_usize)
            .prop_map(|(range, order, limit)| Step::TopPages(range, order, limit)),
        3 => between(start_us).prop_map(Step::Summary),
        4 => (metric, filter, ranges).prop_map(|(metric, filter, ranges)| Step::Series(metric, filter, ranges)),
        4 => (list_filter, order(), after, 1..80_usize)
            .prop_map(|(filter, order, after, limit)| Step::List(filter, Slice { order, after, limit })),
    ]
}

/// What a history does beside adding and asking.
#[derive(Clone, Copy, Debug, Default)]
struct Forgets {
    by_age: bool,
    users: bool,
}

fn history(forgets: Forgets) -> impl Strategy<Value = Vec<Step>> {
    let names = select(
        &[
            Names { users: 2, pages: 1 },
            Names { users: 9, pages: 4 },
            Names { users: 300, pages: 40 },
            Names { users: 3_000, pages: 2 },
        ][..],
    );
    (select(&STARTS_US[..]), names).prop_flat_map(move |(start_us, names)| {
        let size = prop_oneof![5 => 0..5_usize, 3 => 0..60_usize, 1 => 0..900_usize];
        let add = size.prop_flat_map(move |size| vec(sample(start_us, names), size)).prop_map(Step::Add);
        let forget = moment(start_us).prop_map(Step::ForgetBefore);
        let forget_user = (0..=names.users).prop_map(|user| Step::ForgetUser(format!("u{user}")));
        let compare = (1..300_usize, any::<usize>()).prop_map(|(group, place)| Step::Compare(group, place));
        vec(
            prop_oneof![
                6 => add,
                u32::from(forgets.by_age) => forget,
                3 * u32::from(forgets.users) => forget_user,
                1 => compare,
                11 => question(start_us, names),
            ],
            1..60,
        )
    })
}

fn go_through(steps: &[Step]) {
    let mut held = Held::default();
    for step in steps {
        match step {
            Step::Add(samples) => held.add(samples),
            Step::ForgetBefore(oldest) => held.forget_before(*oldest),
            Step::ForgetUser(user) => held.forget_user(user),
            Step::Compare(group, place) => held.check_differences(*group, *place),
            Step::Page(page, range) => held.check_page(page, *range),
            Step::TopPages(range, order, limit) => held.check_top_pages(*range, *order, *limit),
            Step::Summary(range) => held.check_summary(*range),
            Step::Series(metric, filter, ranges) => held.check_series(*metric, filter, ranges),
            Step::List(filter, slice) => held.check_list(filter, *slice),
        }
        // Would overflow where a part were counted wrongly.
        let by_part: usize = held.models.heap_bytes_by_part().iter().map(|(_, bytes)| *bytes).sum();
        assert_eq!(by_part, held.models.heap_bytes());
    }
}

/// So many cases, or as many as the environment asks for where that is more: a number in the code would keep it from
/// asking.
fn config(cases: u32) -> ProptestConfig {
    let wanted = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let cases = cases.max(wanted.unwrap_or_default());
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 4_000, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(250))]

    #[test]
    fn every_answer_is_as_counted_one_by_one(steps in history(Forgets::default())) {
        go_through(&steps);
    }

    #[test]
    fn what_is_forgotten_is_in_no_answer(steps in history(Forgets { by_age: true, users: false })) {
        go_through(&steps);
    }

    #[test]
    fn who_is_forgotten_is_in_no_answer(steps in history(Forgets { by_age: false, users: true })) {
        go_through(&steps);
    }

    #[test]
    fn who_and_what_is_forgotten_is_in_no_answer(steps in history(Forgets { by_age: true, users: true })) {
        go_through(&steps);
    }
}

fn start() -> Timestamp {
    Timestamp::from_micros_clamped(STARTS_US[0]).floor_to(64 * DAY_US)
}

/// So many events in each of some hours; names are an hour's own, or the same in all.
fn hours(hours: std::ops::Range<i64>, per_hour: usize, own_names: bool) -> Vec<Sample> {
    let mut samples = Vec::new();
    for hour in hours {
        for step in 0..per_hour {
            let name = if own_names { format!("{hour}-{step}") } else { format!("{}", step % 50) };
            let at = start().plus_micros(hour * HOUR_US + step as i64 * 1_000);
            samples.push(Sample {
                at,
                event_type: "page_view",
                user: Some(name.clone()),
                subject: Some(name),
            });
        }
    }
    samples
}

/// Heap bytes after adding all of them and forgetting the first hours, and those of models that were only given the rest.
fn heaps_after_forgetting(all: &[Sample], kept_from_hour: i64) -> (usize, usize, usize) {
    let floor = start().plus_micros(kept_from_hour * HOUR_US);
    let (mut old, mut fresh) = (Held::default(), Held::default());
    for part in all.chunks(500) {
        old.add(part);
    }
    let before = old.models.heap_bytes();
    old.forget_before(floor);
    let kept: Vec<Sample> = all.iter().filter(|sample| sample.at >= floor).cloned().collect();
    for part in kept.chunks(500) {
        fresh.add(part);
    }
    println!("{before} bytes before, {} after, {} fresh", old.models.heap_bytes(), fresh.models.heap_bytes());
    println!("after {:?}, fresh {:?}", old.models.heap_bytes_by_part(), fresh.models.heap_bytes_by_part());
    (before, old.models.heap_bytes(), fresh.models.heap_bytes())
}

/// Buffers that are reused between calls: the same on both sides, whatever is held.
const BUFFERS: usize = 128 * 1024;

#[test]
fn forgetting_gives_back_the_heap_of_hours_with_the_same_names() {
    let (before, after, fresh) = heaps_after_forgetting(&hours(0..400, 200, false), 360);
    assert!(after < before && after <= 2 * fresh + BUFFERS, "{after} bytes are held, {fresh} are needed");
}

/// What a forgotten name keeps: its place, for the next new name to take (see `forgetting_over_and_over…`), here once as
/// a user and once as a page with the place of a series.
const FORGOTTEN_NAME_BYTES: usize = 2 * (40 + 5) + 10;

#[test]
fn forgetting_gives_back_the_heap_of_hours_with_their_own_names() {
    let (before, after, fresh) = heaps_after_forgetting(&hours(0..400, 200, true), 360);
    let needed = 2 * fresh + BUFFERS + 360 * 200 * FORGOTTEN_NAME_BYTES;
    assert!(after < before / 3 && after <= needed, "{after} bytes are held, {fresh} are needed");
}

#[test]
fn forgetting_everything_gives_back_nearly_everything() {
    let (_, after, fresh) = heaps_after_forgetting(&hours(0..100, 500, true), 1_000);
    assert!(fresh < BUFFERS && after <= BUFFERS, "{after} bytes are held for nothing");
}

#[test]
fn forgetting_over_and_over_does_not_pile_up() {
    let mut held = Held::default();
    let mut heaps = Vec::new();
    for day in 0..40_i64 {
        held.add(&hours(24 * day..24 * day + 24, 20, true));
        held.forget_before(start().plus_micros((24 * day - 48) * HOUR_US));
        heaps.push(held.models.heap_bytes());
    }
    let [(_, events), (_, users), (_, pages), _] = held.models.sizes();
    assert_eq!([events, users, pages], [3 * 24 * 20; 3]);
    let (early, late) = (heaps[5], heaps[39]);
    assert!(late <= early + early / 4, "{heaps:?}");
}

/// Validation asks page views for a user; what the types allow must still be counted the same way everywhere.
#[test]
fn a_page_view_of_nobody_has_no_visitor() {
    let mut held = Held::default();
    let view = |micros: i64, user: Option<&str>| Sample {
        at: start().plus_micros(micros),
        event_type: "page_view",
        user: user.map(Into::into),
        subject: Some("/a".into()),
    };
    held.add(&[view(1, None), view(2, Some("ann")), view(HOUR_US, None)]);
    for (from, to) in [(0, HOUR_US), (0, 5), (2, 3), (1, 2), (1, HOUR_US + 1)] {
        let range = TimeRange::new(start().plus_micros(from), start().plus_micros(to)).expect("a range");
        held.check_page("/a", range);
        held.check_summary(range);
        held.check_top_pages(range, PageOrder::Visitors, 10);
        held.check_top_pages(range, PageOrder::Views, 10);
    }
}

/// Enough visitors of one page in one hour to pass 512, and over 65,536 in all, so that bitmaps have several containers.
#[test]
fn many_visitors_are_counted_exactly() {
    let mut held = Held::default();
    let view = |number: usize| Sample {
        at: start().plus_micros((number as i64 % 50) * HOUR_US + number as i64),
        event_type: "page_view",
        user: Some(format!("u{}", number * 7_919 % 70_000)),
        subject: Some(format!("/{}", number % 3)),
    };
    let samples: Vec<Sample> = (0..100_000).map(view).collect();
    for part in samples.chunks(9_973) {
        held.add(part);
    }
    for (from, to) in [(0, 50), (3, 4), (1, 49), (24, 48)] {
        for cut in [0, 50_000] {
            let range = TimeRange::new(
                start().plus_micros(from * HOUR_US + cut),
                start().plus_micros(to * HOUR_US + cut),
            )
            .expect("a range");
            held.check_page("/1", range);
            held.check_summary(range);
            held.check_top_pages(range, PageOrder::Visitors, 3);
        }
    }
}

#[test]
fn forgetting_all_users_gives_back_nearly_everything() {
    let mut held = Held::default();
    for part in hours(0..100, 500, false).chunks(700) {
        held.add(part);
    }
    let before = held.models.heap_bytes();
    for user in 0..50 {
        held.forget_user(&user.to_string());
    }
    let left = held.models.heap_bytes();
    assert!(before > 10 * BUFFERS && left <= BUFFERS, "{left} of {before} bytes are held for nothing");
    assert!(held.models.sizes().iter().all(|(_, count)| *count == 0));
}

#[test]
fn forgetting_users_gives_back_their_part_of_the_heap() {
    let (mut old, mut fresh) = (Held::default(), Held::default());
    let all = hours(0..300, 200, false);
    let (kept, gone): (Vec<Sample>, Vec<Sample>) =
        all.iter().cloned().partition(|sample| sample.user.as_deref().is_some_and(|user| user.len() < 2));
    for part in all.chunks(500) {
        old.add(part);
    }
    for part in kept.chunks(500) {
        fresh.add(part);
    }
    let mut users: Vec<String> = gone.into_iter().filter_map(|sample| sample.user).collect();
    users.sort_unstable();
    users.dedup();
    for user in users {
        old.forget_user(&user);
    }
    let (old, fresh) = (old.models.heap_bytes_by_part(), fresh.models.heap_bytes_by_part());
    for ((part, held), (_, needed)) in old.into_iter().zip(fresh) {
        assert!(held <= needed + BUFFERS, "{part}: {held} bytes are held, {needed} are needed");
    }
}

#[test]
fn nothing_is_held_at_first() {
    let models = ReadModels::default();
    assert_eq!(models.heap_bytes(), 0);
    assert_eq!(models.oldest(), Timestamp::MIN);
    assert!(models.sizes().iter().all(|(_, count)| *count == 0));
}
