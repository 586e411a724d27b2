//! Catching up: before a question is answered, the read models are brought to where the log is.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use footfall_domain::answers::{EventFilter, Order, Slice};
use footfall_domain::event::EventId;
use footfall_domain::time::{TimeRange, Timestamp};
use footfall_event_blocks::block::Block;
use footfall_event_blocks::group::{Group, facts};
use footfall_ports::{StoreError, Version};
use footfall_read_models::{Location, ReadModels};
use tokio::time::Instant;
use tokio_postgres::Row;

use crate::connect::Connection;
use crate::error::DatabaseError;
use crate::lane::{lane_of, positions_of};
use crate::statements::{BLOCKS_FROM, HEADS, Statement};
use crate::store::Inner;
use crate::tail::Next;

/// Events folded at a time: the read models are locked for no longer.
const FOLD_EVENTS: usize = 16_384;

/// Why there are no answers any more: what a panic left behind is not what the log says.
pub(crate) const HALF_CHANGED: &str = "a failure left the figures half changed: restart the service";

/// How often all is read anew for one question.
const RELOADS_MAX: usize = 3;
/// How long a replica that failed, or lags, is left alone.
const REPLICA_PAUSE: Duration = Duration::from_secs(1);
/// When whoever waited in vain may try again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How far the read models are.
#[derive(Debug)]
pub(crate) struct Progress {
    /// By lane, where it goes on.
    pub(crate) known: BTreeMap<i32, u64>,
    /// Erasures up to this number were done.
    pub(crate) erasures: i64,
    pub(crate) floor: Timestamp,
}

/// How far the log is.
#[derive(Debug)]
pub(crate) struct Heads {
    pub(crate) lanes: BTreeMap<i32, u64>,
    pub(crate) floor: Timestamp,
    /// How many erasures there have been.
    pub(crate) erased: i64,
    /// How many of them were carried out in the blocks.
    finished: i64,
    /// Those after a number, in order.
    pub(crate) erasures: Vec<Erasure>,
}

/// A user to be forgotten.
#[derive(Clone, Debug)]
pub(crate) struct Erasure {
    pub(crate) number: i64,
    pub(crate) user: String,
    /// By lane, where what comes later begins; it stays.
    pub(crate) heads: BTreeMap<i32, u64>,
}

impl Erasure {
    pub(crate) fn of(row: &Row) -> Self {
        let (lanes, nexts): (Vec<i32>, Vec<i64>) = (row.get("lanes"), row.get("nexts"));
        let heads = lanes.into_iter().zip(nexts).map(|(lane, next)| (lane, next as u64)).collect();
        Self { number: row.get("number"), user: row.get("user_id"), heads }
    }

    /// Whether it takes the event at that position.
    pub(crate) fn takes(&self, position: u64) -> bool {
        self.heads.get(&lane_of(position)).is_some_and(|next| position < *next)
    }
}

impl Heads {
    pub(crate) async fn read(connection: &mut Connection, after: i64) -> Result<Self, DatabaseError> {
        let (lanes, floor) = (BTreeMap::new(), Timestamp::MIN);
        let mut heads = Self { lanes, floor, erased: 0, finished: 0, erasures: Vec::new() };
        for row in connection.query(&HEADS, &[&after]).await? {
            let value: i64 = row.get("value");
            match row.get::<_, i32>("kind") {
                0 => drop(heads.lanes.insert(row.get::<_, i64>("number") as i32, value as u64)),
                1 => heads.floor = Timestamp::from_micros_clamped(value),
                2 => heads.erased = value,
                4 => heads.finished = value,
                _ => heads.erasures.push(Erasure::of(&row)),
            }
        }
        Ok(heads)
    }

    /// Whether these are at least as far as others, and as those lanes.
    fn reach(&self, others: &Self, lanes: &BTreeMap<i32, u64>) -> bool {
        let is_there = |(lane, next): (&i32, &u64)| self.lanes.get(lane).is_some_and(|ours| ours >= next);
        self.erased >= others.erased
            && self.finished >= others.finished
            && self.floor == others.floor
            && lanes.iter().all(is_there)
    }

