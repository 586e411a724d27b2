//! What the fuzzers found worth keeping, on every run of the tests: whatever was mended stays mended.

use std::fs;
use std::path::Path;

#[test]
fn the_corpora_hold() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    for (target, property) in footfall_fuzzing::TARGETS {
        let inputs: Vec<_> = fs::read_dir(corpora.join(target))
            .unwrap_or_else(|error| panic!("the corpus of {target}: {error}"))
            .map(|entry| entry.unwrap().path())
            .collect();
        assert!(!inputs.is_empty(), "the corpus of {target} is empty");
        for input in inputs {
            let data = fs::read(&input).unwrap();
            // The name of the input would be lost with a panic.
            let outcome = std::panic::catch_unwind(|| property(&data));
            assert!(outcome.is_ok(), "{target} does not hold for {}", input.display());
        }
    }
}
