//! Nothing of an erased person is left in any byte of any file, though the database moves its rows about.

use std::path::Path;

use footfall_domain::membership::Membership;
use footfall_ports::{EventLog, Segments};

use super::{calculate, counts, in_window, membership, rows};
use crate::support::random::Random;
use crate::support::{append, open_for_ever};

const MARK: &str = "Quackenbush";

/// Where the mark is found in the folder.
fn traces(folder: &Path, mark: &str) -> Vec<String> {
    let mut traces = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let found = bytes.windows(mark.len()).enumerate().filter(|(_, window)| *window == mark.as_bytes());
        traces.extend(found.map(|(at, _)| format!("in {} at {at}", path.display())));
    }
    traces
}

/// Names short and long, with the mark at either end of some.
fn marked(person: u64) -> String {
    match person % 4 {
        0 => format!("{MARK}-{person}-end"),
        1 => format!("{}{MARK}-{person}-end", "long".repeat(person as usize % 50)),
        2 => format!("user-{MARK}-{person}-end"),
        _ => format!("{MARK}-{person}-end{}", "é".repeat(person as usize % 100)),
    }
}

fn other(random: &mut Random) -> String {
    let length = 4 + random.below(30) as usize;
    random.text(length)
}

#[tokio::test(flavor = "multi_thread")]
async fn after_much_moving_about() {
    const PERSONS: u64 = 60;
    let folder = tempfile::tempdir().unwrap();
    let mut store = open_for_ever(folder.path()).unwrap();
    let mut random = Random(3);
    let mut number = 0;
    for step in 0..30 {
        let mut batch: Vec<Membership> = Vec::new();
        let mut events = Vec::new();
        for _ in 0..150 {
            let name = other(&mut random);
            batch.push(membership(&name, &format!("s{}", random.below(40)), random.below(1_000) as i64));
            events.push(in_window(number, &name, random.below(6) as i64));
            let person = marked(random.below(PERSONS));
            batch.push(membership(&person, &format!("s{}", random.below(40)), random.below(1_000) as i64));
            number += 1;
            events.push(in_window(number, &person, random.below(6) as i64));
            number += 1;
        }
        store.join(batch).await.unwrap();
        append(&store, &events).await;
        calculate(&store, 6).await;
        if step % 10 == 9 {
            drop(store);
            store = open_for_ever(folder.path()).unwrap();
        }
    }
    assert!(!traces(folder.path(), MARK).is_empty(), "the search finds nothing before either");
    for person in 0..PERSONS {
        let name = marked(person);
        store.erase_user(name.clone()).await.unwrap();
        let mark = format!("{MARK}-{person}-end");
        assert_eq!(traces(folder.path(), &mark), Vec::<String>::new(), "{name}");
        // What is written afterwards brings nothing back.
        store.join(vec![membership(&other(&mut random), "s1", 5)]).await.unwrap();
    }
    assert_eq!(traces(folder.path(), MARK), Vec::<String>::new());
    let (users, members) = (rows(&store).await.len(), counts(&store).await);
    drop(store);
    assert_eq!(traces(folder.path(), MARK), Vec::<String>::new(), "after the end");
    let store = open_for_ever(folder.path()).unwrap();
    assert_eq!((rows(&store).await.len(), counts(&store).await), (users, members));
    assert_eq!(calculate(&store, 6).await, 1, "nobody comes back");
    assert_eq!(traces(folder.path(), MARK), Vec::<String>::new(), "after a start");
}

/// Who was erased while windows are computed, again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_calculation_brings_anyone_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_for_ever(folder.path()).unwrap();
    for round in 0..20_u128 {
        let name = marked(round as u64);
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
        store.erase_user(name).await.unwrap();
        computing.await.unwrap();
        assert!(rows(&store).await.iter().all(|row| !row.user.contains(MARK)), "round {round}");
    }
    assert_eq!(traces(folder.path(), MARK), Vec::<String>::new());
}
