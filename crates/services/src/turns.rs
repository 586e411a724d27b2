//! Work that many want at once and that one does for all of them.

use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::lock::Mutex;

/// Has something done for all who have asked for it when it begins. Whoever asks while it is being done waits for it, and then
/// for one more: so what everyone gets was begun after they asked.
#[derive(Debug)]
pub(crate) struct Turns<T> {
    asked: AtomicU64,
    /// Whom the last one served, and what it gave.
    served: Mutex<(u64, T)>,
}

impl<T: Clone> Turns<T> {
    /// Nobody has asked yet; `unserved` is never handed out.
    pub(crate) fn of(unserved: T) -> Self {
        Self { asked: AtomicU64::new(0), served: Mutex::new((0, unserved)) }
    }

    /// What work gives that begins after this was called.
    pub(crate) async fn take(&self, work: impl Future<Output = T>) -> T {
        let ticket = self.asked.fetch_add(1, Ordering::AcqRel) + 1;
        let mut served = self.served.lock().await;
        if served.0 < ticket {
            let all = self.asked.load(Ordering::Acquire);
            *served = (all, work.await);
        }
        served.1.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn what_everyone_gets_was_begun_after_they_asked() {
        let (turns, clock, done) =
            (Arc::new(Turns::of(0_u64)), Arc::new(AtomicU64::new(0)), Arc::new(AtomicUsize::new(0)));
        let tasks: Vec<_> = (0..200)
            .map(|_| {
                let (turns, clock, done) = (Arc::clone(&turns), Arc::clone(&clock), Arc::clone(&done));
                tokio::spawn(async move {
                    for _ in 0..50 {
                        let asked_at = clock.fetch_add(1, Ordering::SeqCst);
                        let begun_at = turns
                            .take(async {
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
    }
}
