//! Nothing of an erased person is left in any byte of any file, though the database moves its rows about.

use std::collections::HashSet;
use std::path::Path;

use footfall_conformance::Draft;
use footfall_domain::membership::Membership;
use footfall_ports::{EventLog, Segments};

use super::{calculate, counts, in_window, membership, rows};
use crate::support::random::Random;
use crate::support::{append, open_for_ever};

/// Characters of the mark in the name of each person who is erased, which stands nowhere else.
const MARK: usize = 12;
const PERSONS: u64 = 240;

/// Where marks are found in the folder.
fn traces(folder: &Path, marks: &HashSet<Vec<u8>>) -> Vec<String> {
    let mut traces = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let found = bytes.windows(MARK).enumerate().filter(|(_, place)| marks.contains(*place));
        traces.extend(found.map(|(at, _)| format!("in {} at {at}", path.display())));
    }
    traces
}

/// People's marks and their names, short and long, with the mark at either end.
fn persons(random: &mut Random) -> Vec<(String, String)> {
    let person = |person: usize| {
        let mark = random.text(MARK);
        let name = match person % 4 {
            0 => mark.clone(),
            1 => format!("{}{mark}", "long".repeat(person % 50)),
            2 => format!("user-{mark}"),
            _ => format!("{mark}{}", "é".repeat(person % 100)),
        };
        (mark, name)
    };
    (0..PERSONS as usize).map(person).collect()
}

fn other(random: &mut Random) -> String {
    let length = 4 + random.below(30) as usize;
    random.text(length)
}

#[tokio::test(flavor = "multi_thread")]
async fn after_much_moving_about() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open_for_ever(folder.path()).unwrap();
    let mut random = Random(3);
    let persons = persons(&mut random);
    let mut number = 0;
    for step in 0..60 {
        let (mut batch, mut events): (Vec<Membership>, Vec<Draft>) = Default::default();
        for _ in 0..100 {
            for name in [other(&mut random), persons[random.below(PERSONS) as usize].1.clone()] {
                let (segment, lasts_s) = (format!("s{}", random.below(40)), random.below(1_000) as i64);
                batch.push(membership(&name, &segment, lasts_s));
                events.push(in_window(number, &name, random.below(6) as i64));
                number += 1;
            }
        }
        store.join(batch).await.unwrap();
        append(&store, &events).await;
        calculate(&store, 6).await;
        if step % 20 == 19 {
            drop(store);
            store = open_for_ever(folder.path()).unwrap();
        }
    }
    let marks = |some: &[(String, String)]| some.iter().map(|(mark, _)| mark.clone().into_bytes()).collect();
    assert!(traces(folder.path(), &marks(&persons)).len() > 500, "the search finds nothing before either");
    for (erased, (_, name)) in (1..).zip(&persons) {
        store.erase_user(name.clone()).await.unwrap();
        // What is written afterwards brings nothing back.
        store.join(vec![membership(&other(&mut random), "s1", 5)]).await.unwrap();
        if erased % 60 == 0 {
            let traces = traces(folder.path(), &marks(&persons[..erased]));
            assert_eq!(traces, Vec::<String>::new(), "of the first {erased}");
        }
    }
    let (users, members) = (rows(&store).await.len(), counts(&store).await);
    drop(store);
    assert_eq!(traces(folder.path(), &marks(&persons)), Vec::<String>::new(), "after the end");
    let store = open_for_ever(folder.path()).unwrap();
    assert_eq!((rows(&store).await.len(), counts(&store).await), (users, members));
    assert_eq!(calculate(&store, 6).await, 1, "nobody comes back");
    assert_eq!(traces(folder.path(), &marks(&persons)), Vec::<String>::new(), "after a start");
}

/// Who was erased while windows are computed, again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_calculation_brings_anyone_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_for_ever(folder.path()).unwrap();
    let persons = persons(&mut Random(4));
    for (round, (_, name)) in (0..).zip(&persons[..20]) {
        let events: Vec<_> = (0..300)
            .map(|place| {
                let user = if place % 3 == 0 { name.clone() } else { format!("user-{}", place % 50) };
                in_window(round * 1_000 + place, &user, place as i64 % 6)
            })
            .collect();
        append(&store, &events).await;
        let computing = {
            let store = store.clone();
            tokio::spawn(async move { calculate(&store, 6).await })
        };
        store.erase_user(name.clone()).await.unwrap();
        computing.await.unwrap();
        assert!(rows(&store).await.iter().all(|row| row.user != *name), "round {round}");
    }
}
