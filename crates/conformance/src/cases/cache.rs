//! The cache. It may forget anything at any time; these ask it for little, which it has no reason to forget.

use std::sync::Arc;
use std::time::Duration;

use footfall_ports::{CACHED_BYTES_MAX, Cache};
use tokio::task::JoinSet;

use crate::CacheTrial;

const LONG: Duration = Duration::from_hours(1);
const SHORT: Duration = Duration::from_millis(50);

async fn put(cache: &dyn Cache, key: &str, value: &[u8], keep: Duration) {
    cache.put(key, value.into(), keep).await.expect("it takes it");
}

async fn get(cache: &dyn Cache, key: &str) -> Option<Arc<[u8]>> {
    cache.get(key).await.expect("an answer")
}

async fn assert_has(cache: &dyn Cache, key: &str, value: &[u8]) {
    let found = get(cache, key).await;
    assert!(found.as_deref() == Some(value), "{key:?}: {:?} bytes", found.map(|value| value.len()));
}

/// Whatever the key.
pub async fn what_was_never_put_is_absent(trial: CacheTrial) {
    assert_eq!(get(&*trial.cache, "never").await, None);
}

/// As often as it is asked for.
pub async fn what_was_put_is_remembered(trial: CacheTrial) {
    put(&*trial.cache, "key", b"value", LONG).await;
    for _ in 0..3 {
        assert_has(&*trial.cache, "key", b"value").await;
    }
}

/// Whether larger or smaller.
pub async fn a_value_is_replaced_whole(trial: CacheTrial) {
    for value in [&b"a longer value"[..], b"short", b"", b"another"] {
        put(&*trial.cache, "key", value, LONG).await;
        assert_has(&*trial.cache, "key", value).await;
    }
}

/// And no other with it.
pub async fn a_value_expires(trial: CacheTrial) {
    put(&*trial.cache, "stays", b"value", LONG).await;
    put(&*trial.cache, "goes", b"value", SHORT).await;
    trial.pass(SHORT * 2).await;
    assert_eq!(get(&*trial.cache, "goes").await, None);
    assert_has(&*trial.cache, "stays", b"value").await;
    put(&*trial.cache, "goes", b"comes again", LONG).await;
    assert_has(&*trial.cache, "goes", b"comes again").await;
}

/// Not that of the one before.
pub async fn a_new_value_has_its_own_time(trial: CacheTrial) {
    put(&*trial.cache, "longer", b"1", SHORT).await;
    put(&*trial.cache, "longer", b"2", LONG).await;
    put(&*trial.cache, "shorter", b"1", LONG).await;
    put(&*trial.cache, "shorter", b"2", SHORT).await;
    trial.pass(SHORT * 2).await;
    assert_has(&*trial.cache, "longer", b"2").await;
    assert_eq!(get(&*trial.cache, "shorter").await, None);
}

/// One to be kept for no time, which also takes the place of another.
pub async fn a_value_that_is_not_to_be_kept_is_not(trial: CacheTrial) {
    put(&*trial.cache, "new", b"value", Duration::ZERO).await;
    assert_eq!(get(&*trial.cache, "new").await, None);
    put(&*trial.cache, "old", b"value", LONG).await;
    put(&*trial.cache, "old", b"other", Duration::ZERO).await;
    assert_eq!(get(&*trial.cache, "old").await, None);
}

/// Longer than any clock goes.
pub async fn a_value_may_be_kept_very_long(trial: CacheTrial) {
    put(&*trial.cache, "key", b"value", Duration::MAX).await;
    trial.pass(SHORT).await;
    assert_has(&*trial.cache, "key", b"value").await;
}

/// Many of them.
pub async fn keys_are_apart(trial: CacheTrial) {
    for number in 0..200_u32 {
        put(&*trial.cache, &format!("key-{number}"), &number.to_be_bytes(), LONG).await;
    }
    for number in 0..200_u32 {
        assert_has(&*trial.cache, &format!("key-{number}"), &number.to_be_bytes()).await;
    }
    assert_eq!(get(&*trial.cache, "key-200").await, None);
}

/// Empty, with spaces, line ends, zeros, of any script, and as long as they may be.
pub async fn keys_may_be_odd(trial: CacheTrial) {
    let longest = "k".repeat(512);
    let keys = [
        "",
        " ",
        "two words",
        "a\nb",
        "a\r\nb",
        "\0",
        "\t",
        "日本語",
        "ключ",
        "🙂",
        "{tag}",
        "a:b:c",
        "*",
        "%s",
        "\"'\\",
        "e\u{301}",
        "é",
        &longest,
    ];
    for key in keys {
        assert_eq!(get(&*trial.cache, key).await, None, "{key:?}");
        put(&*trial.cache, key, format!("of {key}").as_bytes(), LONG).await;
    }
    for key in keys {
        assert_has(&*trial.cache, key, format!("of {key}").as_bytes()).await;
    }
}

/// Zeros, line ends and what is no text.
pub async fn any_bytes_are_remembered(trial: CacheTrial) {
    let all: Vec<u8> = (0..=255).rev().collect();
    for value in [&all[..], b"\r\n$-1\r\n", b"\0", b"\xff\xfe", b""] {
        put(&*trial.cache, "key", value, LONG).await;
        assert_has(&*trial.cache, "key", value).await;
    }
}

/// To the byte.
pub async fn the_largest_value_is_remembered(trial: CacheTrial) {
    let largest = vec![7; CACHED_BYTES_MAX];
    put(&*trial.cache, "large", &largest, LONG).await;
    assert_has(&*trial.cache, "large", &largest).await;
}

/// It would be taken for the new one.
pub async fn a_larger_value_is_not_kept_nor_the_one_before(trial: CacheTrial) {
    let larger = vec![7; CACHED_BYTES_MAX + 1];
    put(&*trial.cache, "new", &larger, LONG).await;
    assert_eq!(get(&*trial.cache, "new").await, None);
    put(&*trial.cache, "old", b"small", LONG).await;
    put(&*trial.cache, "old", &larger, LONG).await;
    assert_eq!(get(&*trial.cache, "old").await, None);
}

/// One that somebody has put, for the key that was asked for.
pub async fn of_many_at_once_each_finds_a_whole_value(trial: CacheTrial) {
    let mut tasks = JoinSet::new();
    for task in 0..16_u8 {
        let cache = Arc::clone(&trial.cache);
        tasks.spawn(async move {
            for step in 0..100_u8 {
                let key = step % 8;
                let mut value = vec![task; 1 + usize::from(step) * 20];
                value[0] = key;
                put(&*cache, &format!("key-{key}"), &value, LONG).await;
                let found = get(&*cache, &format!("key-{key}")).await.expect("it was put");
                assert_eq!(found[0], key);
                assert!(found[1..].windows(2).all(|pair| pair[0] == pair[1]), "of one task");
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("the task did not panic");
    }
}
