//! Work that many want at once and that one does for all of them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};

/// Has something done for all who have asked for it when it begins. Whoever asks while it is being done waits for it, and then
/// for one more: so what everyone gets was begun after they asked. Whoever goes away leaves it to the others.
#[derive(Debug)]
pub(crate) struct Turns<T>(Arc<Mutex<State<T>>>);

/// Work that is done once, for all who have it.
pub(crate) type Turn<T> = Shared<BoxFuture<'static, T>>;

#[derive(Debug)]
struct State<T> {
    /// The one that has begun.
    running: Option<Turn<T>>,
    /// The one that hasn't: who asks now is served by it.
    next: Option<Turn<T>>,
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(State { running: None, next: None })))
    }
}

impl<T: Clone + Send + Sync + 'static> Turns<T> {
    /// What work gives that begins after this was called.
    pub(crate) fn take<F>(&self, work: impl FnOnce() -> F + Send + 'static) -> Turn<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut state = lock(&self.0);
        if let Some(next) = &state.next {
            return next.clone();
        }
        let (before, turns) = (state.running.clone(), Arc::clone(&self.0));
        let turn = async move {
            if let Some(before) = before {
                before.await;
            }
            // Whoever asks from here on is served by another one.
            {
                let mut state = lock(&turns);
                state.running = state.next.take();
            }
            let given = work().await;
            let mut state = lock(&turns);
            if state.next.is_none() {
                state.running = None;
            }
            given
        };
        let turn = turn.boxed().shared();
        state.next = Some(turn.clone());
        turn
    }
}

fn lock<T>(state: &Mutex<State<T>>) -> MutexGuard<'_, State<T>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn what_everyone_gets_was_begun_after_they_asked() {
        let (turns, clock, done) =
            (Arc::new(Turns::<u64>::default()), Arc::new(AtomicU64::new(0)), Arc::new(AtomicUsize::new(0)));
        let tasks: Vec<_> = (0..200)
            .map(|_| {
                let (turns, clock, done) = (Arc::clone(&turns), Arc::clone(&clock), Arc::clone(&done));
                tokio::spawn(async move {
                    for _ in 0..50 {
                        let asked_at = clock.fetch_add(1, Ordering::SeqCst);
                        let (clock, done) = (Arc::clone(&clock), Arc::clone(&done));
                        let begun_at = turns
                            .take(move || async move {
                                done.fetch_add(1, Ordering::SeqCst);
                                let begun_at = clock.fetch_add(1, Ordering::SeqCst);
                                tokio::task::yield_now().await;
                                begun_at
                            })
                            .await;
                        assert!(begun_at > asked_at);
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert!(done.load(Ordering::SeqCst) < 200 * 50);
        assert!(lock(&turns.0).running.is_none() && lock(&turns.0).next.is_none());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn whoever_goes_away_leaves_it_to_the_others() {
        let turns = Arc::new(Turns::<u64>::default());
        let slow = || async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            1
        };
        for _ in 0..20 {
            assert!(tokio::time::timeout(Duration::from_millis(5), turns.take(slow)).await.is_err());
        }
        drop(turns.take(slow));
        assert_eq!(turns.take(|| async { 2 }).await, 1, "the one that nobody waited for was next");
        assert_eq!(turns.take(|| async { 3 }).await, 3);
    }
}
