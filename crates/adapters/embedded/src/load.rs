//! The start: checkpoints are taken in, what came after the last one is replayed, and everything is checked.
//!
//! ```text
//!            ┌─▶ deduplication index   (a thread)
//! segments ──┤
//!            └─▶ read models           (a thread)      beside them a third one checks every block
//! ```

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, RwLock};

use footfall_domain::time::Timestamp;
use footfall_ports::StoreCounters;
use footfall_read_models::{BulkLoader, ReadModels};

use crate::cache::BlockCache;
use crate::commit::Queue;
use crate::disk::Disk;
use crate::erase::rewrite_run;
use crate::fold::Fresh;
use crate::folder::Folder;
use crate::index::Index;
use crate::keep::{Keeper, Run};
use crate::people::People;
use crate::retain::{lower_floor, oldest_kept};
use crate::segments::{Extent, Failure, Segment, each_segment};
use crate::store::{EmbeddedOptions, Inner, OpenError, Threads};
use crate::trouble::Trouble;
use footfall_event_blocks::Damage;
use footfall_event_blocks::block;
use footfall_event_blocks::checkpoint::State;
use footfall_event_blocks::group::facts;

/// Blocks are checked at the start from the last one on back, up to so many bytes. A block is checked again whenever it
/// is read.
const CHECKED_BYTES_MAX: usize = 4 << 30;
/// Segments that wait for each of those who take them in.
const WAITING_SEGMENTS: usize = 4;

impl Inner {
    /// Everything of a store but its threads.
    pub(crate) fn load(options: EmbeddedOptions) -> Result<Self, OpenError> {
        let EmbeddedOptions { folder, sync, retention, clock } = options;
        let folder = Folder::take(&folder)?;
        let file = Disk::file_in(folder.path());
        // Less than the first sync leaves is as good as nothing, and the database would begin anew there.
        let is_there = std::fs::metadata(&file).is_ok_and(|file| file.len() > 0);
        let acknowledged = folder.acknowledged().filter(|acknowledged| *acknowledged > 0);
        if let Some(acknowledged) = acknowledged.filter(|_| !is_there) {
            return Err(OpenError::Missing { file, found: 0, acknowledged, note: folder.note_path() });
        }
        let disk = Disk::open(folder.path(), sync, acknowledged.is_none())
            .map_err(|error| OpenError::of(&file, error))?;
        let failed = |failure| match failure {
            Failure::Disk(error) => OpenError::of(&file, error),
            Failure::Damage(damage) => OpenError::damaged(&file, &damage),
        };
        let extent = Extent::of(&disk).map_err(failed)?;
        if let Some(acknowledged) = acknowledged.filter(|acknowledged| *acknowledged > extent.end) {
            return Err(OpenError::Missing {
                file,
                found: extent.end,
                acknowledged,
                note: folder.note_path(),
            });
        }
        let people_file = People::file_in(folder.path());
        let open_people =
            || People::open(folder.path(), sync).map_err(|error| OpenError::of(&people_file, error));
        // One that is damaged is refused before anything is changed, and a new one made after.
        let people = people_file.exists().then(open_people).transpose()?;
        let floor = retention.map_or(Timestamp::MIN, |age| oldest_kept(age, &*clock));
        let loaded = lower_floor(&disk, &extent, floor)
            .and_then(|floor| load(&disk, &extent, floor))
            .map_err(failed)?;
        let people = people.map_or_else(open_people, Ok)?;
        let identity = people.identity(clock.now()).map_err(|error| OpenError::of(&people_file, error))?;
        let inner = Self {
            folder,
            disk,
            sync,
            retention,
            identity,
            began: clock.now().micros().cast_unsigned(),
            removals: AtomicU64::new(0),
            clock,
            queue: Queue::default(),
            counters: StoreCounters::default(),
            index: Mutex::new(loaded.index),
            committed: AtomicU64::new(extent.end),
            counted: AtomicU64::new(extent.end),
            fresh: Mutex::new(Fresh::default()),
            fresh_events: AtomicUsize::new(0),
            woken: AtomicBool::new(false),
            models: RwLock::new(loaded.models),
            folded: Mutex::default(),
            pending_events: AtomicUsize::new(0),
            keeper: Mutex::new(loaded.keeper),
            history: Mutex::default(),
            unerased: Mutex::default(),
            cache: BlockCache::default(),
            people,
            trouble: Trouble::default(),
            ending: AtomicBool::new(false),
            threads: Threads::default(),
        };
        for (first, past) in loaded.replayed {
            // With the database's log as short as it can be, for that takes room. Nobody reads yet who would be in the way.
            let made =
                inner.disk.empty_log().and_then(|()| rewrite_run(&inner.disk, first, past, |_, _| None));
            if let Err(error) = made {
                // Not needed for being right, only for the next start being quick.
                tracing::warn!(%error, "a checkpoint can't be made");
                break;
            }
        }
        inner.forget_expired();
        Ok(inner)
    }
}

