//! Page counts, rankings, totals and charts.

use footfall_domain::answers::{Metric, PageOrder, SeriesFilter, Summary};
use footfall_domain::time::{DAY_US, HOUR_US, MINUTE_US, TimeRange, Timestamp};

use crate::{Draft, Trial, instant, range};

fn noon() -> Timestamp {
    instant("2025-05-26T12:00")
}

fn after(micros: i64) -> Timestamp {
    noon().plus_micros(micros)
}

fn only(event_type: &str) -> SeriesFilter {
    SeriesFilter { event_type: Some(event_type.into()), page: None }
}

fn of_page(page: &str) -> SeriesFilter {
    SeriesFilter { event_type: None, page: Some(page.into()) }
}

/// A page never seen has no visitors and no views; nor has one that other events only mention.
pub async fn an_unseen_page_counts_nothing(mut trial: Trial) {
    trial
        .append(&[
            Draft::view(1, noon(), "ann", "/seen"),
            Draft::plain(2, noon(), "ann", "click").with_properties(r#"{"page":"/clicked"}"#),
            Draft::mail(3, noon(), "delivered", "/domain"),
        ])
        .await;
    for page in ["/clicked", "/domain", "/never", "/see", "/seen/", "/SEEN", ""] {
        assert_eq!(trial.page(page, TimeRange::ALL).await, (0, 0), "{page}");
    }
    assert_eq!(trial.page("/seen", TimeRange::ALL).await, (1, 1));
}

/// Views and different visitors are two figures.
pub async fn visitors_are_counted_once_and_views_each_time(mut trial: Trial) {
    let users = ["ann", "bob", "ann", "cid", "ann"];
    let mut number = 0;
    for (place, user) in users.iter().enumerate() {
        for page in ["/a", "/b"] {
            number += 1;
            trial.append(&[Draft::view(number, after(place as i64 * 5 * HOUR_US), user, page)]).await;
        }
    }
    assert_eq!(trial.page("/a", TimeRange::ALL).await, (3, 5));
    assert_eq!(trial.page("/a", range(after(1), after(20 * HOUR_US))).await, (3, 3));
    assert_eq!(trial.page("/b", range(noon(), after(15 * HOUR_US))).await, (2, 3));
}

/// One user on many pages is one user of each and one user of all.
pub async fn one_user_on_many_pages(mut trial: Trial) {
    let drafts: Vec<Draft> = (0..300_u128)
        .map(|number| Draft::view(number, after(number as i64 * MINUTE_US), "ann", &format!("/{number}")))
        .collect();
    trial.append(&drafts).await;
    let all = range(noon(), after(DAY_US));
    assert_eq!(trial.page("/17", all).await, (1, 1));
    assert_eq!(trial.summary(all).await.unique_users, 1);
    let pages = trial.top_pages(all, PageOrder::Visitors, 1_000).await;
    assert!(pages.len() == 300 && pages.iter().all(|page| page.counts.distinct_visitors == 1));
}

/// The figure asked for ranks; equal figures rank by name in byte order; no more than the limit are told.
pub async fn pages_are_ranked_by_the_figure_asked_for(mut trial: Trial) {
    let views: [(&str, &[&str]); 6] = [
        ("/many-views", &["ann", "ann", "ann", "ann", "ann"]),
        ("/many-visitors", &["ann", "bob", "cid"]),
        ("/Z", &["ann", "bob"]),
        ("/a", &["cid", "bob"]),
        ("/\u{e9}", &["cid", "bob"]),
        ("/a/", &["cid", "bob"]),
    ];
    let mut number = 0;
    for (page, users) in views {
        for user in users {
            number += 1;
            trial.append(&[Draft::view(number, after(number as i64 * HOUR_US), user, page)]).await;
        }
    }
    let names = |pages: Vec<footfall_domain::answers::RankedPage>| -> Vec<String> {
        pages.into_iter().map(|page| page.url).collect()
    };
    let all = range(noon(), after(DAY_US));
    let by_visitors = ["/many-visitors", "/Z", "/a", "/a/", "/\u{e9}", "/many-views"];
    let by_views = ["/many-views", "/many-visitors", "/Z", "/a", "/a/", "/\u{e9}"];
    for limit in 1..=7 {
        let told = limit.min(6);
        assert_eq!(names(trial.top_pages(all, PageOrder::Visitors, limit).await), by_visitors[..told]);
        assert_eq!(names(trial.top_pages(all, PageOrder::Views, limit).await), by_views[..told]);
    }
    let within = range(after(HOUR_US), after(2 * HOUR_US + 1));
    assert_eq!(names(trial.top_pages(within, PageOrder::Views, 10).await), ["/many-views"]);
    let before = range(after(-DAY_US), noon());
    assert!(trial.top_pages(before, PageOrder::Visitors, 10).await.is_empty());
}

/// Many pages with equal figures, most of them reached through different hours, and any limit.
pub async fn ties_hold_at_any_limit(mut trial: Trial) {
    let mut drafts = Vec::new();
    for number in 0..240_u128 {
        let (page, user) = (format!("/{}", number * 7 % 40), format!("user-{}", number % 9 * (number % 2)));
        drafts.push(Draft::view(number, after((number as i64 % 70) * 50 * MINUTE_US), &user, &page));
    }
    trial.append(&drafts).await;
    for all in [range(noon(), after(5 * DAY_US)), range(after(31 * MINUTE_US), after(DAY_US + 17))] {
        for limit in [1, 2, 3, 5, 10, 39, 40, 41] {
            trial.top_pages(all, PageOrder::Visitors, limit).await;
            trial.top_pages(all, PageOrder::Views, limit).await;
        }
    }
}

/// All events are in the total and under their type; who has no user is nobody.
pub async fn totals_by_type_and_users(mut trial: Trial) {
    trial
        .append(&[
            Draft::view(1, noon(), "ann", "/"),
            Draft::view(2, after(1), "bob", "/"),
            Draft::plain(3, after(2), "bob", "click"),
            Draft::mail(4, after(3), "delivered", "example.com"),
            Draft::mail(5, after(4), "bounced", "example.com"),
            Draft::mail(6, after(5), "delivered", "example.com"),
            Draft::plain(7, after(DAY_US), "eve", "signup"),
        ])
        .await;
    let summary = trial.summary(range(noon(), after(HOUR_US))).await;
    let by_type: Vec<(&str, u64)> =
        summary.events_by_type.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    assert_eq!(by_type, [("bounced", 1), ("click", 1), ("delivered", 2), ("page_view", 2)]);
    assert_eq!((summary.total_events, summary.unique_users, summary.events_per_hour), (6, 2, vec![6]));
    let mails = trial.summary(range(after(3), after(6))).await;
    assert_eq!((mails.total_events, mails.unique_users), (3, 0));
    assert_eq!(
        trial.series(Metric::Visitors, only("delivered"), vec![range(noon(), after(DAY_US))]).await,
        [0]
    );
    let mut known = Draft::mail(8, after(6), "delivered", "example.com");
    known.user = Some("zoe".into());
    trial.append(&[known]).await;
    assert_eq!(
        trial.series(Metric::Visitors, only("delivered"), vec![range(noon(), after(DAY_US))]).await,
        [1]
    );
}

/// Every hour that the range touches is told, empty ones too, the first and last as far as they lie in it.
pub async fn hours_are_told_each_and_cut_at_the_bounds(mut trial: Trial) {
    let minutes = [0, 10, 59, 60, 61, 200, 239, 240, 299, 300];
    let drafts: Vec<Draft> = minutes
        .iter()
        .map(|minute| Draft::plain(*minute as u128, after(minute * MINUTE_US), "ann", "click"))
        .collect();
    trial.append(&drafts).await;
    let per_hour = async |from: i64, to: i64| {
        let Summary { events_per_hour, total_events, .. } =
            trial.summary(range(after(from * MINUTE_US), after(to * MINUTE_US))).await;
        assert_eq!(events_per_hour.iter().sum::<u64>(), total_events);
        events_per_hour
    };
    assert_eq!(per_hour(0, 360).await, [3, 2, 0, 2, 2, 1]);
    assert_eq!(per_hour(0, 300).await, [3, 2, 0, 2, 2]);
    assert_eq!(per_hour(1, 300).await, [2, 2, 0, 2, 2]);
    assert_eq!(per_hour(10, 61).await, [2, 1]);
    assert_eq!(per_hour(11, 301).await, [1, 2, 0, 2, 2, 1]);
    assert_eq!(per_hour(5, 10).await, [0]);
    assert_eq!(per_hour(-90, 1).await, [0, 0, 1]);
    assert_eq!(per_hour(400, 500).await, [0, 0, 0]);
    let micro = trial.summary(range(after(-1), after(1))).await;
    assert_eq!(micro.events_per_hour, [0, 1]);
}

/// Each metric, with each filter, over ranges that touch, leave gaps, or are of different lengths.
pub async fn charts_of_every_metric_and_filter(mut trial: Trial) {
    let mut drafts = Vec::new();
    for number in 0..120_u128 {
        let at = after(number as i64 * 13 * MINUTE_US);
        let user = format!("user-{}", number % 11);
        drafts.push(match number % 4 {
            0 => Draft::plain(number, at, &user, "click"),
            1 => Draft::mail(number, at, "delivered", "example.com"),
            2 => Draft::view(number, at, &user, "/a"),
            _ => Draft::view(number, at, &user, "/b"),
        });
    }
    trial.append(&drafts).await;
    let touching: Vec<TimeRange> =
        (0..30).map(|hour| range(after(hour * HOUR_US), after((hour + 1) * HOUR_US))).collect();
    let minutes: Vec<TimeRange> =
        (0..200).map(|minute| range(after(minute * MINUTE_US), after((minute + 1) * MINUTE_US))).collect();
    let uneven = vec![
        range(after(-DAY_US), after(-1)),
        range(after(-1), after(1)),
        range(after(17), after(HOUR_US)),
        range(after(3 * HOUR_US - 1), after(DAY_US + 1)),
        range(after(40 * DAY_US), after(200 * DAY_US)),
    ];
    let filters = [
        SeriesFilter::default(),
        only("click"),
        only("page_view"),
        only("delivered"),
        only("never"),
        of_page("/a"),
        of_page("/never"),
        SeriesFilter { event_type: Some("page_view".into()), page: Some("/b".into()) },
    ];
    for metric in [Metric::Events, Metric::Visitors, Metric::PageViews] {
        for filter in &filters {
            for ranges in [&touching, &minutes, &uneven] {
                trial.series(metric, filter.clone(), ranges.clone()).await;
            }
        }
        assert!(trial.series(metric, SeriesFilter::default(), Vec::new()).await.is_empty());
    }
}

/// Filters that no event can pass count nothing, rather than one of them being ignored.
pub async fn contradictory_filters_count_nothing(mut trial: Trial) {
    trial
        .append(&[
            Draft::view(1, noon(), "ann", "/a"),
            Draft::plain(2, noon(), "ann", "click").with_properties(r#"{"page":"/a"}"#),
            Draft::mail(3, noon(), "delivered", "/a"),
        ])
        .await;
    let hour = vec![range(noon(), after(HOUR_US))];
    for event_type in ["click", "delivered", "never", ""] {
        let filter = SeriesFilter { event_type: Some(event_type.into()), page: Some("/a".into()) };
        for metric in [Metric::Events, Metric::Visitors, Metric::PageViews] {
            assert_eq!(trial.series(metric, filter.clone(), hour.clone()).await, [0], "{event_type}");
        }
    }
    assert_eq!(trial.series(Metric::PageViews, only("click"), hour.clone()).await, [0]);
    assert_eq!(trial.series(Metric::Events, only("click"), hour.clone()).await, [1]);
    assert_eq!(trial.series(Metric::Events, of_page("/a"), hour.clone()).await, [1]);
    assert_eq!(trial.series(Metric::PageViews, SeriesFilter::default(), hour.clone()).await, [1]);
}

/// With what is stored or erased inside the range, and with nothing else.
pub async fn a_version_changes_with_its_range(mut trial: Trial) {
    let (inside, outside) = (range(after(0), after(90 * MINUTE_US)), range(after(-DAY_US), after(0)));
    let analytics = trial.backend().analytics.clone();
    let versions =
        async || (analytics.version(inside).await.unwrap(), analytics.version(outside).await.unwrap());
    let empty = versions().await;
    assert_eq!(versions().await, empty);
    trial.append(&[Draft::view(1, after(80 * MINUTE_US), "ann", "/")]).await;
    let one = versions().await;
    assert_ne!(one.0, empty.0);
    assert_eq!(one.1, empty.1);
    trial.append(&[Draft::view(1, after(80 * MINUTE_US), "ann", "/")]).await;
    trial
        .append(&[Draft::view(2, after(90 * MINUTE_US), "ann", "/"), Draft::view(3, after(-1), "bob", "/")])
        .await;
    let two = versions().await;
    assert_eq!(two.0, one.0);
    assert_ne!(two.1, one.1);
    trial.erase("ann").await;
    trial.append(&[Draft::view(4, after(5), "cid", "/")]).await;
    assert_ne!(versions().await.0, two.0);
    drop(analytics);
}
