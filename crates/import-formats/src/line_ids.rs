//! Event ids for lines that bring none, so that importing the same input again counts nothing twice.
//!
//! The id is a UUID of version 5 (RFC 9562: SHA-1, 122 bits of it kept) of the line within a *scope*: the format and whatever else
//! decides what the line means, such as `--site`. Equal lines are separate events: the n-th line after the first equal
//! one is named by the first one's id and n. So the ids of an input depend on which lines it holds and how often, and
//! not on their order, the batches or the connections.
//!
//! What follows from that: the same line in two files of *one* run is two events, in two runs it is one.

use std::collections::HashMap;

use uuid::Uuid;

/// Never to be changed: every id of every import ever done follows from it.
const NAMESPACE: Uuid = Uuid::from_u128(0xb0a6_703a_8eb4_4fb9_81f1_75c3_27f5_cc8f);

/// What the ids of a file's lines are relative to.
#[derive(Debug, Clone, Copy)]
pub struct Scope(Uuid);

impl Scope {
    /// The scope of a format, and of a detail of the command line that changes what its lines say (or "").
    pub fn new(format: &str, detail: &str) -> Self {
        Self(Uuid::new_v5(&NAMESPACE, format!("{format}\0{detail}").as_bytes()))
    }
}

/// The ids given in one run. Costs 17 bytes for each slot of a hash table that is a half to seven eighths full: 19 to
/// 39 bytes for each distinct line without an id of its own, nothing for the others; 10 million lines take 285 MB.
///
/// Lines are told apart by 64 bits here, and a collision (one in 370,000 runs of 10 million lines) is harmless: the id is
/// made of the whole line, so the second of the two is merely numbered from 1 instead of 0, the same way in every run over
/// the same input. That also is why the 64 bits come from the id and not from a hasher that a later Rust may change.
#[derive(Debug, Default)]
pub struct LineIds {
    seen: HashMap<u64, u32>,
}

impl LineIds {
    /// The id for the next occurrence of `line`.
    pub fn next(&mut self, scope: Scope, line: &[u8]) -> Uuid {
        let first = Uuid::new_v5(&scope.0, line);
        let (high, low) = first.as_u64_pair();
        // Folded, so that the fixed version and variant bits cost no information.
        let before = self.seen.entry(high ^ low.rotate_left(32)).or_insert(0);
        let occurrence = *before;
        *before += 1;
        if occurrence == 0 { first } else { Uuid::new_v5(&first, &occurrence.to_be_bytes()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_lines_get_ids_of_their_own_and_the_same_ones_in_a_second_run() {
        let scope = Scope::new("access-log", "");
        let run = || {
            let mut ids = LineIds::default();
            ["a", "b", "a", "a"].map(|line| ids.next(scope, line.as_bytes()))
        };
        let first = run();
        assert_eq!(first, run());
        let distinct: std::collections::HashSet<_> = first.iter().collect();
        assert_eq!(distinct.len(), 4);
    }

    #[test]
    fn the_order_of_the_lines_does_not_matter() {
        let scope = Scope::new("ndjson", "");
        let ids_of = |lines: [&str; 4]| {
            let mut ids = LineIds::default();
            let mut given = lines.map(|line| ids.next(scope, line.as_bytes()));
            given.sort();
            given
        };
        assert_eq!(ids_of(["a", "b", "a", "c"]), ids_of(["c", "a", "a", "b"]));
    }

    #[test]
    fn scopes_are_apart() {
        let id = |format, detail| LineIds::default().next(Scope::new(format, detail), b"x");
        assert_ne!(id("csv", ""), id("ndjson", ""));
        assert_ne!(id("access-log", ""), id("access-log", "https://example.com"));
    }

    /// Computed with Python's `uuid.uuid5`. If this fails, every import done before would count again.
    #[test]
    fn the_ids_never_change() {
        let scope = Scope::new("access-log", "https://example.com");
        let mut ids = LineIds::default();
        assert_eq!(ids.next(scope, b"line").to_string(), "fb8272fe-e84b-5d82-8f64-5ca0341eda6a");
        assert_eq!(ids.next(scope, b"line").to_string(), "2938b803-85ff-5e4f-a0c3-05f2681785c0");
    }
}
