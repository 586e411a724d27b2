//! The one task that gives events to listeners.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use footfall_ports::Carried;
use futures_util::future::{BoxFuture, FutureExt, poll_fn};

use super::filter::Index;
use super::inbox::{Frame, Put};
use super::recent::{Item, Work};
use super::{Live, lock};

/// Items that are taken at a time.
const ITEMS_MAX: usize = 64;
/// Events after which others get their turn on the thread.
const EVENTS_BETWEEN_TURNS: usize = 512;

impl Live {
    /// Gives events to listeners, for ever.
    pub async fn run(self: Arc<Self>) {
        let mut others: Option<BoxFuture<'static, Carried>> = None;
        loop {
            match poll_fn(|context| self.poll_work(&mut others, context)).await {
                Next::Work(work) => self.fan_out(work).await,
                Next::Carried(Carried::Events(accepted)) => self.accept(accepted, true),
                Next::Carried(Carried::Missed(events)) => self.leave_out(events),
            }
        }
    }

    fn poll_work(
        self: &Arc<Self>,
        others: &mut Option<BoxFuture<'static, Carried>>,
        context: &mut Context<'_>,
    ) -> Poll<Next> {
        self.fan_out.register(context.waker());
        if let Some(work) = lock(&self.recent).take(ITEMS_MAX) {
            return Poll::Ready(Next::Work(work));
        }
        let Some(feed) = self.feed.as_ref().filter(|_| self.is_wanted.load(Ordering::Acquire)) else {
            return Poll::Pending;
        };
        let feed = Arc::clone(feed);
        let next = others.get_or_insert_with(|| async move { feed.next().await }.boxed());
        let carried = std::task::ready!(next.poll_unpin(context));
        *others = None;
        Poll::Ready(Next::Carried(carried))
    }

    async fn fan_out(&self, work: Work) {
        if work.missed > 0 {
            self.leave_out(work.missed);
        }
        let mut since_turn = 0;
        for item in &work.items {
            let mut at = 0;
            while at < item.accepted.len() {
                // An index is not held for long: who has left isn't served any more.
                let index = self.index();
                let to = item.accepted.len().min(at + EVENTS_BETWEEN_TURNS - since_turn);
                since_turn += to - at;
                self.fan_out_some(&index, item, at..to);
                at = to;
                if since_turn >= EVENTS_BETWEEN_TURNS {
                    since_turn = 0;
                    give_turn().await;
                }
            }
        }
    }

    fn fan_out_some(&self, index: &Index, item: &Item, places: std::ops::Range<usize>) {
        let (mut written, mut delivered, mut left_out) = (0, 0, 0);
        for place in places {
            let event = item.accepted.get(place);
            let mut frame = None;
            for inbox in index.wanting(event).flatten().filter(|inbox| item.place >= inbox.from()) {
                if !item.is_certain {
                    inbox.leave_out(1);
                    continue;
                }
                let frame = frame.get_or_insert_with(|| Frame::of(event));
                match inbox.put(frame) {
                    Put::Kept => delivered += 1,
                    Put::LeftOut => left_out += 1,
                }
            }
            written += u64::from(frame.is_some());
        }
        self.written.fetch_add(written, Ordering::Relaxed);
        self.delivered.fetch_add(delivered, Ordering::Relaxed);
        self.left_out.fetch_add(left_out, Ordering::Relaxed);
    }

    /// Events that nobody knows any more, so everyone may have wanted them.
    fn leave_out(&self, events: u64) {
        let index = self.index();
        index.all().for_each(|inbox| inbox.leave_out(events));
        self.left_out.fetch_add(events * index.listeners() as u64, Ordering::Relaxed);
    }
}

enum Next {
    Work(Work),
    Carried(Carried),
}

/// Lets other tasks of the thread run.
async fn give_turn() {
    let mut is_given = false;
    poll_fn(|context| {
        if std::mem::replace(&mut is_given, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
