//! The suites that every cache and every store of snapshots passes, each case on a database of its own.

use std::sync::Arc;

use footfall_conformance::CacheTrial;
use footfall_ports::SnapshotStore;
use footfall_test_services::Redis;

use crate::support::{Patient, open};

async fn fresh_snapshots() -> (Arc<dyn SnapshotStore>, ()) {
    (Arc::new(Patient(open(&Redis::shared().database()))), ())
}

async fn fresh_cache() -> (CacheTrial, ()) {
    (CacheTrial::new(Arc::new(Patient(open(&Redis::shared().database())))), ())
}

footfall_conformance::snapshot_suite!(fresh_snapshots);
footfall_conformance::cache_suite!(fresh_cache);
