//! The health of several things as one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use footfall_http::Drain;
use footfall_ports::{DependencyState, Health};
use tokio::sync::Mutex;

/// How long what was found is told to others who ask. Anyone may ask, as often as they like, and a check takes a connection to the
/// database.
const REMEMBERED: Duration = Duration::from_millis(250);

/// Asks each, all at once; one who asks does it for all who ask meanwhile. Whether the process stops is known at once.
pub(crate) struct Together {
    drain: Drain,
    parts: Vec<Arc<dyn Health>>,
    found: Mutex<Option<(Instant, Vec<DependencyState>)>>,
}

impl Together {
    pub(crate) fn new(drain: Drain, parts: Vec<Arc<dyn Health>>) -> Self {
        Self { drain, parts, found: Mutex::default() }
    }

    async fn parts(&self) -> Vec<DependencyState> {
        let mut found = self.found.lock().await;
        if let Some((_, states)) = found.as_ref().filter(|(since, _)| since.elapsed() < REMEMBERED) {
            return states.clone();
        }
        let checks = self.parts.iter().map(|health| health.check());
        let states: Vec<_> = futures_util::future::join_all(checks).await.into_iter().flatten().collect();
        *found = Some((Instant::now(), states.clone()));
        states
    }
}

#[async_trait]
impl Health for Together {
    async fn check(&self) -> Vec<DependencyState> {
        let mut states = self.parts().await;
        states.extend(self.drain.check().await);
        states
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Default)]
    struct Counted(AtomicUsize);

    #[async_trait]
    impl Health for Counted {
        async fn check(&self) -> Vec<DependencyState> {
            self.0.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(20)).await;
            vec![DependencyState { name: "storage", required: true, state: Ok(()) }]
        }
    }

    #[actix_web::test]
    async fn many_who_ask_are_one_check_and_a_stop_is_known_at_once() {
        let (drain, part) = (Drain::default(), Arc::new(Counted::default()));
        let together = Together::new(drain.clone(), vec![part.clone()]);
        let all = futures_util::future::join_all((0..100).map(|_| together.check())).await;
        assert!(all.iter().all(|states| states.len() == 1));
        drain.begin();
        assert_eq!(together.check().await.len(), 2);
        assert_eq!(part.0.load(Ordering::Relaxed), 1);
        tokio::time::sleep(REMEMBERED).await;
        together.check().await;
        assert_eq!(part.0.load(Ordering::Relaxed), 2);
    }
}
