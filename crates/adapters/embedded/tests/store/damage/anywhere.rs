//! Bits flipped, sectors zeroed and files cut short at any place of any file.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::fixture::{Found, Start};
use crate::support::image::{DATABASE, Image, LOG, NOTE};
use crate::support::random::Random;

/// What a disk writes or loses at a time.
const SECTOR: usize = 512;
const PAGE: usize = 16 * 1024;
/// So many starts side by side.
const WORKERS: usize = 3;
const PATIENCE: Duration = Duration::from_mins(2);

/// Something that happens to a file.
#[derive(Clone, Copy, Debug)]
enum Harm {
    Flip { file: &'static str, bit: usize },
    Zero { file: &'static str, sector: usize },
    Cut { file: &'static str, bytes: usize },
}

impl Harm {
    fn any(random: &mut Random, file: &'static str, length: usize) -> Self {
        let place = random.below(length as u64) as usize;
        match random.below(3) {
            0 => Self::Zero { file, sector: place / SECTOR },
            // Whole sectors and whole pages too: that is where a file ends when its end is lost.
            1 => Self::Cut { file, bytes: place - place % [1, SECTOR, PAGE][random.below(3) as usize] },
            _ => Self::Flip { file, bit: place * 8 + random.below(8) as usize },
        }
    }

    fn done_to(self, image: &Image) -> Image {
        let mut image = image.clone();
        match self {
            Self::Flip { file, bit } => image.file_mut(file)[bit / 8] ^= 1 << (bit % 8),
            Self::Zero { file, sector } => {
                let bytes = image.file_mut(file);
                let end = bytes.len().min((sector + 1) * SECTOR);
                bytes[sector * SECTOR..end].fill(0);
            }
            Self::Cut { file, bytes } => image.file_mut(file).truncate(bytes),
        }
        image
    }
}

/// Does each harm to a copy of the files, and tells of every one that wasn't told of and did harm.
async fn all_of(found: Found, harms: Vec<Harm>) {
    let (found, count) = (Arc::new(found), harms.len());
    let harms = Arc::new(std::sync::Mutex::new(harms.into_iter()));
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        let (found, harms) = (Arc::clone(&found), Arc::clone(&harms));
        workers.spawn(async move {
            let mut results = Vec::new();
            loop {
                let Some(harm) = harms.lock().unwrap().next() else { return results };
                results.push((harm, outcome(&found, harm).await));
            }
        });
    }
    let results: Vec<_> = workers.join_all().await.into_iter().flatten().collect();
    assert_eq!(results.len(), count);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (_, result) in &results {
        let kind = result.as_ref().map_or("WRONG".to_owned(), |start| format!("{start:?}"));
        *counts.entry(kind).or_default() += 1;
    }
    println!("{counts:?}");
    let wrong: Vec<String> = results
        .into_iter()
        .filter_map(|(harm, result)| Some(format!("{harm:?}: {}", result.err()?)))
        .collect();
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}

async fn outcome(found: &Arc<Found>, harm: Harm) -> Result<Start, String> {
    let found = Arc::clone(found);
    // In a task of its own, so that a panic is seen here.
    let start = tokio::spawn(async move { found.start_on(&harm.done_to(&found.image)).await });
    match tokio::time::timeout(PATIENCE, start).await {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => Err(panic.to_string()),
        Err(_) => Err("it never came back".into()),
    }
}

/// How many times as many harms as usual there are to be, and others each time: `FOOTFALL_DAMAGE_ROUNDS`.
fn rounds() -> u64 {
    std::env::var("FOOTFALL_DAMAGE_ROUNDS").map_or(1, |rounds| rounds.parse().expect("a number of rounds"))
}

/// So many harms, spread over all files.
fn spread_over(image: &Image, seed: u64, count: usize) -> Vec<Harm> {
    let (mut random, count) = (Random(seed), count * rounds() as usize);
    let files: Vec<(&'static str, usize)> = [DATABASE, DATABASE, DATABASE, LOG, LOG, LOG, NOTE]
        .into_iter()
        .map(|file| (file, image.file(file).len()))
        .filter(|(_, length)| *length > 0)
        .collect();
    (0..count)
        .map(|number| {
            let (file, length) = files[number % files.len()];
            Harm::any(&mut random, file, length)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash() {
    let found = Found::after_a_crash().await;
    let harms = spread_over(&found.image, 1, 140);
    all_of(found, harms).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_beside_moving() {
    let found = Found::after_a_crash_beside_moving().await;
    let harms = spread_over(&found.image, 2, 70);
    all_of(found, harms).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_end() {
    let found = Found::after_an_end().await;
    let harms = spread_over(&found.image, 3, 70);
    all_of(found, harms).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_early_crash() {
    let found = Found::after_an_early_crash().await;
    let harms = spread_over(&found.image, 4, 70);
    all_of(found, harms).await;
}

/// Where the database keeps its own affairs, on few bytes that chance rarely meets: the file's head, the schema, the
/// roots and inner pages of its trees, and the heads of all others.
#[tokio::test(flavor = "multi_thread")]
async fn in_what_holds_the_database_together() {
    const INNER: u8 = 5;
    const HEAD_BYTES: usize = 24;
    let found = Found::after_an_end().await;
    let mut random = Random(5);
    let mut bits: Vec<usize> = (0..100 * 8).step_by(5).collect();
    let rounds = rounds() as usize;
    let database = found.image.file(DATABASE);
    for (page, bytes) in database.chunks(PAGE).enumerate() {
        let start = page * PAGE * 8;
        // The schema and the inner pages are full of what matters, at both ends.
        let dense = if page == 0 {
            1_600
        } else if bytes[0] == INNER {
            200
        } else {
            0
        };
        for _ in 0..dense as usize / 20 * rounds {
            bits.push(start + random.below(dense * 8 / 10) as usize);
            bits.push(start + PAGE * 8 - 1 - random.below(dense * 8) as usize);
        }
        bits.extend((0..rounds).map(|_| start + random.below(HEAD_BYTES as u64 * 8) as usize));
    }
    let harms = bits.into_iter().map(|bit| Harm::Flip { file: DATABASE, bit }).collect();
    all_of(found, harms).await;
}
