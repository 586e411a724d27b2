//! The clock and the sources of identities and seeds that production runs on. The only place that asks the system for any of
//! them.

use std::time::{SystemTime, UNIX_EPOCH};

use footfall_domain::event::EventId;
use footfall_domain::time::Timestamp;
use footfall_ports::{Clock, EventIds};

/// The system's clock.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that the rest takes")]
    fn now(&self) -> Timestamp {
        // A clock set before 1970 is taken for 1970.
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros_clamped(i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX))
    }
}

/// Version 7 UUIDs from the thread's cryptographic generator.
pub(crate) struct RandomIds;

impl EventIds for RandomIds {
    fn next(&self, received: Timestamp) -> EventId {
        EventId::version_7(received, rand::random())
    }
}

/// A seed that no run before is likely to have had; short enough to be typed again.
pub(crate) fn fresh_seed() -> u64 {
    u64::from(rand::random::<u32>())
}
