//! One test suite that every storage adapter passes, so that a request gets the same answer on all of them.
//!
//! An adapter's tests implement [`Harness`] and stamp the suite, which makes every case a test of its own:
//!
//! ```ignore
//! struct Memory;
//!
//! #[async_trait::async_trait]
//! impl Harness for Memory {
//!     async fn backend(&self) -> Backend {
//!         Backend::of(Arc::new(MemoryStore::start(options()).unwrap()))
//!     }
//! }
//!
//! footfall_conformance::suite!(Memory);
//!
//! #[test]
//! fn random_histories() {
//!     footfall_conformance::property_cases(64, &Memory);
//! }
//! ```
//!
//! The cases ask through the ports alone. What they expect is written out by hand or computed by the [`Reference`],
//! which shares no code with any store. A new port method lands with its cases here.
//!
//! [`SnapshotStore`](footfall_ports::SnapshotStore) and [`Cache`](footfall_ports::Cache) have suites of their own,
//! [`snapshot_suite!`] and [`cache_suite!`].

mod backend;
pub mod cases;
mod clock;
mod cut;
mod draft;
pub mod events;
pub mod expected;
mod kept;
mod people;
mod property;
mod query;
mod reference;
mod suite;
mod trial;

pub use backend::{Backend, Harness};
pub use clock::TestClock;
pub use cut::windows_that_are_cut_stay;
pub use draft::{Draft, Topic, batch_of, id, instant, range, user_names};
pub use kept::{CacheTrial, run_on};
pub use property::property_cases;
pub use query::{Answer, Query};
pub use reference::Reference;
pub use suite::run;
pub use trial::Trial;
