use crate::{Analytics, Domains, EventLog, Health, Segments, SnapshotStore, UserMetrics};

/// A storage backend: what fills all the ports of storage by itself, so that what is stored through one of them is seen
/// through all.
pub trait Store: EventLog + Analytics + Domains + UserMetrics + Segments + SnapshotStore + Health {}

impl<S: EventLog + Analytics + Domains + UserMetrics + Segments + SnapshotStore + Health> Store for S {}