    /// Whether read models that are so far can go on from there.
    fn follow(&self, progress: &Progress) -> bool {
        let is_next = |(at, erasure): (i64, &Erasure)| erasure.number == progress.erasures + 1 + at;
        let is_behind = |(lane, known): (&i32, &u64)| self.lanes.get(lane).is_none_or(|next| next < known);
        (0..).zip(&self.erasures).all(is_next)
            && self.erased == progress.erasures + self.erasures.len() as i64
            && self.floor >= progress.floor
            && !progress.known.iter().any(is_behind)
    }
}

impl Inner {
    /// Brings the read models to where the log was when this was called, or further. Whoever comes while another one is
    /// at it waits for that one, and then for one more that serves all who came meanwhile.
    pub(crate) async fn catch_up(self: &Arc<Self>) -> Result<(), StoreError> {
        let ticket = self.asked.fetch_add(1, Ordering::AcqRel) + 1;
        let mut progress = self.progress.lock().await;
        if self.served.load(Ordering::Acquire) >= ticket {
            return Ok(());
        }
        if self.failed.load(Ordering::Acquire) >= ticket {
            // Whoever waited through a failure has waited long enough.
            return Err(StoreError::Unavailable { retry_after: RETRY_AFTER, source: None });
        }
        let serves = self.asked.load(Ordering::Acquire);
        let brought = self.bring_up(&mut progress).await;
        let outcome = if brought.is_ok() { &self.served } else { &self.failed };
        outcome.store(serves, Ordering::Release);
        brought.map(drop)
    }

    /// The same for whoever holds the progress already. Returns how far the log was.
    pub(crate) async fn bring_up(self: &Arc<Self>, progress: &mut Progress) -> Result<Heads, StoreError> {
        self.bring_up_with(progress, |_, _| {}).await
    }

    /// The same, and tells what each erasure has taken.
    pub(crate) async fn bring_up_with(
        self: &Arc<Self>,
        progress: &mut Progress,
        mut erased: impl FnMut(&Erasure, Vec<u64>) + Send,
    ) -> Result<Heads, StoreError> {
        if self.models.is_poisoned() {
            return Err(StoreError::Failed(HALF_CHANGED.into()));
        }
        let mut heads = self.heads(progress.erasures).await?;
        let mut tried = 0;
        while !heads.follow(progress) {
            // Too long away to know who was forgotten meanwhile, or more is kept than was, or the database has lost what it had:
            // all of it anew.
            tried += 1;
            if tried > RELOADS_MAX {
                return Err(DatabaseError::Changed("the log changes faster than it can be read").into());
            }
            self.tail.clear();
            let (models, anew) = self.load().await?;
            *self.models.write().map_err(|_| StoreError::Failed(HALF_CHANGED.into()))? = models;
            *progress = anew;
            heads = self.heads(progress.erasures).await?;
        }
        for erasure in &heads.erasures {
            self.reach(progress, &erasure.heads, &heads).await?;
            let taken = self.forget(erasure).await?;
            progress.erasures = erasure.number;
            erased(erasure, taken);
        }
        let mut targets = heads.lanes.clone();
        // What was acknowledged since then on our own lanes needn't wait for the next time.
        for (lane, past) in self.tail.held() {
            let target = targets.entry(lane).or_insert(past);
            *target = past.max(*target);
        }
        self.reach(progress, &targets, &heads).await?;
        let floor = heads.floor;
        if self.ask(move |models| models.has_before(floor) || models.oldest() < floor).await? {
            self.change(move |models| drop(models.forget_before(floor))).await?;
        }
        progress.floor = floor;
        self.tail.prune(&progress.known);
        Ok(heads)
    }

    async fn heads(&self, after: i64) -> Result<Heads, DatabaseError> {
        let mut connection = self.connections.primary().await?;
        let heads = Heads::read(&mut connection, after).await?;
        connection.keep();
        Ok(heads)
    }

