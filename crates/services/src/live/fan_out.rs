//! The one task that gives events to listeners.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use foldhash::fast::RandomState;
use footfall_domain::event::EventRef;
use footfall_ports::Carried;
use futures_util::future::{BoxFuture, FutureExt, poll_fn};

use hashbrown::HashMap;

use super::filter::Index;
use super::inbox::{Frame, Inbox};
use super::recent::{Item, Work};
use super::{Live, lock};

/// Items that are taken at a time.
const ITEMS_MAX: usize = EVENTS_TOGETHER;
/// Events that are fanned out together: each listener's buffer is locked once for them, and it is woken once. After them
/// others get their turn on the thread.
const EVENTS_TOGETHER: usize = 128;

impl Live {
    /// Gives events to listeners, for ever.
    pub async fn run(self: Arc<Self>) {
        let mut others: Option<BoxFuture<'static, Carried>> = None;
        // In turn, for neither may ever end.
        let mut others_first = false;
        loop {
            others_first = !others_first;
            match poll_fn(|context| self.poll_next(&mut others, others_first, context)).await {
                Next::Work(work) => self.fan_out(work).await,
                Next::Carried(Carried::Events(accepted)) => self.accept(accepted, true),
                Next::Carried(Carried::Missed(events)) => self.leave_out(events),
            }
        }
    }

    fn poll_next(
        self: &Arc<Self>,
        others: &mut Option<BoxFuture<'static, Carried>>,
        others_first: bool,
        context: &mut Context<'_>,
    ) -> Poll<Next> {
        self.fan_out.register(context.waker());
        if others_first && let Poll::Ready(next) = self.poll_others(others, context) {
            return Poll::Ready(next);
        }
        let work = lock(&self.recent).take(ITEMS_MAX);
        match work {
            Some(work) => Poll::Ready(Next::Work(work)),
            None => self.poll_others(others, context),
        }
    }

    fn poll_others(
        self: &Arc<Self>,
        others: &mut Option<BoxFuture<'static, Carried>>,
        context: &mut Context<'_>,
    ) -> Poll<Next> {
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
        let mut events = work
            .items
            .iter()
            .flat_map(|item| (0..item.accepted.len()).map(move |place| Told { item, place }));
        loop {
            let together: Vec<_> = events.by_ref().take(EVENTS_TOGETHER).collect();
            if together.is_empty() {
                break;
            }
            // An index is not held for long: who has left isn't served any more.
            self.fan_out_some(&self.index(), &together);
            give_turn().await;
        }
    }

    fn fan_out_some(&self, index: &Index, events: &[Told<'_>]) {
        let mut frames: Vec<Option<Frame>> = vec![None; events.len()];
        let (mut written, mut delivered, mut left_out) = (0, 0, 0);
        for Group { inboxes, wanted } in groups(index, events) {
            // Nobody has anything of what is written for none.
            if inboxes.iter().any(|inbox| inbox.has_room()) {
                for &number in wanted.iter().filter(|&&number| events[number].item.is_certain) {
                    frames[number].get_or_insert_with(|| {
                        written += 1;
                        Frame::of(events[number].event())
                    });
                }
            }
            for inbox in inboxes {
                let is_its = |number: &&usize| events[**number].item.place >= inbox.from();
                let wanted = wanted.iter().filter(is_its).map(|&number| frames[number].as_ref());
                let (kept, not_kept) = inbox.put(wanted);
                delivered += kept;
                left_out += not_kept;
            }
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

/// An event that listeners are told of.
#[derive(Clone, Copy)]
struct Told<'a> {
    item: &'a Item,
    place: usize,
}

impl<'a> Told<'a> {
    fn event(self) -> EventRef<'a> {
        self.item.accepted.get(self.place)
    }
}

/// Listeners that want the same, and the numbers of the events that they want, ascending.
struct Group<'a> {
    inboxes: &'a [Arc<Inbox>],
    wanted: Vec<usize>,
}

fn groups<'a>(index: &'a Index, events: &[Told<'a>]) -> impl Iterator<Item = Group<'a>> {
    let mut groups: HashMap<_, Group<'a>, RandomState> = HashMap::default();
    for (number, told) in events.iter().enumerate() {
        for inboxes in index.wanting(told.event()) {
            let group = groups.entry(inboxes.as_ptr());
            group.or_insert_with(|| Group { inboxes, wanted: Vec::new() }).wanted.push(number);
        }
    }
    groups.into_values()
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
