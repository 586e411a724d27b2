//! The macro that makes every case a test of the adapter's, and what runs one.

use std::future::Future;
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};

use crate::{Harness, Trial};

/// Runs one case on a store of its own, in a multi-threaded runtime of its own.
///
/// # Panics
/// When the case fails, or the system gives no threads.
pub fn run<F: Future<Output = ()>>(harness: impl Harness + 'static, case: impl FnOnce(Trial) -> F) {
    runtime().block_on(async { case(Trial::on(Arc::new(harness)).await).await });
}

pub(crate) fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(4).enable_all().build().expect("the system gives threads")
}

/// Stamps the suite on an adapter: `suite!(harness)`, where `harness` is an expression for a [`Harness`](crate::Harness).
/// Every case becomes a `#[test]` of its name.
#[macro_export]
macro_rules! suite {
    ($harness:expr) => {
        $crate::stamp! { $harness;
            append: outcomes_follow_the_batch;
            append: duplicates_within_a_batch_count_once;
            append: duplicates_across_batches_change_no_figure;
            append: the_first_one_stored_wins;
            append: an_event_is_visible_to_the_next_read;
            append: events_are_found_by_identity_or_are_absent;
            append: contents_are_kept_as_sent;
            append: a_retry_with_other_content_never_wins;
            append: a_working_store_is_healthy;
            append: an_empty_store_answers_everything;
            listing: order_is_time_and_then_identity;
            listing: cursors_walk_with_any_limit;
            listing: cursors_walk_through_one_instant;
            listing: cursors_hold_while_events_arrive;
            listing: every_filter_and_combination;
            listing: a_page_is_no_domain;
            listing: filtered_lists_walk;
            listing: bounds_are_half_open_to_the_microsecond;
            listing: a_cursor_may_be_any_place;
            figures: an_unseen_page_counts_nothing;
            figures: visitors_are_counted_once_and_views_each_time;
            figures: one_user_on_many_pages;
            figures: pages_are_ranked_by_the_figure_asked_for;
            figures: ties_hold_at_any_limit;
            figures: totals_by_type_and_users;
            figures: hours_are_told_each_and_cut_at_the_bounds;
            figures: charts_of_every_metric_and_filter;
            figures: contradictory_filters_count_nothing;
            spans: within_an_hour;
            spans: across_hours;
            spans: across_days;
            spans: across_spans_of_eight_days;
            spans: across_spans_of_sixty_four_days;
            spans: before_1970;
            spans: in_the_far_past_and_at_the_ends_of_time;
            spans: open_ranges;
            spans: late_events_are_counted_where_they_belong;
            volume: ten_thousand_events_in_a_batch;
            volume: visitors_of_a_page_grow_by_the_thousand;
            volume: visitors_who_come_again_count_once;
            volume: thousands_of_pages;
            volume: events_in_reverse;
            concurrency: one_of_many_stores_an_event;
            concurrency: a_duplicate_is_visible_already;
            concurrency: each_task_sees_what_it_stored;
            concurrency: figures_only_grow_and_end_exact;
            concurrency: walks_hold_while_others_append;
            concurrency: one_content_wins_a_race;
            erase: an_erased_user_is_in_no_answer;
            erase: identities_stay_known;
            erase: erasing_an_unknown_user_does_nothing;
            erase: erasing_twice_finds_nothing_more;
            erase: others_keep_counting;
            erase: events_of_nobody_stay;
            erase: events_of_every_age_go;
            erase: the_latest_hour_goes;
            erase: the_only_user_goes;
            erase: one_of_many_visitors_goes;
            erase: thousands_of_events_go;
            erase: a_user_may_come_again;
            erase: listings_go_on_past_what_was_erased;
            erase: beside_appends_of_others;
            erase: beside_questions;
            verify: figures_are_what_the_log_says;
            verify: beside_appends;
            verify: one_at_a_time;
            restart: everything_is_there_again;
            restart: duplicates_are_still_known;
            restart: the_erased_stay_erased;
            restart: time_and_again;
            domains: mails_are_counted_by_domain;
            domains: many_domains;
            domains: counts_lose_nothing_under_concurrency;
            domains: duplicates_and_the_erased_count_nowhere;
            metrics: completed_windows_have_rows;
            metrics: calculating_again_changes_nothing;
            metrics: late_events_are_computed;
            metrics: a_range_computes_its_whole_windows;
            metrics: rows_are_listed_by_filter_and_place;
            metrics: many_at_once_leave_the_same_rows;
            metrics: calculating_beside_appends;
            metrics: the_erased_have_no_rows;
            metrics: rows_stay_through_a_restart;
            metrics: names_are_ordered_by_their_bytes;
            segments: users_are_counted_in_each_segment;
            segments: a_second_time_renews;
            segments: users_leave_at_their_second;
            segments: within_one_batch_the_last_counts;
            segments: thousands_at_once;
            segments: many_at_once_count_once;
            segments: the_erased_are_in_none;
            segments: the_ended_are_forgotten_in_time;
            segments: memberships_stay_through_a_restart;
            segments: later_counts_have_later_times;
            segments: odd_names;
            segments: a_clock_that_was_far_ahead_does_no_lasting_harm;
            figures: a_version_changes_with_its_range;
        }
    };
}

/// What [`suite!`] is made of.
#[doc(hidden)]
#[macro_export]
macro_rules! stamp {
    ($harness:expr; $($module:ident: $case:ident;)*) => {
        $(
            #[test]
            fn $case() {
                $crate::run($harness, $crate::cases::$module::$case);
            }
        )*
    };
}
