//! The measured steps. Each runs in a process of its own, so that its CPU time is its own, and prints
//! `name=value` lines.

use std::{
    fs::{self, File},
    io::{Seek, SeekFrom, Write},
    os::fd::AsRawFd,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::{
    data::{Events, LARGEST_BLOCK, Random},
    engine::{Result, Table, open},
};

/// Events in each small block, except where commits of different sizes are compared.
pub const SMALL: usize = 64;

/// The CPU time of this process so far, all threads, user and system.
fn cpu() -> Duration {
    // SAFETY: `getrusage` fills in the plain structure it is given.
    let usage = unsafe {
        let mut usage = std::mem::zeroed::<libc::rusage>();
        libc::getrusage(libc::RUSAGE_SELF, &raw mut usage);
        usage
    };
    [usage.ru_utime, usage.ru_stime]
        .iter()
        .map(|time| Duration::new(time.tv_sec as u64, time.tv_usec as u32 * 1_000))
        .sum()
}

/// The CPU time of this thread so far.
fn thread_cpu() -> Duration {
    // SAFETY: `clock_gettime` fills in the plain structure it is given.
    let time = unsafe {
        let mut time = std::mem::zeroed::<libc::timespec>();
        libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time);
        time
    };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Bytes that the files in a folder occupy on the disk.
pub fn occupied(folder: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    files(folder).iter().filter_map(|path| fs::metadata(path).ok()).map(|file| file.blocks() * 512).sum()
}

/// Every file in a folder and its subfolders.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

/// Lets the page cache forget a folder's files.
fn forget(folder: &Path) {
    for path in files(folder) {
        if let Ok(file) = File::open(path) {
            let _ = file.sync_all();
            // SAFETY: only a hint about an open file.
            unsafe { libc::posix_fadvise(file.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED) };
        }
    }
}

/// Commits blocks of `events` events for `seconds`, or until `most` bytes are written.
pub fn commit(engine: &str, folder: &Path, events: usize, seconds: f64, most: u64) -> Result<()> {
    let data = Events::new();
    let mut store = open(engine, folder)?;
    let (mut times, mut written, mut key) = (Vec::new(), 0, 0);
    let (start, used) = (Instant::now(), cpu());
    while start.elapsed().as_secs_f64() < seconds && written < most {
        let block = data.block(key, events);
        let from = Instant::now();
        store.append(key, block)?;
        times.push(from.elapsed().as_secs_f64() * 1e6);
        written += block.len() as u64;
        key += 1;
    }
    let elapsed = start.elapsed().as_secs_f64();
    let open_cpu = cpu() - used;
    store.close()?;
    let closed_cpu = cpu() - used;
    times.sort_by(f64::total_cmp);
    let count = times.len();
    let total = (count * events) as f64;
    println!("commits={}", count as f64 / elapsed);
    println!("events={}", total / elapsed);
    println!("mean={}", times.iter().sum::<f64>() / count as f64);
    println!("p50={}", times[count / 2]);
    println!("p99={}", times[(count * 99 / 100).min(count - 1)]);
    println!("max={}", times[count - 1]);
    println!("cpu={}", open_cpu.as_secs_f64() * 1e6 / total);
    println!("cpu_closed={}", closed_cpu.as_secs_f64() * 1e6 / total);
    println!("load={}", written as f64 / total);
    println!("disk={}", occupied(folder) as f64 / total);
    Ok(())
}

/// Commits small blocks for ever and writes each acknowledged key to standard output.
pub fn fill(engine: &str, folder: &Path) -> Result<()> {
    let data = Events::new();
    let mut store = open(engine, folder)?;
    let mut out = std::io::stdout();
    for key in 0.. {
        store.append(key, data.block(key, SMALL))?;
        out.write_all(&key.to_le_bytes())?;
        out.flush()?;
    }
    Ok(())
}

/// Opens what an ended process left and reads all of it in order.
pub fn recover(engine: &str, folder: &Path, acknowledged: u64) -> Result<()> {
    let data = Events::new();
    forget(folder);
    let (start, used) = (Instant::now(), cpu());
    let mut store = open(engine, folder)?;
    println!("open={}", start.elapsed().as_secs_f64());
    let (mut next, mut wrong) = (0, 0);
    store.scan(Table::Small, 0, usize::MAX, &mut |key, block| {
        wrong += u64::from(key != next || block != data.block(key, SMALL));
        next = key + 1;
    })?;
    println!("read={}", start.elapsed().as_secs_f64());
    println!("cpu={}", (cpu() - used).as_secs_f64());
    println!("blocks={next}");
    println!("missing={}", acknowledged.saturating_sub(next) + wrong);
    store.close()
}

/// Reads ranges, single blocks and neighbours.
pub fn reads(engine: &str, folder: &Path) -> Result<()> {
    let mut store = open(engine, folder)?;
    let mut random = Random(7);
    let blocks = store.floor(Table::Small, i64::MAX as u64)?.unwrap_or(0);
    let mut bytes = 0;
    for round in 0..2 {
        let used = cpu();
        let start = Instant::now();
        for _ in 0..10 {
            let from = random.below(blocks - 1_000);
            store.scan(Table::Small, from, 1_000, &mut |_, block| bytes += block.len())?;
        }
        let ranged = start.elapsed().as_secs_f64() * 1e3 / 10.0;
        let ranged_cpu = (cpu() - used).as_secs_f64() * 1e3 / 10.0;
        let start = Instant::now();
        for _ in 0..1_000 {
            store.get(Table::Small, random.below(blocks), &mut |block| bytes += block.len())?;
        }
        let single = start.elapsed().as_secs_f64() * 1e3;
        let start = Instant::now();
        for _ in 0..1_000 {
            let key = random.below(blocks);
            if store.floor(Table::Small, key)? != Some(key) {
                return Err("a key is missing".into());
            }
        }
        if round == 1 {
            println!("ranged={ranged}\nranged_cpu={ranged_cpu}\nsingle={single}");
            println!("floor={}", start.elapsed().as_secs_f64() * 1e3);
        }
    }
    println!("bytes={bytes}");
    store.close()
}

/// Merges every full run of small blocks into compressed blocks and deletes them.
pub fn merge(engine: &str, folder: &Path, level: i32) -> Result<()> {
    let mut store = open(engine, folder)?;
    let each = (LARGEST_BLOCK / SMALL) as u64;
    let last = store.floor(Table::Small, i64::MAX as u64)?.unwrap_or(0);
    let (start, used) = (Instant::now(), cpu());
    let (mut compressing, mut stored, mut largest, mut events) = (Duration::ZERO, 0, 0, 0);
    let mut first = 0;
    while first + each <= last + 1 {
        let mut block = Vec::new();
        store.scan(Table::Small, first, each as usize, &mut |_, bytes| block.extend_from_slice(bytes))?;
        let from = thread_cpu();
        let block = zstd::bulk::compress(&block, level)?;
        compressing += thread_cpu() - from;
        stored += block.len();
        store.merge(first..=first + each - 1, Some(&block))?;
        first += each;
        events += LARGEST_BLOCK;
        if first % (each * 8) == 0 {
            largest = largest.max(occupied(folder));
        }
    }
    let events = events as f64;
    println!("seconds={}", start.elapsed().as_secs_f64());
    println!("zstd_cpu={}", compressing.as_secs_f64() * 1e6 / events);
    println!("zstd_bytes={}", stored as f64 / events);
    println!("peak={}", largest as f64 / events);
    store.close()?;
    println!("cpu={}", ((cpu() - used).saturating_sub(compressing)).as_secs_f64() * 1e6 / events);
    println!("events={events}");
    println!("disk={}", occupied(folder) as f64 / events);
    Ok(())
}

/// Commits `blocks` small blocks and merges the oldest as it goes, as a log in use does.
pub fn steady(engine: &str, folder: &Path, blocks: u64) -> Result<()> {
    let data = Events::new();
    let each = (LARGEST_BLOCK / SMALL) as u64;
    let mut store = open(engine, folder)?;
    let (start, used) = (Instant::now(), cpu());
    let (mut compressing, mut stored, mut peak, mut merging) = (Duration::ZERO, 0, 0, Vec::new());
    for key in 0..blocks {
        store.append(key, data.block(key, SMALL))?;
        if key >= 2 * each && key % each == 0 {
            let (first, from) = (key - 2 * each, Instant::now());
            let mut block = Vec::new();
            store.scan(Table::Small, first, each as usize, &mut |_, bytes| block.extend_from_slice(bytes))?;
            let before = thread_cpu();
            let block = zstd::bulk::compress(&block, 1)?;
            compressing += thread_cpu() - before;
            stored += block.len();
            store.merge(first..=first + each - 1, Some(&block))?;
            merging.push(from.elapsed().as_secs_f64() * 1e3);
            peak = peak.max(occupied(folder));
        }
    }
    let events = (blocks * SMALL as u64) as f64;
    merging.sort_by(f64::total_cmp);
    println!("seconds={}", start.elapsed().as_secs_f64());
    println!("cpu={}", (cpu() - used).saturating_sub(compressing).as_secs_f64() * 1e6 / events);
    println!("zstd_cpu={}", compressing.as_secs_f64() * 1e6 / events);
    println!("stored={}", stored as f64 / events);
    println!("merge={}", merging[merging.len() / 2]);
    println!("peak={}", peak as f64 / 1e6);
    println!("end={}", occupied(folder) as f64 / 1e6);
    let from = Instant::now();
    store.close()?;
    println!("closing={}", from.elapsed().as_secs_f64() * 1e3);
    println!("closed={}", occupied(folder) as f64 / 1e6);
    let from = Instant::now();
    let mut store = open(engine, folder)?;
    let (mut found, mut bytes) = (0, 0);
    for table in [Table::Merged, Table::Small] {
        store.scan(table, 0, usize::MAX, &mut |_, block| {
            found += if table == Table::Merged { each } else { 1 };
            bytes += block.len();
        })?;
    }
    println!("reading={}", from.elapsed().as_secs_f64() * 1e3);
    println!(
        "blocks={found}
bytes={}",
        bytes as f64 / 1e6
    );
    store.close()
}

/// Opens and closes, to let the engine tidy up.
pub fn reopen(engine: &str, folder: &Path) -> Result<()> {
    open(engine, folder)?.close()
}

/// Has the engine compact its files.
pub fn compact(engine: &str, folder: &Path) -> Result<()> {
    let (start, used) = (Instant::now(), cpu());
    let mut store = open(engine, folder)?;
    store.compact()?;
    store.close()?;
    println!("seconds={}", start.elapsed().as_secs_f64());
    println!("cpu={}", (cpu() - used).as_secs_f64());
    Ok(())
}

/// Fills a small file system, frees some of it, and tries again with the same handle.
pub fn full(engine: &str, folder: &Path) -> Result<()> {
    let data = Events::new();
    let place = folder.join("log");
    fs::create_dir_all(&place)?;
    let ballast = folder.join("ballast");
    let mut acknowledged = Vec::new();
    let mut key = 0;
    let say = |name: &str, what: &str| println!("{name}={what}");
    let shown = |result: &Result<()>| match result {
        Ok(()) => "succeeds".to_owned(),
        Err(error) => format!("fails: {error}").replace('\n', " "),
    };
    let mut store = open(engine, &place)?;
    store.append(key, data.block(key, SMALL))?;
    acknowledged.push(key);
    key += 1;
    // Leave about four megabytes beyond the ballast, whatever the engine takes for itself to begin with.
    let free = room(folder);
    File::create(&ballast)?.write_all(&vec![1; free.saturating_sub(4 << 20) as usize])?;
    let fill =
        |store: &mut Box<dyn crate::engine::Engine>, key: &mut u64, kept: &mut Vec<u64>| -> Result<()> {
            for _ in 0..20_000 {
                store.append(*key, data.block(*key, SMALL))?;
                kept.push(*key);
                *key += 1;
            }
            Ok(())
        };
    let result = fill(&mut store, &mut key, &mut acknowledged);
    say("filling", &format!("{} after {} blocks", shown(&result), acknowledged.len()));
    let result = store.append(key, data.block(key, SMALL));
    if result.is_ok() {
        acknowledged.push(key);
        key += 1;
    }
    say("again while full", &shown(&result));
    let result = store.get(Table::Small, 0, &mut |_| ()).map(|_| ());
    say("reading while full", &shown(&result));
    let result = store.merge(0..=9, None);
    if result.is_ok() {
        acknowledged.retain(|key| *key > 9);
    }
    say("deleting ten blocks while full", &shown(&result));
    File::options().write(true).open(&ballast)?.set_len(free / 3)?;
    for attempt in 1..=3 {
        let result = store.append(key, data.block(key, SMALL));
        say(&format!("same handle after room is made, attempt {attempt}"), &shown(&result));
        if result.is_ok() {
            acknowledged.push(key);
            key += 1;
            let more = acknowledged.len();
            let mut some = |n: usize| -> Result<()> {
                for _ in 0..n {
                    store.append(key, data.block(key, SMALL))?;
                    acknowledged.push(key);
                    key += 1;
                }
                Ok(())
            };
            let result = some(100);
            say("a hundred more", &format!("{} ({} written)", shown(&result), acknowledged.len() - more));
            break;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    let mut present = Vec::new();
    let result = store.scan(Table::Small, 0, usize::MAX, &mut |key, _| present.push(key));
    say(
        "same handle, acknowledged blocks missing",
        &format!(
            "{} ({})",
            acknowledged.iter().filter(|key| present.binary_search(key).is_err()).count(),
            shown(&result),
        ),
    );
    let result = store.close();
    say("closing", &shown(&result));
    let start = Instant::now();
    let mut store = match open(engine, &place) {
        Ok(store) => store,
        Err(error) => {
            say("reopening", &format!("fails: {error}"));
            return Ok(());
        }
    };
    let (mut present, mut wrong) = (Vec::new(), 0);
    let result = store.scan(Table::Small, 0, usize::MAX, &mut |key, block| {
        wrong += u64::from(block != data.block(key, SMALL));
        present.push(key);
    });
    let missing = acknowledged.iter().filter(|key| present.binary_search(key).is_err()).count();
    let unasked = present.iter().filter(|key| acknowledged.binary_search(key).is_err()).count();
    say(
        "after reopening",
        &format!(
            "{} in {:.0} ms; {missing} of {} acknowledged blocks missing, {wrong} wrong, {unasked} present though refused",
            shown(&result),
            start.elapsed().as_secs_f64() * 1e3,
            acknowledged.len(),
        ),
    );
    let result = store.append(key + 1, data.block(key + 1, SMALL));
    say("append after reopening", &shown(&result));
    store.close()
}

/// Bytes free on the file system of a folder.
fn room(folder: &Path) -> u64 {
    let path = std::ffi::CString::new(folder.as_os_str().as_encoded_bytes()).expect("a path without zeros");
    // SAFETY: `statvfs` fills in the plain structure it is given.
    unsafe {
        let mut system = std::mem::zeroed::<libc::statvfs>();
        libc::statvfs(path.as_ptr(), &raw mut system);
        system.f_bavail as u64 * system.f_bsize as u64
    }
}

/// What is damaged: the journal's files where an engine has them, or the others.
fn chosen(folder: &Path, journal: bool) -> Vec<PathBuf> {
    let found = files(folder);
    let of_journal = |path: &PathBuf| {
        ["jnl", "log", "sqlite-wal"].iter().any(|end| path.extension().is_some_and(|e| e == *end))
    };
    let (with, without): (Vec<_>, Vec<_>) = found.into_iter().partition(of_journal);
    if journal && !with.is_empty() { with } else { without }
}

/// Where the first record of a block is: the file, its bytes and the place.
fn place(folder: &Path, journal: bool, block: &[u8]) -> Option<(PathBuf, Vec<u8>, usize)> {
    chosen(folder, journal).into_iter().find_map(|path| {
        let bytes = fs::read(&path).ok()?;
        let at = position(&bytes, &block[4..20])?;
        Some((path, bytes, at))
    })
}

/// Damages files: `journal` and `data` change one bit `offset` bytes from the first record of block
/// `key`; `tear` cuts the journal off in the middle of that block.
pub fn damage(folder: &Path, how: &str, key: u64, offset: i64) -> Result<()> {
    let data = Events::new();
    let Some((path, bytes, at)) = place(folder, how != "data", data.block(key, SMALL)) else {
        return Ok(());
    };
    let mut file = File::options().write(true).open(&path)?;
    if how == "tear" {
        file.set_len(at as u64 + 40)?;
    } else {
        let at = at.saturating_add_signed(offset as isize);
        file.seek(SeekFrom::Start(at as u64))?;
        file.write_all(&[bytes[at] ^ 4])?;
    }
    println!("damaged={} of {} bytes at {at}", name(&path), bytes.len());
    Ok(())
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// Opens a damaged folder and tells what is there.
pub fn inspect(engine: &str, folder: &Path, expected: u64) -> Result<()> {
    let data = Events::new();
    let mut store = match open(engine, folder) {
        Ok(store) => store,
        Err(error) => {
            println!("found=opening is refused: {}", error.to_string().replace('\n', " "));
            return Ok(());
        }
    };
    let (mut seen, mut wrong) = (vec![false; expected as usize], 0);
    let result =
        store.scan(Table::Small, 0, usize::MAX, &mut |key, block| match seen.get_mut(key as usize) {
            Some(seen) => {
                *seen = true;
                wrong += u64::from(block != data.block(key, SMALL));
            }
            None => wrong += 1,
        });
    let missing = seen.iter().filter(|seen| !**seen).count();
    let error =
        result.err().map_or("reads without an error".to_owned(), |error| format!("reading fails: {error}"));
    let error = error.replace('\n', " ");
    match (missing, wrong) {
        (0, 0) => println!("found=opens, all there, {error}"),
        (0, _) => println!("found=opens, WRONG CONTENT in {wrong}, {error}"),
        (_, 0) => println!("found=opens, {missing} of {expected} MISSING, {error}"),
        _ => println!("found=opens, {missing} of {expected} MISSING, WRONG CONTENT in {wrong}, {error}"),
    }
    Ok(())
}

/// Opens a folder that another process has open, and writes to it.
pub fn second(engine: &str, folder: &Path) -> Result<()> {
    let data = Events::new();
    match open(engine, folder) {
        Err(error) => println!("second=opening is refused: {error}"),
        Ok(mut store) => match store.append(1 << 40, data.block(0, SMALL)) {
            Err(error) => println!("second=opening succeeds, writing is refused: {error}"),
            Ok(()) => println!("second=opening and writing succeed"),
        },
    }
    Ok(())
}
