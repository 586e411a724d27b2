use footfall_domain::event::EventId;
use footfall_domain::time::Timestamp;

/// Tells the time. Injected, so that tests can choose it.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// Makes identities for events that came without one. Injected, so that tests can foretell them.
pub trait EventIds: Send + Sync {
    /// A new identity, unlike any other on any instance, for an event received at that time.
    fn next(&self, received: Timestamp) -> EventId;
}
