//! What this instance has committed and not folded yet: it needn't be read back.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use footfall_event_blocks::group::Group;
use tokio::sync::Notify;

/// Above so many events not folded yet whoever folds is woken early.
const WAKE_EVENTS: usize = 16_384;
/// Above so many, whoever appends waits: ingestion must not outrun folding for ever.
const EVENTS_MAX: usize = 65_536;

/// How long the answer to a commit may be on its way.
const PATIENCE: Duration = Duration::from_millis(50);

/// The lanes of this instance, with what was committed in them.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    lanes: Mutex<BTreeMap<i32, Own>>,
    events: AtomicUsize,
    pub(crate) woken: Notify,
    /// Told whenever something was added, or a lane was left.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Own {
    groups: VecDeque<Group>,
    /// What was committed for certain is before this.
    past: u64,
    /// Whether it is ours now, so that nobody else knows more of it.
    is_held: bool,
}

/// What comes next in a lane.
pub(crate) enum Next {
    /// This instance's own groups, in order.
    Groups(Vec<Group>),
    /// Nothing of ours before that position.
    Unknown(u64),
}

impl Tail {
    /// A lane is ours from that position on.
    pub(crate) fn join(&self, lane: i32, next: u64) {
        let mut lanes = self.lock();
        let own = lanes.entry(lane).or_default();
        (own.past, own.is_held) = (next, true);
    }

    /// It isn't any more, or it may be further than we know.
    pub(crate) fn leave(&self, lane: i32) {
        if let Some(own) = self.lock().get_mut(&lane) {
            own.is_held = false;
        }
        self.changed.notify_waiters();
    }

    /// Adds what was committed. Whoever is told of it after this finds it counted.
    pub(crate) fn add(&self, lane: i32, group: Group) {
        let events = group.len();
        {
            let mut lanes = self.lock();
            let own = lanes.entry(lane).or_default();
            (own.past, own.is_held) = (group.past(), true);
            own.groups.push_back(group);
            self.events.fetch_add(events, Ordering::AcqRel);
        }
        self.changed.notify_waiters();
        if self.events.load(Ordering::Acquire) > WAKE_EVENTS {
            self.woken.notify_one();
        }
    }

    /// Whether so much is not folded yet that appending should wait.
    pub(crate) fn is_behind(&self) -> bool {
        self.events.load(Ordering::Acquire) > EVENTS_MAX
    }

    /// Waits a moment for what is committed in a lane of ours at that position, and that we haven't heard of.
    pub(crate) async fn wait_for(&self, lane: i32, position: u64) {
        let hear = async {
            loop {
                let changed = self.changed.notified();
                let is_on_its_way =
                    self.lock().get(&lane).is_some_and(|own| own.is_held && own.past <= position);
                if !is_on_its_way {
                    return;
                }
                changed.await;
            }
        };
        if tokio::time::timeout(PATIENCE, hear).await.is_err() {
            // Not heard of, it is read as what others commit is. The lane may be another's by now.
            self.leave(lane);
        }
    }

    /// Forgets the groups of which everything is known.
    pub(crate) fn prune(&self, known: &BTreeMap<i32, u64>) {
        for (lane, own) in self.lock().iter_mut() {
            while own
                .groups
                .front()
                .is_some_and(|group| known.get(lane).is_some_and(|at| group.past() <= *at))
            {
                self.count_down(own.groups.pop_front().map_or(0, |group| group.len()));
            }
        }
    }

    /// Forgets all groups, and how far our lanes are: the database tells, which may have lost what it had.
    pub(crate) fn clear(&self) {
        for own in self.lock().values_mut() {
            own.is_held = false;
            for group in own.groups.drain(..) {
                self.count_down(group.len());
            }
        }
    }

    /// How far the lanes that are held have come.
    pub(crate) fn held(&self) -> Vec<(i32, u64)> {
        let lanes = self.lock();
        lanes.iter().filter(|(_, own)| own.is_held).map(|(lane, own)| (*lane, own.past)).collect()
    }

    /// What comes in a lane at that position, some events at most.
    pub(crate) fn next(&self, lane: i32, known: u64, events_max: usize) -> Next {
        let mut lanes = self.lock();
        let Some(own) = lanes.get_mut(&lane) else { return Next::Unknown(u64::MAX) };
        let (mut taken, mut events, mut at) = (Vec::new(), 0, known);
        while let Some(group) = own.groups.front() {
            if group.past() <= at {
                // It was read from the database, before its commit was heard of.
                self.count_down(own.groups.pop_front().map_or(0, |group| group.len()));
            } else if group.first() == at && events < events_max {
                at = group.past();
                events += group.len();
                self.count_down(group.len());
                taken.extend(own.groups.pop_front());
            } else {
                break;
            }
        }
        if taken.is_empty() {
            // A group that was read in part is read to its end.
            let bound = |group: &Group| if group.first() > known { group.first() } else { group.past() };
            return Next::Unknown(own.groups.front().map_or(u64::MAX, bound));
        }
        Next::Groups(taken)
    }

    fn count_down(&self, events: usize) {
        self.events.fetch_sub(events, Ordering::AcqRel);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<i32, Own>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use footfall_domain::event::{EventBatch, EventId, EventParts, Subject};
    use footfall_domain::time::Timestamp;
    use footfall_event_blocks::group::Stored;

    use super::*;

    fn group(first: u64, events: usize) -> Group {
        let mut batch = EventBatch::with_capacity(events, events * 50);
        for _ in 0..events {
            batch.push(&EventParts {
                id: EventId::from_bytes([0; 16]),
                at: Timestamp::MIN,
                event_type: "click",
                user: None,
                subject: Subject::None,
                properties: "{}",
            });
        }
        let mut group = Group::new(first);
        group.push(Stored::new(Arc::new(batch), None, false));
        group
    }

    #[test]
    fn what_is_known_in_part_is_never_counted_again() {
        let tail = Tail::default();
        tail.join(3, 100);
        tail.add(3, group(100, 100));
        tail.add(3, group(200, 10));
        assert!(matches!(tail.next(3, 50, 1_000), Next::Unknown(100)));
        assert!(matches!(tail.next(3, 150, 1_000), Next::Unknown(200)), "the rest of it is read");
        let Next::Groups(groups) = tail.next(3, 200, 1_000) else { panic!("it is ours") };
        assert_eq!((groups.len(), groups[0].first()), (1, 200));
        assert_eq!(tail.events.load(Ordering::Acquire), 0);
        tail.add(3, group(210, 5));
        tail.prune(&BTreeMap::from([(3, 215)]));
        assert_eq!(tail.events.load(Ordering::Acquire), 0);
        assert!(matches!(tail.next(4, 0, 1_000), Next::Unknown(u64::MAX)));
    }
}