    /// Folds what the lanes hold up to those positions.
    async fn reach(
        self: &Arc<Self>,
        progress: &mut Progress,
        targets: &BTreeMap<i32, u64>,
        heads: &Heads,
    ) -> Result<(), StoreError> {
        let mut source = None;
        for (lane, target) in targets {
            let mut known = *progress.known.entry(*lane).or_insert(positions_of(*lane).start);
            let mut waited = false;
            while known < *target {
                match self.tail.next(*lane, known, FOLD_EVENTS) {
                    Next::Groups(groups) => {
                        known = groups.last().map_or(known, Group::past);
                        self.change(move |models| models.add(groups.iter().flat_map(Group::facts))).await?;
                    }
                    Next::Unknown(_) if !waited => {
                        waited = true;
                        self.tail.wait_for(*lane, known).await;
                    }
                    Next::Unknown(until) => {
                        let until = until.min(*target);
                        if source.is_none() {
                            source = Some(self.source(heads, targets).await?);
                        }
                        let chosen = source.as_mut().expect("it was just chosen");
                        let from = known;
                        let blocks = match blocks_from(chosen, *lane, from, until).await {
                            Ok(blocks) => blocks,
                            Err(error) if self.pause_replica(&error) => {
                                source = None;
                                continue;
                            }
                            Err(error) => return Err(error.into()),
                        };
                        // Where there are none, retention has dropped them.
                        known = blocks.last().map_or(until, Block::past).min(until).max(known);
                        let past = known;
                        self.change(move |models| {
                            models.add(facts(&blocks, |position, _| (from..past).contains(&position)));
                        })
                        .await?;
                    }
                }
                progress.known.insert(*lane, known);
            }
        }
        if let Some(source) = source {
            source.keep();
        }
        Ok(())
    }

    /// Where to read what is missing up to those positions: the replica, if it has all of it.
    pub(crate) async fn source(
        &self,
        heads: &Heads,
        targets: &BTreeMap<i32, u64>,
    ) -> Result<Connection, DatabaseError> {
        if self.connections.has_replica() && self.replica_is_due() {
            match self.replica_reaches(heads, targets).await {
                Ok(Some(connection)) => {
                    self.note_replica(None);
                    return Ok(connection);
                }
                Ok(None) => self.note_replica(Some("it lags behind; reading from the primary")),
                Err(error) => {
                    tracing::debug!(%error, "the replica can't be read");
                    self.note_replica(Some("it can't be reached; reading from the primary"));
                }
            }
        }
        self.connections.primary().await
    }

    async fn replica_reaches(
        &self,
        heads: &Heads,
        targets: &BTreeMap<i32, u64>,
    ) -> Result<Option<Connection>, DatabaseError> {
        let mut connection = self.connections.replica().await?;
        let replica = Heads::read(&mut connection, i64::MAX).await?;
        if replica.reach(heads, targets) {
            return Ok(Some(connection));
        }
        connection.keep();
        Ok(None)
    }

    fn replica_is_due(&self) -> bool {
        let noted = self.replica_trouble.lock().unwrap_or_else(PoisonError::into_inner);
        noted.as_ref().is_none_or(|(_, since)| since.elapsed() >= REPLICA_PAUSE)
    }

    /// Whether it was perhaps the replica that failed, and there is the primary to read from.
    fn pause_replica(&self, error: &DatabaseError) -> bool {
        let is_in_use = self.connections.has_replica() && self.replica_is_due();
        if is_in_use {
            tracing::debug!(%error, "reading from the primary");
            self.note_replica(Some("it failed; reading from the primary"));
        }
        is_in_use
    }

    fn note_replica(&self, trouble: Option<&'static str>) {
        let mut noted = self.replica_trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let before = noted.as_ref().map(|(trouble, _)| *trouble);
        *noted = trouble.map(|trouble| (trouble, Instant::now()));
        match trouble {
            _ if before == trouble => {}
            Some(trouble) => tracing::warn!("the replica: {trouble}"),
            None => tracing::info!("the replica is read from again"),
        }
    }

