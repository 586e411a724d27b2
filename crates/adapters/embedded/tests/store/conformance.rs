//! The embedded store in the suite that every store passes.

use std::sync::Arc;

use async_trait::async_trait;
use footfall_conformance::{Backend, Harness};
use tempfile::TempDir;

use crate::support::{TestClock, open};

struct Embedded;

#[async_trait]
impl Harness for Embedded {
    async fn backend(&self) -> Backend {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path(), None, &TestClock::at("2025-05-27T00:00")).unwrap();
        Backend::of(Arc::new(store)).keeping(folder)
    }

    async fn restart(&self, backend: Backend) -> Backend {
        let folder = backend.kept().unwrap().downcast::<TempDir>().unwrap();
        drop(backend);
        let store = open(folder.path(), None, &TestClock::at("2025-05-27T00:00")).unwrap();
        Backend::of(Arc::new(store)).keeping_shared(folder)
    }
}

footfall_conformance::suite!(Embedded);

#[test]
fn random_histories() {
    footfall_conformance::property_cases(100, &Embedded);
}
