//! The memory store in the suite that every store passes.

mod support;

use std::sync::Arc;

use async_trait::async_trait;
use footfall_conformance::{Backend, Harness};

use support::{TestClock, store};

struct Memory;

#[async_trait]
impl Harness for Memory {
    async fn backend(&self) -> Backend {
        Backend::of(Arc::new(store(1 << 30, None, &TestClock::at("2025-05-27T00:00"))))
    }
}

footfall_conformance::suite!(Memory);

#[test]
fn random_histories() {
    footfall_conformance::property_cases(400, &Memory);
}
