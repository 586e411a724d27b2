//! The postgres store in the suite that every store passes.

use std::sync::Arc;

use async_trait::async_trait;
use footfall_conformance::{Backend, Harness};
use footfall_test_services::Postgres;

use crate::support::open;

struct OnePostgres;

#[async_trait]
impl Harness for OnePostgres {
    async fn backend(&self) -> Backend {
        let url = Postgres::shared().database();
        Backend::of(Arc::new(open(&url).await)).keeping(url)
    }

    async fn restart(&self, backend: Backend) -> Backend {
        let url = backend.kept().unwrap().downcast::<String>().unwrap();
        drop(backend);
        Backend::of(Arc::new(open(&url).await)).keeping_shared(url)
    }
}

footfall_conformance::suite!(OnePostgres);

#[test]
fn random_histories() {
    footfall_conformance::property_cases(100, &OnePostgres);
}