struct Loaded {
    index: Index,
    models: ReadModels,
    keeper: Keeper,
    /// Runs that have no checkpoint yet.
    replayed: Vec<(u64, u64)>,
}

fn load(disk: &Disk, extent: &Extent, floor: Timestamp) -> Result<Loaded, Failure> {
    let (to_index, for_index) = sync_channel::<Arc<Segment>>(WAITING_SEGMENTS);
    let (to_models, for_models) = sync_channel::<Arc<Segment>>(WAITING_SEGMENTS);
    std::thread::scope(|scope| {
        let checks = scope.spawn(|| check_blocks(disk));
        let index = scope.spawn(move || fill_index(&for_index, floor));
        let models = scope.spawn(move || fill_models(&for_models, floor));
        let sent = each_segment(disk, extent, |segment| {
            let segment = Arc::new(segment);
            // Who doesn't take it has failed, and says so below.
            to_index.send(Arc::clone(&segment)).is_ok() && to_models.send(segment).is_ok()
        });
        drop((to_index, to_models));
        let index = index.join().expect("the index is filled without panics");
        let models = models.join().expect("the models are filled without panics");
        let checks = checks.join().expect("blocks are checked without panics");
        // What is wrong with the blocks says more than what came of it.
        checks?;
        sent?;
        let (models, keeper, replayed) = models?;
        Ok(Loaded { index, models, keeper, replayed })
    })
}

/// Holds the blocks to their checksums.
fn check_blocks(disk: &Disk) -> Result<(), Failure> {
    let (mut bytes, mut damage) = (0, None);
    disk.each_block_backwards(|first, value| {
        bytes += value.len();
        damage = block::check(first, value).err();
        damage.is_none() && bytes < CHECKED_BYTES_MAX
    })?;
    if bytes >= CHECKED_BYTES_MAX {
        tracing::info!(bytes, "older blocks were not checked now; each is when it is read");
    }
    if let Some(damage) = damage {
        return Err(damage.into());
    }
    if bytes < CHECKED_BYTES_MAX {
        disk.check()?;
    }
    Ok(())
}

fn fill_index(segments: &Receiver<Arc<Segment>>, floor: Timestamp) -> Index {
    let mut index = Index::default();
    for segment in segments {
        if let Segment::Dropped(range) = &*segment {
            index.skip(range.end - range.start);
        }
        segment.each(|_, state, id, at| {
            if state == State::Dropped || at < floor {
                index.skip(1);
            } else {
                index.insert_known_new(id);
            }
        });
    }
    index
}

type Filled = (ReadModels, Keeper, Vec<(u64, u64)>);

fn fill_models(segments: &Receiver<Arc<Segment>>, floor: Timestamp) -> Result<Filled, Failure> {
    let mut empty = ReadModels::default();
    if floor > Timestamp::MIN {
        empty.forget_before(floor);
    }
    let (mut models, mut keeper, mut replayed) = (BulkLoader::new(empty), Keeper::default(), Vec::new());
    for segment in segments {
        let ordinals = segment.ordinals();
        match &*segment {
            Segment::Dropped(_) => continue,
            Segment::Run(checkpoint) => match checkpoint.coded(floor) {
                Some(coded) => models.add_coded(&coded),
                None => {
                    return Err(Damage::checkpoint(ordinals.start, "names what it doesn't hold").into());
                }
            },
            Segment::Replay(blocks) => {
                models.add(facts(blocks, |_, at| at >= floor));
                replayed.push((ordinals.start, ordinals.end));
            }
        }
        let mut run = Run { past: ordinals.end, live: 0, held: 0 };
        segment.each(|ordinal, state, _, at| {
            let is_live = state != State::Dropped && at >= floor;
            run.held += u32::from(state != State::Dropped);
            run.live += u32::from(is_live);
            if state == State::Erased && is_live {
                keeper.erased.insert((at, ordinal));
            }
        });
        keeper.runs.insert(ordinals.start, run);
    }
    Ok((models.finish(side_by_side), keeper, replayed))
}

/// Runs two things on two threads.
pub(crate) fn side_by_side(one: &mut (dyn FnMut() + Send), other: &mut (dyn FnMut() + Send)) {
    std::thread::scope(|scope| {
        scope.spawn(one);
        other();
    });
}