    /// Takes an erased user out of the read models. Returns the positions of what was taken.
    async fn forget(self: &Arc<Self>, erasure: &Erasure) -> Result<Vec<u64>, StoreError> {
        let user = erasure.user.clone();
        let positions = self.ask(move |models| positions_of_user(models, &user)).await?;
        // What came after the erasure on our own lanes may be folded already. It is nobody's fault, and stays.
        let later: Vec<u64> =
            positions.iter().copied().filter(|position| !erasure.takes(*position)).collect();
        let blocks = if later.is_empty() { Vec::new() } else { self.blocks_of(&later).await? };
        let erasure = erasure.clone();
        self.change(move |models| forget_in(models, &erasure, &later, &blocks)).await
    }

    /// The state of a range: erasures are numbered alike for all instances, and so is what retention has dropped.
    pub(crate) async fn version(self: &Arc<Self>, range: TimeRange) -> Result<Version, StoreError> {
        let progress = self.progress.lock().await;
        let removals = (progress.erasures as u64) ^ (progress.floor.micros() as u64).rotate_left(24);
        let store = self.identity;
        let events = self.ask(move |models| models.events(range)).await?;
        Ok(Version { store, removals, events })
    }

    /// Asks the read models, beside whatever else goes on.
    pub(crate) async fn ask<T: Send + 'static>(
        self: &Arc<Self>,
        answer: impl FnOnce(&ReadModels) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(self);
        let answered = tokio::task::spawn_blocking(move || {
            let models = inner.models.read().map_err(|_| StoreError::Failed(HALF_CHANGED.into()))?;
            Ok(answer(&models))
        });
        answered.await.map_err(|error| StoreError::Failed(error.into()))?
    }

    /// Changes the read models.
    async fn change<T: Send + 'static>(
        self: &Arc<Self>,
        change: impl FnOnce(&mut ReadModels) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(self);
        let changed = tokio::task::spawn_blocking(move || {
            let mut models = inner.models.write().map_err(|_| StoreError::Failed(HALF_CHANGED.into()))?;
            Ok(change(&mut models))
        });
        changed.await.map_err(|error| StoreError::Failed(error.into()))?
    }
}

/// Takes an erased user out of read models, but for events that came later, whose blocks are given. Returns the positions of
/// what was taken.
pub(crate) fn forget_in(
    models: &mut ReadModels,
    erasure: &Erasure,
    later: &[u64],
    blocks: &[Block],
) -> Vec<u64> {
    let forgotten = models.forget_user(&erasure.user);
    models.add(facts(blocks, |position, _| later.binary_search(&position).is_ok()));
    forgotten.iter().map(|(_, at)| at.bits()).filter(|position| erasure.takes(*position)).collect()
}

/// Where a user's events are, in order.
pub(crate) fn positions_of_user(models: &ReadModels, user: &str) -> Vec<u64> {
    let filter = EventFilter { user: Some(user.to_owned()), ..EventFilter::default() };
    let all = Slice { order: Order::Ascending, after: None, limit: usize::MAX };
    // Their order doesn't matter, so neither do the identities of those that happened at once.
    let anything = |_| EventId::from_bytes([0; 16]);
    let mut positions: Vec<u64> =
        models.list(&filter, all, anything).into_iter().map(Location::bits).collect();
    positions.sort_unstable();
    positions
}

/// Some blocks that hold events of a lane from one position on and begin before another.
pub(crate) async fn blocks_from(
    connection: &mut Connection,
    lane: i32,
    from: u64,
    until: u64,
) -> Result<Vec<Block>, DatabaseError> {
    let blocks = read_blocks(connection, &BLOCKS_FROM, lane, from, until).await?;
    let held = blocks.into_iter().map(|(first, value)| Block::read(first, &value));
    let blocks = held.filter(|block| block.as_ref().map_or(true, |block| block.past() > from));
    Ok(blocks.collect::<Result<Vec<_>, _>>()?)
}

/// Values of a lane with their first positions.
pub(crate) async fn read_blocks(
    connection: &mut Connection,
    statement: &Statement,
    lane: i32,
    from: u64,
    until: u64,
) -> Result<Vec<(u64, Vec<u8>)>, DatabaseError> {
    let rows = connection.query(statement, &[&lane, &(from as i64), &(until as i64)]).await?;
    Ok(rows.iter().map(|row| (row.get::<_, i64>("first") as u64, row.get("value"))).collect())
}
