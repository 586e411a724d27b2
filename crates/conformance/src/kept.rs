//! What an adapter brings to the suites of [`SnapshotStore`](footfall_ports::SnapshotStore) and [`Cache`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use footfall_ports::{Cache, Clock};

use crate::TestClock;
use crate::suite::runtime;

/// A cache under test.
pub struct CacheTrial {
    /// The cache, without anything in it.
    pub cache: Arc<dyn Cache>,
    clock: Option<TestClock>,
}

impl CacheTrial {
    /// A cache that goes by the system's time.
    pub fn new(cache: Arc<dyn Cache>) -> Self {
        Self { cache, clock: None }
    }

    /// It goes by that clock instead.
    #[must_use]
    pub fn with_clock(self, clock: TestClock) -> Self {
        Self { clock: Some(clock), ..self }
    }

    /// Lets so much time pass for the cache.
    pub async fn pass(&self, time: Duration) {
        match &self.clock {
            Some(clock) => clock.set(clock.now().plus_micros(time.as_micros() as i64)),
            None => tokio::time::sleep(time).await,
        }
    }
}

impl fmt::Debug for CacheTrial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheTrial").field("clock", &self.clock).finish_non_exhaustive()
    }
}

/// Runs one case on what `fresh` gives, in a multi-threaded runtime of its own. A guard is dropped after the case, within it.
///
/// # Panics
/// When the case fails, or the system gives no threads.
pub fn run_on<T, G, N, F>(fresh: impl FnOnce() -> N, case: impl FnOnce(T) -> F)
where
    N: Future<Output = (T, G)>,
    F: Future<Output = ()>,
{
    runtime().block_on(async {
        let (subject, guard) = fresh().await;
        case(subject).await;
        drop(guard);
    });
}

/// Stamps the suite of [`SnapshotStore`](footfall_ports::SnapshotStore) on an adapter: `snapshot_suite!(fresh)`, where
/// `fresh` is an async function that gives `(Arc<dyn SnapshotStore>, guard)`: a store without snapshots, and whatever has to
/// be kept until the case is over, `()` where that is nothing. Cases run at the same time: what one puts, no other may see.
#[macro_export]
macro_rules! snapshot_suite {
    ($fresh:path) => {
        $crate::stamp_on! { $fresh;
            snapshots: nothing_is_there_at_first;
            snapshots: what_was_put_is_found;
            snapshots: what_is_known_is_not_sent_again;
            snapshots: the_later_one_wins;
            snapshots: an_earlier_one_and_one_of_the_same_time_change_nothing;
            snapshots: names_are_apart;
            snapshots: an_empty_one_is_one;
            snapshots: a_large_one_is_kept_whole;
            snapshots: any_bytes_are_kept;
            snapshots: times_are_compared_to_the_microsecond_and_to_the_ends_of_time;
            snapshots: of_many_at_once_the_latest_stands;
            snapshots: it_never_goes_back;
        }
    };
}

/// Stamps the suite of [`Cache`] on an adapter: `cache_suite!(fresh)`, where `fresh` is an async function that gives
/// `(CacheTrial, guard)`: a cache with nothing in it, and whatever has to be kept until the case is over. Cases run at the
/// same time: what one puts, no other may see.
#[macro_export]
macro_rules! cache_suite {
    ($fresh:path) => {
        $crate::stamp_on! { $fresh;
            cache: what_was_never_put_is_absent;
            cache: what_was_put_is_remembered;
            cache: a_value_is_replaced_whole;
            cache: a_value_expires;
            cache: a_new_value_has_its_own_time;
            cache: a_value_that_is_not_to_be_kept_is_not;
            cache: a_value_may_be_kept_very_long;
            cache: keys_are_apart;
            cache: keys_may_be_odd;
            cache: any_bytes_are_remembered;
            cache: the_largest_value_is_remembered;
            cache: a_larger_value_is_not_kept_nor_the_one_before;
            cache: of_many_at_once_each_finds_a_whole_value;
        }
    };
}

/// What these suites are made of.
#[doc(hidden)]
#[macro_export]
macro_rules! stamp_on {
    ($fresh:path; $($module:ident: $case:ident;)*) => {
        $(
            #[test]
            fn $case() {
                $crate::run_on($fresh, $crate::cases::$module::$case);
            }
        )*
    };
}
